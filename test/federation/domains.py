"""The domains of the world: each server has one of each kind below its own name, and DNS says where they are."""

SERVERS = {"prosody": "prosody.test", "ejabberd": "ejabberd.test", "a": "a.test", "b": "b.test", "c": "c.test", "d": "d.test", "n": "n.test"}
C2S, S2S, S2S_TLS = 5222, 5269, 5270  # ports, the same on every host

MANY = [f"n{i}.many.test" for i in range(2000)]  # served by n

# What is special about a domain; "" is the one with nothing special.
KINDS = {
    "": "an SRV record and a good certificate",
    "second": "the same, on the same server",
    "expired": "its certificate has expired",
    "other": "its certificate is for another name",
    "selfsigned": "no authority has signed its certificate",
    "serveronly": "its certificate may not be used by clients, as those of public authorities",
    "direct": "TLS from the first byte only: no _xmpp-server, but _xmpps-server",
    "priorities": "three SRV records: connections to the first are refused, the second has no address, the third is right",
    "silent": "two SRV records: the first swallows all, the second is right",
    "bare": "no SRV record, an address of its own",
    "six": "IPv6 only",
}


def domain(server, kind=""):
    name = SERVERS[server]
    return f"{kind}.{name}" if kind else name


def server_of(name):
    """The server of a domain or address."""
    host = name.split("@")[-1].split("/")[0]
    return next(s for s, d in SERVERS.items() if host == d or host.endswith("." + d))


def issue(authority, server, kind):
    name = domain(server, kind)
    match kind:
        case "expired":
            return authority.issue(name, expired=True)
        case "other":
            return authority.issue(name, names=[f"elsewhere.{SERVERS[server]}"])
        case "selfsigned":
            return authority.issue(name, self_signed=True)
        case "serveronly":
            return authority.issue(name, usages=authority_usages())
    return authority.issue(name)


def authority_usages():
    from authority import BOTH
    return BOTH[:1]


def records(network):
    """The zone, as lines for dnsmasq."""
    for server, name in SERVERS.items():
        host = f"host.{name}"
        yield f"host-record={host},{network.address(server)}"
        if network.isolated:
            yield f"host-record=six.{host},{network.address6(server)}"
        for kind in KINDS:
            yield from _service(network, server, kind, host)
    yield f"host-record=empty.test,{network.address('empty')}"
    if network.silent:
        yield f"host-record=silent.test,{network.silent}"
    yield f"address=/many.test/{network.address('n')}"
    yield "srv-host=_xmpp-server._tcp.noservice.test"  # "."
    yield f"srv-host=_xmpp-server._tcp.down.test,empty.test,{S2S},0,0"
    yield f"server=/lame.test/{network.address('empty')}"  # its name server does not answer


def _service(network, server, kind, host):
    name = domain(server, kind)
    plain = f"srv-host=_xmpp-server._tcp.{name}"
    match kind:
        case "direct":
            yield f"srv-host=_xmpps-server._tcp.{name},{host},{S2S_TLS},0,0"
        case "priorities":
            yield f"{plain},empty.test,{S2S},10,0"
            yield f"{plain},nowhere.test,{S2S},20,0"
            yield f"{plain},{host},{S2S},30,0"
        case "silent":
            if network.silent:
                yield f"{plain},silent.test,{S2S},10,0"
            yield f"{plain},{host},{S2S},20,0"
        case "bare":
            yield f"host-record={name},{network.address(server)}"
        case "six":
            yield f"{plain},six.{host},{S2S},0,0"
        case _:
            yield f"{plain},{host},{S2S},0,0"
