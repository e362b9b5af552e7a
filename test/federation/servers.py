"""The servers of the world, each with a configuration, a data folder and an address of its own."""

import asyncio
import contextlib
import glob
import hashlib
import json
import os
import signal

from domains import C2S, KINDS, MANY, S2S, S2S_TLS, domain, issue
from network import die_with_parent
from process import Process, eventually, listens


class Server:
    """One server. Subclasses write its configuration and say how it is started."""

    is_xylem = False
    deviations = frozenset()  # what it does not do and scenarios do not ask of it
    acknowledges = True  # uses stream management with other servers, so that a restart loses nothing
    kinds = tuple(KINDS)

    def __init__(self, world, name):
        self.world, self.name = world, name
        self.address = world.network.address(name)
        self.folder = os.path.join(world.folder, name)
        self.log = os.path.join(self.folder, "log")
        os.makedirs(os.path.join(self.folder, "data"), mode=0o700)
        self.certificates = {kind: issue(world.authority, name, kind) for kind in self.kinds}
        self.process = None

    def __str__(self):
        return self.name

    def domain(self, kind=""):
        return domain(self.name, kind)

    @property
    def domains(self):
        return [self.domain(k) for k in self.kinds]

    def file(self, name, content=None):
        path = os.path.join(self.folder, name)
        if content is not None:
            with open(path, "w") as f:
                f.write(content)
        return path

    async def start(self):
        self.started_at = self.log_size()
        words, env = self.command()
        self.process = Process(self.world.network, self.name, words, self.log, env, self.folder)
        await self.process.start()
        await eventually(self.ready, f"{self.name} is ready", 120)

    async def ready(self):
        if not self.process.alive():
            tail = "\n".join(self.log_tail(self.started_at, 20))
            raise AssertionError(f"{self.name} has ended with {self.process.running.returncode}:\n{tail}")
        return await listens(self.address, C2S) and await listens(self.address, S2S)

    def running(self):
        return self.process is not None and self.process.alive()

    async def stop(self, how=signal.SIGTERM):
        return await self.process.end(how) if self.process else None

    async def restart(self, how=signal.SIGTERM):
        await self.stop(how)
        await self.start()

    def forget(self):
        """Removes what is left of the server outside of its folder."""

    def log_size(self):
        return os.path.getsize(self.log) if os.path.exists(self.log) else 0

    def log_tail(self, since, lines):
        if not os.path.exists(self.log):
            return []
        with open(self.log, errors="replace") as f:
            f.seek(since)
            return f.read().splitlines()[-lines:]


class Prosody(Server):
    deviations = frozenset({
        "unsubscribe",  # 0.12: who is unsubscribed from sends no unavailable presence, RFC 6121 §3.3.3
    })

    def command(self):
        hosts = "\n".join(f'VirtualHost "{self.domain(k)}"\n\tssl = {{ certificate = "{c}"; key = "{s}" }}'
                          for k, (c, s, _) in self.certificates.items())
        addresses = f'"{self.address}"'
        if self.world.network.isolated:
            addresses += f'; "{self.world.network.address6(self.name)}"'
        config = f"""
run_as_root = true
pidfile = "{self.file('pid')}"
data_path = "{self.file('data')}"
plugin_paths = {{ "{os.path.dirname(__file__)}" }}
log = {{ debug = "*console" }}
network_backend = "epoll"
interfaces = {{ {addresses} }}
c2s_ports = {{ {C2S} }}
s2s_ports = {{ {S2S} }}
s2s_direct_tls_ports = {{ {S2S_TLS} }}
modules_enabled = {{ "roster"; "saslauth"; "tls"; "dialback"; "disco"; "ping"; "carbons"; "blocklist"; "smacks"; "s2s_bidi";
	"register_ibr"; "private"; "pep"; "offline"; "world_dns" }}
world_dns_server = "{self.world.network.address('world')}"
authentication = "internal_plain"
allow_registration = true
s2s_timeout = 30
ssl = {{ cafile = "{self.world.authority.file}" }}
{hosts}
"""
        # With lua-unbound Prosody would not take the zone .test from anybody.
        self.file("lunbound.lua", 'error("the DNS server of the test world is asked in plain Lua")\n')
        return ["prosody", "-F", "--config", self.file("prosody.cfg.lua", config)], {"LUA_PATH": f"{self.folder}/?.lua;;"}


