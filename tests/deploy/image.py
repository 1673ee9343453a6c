#!/usr/bin/env python3
"""The all-in-one image in place of the original's: each command line of the original's documentation with only the image's name changed, and what the image promises.

    image.py [--image gatehouse]

Places, addresses and ports of the documentation are replaced by ones that are there. Leaves nothing behind. Exits with 77 where there is no Docker or no image.
"""
import argparse
import os
import tempfile
import time
from pathlib import Path

import containers
from containers import docker, inspect, logs, request, wait_until

SLOW = 90  # a container that is to end
USER, PASSWORD = "postgresqlUser", "horse-battery-71"
KEY = "a-key-of-twenty-characters"
# As in the original's documentation: bash, cat and grep are in the image for it.
DOCUMENTED_HEALTH = (
    "bash -c 'exec 3<>/dev/tcp/127.0.0.1/3567 && echo -e \"GET /hello HTTP/1.1\\r\\nhost: 127.0.0.1:3567\\r\\nConnection: close\\r\\n\\r\\n\" >&3 "
    "&& cat <&3 | grep \"Hello\"'"
)


class Trial:
    """A network, a PostgreSQL in it, and the containers of the test."""

    def __init__(self, image, report):
        self.image, self.report = image, report
        self.name = "gatehouse-image-%d" % os.getpid()
        self.started, self.volumes = [], []
        docker("network", "create", self.name)
        postgres = containers.image_or_stand_in("POSTGRES_IMAGE", "postgres:15", "postgres")
        self.postgres = self.name + "-postgres"
        docker("run", "-d", "--name", self.postgres, "--network", self.name, "-e", "POSTGRES_USER=" + USER, "-e", "POSTGRES_PASSWORD=" + PASSWORD,
               "-e", "POSTGRES_DB=supertokens", postgres)
        self.started.append(self.postgres)
        ready = ["exec", self.postgres, "pg_isready", "-h", "127.0.0.1", "-U", USER]
        wait_until(lambda: docker(*ready, check=False).returncode == 0, "PostgreSQL is ready")
        self.address = inspect(self.postgres, "{{range .NetworkSettings.Networks}}{{.IPAddress}}{{end}}")
        self.uri = "postgresql://%s:%s@%s:5432/supertokens" % (USER, PASSWORD, self.address)

    def start(self, *options, command=(), port=3567):
        """A container, and the address of its REST interface on this machine."""
        published = containers.free_port()
        container = docker("run", "-d", "--network", self.name, "-p", "127.0.0.1:%d:%d" % (published, port), *options, self.image, *command).stdout.strip()
        self.started.append(container)
        return container, "http://127.0.0.1:%d" % published

    def volume(self):
        name = "%s-%d" % (self.name, len(self.volumes))
        docker("volume", "create", name)
        self.volumes.append(name)
        return name

    def serves(self, what, *options, command=(), port=3567, headers=None, warns=False):
        container, url = self.start(*options, command=command, port=port)
        try:
            wait_until(lambda: containers.says_hello(url) or inspect(container, "{{.State.Running}}") == "false", what)
            signed = containers.sign_up(url, "u%d@example.com" % time.monotonic_ns(), headers)
            self.report.check(what, signed == "OK" and ("data_not_kept" in logs(container)) == warns)
        except AssertionError as error:
            self.report.check(what, False, "%s\n%s" % (error, logs(container)[-1500:]))
        return container, url

    def remove(self, container):
        docker("rm", "-f", "-v", container, check=False)
        self.started.remove(container)

    def close(self):
        for container in self.started:
            docker("rm", "-f", "-v", container, check=False)
        for volume in self.volumes:
            docker("volume", "rm", "-f", volume, check=False)
        docker("network", "rm", self.name, check=False)


