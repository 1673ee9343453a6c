"""The split suite over TCP: with certificates, whose names are the callers', and with a shared secret."""
import os
import shutil
import subprocess
import tempfile
import unittest

from integration import harness, walk_test


def tcp_addresses():
    return {"GATEHOUSE_%s_ADDRESS" % service.upper(): "localhost:%d" % harness.free_port() for service in harness.SERVICES}


SECRET = "a secret between processes 0123456789"


class SharedSecret(walk_test.Walk):
    @classmethod
    def setUpClass(cls):
        cls.addresses = tcp_addresses()
        cls.gatehouse = harness.Gatehouse(mode="split", environment={**cls.addresses, "GATEHOUSE_INTERNAL_SECRET": SECRET}).start()
        cls.addClassCleanup(cls.gatehouse.kill)

    def openssl(self, *arguments):
        """A TLS client at the session service's address: whether it is accepted, and what it sees."""
        done = subprocess.run(["openssl", "s_client", "-connect", self.addresses["GATEHOUSE_SESSION_ADDRESS"], "-alpn", "h2", *arguments],
                              input=b"", capture_output=True, timeout=30)
        return done.returncode == 0, done.stdout.decode("utf-8", "replace")

    def test_an_application_gets_a_certificate_instead_of_the_secret(self):
        out = tempfile.mkdtemp(prefix="gatehouse-client-")
        self.addCleanup(shutil.rmtree, out, True)
        command = [os.path.join(harness.BIN, "gatehouse"), "issue-certificate", "--out", out]
        environment = {**os.environ, "GATEHOUSE_INTERNAL_SECRET": SECRET}
        self.assertEqual(subprocess.run(command, env=environment, capture_output=True).returncode, 0)
        self.assertEqual(os.stat(out + "/client.key").st_mode & 0o777, 0o600)
        self.assertIn("CN = client", subprocess.run(["openssl", "x509", "-in", out + "/client.crt", "-noout", "-subject"], capture_output=True, text=True).stdout)
        admitted, seen = self.openssl("-tls1_2", "-CAfile", out + "/ca.crt", "-verify_return_error", "-cert", out + "/client.crt", "-key", out + "/client.key")
        self.assertTrue(admitted)
        self.assertIn("subject=CN = session", seen)
        self.assertFalse(self.openssl("-tls1_2", "-CAfile", out + "/ca.crt")[0])
        # Existing files are not replaced, and without a secret nothing can be made.
        again = subprocess.run(command, env=environment, capture_output=True, text=True)
        self.assertEqual(again.returncode, 1)
        self.assertIn("File exists", again.stderr)
        self.assertNotIn(SECRET, again.stderr)
        self.assertEqual(subprocess.run(command, capture_output=True).returncode, 1)


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
