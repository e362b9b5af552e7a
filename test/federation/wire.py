"""An XML stream by hand: for what slixmpp does not do, and for a peer that misbehaves."""

import asyncio
import ssl
import xml.etree.ElementTree as ET

STREAM = "http://etherx.jabber.org/streams"
TLS = "urn:ietf:params:xml:ns:xmpp-tls"
SASL = "urn:ietf:params:xml:ns:xmpp-sasl"
DIALBACK = "jabber:server:dialback"
WAIT = 60  # seconds for what must come


class Ended(Exception):
    """The other side has ended its stream, or the connection."""


async def patiently(attempt, *failures):
    """What attempt() gives; tried again where the server has ended it, as d does when this process is slow."""
    for _ in range(4):
        try:
            return await attempt()
        except (Ended, ConnectionError, *failures):
            pass
    return await attempt()


class Wire:
    """One end of a stream. Elements are read as ElementTree has them; what is sent is text or bytes as it is."""

    def __init__(self, reader, writer):
        self.reader, self.writer = reader, writer
        self.begin()

    @classmethod
    async def connect(cls, address, port, tls=None, name=None, source=None):
        local = (source, 0) if source else None
        return cls(*await asyncio.open_connection(address, port, ssl=tls, server_hostname=name if tls else None, local_addr=local))

    def begin(self):
        """Forgets the stream that was: a new header comes."""
        self.parser, self.events, self.depth = ET.XMLPullParser(("start", "end")), [], 0

    def send(self, data):
        self.writer.write(data.encode() if isinstance(data, str) else data)

    async def drain(self):
        await asyncio.wait_for(self.writer.drain(), WAIT)

    async def header(self):
        """The stream header of the other side."""
        event, element = await self._event()
        assert event == "start" and element.tag == f"{{{STREAM}}}stream", element.tag
        self.stream_id = element.get("id")
        return element

    async def read(self):
        """The next element of the stream; Ended at the end of it."""
        while True:
            event, element = await self._event()
            if event == "end":
                if self.depth == 1:
                    return element
                if self.depth == 0:
                    raise Ended("</stream:stream>")

    async def until(self, *tags):
        """The next element with one of the tags."""
        while True:
            element = await self.read()
            if element.tag in tags:
                return element

    async def _event(self):
        while not self.events:
            data = await asyncio.wait_for(self.reader.read(65536), WAIT)
            if not data:
                raise Ended("the connection was closed")
            self.parser.feed(data)
            self.events = list(self.parser.read_events())
        event, element = self.events.pop(0)
        self.depth += 1 if event == "start" else -1
        return event, element

    async def secure(self, context, name=None):
        """TLS from here on, on the side that was connected to as well, and a new stream."""
        await self.writer.start_tls(context, server_hostname=name)
        self.begin()

    async def ended(self, seconds):
        """Reads on until the other side has ended the stream or connection."""
        async def rest():
            try:
                while True:
                    await self.read()
            except (Ended, ConnectionError, ET.ParseError, ssl.SSLError):
                pass
        await asyncio.wait_for(rest(), seconds)

    def close(self):
        self.writer.close()

    def abort(self):
        self.writer.transport.abort()


def unverified():
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    return context


def header(namespace, to, sender=None, more=""):
    by = f" from='{sender}'" if sender else ""
    return f"<stream:stream xmlns='{namespace}' xmlns:stream='{STREAM}' to='{to}'{by} version='1.0'{more}>"


async def starttls(wire, head, context, name):
    """The initiating side, up to the features that are announced inside of TLS."""
    wire.send(head)
    await wire.header()
    await wire.until(f"{{{STREAM}}}features")
    wire.send(f"<starttls xmlns='{TLS}'/>")
    await wire.until(f"{{{TLS}}}proceed")
    await wire.secure(context, name=name)
    wire.send(head)
    await wire.header()
    return await wire.until(f"{{{STREAM}}}features")


async def register(address, port, jid, password):
    """Makes an account by in-band registration (XEP-0077)."""
    user, domain = jid.split("@")
    wire = await Wire.connect(address, port)
    try:
        await starttls(wire, header("jabber:client", domain), unverified(), domain)
        wire.send(f"<iq type='set' id='register'><query xmlns='jabber:iq:register'>"
                  f"<username>{user}</username><password>{password}</password></query></iq>")
        answer = await wire.until("{jabber:client}iq")
        assert answer.get("type") == "result", f"{jid} cannot be registered: {ET.tostring(answer, 'unicode')}"
    finally:
        wire.close()