def documented(trial, files):
    """The original's README and guides."""
    single = ["-e", "POSTGRESQL_USER=" + USER, "-e", "POSTGRESQL_HOST=" + trial.address, "-e", "POSTGRESQL_PORT=5432", "-e", "POSTGRESQL_PASSWORD=" + PASSWORD]
    cases = [
        ("no database", [], {"warns": True}),
        ("POSTGRESQL_CONNECTION_URI", ["-e", "POSTGRESQL_CONNECTION_URI=" + trial.uri], {}),
        ("POSTGRESQL_USER, _HOST, _PORT, _PASSWORD", single, {}),
        ("with POSTGRESQL_DATABASE_NAME, _TABLE_SCHEMA", single + ["-e", "POSTGRESQL_DATABASE_NAME=supertokens", "-e", "POSTGRESQL_TABLE_SCHEMA=public"], {}),
        ("POSTGRESQL_PASSWORD_FILE", ["-e", "POSTGRESQL_USER=" + USER, "-e", "POSTGRESQL_HOST=" + trial.address, "-e", "POSTGRESQL_PASSWORD_FILE=/run/secrets/password",
                                      "-v", "%s:/run/secrets/password:ro" % (files / "password")], {}),
        ("config.yaml in its place", ["-v", "%s:/usr/lib/supertokens/config.yaml" % (files / "config.yaml")], {}),
        ("INFO_LOG_PATH, ERROR_LOG_PATH in a volume", ["-v", "%s:/home/logsFolder" % trial.volume(), "-e", "INFO_LOG_PATH=/home/logsFolder/info.log",
                                                         "-e", "ERROR_LOG_PATH=/home/logsFolder/error.log", *single], {}),
        ("--read-only with --tmpfs", ["--tmpfs=/lib/supertokens/temp/:exec", "--read-only"], {"warns": True}),
        ("--read-only with --mount", ["--mount", "source=%s,destination=/lib/supertokens/temp/,type=bind" % (files / "temp"), "--read-only"], {"warns": True}),
        ("--sysctl net.ipv4.tcp_keepalive_*", ["--sysctl", "net.ipv4.tcp_keepalive_time=60", "--sysctl", "net.ipv4.tcp_keepalive_intvl=5", "--sysctl",
                                                "net.ipv4.tcp_keepalive_probes=3"], {"warns": True}),
        ("API_KEYS", ["-e", "API_KEYS=" + KEY, "-e", "POSTGRESQL_CONNECTION_URI=" + trial.uri], {"headers": {"api-key": KEY}}),
        ("SUPERTOKENS_PORT", ["-e", "SUPERTOKENS_PORT=4000", "-e", "POSTGRESQL_CONNECTION_URI=" + trial.uri], {"port": 4000}),
        ("supertokens start --port= --host=", ["-e", "POSTGRESQL_CONNECTION_URI=" + trial.uri],
         {"command": ["supertokens", "start", "--port=4001", "--host=0.0.0.0", "--foreground"], "port": 4001}),
        ("supertokens start --with-temp-dir=, --with-config=", ["-v", "%s:/etc/mine.yaml" % (files / "config.yaml")],
         {"command": ["supertokens", "start", "--with-temp-dir=/lib/supertokens/temp", "--with-config=/etc/mine.yaml"]}),
        ("options alone: --with-space=", ["-e", "POSTGRESQL_CONNECTION_URI=" + trial.uri], {"command": ["--with-space=200"]}),
        ("production", ["-e", "POSTGRESQL_CONNECTION_URI=" + trial.uri], {"command": ["production"]}),
        ("--user root, which is left", ["--user", "root", "-e", "POSTGRESQL_CONNECTION_URI=" + trial.uri], {}),
        ("--entrypoint /entrypoint.sh", ["--entrypoint", "/entrypoint.sh", "-e", "POSTGRESQL_CONNECTION_URI=" + trial.uri], {"command": ["supertokens", "start"]}),
    ]
    for what, options, more in cases:
        container, _ = trial.serves(what, *options, **more)
        if what.startswith("--user root"):
            user = docker("exec", "--user", "0", container, "grep", "^Uid:", "/proc/1/status", check=False).stdout.split()
            trial.report.check("then process 1 is not root", user[1:2] == ["1000"], user)
        trial.remove(container)


