"""The split suite over TCP: with certificates, whose names are the callers', and with a shared secret."""
import os
import shutil
import subprocess
import tempfile
import unittest

from integration import harness, walk_test


def tcp_addresses():
    return {"GATEHOUSE_%s_ADDRESS" % service.upper(): "localhost:%d" % harness.free_port() for service in harness.SERVICES}


class SharedSecret(walk_test.Walk):
    @classmethod
    def setUpClass(cls):
        cls.gatehouse = harness.Gatehouse(mode="split", environment={**tcp_addresses(), "GATEHOUSE_INTERNAL_SECRET": "a secret between processes 0123456789"}).start()
        cls.addClassCleanup(cls.gatehouse.kill)


class Certificates(walk_test.Walk):
    @classmethod
    def setUpClass(cls):
        cls.dir = tempfile.mkdtemp(prefix="gatehouse-certificates-")
        cls.addClassCleanup(shutil.rmtree, cls.dir, True)
        cls.openssl("req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", "ca.key", "-out", "ca.pem", "-days", "2", "-subj", "/CN=test authority")
        own = {}
        for name in [*harness.SERVICES, "gateway"]:
            cls.openssl("req", "-newkey", "rsa:2048", "-nodes", "-keyout", name + ".key", "-out", name + ".csr", "-subj", "/CN=" + name)
            with open(os.path.join(cls.dir, "names"), "w") as f:
                f.write("subjectAltName=DNS:localhost")
            cls.openssl("x509", "-req", "-in", name + ".csr", "-CA", "ca.pem", "-CAkey", "ca.key", "-CAcreateserial", "-days", "2", "-extfile", "names", "-out", name + ".pem")
            own[name] = {"GATEHOUSE_TLS_CERT_FILE": cls.path(name + ".pem"), "GATEHOUSE_TLS_KEY_FILE": cls.path(name + ".key"), "GATEHOUSE_TLS_CA_FILE": cls.path("ca.pem")}
        cls.gatehouse = harness.Gatehouse(mode="split", environment={**tcp_addresses(), **own["gateway"]}, service_environment=own).start()
        cls.addClassCleanup(cls.gatehouse.kill)

    @classmethod
    def path(cls, name):
        return os.path.join(cls.dir, name)

    @classmethod
    def openssl(cls, *arguments):
        subprocess.run(["openssl", *arguments], cwd=cls.dir, check=True, capture_output=True)


if __name__ == "__main__":
    unittest.main()
