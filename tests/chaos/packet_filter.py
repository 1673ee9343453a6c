"""Silently drops packets of one port of this machine, like a firewall or a host without power. Needs root and nft."""
import contextlib
import os
import shutil
import subprocess


def available():
    return os.getuid() == 0 and shutil.which("nft") is not None and subprocess.run(["nft", "list", "tables"], capture_output=True, check=False).returncode == 0


@contextlib.contextmanager
def dropped(port, peers=None):
    """Drops packets to and from `port`; only of connections from the ports `peers`, if given."""
    table = "chaos_%d" % port
    some = "{ %s }" % ", ".join(map(str, peers)) if peers else None
    rules = ["tcp dport %d %s drop" % (port, "tcp sport " + some if some else ""), "tcp sport %d %s drop" % (port, "tcp dport " + some if some else "")]
    text = "\n".join(["table inet %s {" % table, "chain input {", "type filter hook input priority 0; policy accept;"] + rules + ["}", "}", ""])
    subprocess.run(["nft", "-f", "-"], input=text, text=True, check=True)
    try:
        yield
    finally:
        subprocess.run(["nft", "delete", "table", "inet", table], check=True)
