#!/usr/bin/env python3
"""Images signed with a key: scripts/images.sh --sign, to a registry of this machine's; what the key vouches for, and what it does not.

    signing.py [IMAGE]       gatehouse-session unless given; built of PROGRAMS and BASE_IMAGE as scripts/images.sh says

Needs Docker, cosign and docker-registry (Debian's; unpacked is enough: its program on the PATH). With syft the list of what is in the image is signed too. Nothing is written to a public log. Leaves nothing
behind. Exits with 77 where something is missing.
"""
import json
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import containers
from containers import docker, run, wait_until

REGISTRY = """
version: 0.1
storage: {filesystem: {rootdirectory: %s}}
http: {addr: "127.0.0.1:%d"}
"""
# No Rekor, which is public.
OFFLINE = {"COSIGN_OPTIONS": "--tlog-upload=false", "COSIGN_PASSWORD": "a password of the test's"}


class Signing:
    def __init__(self, work, image):
        self.work, self.image = Path(work), image
        self.report = containers.Report()
        self.env = {**os.environ, **OFFLINE}
        self.port = containers.free_port()
        self.name = "127.0.0.1:%d/%s" % (self.port, image)

    def key(self, name):
        run("cosign", "generate-key-pair", "--output-key-prefix", self.work / name, env=self.env)
        return self.work / (name + ".key")

    def verify(self, reference, name="mine", command="verify", *options):
        return run("cosign", command, "--key", self.work / (name + ".pub"), "--insecure-ignore-tlog=true", *options, reference, check=False, env=self.env)

    def refused(self, name, done, why):
        self.report.check(name, done.returncode != 0 and why in done.stderr, "" if why in done.stderr else (done.returncode, done.stderr[-500:]))

    def run(self):
        key, sbom = self.key("mine"), self.work / "sbom"
        self.key("another")
        lists = ["--sbom", sbom] if shutil.which("syft") else []
        run("scripts/images.sh", "--with", "docker", *lists, "--sign", key, self.image, env={**self.env, "REGISTRY": "127.0.0.1:%d" % self.port, "TAG": "signed"})
        good = self.verify(self.name + ":signed")
        digest = json.loads(good.stdout)[0]["critical"]["image"]["docker-manifest-digest"] if good.returncode == 0 else ""
        self.report.check("the image is its key's", digest.startswith("sha256:"), digest or good.stderr[-500:])
        self.refused("another key does not vouch for it", self.verify(self.name + ":signed", "another"), "no matching signatures")
        # What somebody else puts under the same tag: another image, without a signature.
        (self.work / "other").mkdir()
        (self.work / "other/Dockerfile").write_text("FROM %s:signed\nLABEL who=somebody\n" % self.image)
        docker("build", "-q", "-t", self.name + ":signed", self.work / "other")
        docker("push", "-q", self.name + ":signed")
        self.refused("what is pushed over it is not", self.verify(self.name + ":signed"), "no signatures found")
        self.report.check("and by its digest it still is", self.verify(self.name + "@" + digest).returncode == 0)
        if lists:
            told = self.verify(self.name + "@" + digest, "mine", "verify-attestation", "--type", "spdxjson")
            self.report.check("the list of what is in it is signed", told.returncode == 0, told.stderr[-500:] if told.returncode else "")
            self.refused("another key does not vouch for the list", self.verify(self.name + "@" + digest, "another", "verify-attestation", "--type", "spdxjson"), "no matching attestations")
        else:
            print("*** NOT CHECKED: the list of what is in the image; there is no syft ***")


def main():
    image = sys.argv[1] if len(sys.argv) > 1 else "gatehouse-session"
    missing = [program for program in ("cosign", "docker-registry") if not shutil.which(program)]
    if missing:
        print("*** NOT CHECKED: signatures; there is no %s ***" % ", ".join(missing))
        sys.exit(containers.SKIPPED)
    containers.skip_without()
    with tempfile.TemporaryDirectory() as work:
        signing = Signing(work, image)
        (Path(work) / "registry.yml").write_text(REGISTRY % (work + "/registry", signing.port))
        with open(work + "/registry.log", "w") as log, subprocess.Popen(["docker-registry", "serve", work + "/registry.yml"], stdout=log, stderr=log) as registry:
            try:
                wait_until(lambda: containers.request("GET", "http://127.0.0.1:%d/v2/" % signing.port)[0] == 200, "the registry answers", 30)
                signing.run()
            finally:
                registry.terminate()
                docker("image", "rm", "-f", image + ":signed", signing.name + ":signed", check=False)
    signing.report.exit()


if __name__ == "__main__":
    main()
