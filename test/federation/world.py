"""The world: a network, an authority, a DNS server, and the servers that federate."""

import asyncio
import os

import domains
import evil
from authority import Authority
from network import Network
from process import Process, eventually
from servers import SERVERS


class World:
    """Build it, `async with` it: it runs inside and nothing of it does afterwards."""

    def __init__(self, folder, isolated, xylem, servers):
        self.folder, self.xylem = folder, xylem
        self.network = Network(isolated, folder)
        os.makedirs(os.path.join(folder, "certificates"))
        self.authority = Authority(os.path.join(folder, "certificates"))
        self.dns = None
        self.servers = {name: evil.Evil(self) if name == "evil" else SERVERS[name](self, name) for name in servers}

    async def __aenter__(self):
        try:
            await self._start_dns()
            await asyncio.gather(*(s.start() for s in self.servers.values()))
        except BaseException:
            await self.__aexit__()
            raise
        return self

    async def __aexit__(self, *_):
        await asyncio.gather(*(s.stop() for s in self.servers.values()))
        for s in self.servers.values():
            s.forget()
        await self.dns.end()

    async def _start_dns(self):
        address = self.network.address("world")
        config = os.path.join(self.folder, "dnsmasq.conf")
        with open(config, "w") as f:
            f.write("\n".join([
                "no-resolv", "no-hosts", "keep-in-foreground", "bind-interfaces", f"listen-address={address}", "port=53",
                "pid-file=", "local=/test/", "local-ttl=60", "neg-ttl=5", "log-queries", "log-facility=-", "user=", "group=",
                *domains.records(self.network), *evil.records(self.network), ""]))
        log = os.path.join(self.folder, "dnsmasq.log")
        self.dns = Process(self.network, "world", ["dnsmasq", f"--conf-file={config}"], log)
        await self.dns.start()

        def started():
            assert self.dns.alive(), f"dnsmasq has ended: {open(log).read()[-500:]}"
            return "started" in open(log).read()
        await eventually(started, "the DNS server runs")