class Ejabberd(Server):
    deviations = frozenset({
        "block",  # 23.01: who is blocked elsewhere hears nothing of it, XEP-0191 §3.3
    })
    acknowledges = False

    def command(self):
        ebin = sorted(glob.glob("/usr/lib/*/ejabberd-*/ebin"))[-1]
        files = [pem for k, (_, _, pem) in self.certificates.items() if k != "other"]
        config = {
            "hosts": self.domains,
            "loglevel": "info",
            "log_rotate_count": 0,
            "certfiles": files,
            "ca_file": self.world.authority.file,
            "s2s_use_starttls": "required",
            "s2s_cafile": self.world.authority.file,
            "s2s_dns_timeout": 10,
            "outgoing_s2s_timeout": 30,
            "s2s_max_retry_delay": 1,
            "auth_password_format": "plain",
            "registration_timeout": "infinity",
            "negotiation_timeout": 90,
            "access_rules": {"everybody": [{"allow": "all"}]},
            "listen": [
                self.listener("ejabberd_c2s", C2S, starttls=True, access="everybody", shaper="none"),
                self.listener("ejabberd_s2s_in", S2S),
                self.listener("ejabberd_s2s_in", S2S_TLS, tls=True),
            ],
            "modules": {
                "mod_register": {"ip_access": "everybody", "access": "everybody", "password_strength": 0},
                **{m: {} for m in ("mod_disco mod_offline mod_ping mod_roster mod_stream_mgmt mod_carboncopy mod_blocking "
                                   "mod_privacy mod_private mod_s2s_dialback mod_caps mod_last").split()},
            },
        }
        if self.world.network.isolated:
            config["listen"].append(self.listener("ejabberd_s2s_in", S2S, self.world.network.address6(self.name)))
        # Flow style YAML is JSON.
        env = {
            "EJABBERD_CONFIG_PATH": self.file("ejabberd.yml", json.dumps(config, indent=1)), "EJABBERD_LOG_PATH": self.log,
            "ERL_CRASH_DUMP": self.file("crash.dump"), "HOME": self.folder,
        }
        return ["erl", "-noinput", "-start_epmd", "false", "-pa", ebin, "-mnesia", "dir", f'"{self.file("data")}"',
                "-ejabberd", "quiet", "true", "-s", "ejabberd"], env

    def listener(self, module, port, address=None, **more):
        return {"module": module, "port": port, "ip": address or self.address, **more}


class Xylem(Server):
    is_xylem = True
    kinds = tuple(k for k in KINDS if k != "other")  # it does not start with a certificate for another name

    def command(self):
        """The configuration as an operator would write it. a, b: dialback is enough; c: certificates are required."""
        static = "".join(f'\n[[tls.certificate]]\ndomains = ["{self.domain(k)}"]\ncert = "{c}"\nkey = "{s}"\n'
                         for k, (c, s, _) in self.certificates.items())
        addresses = [self.address] + ([self.world.network.address6(self.name)] if self.world.network.isolated else [])

        def listen(port):
            return json.dumps([f"[{a}]:{port}" if ":" in a else f"{a}:{port}" for a in addresses])
        config = f"""
[server]
domains = {json.dumps(self.domains)}
data = "{self.file('data')}"

[c2s]
listen = "{self.address}:{C2S}"
listen_tls = ""

[s2s]
listen = {listen(S2S)}
listen_tls = {listen(S2S_TLS)}
require = "{'certificate' if self.name == 'c' else 'dialback'}"

[dns]
server = "{self.world.network.address('world')}:53"

[registration]
enabled = true
per_address = 100000
per_hour = 100000

[http]
listen = ""

[stream_management]
journal_bytes = 65536

[limits]
pre_auth_time = "{'15s' if self.name == 'd' else '60s'}"
connections_per_address = {10_000 if self.name == 'n' else 1000}

[log]
level = "debug"

[tls]
ca_file = "{self.world.authority.file}"
{static}"""
        return [self.world.xylem, "serve", "--config", self.file("xylem.toml", config)], None

    async def ready(self):
        if not await super().ready():
            return False
        return any(line.startswith("ready ") for line in self.log_tail(self.started_at, 10))

    def forget(self):
        """Its journal: one that was killed keeps that for the next one on its data folder."""
        name = hashlib.sha256(self.file("data").encode()).hexdigest()[:16]
        with contextlib.suppress(FileNotFoundError):
            os.remove(f"/dev/shm/xylem-{os.getuid()}-{name}")

    async def cli(self, *words, status=None):
        """The output of a command of the operator; status: the exit code that it must have."""
        words = self.world.network.wrap(self.name, [self.world.xylem, *words, "--data", self.file("data")])
        p = await asyncio.create_subprocess_exec(*words, stdin=asyncio.subprocess.DEVNULL, stdout=asyncio.subprocess.PIPE,
                                                 stderr=asyncio.subprocess.STDOUT, preexec_fn=die_with_parent)
        out, _ = await asyncio.wait_for(p.communicate(), 90)
        text = out.decode(errors="replace")
        assert status is None or p.returncode == status, f"{' '.join(words)} ended with {p.returncode}: {text}"
        return text


class XylemOfMany(Xylem):
    kinds = ("",)

    def __init__(self, world, name):
        super().__init__(world, name)
        self.certificates["*.many.test"] = world.authority.issue("many.test", names=["*.many.test"])

    def domain(self, kind=""):
        return kind or super().domain()

    @property
    def domains(self):
        return super().domains + MANY


SERVERS = {"prosody": Prosody, "ejabberd": Ejabberd, "a": Xylem, "b": Xylem, "c": Xylem, "d": Xylem, "n": XylemOfMany}
