"""Commands of README and docs, run as they stand: blocks of ```console, whose lines that begin with `$` are commands, and whose other lines are the output that is expected, `…` being anything."""
import os
import re
import shutil
import subprocess
import tempfile
import unittest

from integration import harness

PORTS = (3567, 3568, 3569, 3570)


def blocks(page):
    with open(os.path.join(harness.ROOT, page), encoding="utf-8") as f:
        return re.findall(r"^```console\n(.*?)^```", f.read(), re.M | re.S)


def commands(block):
    """(command, expected output) of each; a line that begins with four blanks continues the command."""
    found = []
    for line in block.splitlines():
        if line.startswith("$ "):
            found.append([line[2:], ""])
        elif line.startswith("    ") and found and not found[-1][1]:
            found[-1][0] += "\n" + line
        else:
            found[-1][1] += line + "\n"
    return found


class Docs(unittest.TestCase):
    def setUp(self):
        self.directory = tempfile.mkdtemp(prefix="gatehouse-docs-")
        self.addCleanup(shutil.rmtree, self.directory, True)
        self.gatehouse = harness.Gatehouse(mode="all-in-one", test_mode=False).start()
        self.addCleanup(self.gatehouse.kill)
        self.ports = dict(zip(PORTS, (self.gatehouse.port, self.gatehouse.admin_port, harness.free_port(), harness.free_port())))
        postgres = self.gatehouse.postgres
        self.environment = {name: value for name, value in os.environ.items() if not name.startswith(("POSTGRESQL_", "SUPERTOKENS_", "GATEHOUSE_"))}
        self.environment.update(PATH=":".join((harness.BIN, postgres.bin, os.environ["PATH"])), GATEHOUSE_SHUTDOWN_DELAY_MS="0",
                                DATABASE=postgres.uri(self.gatehouse.database), RESTORED=postgres.uri("restored"))

    def run_page(self, page):
        known = {}  # what stands for the beginning of an id, such as 4f1c…
        count = 0
        for block in blocks(page):
            for command, expected in commands(block):
                for beginning, whole in known.items():
                    command = command.replace(beginning, whole)
                command = re.sub("|".join(map(str, PORTS)), lambda m: str(self.ports[int(m.group())]), command)
                done = subprocess.run(["bash", "-euc", command], cwd=self.directory, env=self.environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, timeout=120)
                self.assertEqual(done.returncode, 0, "%s: %s\n%s%s" % (page, command, done.stdout, done.stderr))
                if expected:
                    names = list(dict.fromkeys(re.findall(r"\b[0-9a-f]{4}…", expected)))
                    pattern = re.escape(expected.strip())
                    for number, name in enumerate(names):
                        pattern = pattern.replace(name, "(?P<id%d>[0-9a-f-]{36})" % number, 1).replace(name, "(?P=id%d)" % number)
                    found = re.fullmatch(pattern.replace("…", ".*"), done.stdout.strip(), re.S)
                    self.assertTrue(found, "%s: %s\n%s\nis not\n%s" % (page, command, done.stdout, expected))
                    known.update({name: found["id%d" % number] for number, name in enumerate(names)})
                count += 1
        return count

    def test_the_tour_in_the_readme(self):
        self.assertEqual(self.run_page("README.md"), 5)

    def test_the_drill_of_a_restore(self):
        user = {"email": "ada@example.com", "password": "analytical engine 1"}
        signed_up = self.gatehouse.once("POST", "/recipe/signup", body=user).json
        session = self.gatehouse.once("POST", "/recipe/session", body={"userId": signed_up["user"]["id"], "userDataInJWT": {}, "userDataInDatabase": {}, "enableAntiCsrf": False}).json
        self.addCleanup(subprocess.run, ["bash", "-c", "kill $(cat drill.pid)"], cwd=self.directory, stderr=subprocess.DEVNULL)
        self.addCleanup(self.gatehouse.postgres.sql, "DROP DATABASE restored WITH (FORCE)", "postgres")
        self.assertEqual(self.run_page("docs/recipes/backup-and-restore.md"), 10)
        # What the page says of sessions.
        copy = harness.Gatehouse(mode="all-in-one", database="restored", test_mode=False).start()
        self.addCleanup(copy.kill)
        refreshed = copy.once("POST", "/recipe/session/refresh", body={"refreshToken": session["refreshToken"]["token"], "enableAntiCsrf": False, "useDynamicSigningKey": True}).json
        self.assertEqual(refreshed["status"], "OK", refreshed)
        copy.stop()


if __name__ == "__main__":
    unittest.main()