def promised(trial, files):
    report = trial.report
    container, url = trial.start("-e", "ACCESS_TOKEN_VALIDITY=77", "-e", "API_KEYS=" + KEY, "-v", "%s:/usr/lib/supertokens/config.yaml" % (files / "config.yaml"))
    wait_until(lambda: containers.says_hello(url), "config.yaml")
    effective = docker("exec", container, "gatehouse", "config").stdout
    report.check("config.yaml wins over the environment", "access_token_validity: 1234  # /usr/lib/supertokens/config.yaml" in effective)
    report.check("secrets are masked", PASSWORD not in effective and KEY not in effective)
    trial.remove(container)

    container, url = trial.start("--health-cmd", DOCUMENTED_HEALTH, "--health-interval", "1s")
    wait_until(lambda: inspect(container, "{{.State.Health.Status}}") == "healthy", "the documented health check")
    report.check("the health check of the original's documentation", True)
    trial.remove(container)

    volume = trial.volume()
    hardened = ["--read-only", "--tmpfs", "/tmp", "--cap-drop", "ALL", "--security-opt", "no-new-privileges", "-v", volume + ":/var/lib/gatehouse"]
    container, url = trial.serves("embedded PostgreSQL in a volume, read-only, no capabilities", *hardened)
    wait_until(lambda: inspect(container, "{{.State.Health.Status}}") == "healthy", "the image's own health check")
    report.check("its own health check", inspect(container, "{{.Config.Healthcheck.Test}}") == "[CMD /usr/bin/gatehouse health]")
    report.check("user, port, labels", (inspect(container, "{{.Config.User}}"), "3567/tcp" in inspect(container, "{{.Config.ExposedPorts}}"),
                                         inspect(container, '{{index .Config.Labels "org.opencontainers.image.title"}}')) == ("1000:1000", True, "Gatehouse"))
    report.check("no curl", docker("exec", container, "curl", "--version", check=False).returncode != 0)
    containers.sign_up(url, "kept@example.com")
    docker("stop", "-t", "30", container, timeout_s=SLOW)
    report.check("ends in order", inspect(container, "{{.State.ExitCode}} {{.State.OOMKilled}}") == "0 false")
    trial.remove(container)
    container, url = trial.start(*hardened)
    wait_until(lambda: containers.says_hello(url), "a second container with the volume")
    report.check("the next container finds the user", containers.sign_in(url, "kept@example.com") == "OK")
    trial.remove(container)

    container, url = trial.start()
    wait_until(lambda: containers.says_hello(url), "no volume")
    containers.sign_up(url, "kept@example.com")
    docker("restart", "-t", "30", container, timeout_s=SLOW)
    url = "http://" + docker("port", container, "3567").stdout.splitlines()[0]
    wait_until(lambda: containers.says_hello(url), "no volume, again")
    report.check("without a volume, a restart keeps the users", containers.sign_in(url, "kept@example.com") == "OK")
    report.check("an interface of metrics", request("GET", "http://%s:3568/metrics" % inspect(container, "{{range .NetworkSettings.Networks}}{{.IPAddress}}{{end}}"))[0] == 200)
    trial.remove(container)

    done = docker("run", "--rm", trial.image, "supertokens", "start", "--no-such-option", check=False)
    report.check("a wrong option ends with its name", done.returncode == 1 and "no-such-option" in done.stderr)
    report.check("another program is run", docker("run", "--rm", trial.image, "bash", "-c", "echo here").stdout == "here\n")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--image", default="gatehouse")
    arguments = parser.parse_args()
    containers.skip_without(arguments.image)
    report = containers.Report()
    trial = Trial(arguments.image, report)
    try:
        with tempfile.TemporaryDirectory() as directory:
            files = Path(directory)
            files.chmod(0o755)
            (files / "password").write_text(PASSWORD + "\n")
            (files / "temp").mkdir()
            (files / "temp").chmod(0o1777)
            (files / "config.yaml").write_text(
                'core_config_version: 0\nhost: "0.0.0.0"\npostgresql_config_version: 0\ninfo_log_path: null\nerror_log_path: null\naccess_token_validity: 1234\n'
                'postgresql_connection_uri: "%s"\n' % trial.uri)
            report.note("size: %.0f MB" % (int(inspect(arguments.image, "{{.Size}}")) / 1e6))
            documented(trial, files)
            promised(trial, files)
    finally:
        trial.close()
    report.exit()


if __name__ == "__main__":
    main()
