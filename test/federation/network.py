"""Where the servers of the world live: an address of their own each.

Isolated (the script `run` has entered a network and a mount namespace of its own), each host is a network namespace
behind a bridge, /etc/resolv.conf names the DNS server of the world, and there is no way out. All of it vanishes with the
last process. Otherwise hosts are addresses in 127.0.0.0/8, without IPv6, without links that can be cut, without an
address that swallows what is sent there, and without ejabberd, which asks the operating system for addresses.
"""

import ctypes
import os
import signal
import subprocess

NUMBERS = {
    "world": 1,  # DNS, and where clients connect from
    "prosody": 11,
    "ejabberd": 12,
    "a": 21,  # xylem
    "b": 22,  # xylem
    "c": 23,  # xylem that takes certificates only
    "d": 24,  # xylem that loses its patience soon
    "n": 25,  # xylem with thousands of domains
    "evil": 31,
    "empty": 98,  # a host with nothing on it: connections are refused
}
DIE_WITH_PARENT = 1  # PR_SET_PDEATHSIG, prctl(2)
libc = ctypes.CDLL(None, use_errno=True)


def die_with_parent(how=signal.SIGKILL):
    """Between fork and exec: the child ends with this process, however that ends."""
    libc.prctl(DIE_WITH_PARENT, how)


def command(*words, at=None):
    """Runs a command for its output, on a host."""
    done = subprocess.run(inside(at) + list(words), capture_output=True, text=True, timeout=30)
    if done.returncode:
        raise RuntimeError(f"{' '.join(words)}: {done.stderr.strip() or done.stdout.strip()}")
    return done.stdout


def inside(host):
    return ["nsenter", f"--net=/run/netns/{host}"] if host else []


class Network:
    def __init__(self, isolated, folder):
        self.isolated, self.folder = isolated, folder
        if isolated:
            self._build()

    def address(self, host):
        return f"10.77.0.{NUMBERS[host]}" if self.isolated else f"127.77.0.{NUMBERS[host]}"

    def address6(self, host):
        return f"fd77::{NUMBERS[host]}" if self.isolated else None

    @property
    def silent(self):
        """An address that swallows what is sent there."""
        return "10.78.0.1" if self.isolated else None

    def wrap(self, host, words):
        """The command that runs on a host."""
        return (inside(host) if self.isolated and host not in ("world", "evil") else []) + list(words)

    def _build(self):
        command("ip", "link", "set", "lo", "up")
        command("mount", "--make-rprivate", "/")
        os.makedirs("/run/netns", exist_ok=True)
        command("mount", "-t", "tmpfs", "tmpfs", "/run/netns")
        resolver = os.path.join(self.folder, "resolv.conf")
        with open(resolver, "w") as f:
            f.write(f"nameserver {self.address('world')}\noptions timeout:2 attempts:2\n")
        command("mount", "--bind", resolver, os.path.realpath("/etc/resolv.conf"))
        command("ip", "link", "add", "bridge", "type", "bridge")
        for host in ("world", "evil"):  # both are played by this process
            command("ip", "addr", "add", self.address(host) + "/24", "dev", "bridge")
            command("ip", "addr", "add", self.address6(host) + "/64", "dev", "bridge", "nodad")
        command("ip", "link", "set", "bridge", "up")
        for host in NUMBERS:
            if host not in ("world", "evil"):
                self._host(host)
        with open("/proc/sys/net/ipv4/ip_forward", "w") as f:
            f.write("1")
        command("ip", "route", "add", "blackhole", "10.78.0.0/16")

    def _host(self, name):
        command("ip", "netns", "add", name)
        command("ip", "link", "add", f"to-{name}", "type", "veth", "peer", "name", "eth0", "netns", name)
        command("ip", "link", "set", f"to-{name}", "master", "bridge", "up")
        command("ip", "link", "set", "lo", "up", at=name)
        command("ip", "addr", "add", self.address(name) + "/24", "dev", "eth0", at=name)
        command("ip", "addr", "add", self.address6(name) + "/64", "dev", "eth0", "nodad", at=name)
        command("ip", "link", "set", "eth0", "up", at=name)
        command("ip", "route", "add", "default", "via", self.address("world"), at=name)

    def cut(self, host):
        """What is sent to and from a host is lost, without a word to anybody."""
        command("ip", "link", "set", f"to-{host}", "nomaster")

    def mend(self, host):
        command("ip", "link", "set", f"to-{host}", "master", "bridge")
