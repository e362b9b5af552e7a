package engine_test

// header of a client, with what is given in place of to and version.
func headerWith(attributes string) string {
	return "<stream:stream xmlns='jabber:client' xmlns:stream='" + nsStream + "' " + attributes + ">"
}

const bindRequest = "<iq type='set' id='1'><bind xmlns='" + nsBind + "'/></iq>"

// hostileStream breaks the order of RFC 6120 §4 to §7.
var hostileStream = []hostile{
	{"header without to", connected, headerWith("version='1.0'"), "stream improper-addressing", ""},
	{"header to an unknown host", connected, headerWith("to='elsewhere.example' version='1.0'"), "stream host-unknown", ""},
	{"header to an account", connected, headerWith("to='alice@localhost' version='1.0'"), "stream host-unknown", ""},
	{"header to what is no address", connected, headerWith("to='@@' version='1.0'"), "stream host-unknown", ""},
	{"header to nothing", connected, headerWith("to='' version='1.0'"), "stream host-unknown", ""},
	{"header without version", connected, headerWith("to='localhost'"), "stream unsupported-version", ""},
	{"header of version 0.9", connected, headerWith("to='localhost' version='0.9'"), "stream unsupported-version", ""},
	{"header with a version that is none", connected, headerWith("to='localhost' version='one'"), "stream unsupported-version", ""},
	{"header of a server", connected, "<stream:stream xmlns='jabber:server' xmlns:stream='" + nsStream + "' to='localhost' version='1.0'>", "stream invalid-namespace", ""},
	{"header in another stream namespace", connected, "<stream:stream xmlns='jabber:client' xmlns:stream='urn:example' to='localhost' version='1.0'>", "stream invalid-namespace", ""},
	{"header in no namespace", connected, "<stream to='localhost' version='1.0'>", "stream invalid-namespace", ""},
	{"header without the prefix that it declares", connected, "<stream xmlns='jabber:client' xmlns:stream='" + nsStream + "' to='localhost' version='1.0'>", "stream bad-namespace-prefix", ""},
	{"root that is no stream", connected, "<stream:features xmlns:stream='" + nsStream + "' to='localhost' version='1.0'>", "stream bad-format", ""},
	{"stanza before the header", connected, "<message xmlns='jabber:client'/>", "stream invalid-namespace", ""},

	{"message before login", opened, "<message to='alice@localhost'/>", "stream not-authorized", ""},
	{"presence before login", opened, "<presence/>", "stream not-authorized", ""},
	{"bind before login", opened, bindRequest, "stream not-authorized", ""},
	{"unknown stanza before login", opened, "<foo/>", "stream unsupported-stanza-type", ""},
	{"unknown namespace before login", opened, "<foo xmlns='urn:example'/>", "stream unsupported-stanza-type", ""},
	{"second header", opened, headerWith("to='localhost' version='1.0'") + "</stream:stream>", "stream unsupported-stanza-type", ""},
	{"features of a client", opened, "<stream:features/>", "stream unsupported-stanza-type", ""},
	{"stream error of a client", opened, "<stream:error><reset xmlns='" + nsStreams + "'/></stream:error>", "end", ""},
	{"end at once", opened, "</stream:stream>", "end", ""},
	{"STARTTLS inside TLS", opened, "<starttls xmlns='" + nsTLS + "'/>", "tls failure", "tls"},
	{"answer to STARTTLS", opened, "<proceed xmlns='" + nsTLS + "'/>", "stream unsupported-stanza-type", ""},
	{"STARTTLS in the middle of SASL", opened, "<auth xmlns='" + nsSASL + "' mechanism='SCRAM-SHA-1'/><starttls xmlns='" + nsTLS + "'/>", "challenge, tls failure", ""},

	{"stanza instead of a new header", authenticated, "<message xmlns='jabber:client'/>", "stream invalid-namespace", ""},
	{"bind instead of a new header", authenticated, "<iq xmlns='jabber:client' type='set' id='1'><bind xmlns='" + nsBind + "'/></iq>", "stream invalid-namespace", ""},
	{"new header to another host", authenticated, headerWith("to='elsewhere.example' version='1.0'"), "stream host-unknown", ""},
	{"new header from somebody else", authenticated, headerWith("to='localhost' from='bob@localhost' version='1.0'"), "stream invalid-from", ""},
	{"new header from what is no address", authenticated, headerWith("to='localhost' from='@' version='1.0'"), "stream invalid-from", ""},

	{"message before bind", binding, "<message to='alice@localhost'/>", "stream not-authorized", ""},
	{"presence before bind", binding, "<presence/>", "stream not-authorized", ""},
	{"other iq before bind", binding, "<iq type='get' id='1'><query xmlns='jabber:iq:roster'/></iq>", "stream not-authorized", ""},
	{"bind of type get", binding, "<iq type='get' id='1'><bind xmlns='" + nsBind + "'/></iq>", "stream not-authorized", ""},
	{"login after login", binding, "<auth xmlns='" + nsSASL + "' mechanism='SCRAM-SHA-1'/>", "stream unsupported-stanza-type", ""},
	{"STARTTLS after login", binding, "<starttls xmlns='" + nsTLS + "'/>", "tls failure", ""},
	{"bind without id", binding, "<iq type='set'><bind xmlns='" + nsBind + "'/></iq>", "stanza modify/bad-request", ""},
	{"bind of a resource with control characters", binding, "<iq type='set' id='1'><bind xmlns='" + nsBind + "'><resource>a&#x7f;b</resource></bind></iq>", "stanza modify/bad-request", ""},
	{"bind of a resource too long", binding, "<iq type='set' id='1'><bind xmlns='" + nsBind + "'><resource>" + numbered("x%", 400) + "</resource></bind></iq>", "stanza modify/bad-request", ""},

	{"login after bind", bound, "<auth xmlns='" + nsSASL + "' mechanism='SCRAM-SHA-1'/>", "stream unsupported-stanza-type", ""},
	{"STARTTLS after bind", bound, "<starttls xmlns='" + nsTLS + "'/>", "stream unsupported-stanza-type", ""},
	{"second bind", bound, bindRequest, "stanza cancel/service-unavailable", ""},
	{"unknown stanza", bound, "<foo/>", "stream unsupported-stanza-type", ""},
	{"unknown namespace", bound, "<message xmlns='urn:example'/>", "stream unsupported-stanza-type", ""},
	{"stanza of a server", bound, "<message xmlns='jabber:server' to='alice@localhost'/>", "stream unsupported-stanza-type", ""},
	{"header as a stanza", bound, "<stream:stream/>", "stream unsupported-stanza-type", ""},
	{"stream error", bound, "<stream:error><reset xmlns='" + nsStreams + "'/></stream:error>", "end", ""},
	{"end of the stream", bound, "</stream:stream>", "end", ""},
	{"more after the end", bound, "</stream:stream><message/>garbage\x00", "end", ""},
}
