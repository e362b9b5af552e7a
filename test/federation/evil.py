"""A peer that lies, stalls, floods and talks nonsense. It plays in this process, at an address of its own."""

import asyncio
import ssl

from domains import S2S
from wire import DIALBACK, SASL, STREAM, TLS, Wire, header, patiently, starttls

HOSTS = 60  # domains for servers that it plays, e1.evil.test and so on
FIRST_PORT = 7000
DB = f" xmlns:db='{DIALBACK}'"


def records(network):
    """Its part of the zone. Nobody listens for evil.test itself."""
    yield f"host-record=host.evil.test,{network.address('evil')}"
    yield f"srv-host=_xmpp-server._tcp.evil.test,host.evil.test,{FIRST_PORT - 1},0,0"
    for n in range(HOSTS):
        yield f"srv-host=_xmpp-server._tcp.e{n}.evil.test,host.evil.test,{FIRST_PORT + n},0,0"


class Evil:
    name = "evil"
    is_xylem = False

    def __init__(self, world):
        self.world, self.address = world, world.network.address("evil")
        names = ["evil.test"] + [f"e{n}.evil.test" for n in range(HOSTS)]
        self.crt, self.key, _ = world.authority.issue("evil.test", names=names)
        self.next, self.listening, self.wires = 0, [], []

    def __str__(self):
        return self.name

    async def start(self):
        pass

    def running(self):
        return True

    def forget(self):
        """It leaves nothing behind."""

    async def stop(self):
        for server in self.listening:
            server.close()
        for wire in self.wires:
            wire.abort()

    def log_size(self):
        return 0

    def log_tail(self, *_):
        return []

    def context(self, server_side, certificate=True):
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER if server_side else ssl.PROTOCOL_TLS_CLIENT)
        if not server_side:
            context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        if certificate:
            context.load_cert_chain(self.crt, self.key)
        return context

    # ------------------------------------------------------------------ as the one who calls

    async def connect(self, server):
        wire = await Wire.connect(server.address, S2S, source=self.address)
        self.wires.append(wire)
        return wire

    async def call(self, server, sender="evil.test", to=None, certificate=True):
        """A stream inside of TLS, as far as the features; a certificate only if wanted."""
        return await patiently(lambda: self._call(server, sender, to, certificate))

    async def _call(self, server, sender, to, certificate):
        wire = await self.connect(server)
        wire.to, wire.sender, wire.head = to or server.domain(), sender, header("jabber:server", to or server.domain(), sender, DB)
        wire.features = await starttls(wire, wire.head, self.context(False, certificate), wire.to)
        return wire

    async def authenticated(self, server, sender="evil.test", to=None):
        """A stream on which the sender was proved by its certificate."""
        return await patiently(lambda: self._authenticated(server, sender, to))

    async def _authenticated(self, server, sender, to):
        wire = await self._call(server, sender, to, True)
        wire.send(f"<auth xmlns='{SASL}' mechanism='EXTERNAL'>=</auth>")
        await wire.until(f"{{{SASL}}}success")
        wire.begin()
        wire.send(wire.head)
        await wire.header()
        wire.features = await wire.until(f"{{{STREAM}}}features")
        return wire

    # ---------------------------------------------------------------- as the one who is called

    async def open(self, behave):
        """Plays a server: behave(wire) is called for each connection. Returns its domain."""
        number, self.next = self.next, self.next + 1

        async def connected(reader, writer):
            wire = Wire(reader, writer)
            wire.domain = f"e{number}.evil.test"
            self.wires.append(wire)
            try:
                await behave(wire)
            except (ConnectionError, ssl.SSLError, asyncio.TimeoutError, AssertionError, Exception):
                pass  # it is not this side that is tested
        self.listening.append(await asyncio.start_server(connected, self.address, FIRST_PORT + number))
        return f"e{number}.evil.test"

    async def answer(self, wire, features="", begin=True):
        """Takes a header and answers with one, and features."""
        if begin:
            wire.head = await wire.header()
            wire.peer = wire.head.get("from")
        wire.send(f"<stream:stream xmlns='jabber:server' xmlns:stream='{STREAM}'{DB} version='1.0' id='{id(wire)}' "
                  f"from='{wire.domain}' to='{wire.peer}'>" + (f"<stream:features>{features}</stream:features>" if features is not None else ""))

    async def accept_tls(self, wire, features=""):
        """Both headers, with TLS between them."""
        await self.answer(wire, f"<starttls xmlns='{TLS}'><required/></starttls>")
        await wire.until(f"{{{TLS}}}starttls")
        wire.send(f"<proceed xmlns='{TLS}'/>")
        await wire.secure(self.context(True))
        await self.answer(wire, features)


EXTERNAL = f"<mechanisms xmlns='{SASL}'><mechanism>EXTERNAL</mechanism></mechanisms>"
OFFERS_DIALBACK = "<dialback xmlns='urn:xmpp:features:dialback'><errors/></dialback>"
