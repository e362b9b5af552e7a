package engine_test

import "strings"

// with2 is an <authenticate/> with what stands inside.
func with2(mechanism, inside string) string {
	return "<authenticate xmlns='" + nsSASL2 + "' mechanism='" + mechanism + "'>" + inside + "</authenticate>"
}

func initial(content string) string { return "<initial-response>" + content + "</initial-response>" }

func respond2(content string) string {
	return "<response xmlns='" + nsSASL2 + "'>" + content + "</response>"
}

const (
	first2  = "<initial-response>{b64:n,,n=mallory,r=rOprNGfwEbeRWgbNEkqO}</initial-response>"
	agent2  = "<user-agent id='d4565fa7-4d72-4749-b3d3-740edbf87770'/>"
	bind2   = "<bind xmlns='" + nsBind2 + "'/>"
	resume2 = "<resume xmlns='" + nsManage + "' previd='x' h='0'/>"
)

const (
	zeros32 = "\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00"
	fast2   = "<fast xmlns='" + nsFAST + "'/>"
	token2  = "<initial-response>{b64:mallory\x00" + zeros32 + "}</initial-response>" + agent2
)

// hostileFAST breaks XEP-0484 where accounts are in the store, so that there are
// tokens.
var hostileFAST = []hostile{
	{"FAST: no token", opened, with2("HT-SHA-256-NONE", token2+fast2), "sasl2 credentials-expired", "tls"},
	{"FAST: bound to the channel, no token", opened, with2("HT-SHA-256-EXPR", token2+fast2), "sasl2 credentials-expired", "tls"},
	{"FAST: bound to the certificate, no token", opened, with2("HT-SHA-256-ENDP", token2+fast2), "sasl2 credentials-expired", "tls"},
	{"FAST: binding of TLS 1.2", opened, with2("HT-SHA-256-UNIQ", token2+fast2), "sasl2 invalid-mechanism", "tls"},
	{"FAST: unknown hash", opened, with2("HT-SHA-512-NONE", token2+fast2), "sasl2 invalid-mechanism", "tls"},
	{"FAST: without fast", opened, with2("HT-SHA-256-NONE", token2), "sasl2 invalid-mechanism", "tls"},
	{"FAST: by the old profile", opened, authWith("HT-SHA-256-NONE", "{b64:mallory\x00"+zeros32+"}"), "sasl invalid-mechanism", "tls"},
	{"FAST: with a password", opened, with2("PLAIN", initial("{b64:\x00mallory\x00secret}")+agent2+fast2), "sasl2 invalid-mechanism", "tls"},
	{"FAST: no agent", opened, with2("HT-SHA-256-NONE", "<initial-response>{b64:mallory\x00"+zeros32+"}</initial-response>"+fast2), "sasl2 malformed-request", "tls"},
	{"FAST: twice", opened, with2("HT-SHA-256-NONE", token2+fast2+fast2), "sasl2 malformed-request", "tls"},
	{"FAST: count below zero", opened, with2("HT-SHA-256-NONE", token2+"<fast xmlns='"+nsFAST+"' count='-1'/>"), "sasl2 malformed-request", "tls"},
	{"FAST: count too high", opened, with2("HT-SHA-256-NONE", token2+"<fast xmlns='"+nsFAST+"' count='4294967296'/>"), "sasl2 malformed-request", "tls"},
	{"FAST: invalidate maybe", opened, with2("HT-SHA-256-NONE", token2+"<fast xmlns='"+nsFAST+"' invalidate='maybe'/>"), "sasl2 malformed-request", "tls"},
	{"FAST: two requests", opened, with2("SCRAM-SHA-1", first2+agent2+strings.Repeat("<request-token xmlns='"+nsFAST+"' mechanism='HT-SHA-256-NONE'/>", 2)), "sasl2 malformed-request", "tls"},
	{"FAST: half a hash", opened, with2("HT-SHA-256-NONE", initial("{b64:mallory\x00abc}")+agent2+fast2), "sasl2 malformed-request", "tls"},
	{"FAST: no user", opened, with2("HT-SHA-256-NONE", initial("{b64:\x00"+zeros32+"}")+agent2+fast2), "sasl2 malformed-request", "tls"},
	{"FAST: user of another domain", opened, with2("HT-SHA-256-NONE", initial("{b64:mallory@localhost\x00"+zeros32+"}")+agent2+fast2), "sasl2 not-authorized", "tls"},
	{"upgrade: task that nobody asked for", opened, "<next xmlns='" + nsSASL2 + "' task='UPGR-SCRAM-SHA-256'/>", "sasl2 malformed-request", "tls"},
	{"FAST: nothing", opened, with2("HT-SHA-256-NONE", initial("")+agent2+fast2), "sasl2 malformed-request", "tls"},
}

// hostileSASL2 breaks XEP-0388, XEP-0386 and what goes with them. After a failure
// the client may try again on the same stream.
var hostileSASL2 = []hostile{
	{"2: in the clear", opened, with2("SCRAM-SHA-1", first2), "sasl2 encryption-required", unencrypted},
	{"2: unknown mechanism", opened, with2("DIGEST-MD5", ""), "sasl2 invalid-mechanism", "tls"},
	{"2: mechanism in lower case", opened, with2("scram-sha-1", first2), "sasl2 invalid-mechanism", "tls"},
	{"2: no mechanism", opened, "<authenticate xmlns='" + nsSASL2 + "'/>", "sasl2 invalid-mechanism", "tls"},
	{"2: ANONYMOUS", opened, with2("ANONYMOUS", ""), "sasl2 invalid-mechanism", "tls"},
	{"2: EXTERNAL", opened, with2("EXTERNAL", "<initial-response/>"), "sasl2 invalid-mechanism", "tls"},
	{"2: the equals sign of the old profile", opened, with2("SCRAM-SHA-1", initial("=")), "sasl2 incorrect-encoding", "tls"},
	{"2: not base64", opened, with2("SCRAM-SHA-1", initial("!!!")), "sasl2 incorrect-encoding", "tls"},
	{"2: base64 without padding", opened, with2("SCRAM-SHA-1", initial("bg")), "sasl2 incorrect-encoding", "tls"},
	{"2: base64 with bits left over", opened, with2("SCRAM-SHA-1", initial("bh==")), "sasl2 incorrect-encoding", "tls"},
	{"2: child in the response", opened, with2("SCRAM-SHA-1", initial("<x/>")), "sasl2 incorrect-encoding", "tls"},
	{"2: garbage", opened, with2("SCRAM-SHA-1", initial("{b64:garbage}")), "sasl2 malformed-request", "tls"},
	{"2: empty message", opened, with2("SCRAM-SHA-1", initial("")), "sasl2 malformed-request", "tls"},
	{"2: downgrade claimed", opened, with2("SCRAM-SHA-1", initial("{b64:y,,n=mallory,r=abc}")), "sasl2 not-authorized", "tls"},
	{"2: unknown binding type", opened, with2("SCRAM-SHA-1-PLUS", initial("{b64:p=tls-unique,,n=mallory,r=abc}")), "sasl2 malformed-request", "tls"},
	{"2: acts as somebody else", opened, with2("SCRAM-SHA-1", initial("{b64:n,a=bob@localhost,n=mallory,r=abc}")), "sasl2 invalid-authzid", "tls"},
	{"2: wrong password", opened, with2("PLAIN", initial("{b64:\x00mallory\x00guess}")+agent2+bind2+resume2), "sasl2 not-authorized", "tls"},
	{"2: unknown user", opened, with2("PLAIN", initial("{b64:\x00nobody\x00guess}")+agent2+bind2+resume2), "sasl2 not-authorized", "tls"},
	{"2: two agents", opened, with2("SCRAM-SHA-1", first2+agent2+agent2), "sasl2 malformed-request", "tls"},
	{"2: two binds", opened, with2("SCRAM-SHA-1", first2+bind2+bind2), "sasl2 malformed-request", "tls"},
	{"2: two resumptions", opened, with2("SCRAM-SHA-1", first2+resume2+resume2), "sasl2 malformed-request", "tls"},
	{"2: two responses", opened, with2("SCRAM-SHA-1", first2+first2), "sasl2 malformed-request", "tls"},
	{"2: agent that is no UUID", opened, with2("SCRAM-SHA-1", first2+"<user-agent id='../../etc'/>"), "sasl2 malformed-request", "tls"},
	{"2: agent with an empty id", opened, with2("SCRAM-SHA-1", first2+"<user-agent id=''/>"), "sasl2 malformed-request", "tls"},
	{"2: response without authenticate", opened, respond2("") + with2("FOO", ""), "sasl2 malformed-request, sasl2 invalid-mechanism", "tls"},
	{"2: abort without authenticate", opened, "<abort xmlns='" + nsSASL2 + "'/>", "sasl2 malformed-request", "tls"},
	{"2: next without continue", opened, "<next xmlns='" + nsSASL2 + "' task='UPGR-SCRAM-SHA-256'/>", "sasl2 malformed-request", "tls"},
	{"2: task data without next", opened, "<task-data xmlns='" + nsSASL2 + "'/>", "sasl2 malformed-request", "tls"},
	{"2: success of a client", opened, "<success xmlns='" + nsSASL2 + "'/>", "stream unsupported-stanza-type", "tls"},
	{"2: unknown element", opened, "<foo xmlns='" + nsSASL2 + "'/>", "stream unsupported-stanza-type", "tls"},
	{"2: abort", opened, with2("SCRAM-SHA-1", first2) + "<abort xmlns='" + nsSASL2 + "'/>", "challenge, sasl2 aborted", "tls"},
	{"2: response that is not base64", opened, with2("SCRAM-SHA-1", first2) + respond2("%"), "challenge, sasl2 incorrect-encoding", "tls"},
	{"2: another nonce", opened, with2("SCRAM-SHA-1", first2) + respond2("{b64:c=biws,r=other,p=AAAAAAAAAAAAAAAAAAAAAAAAAAA=}"), "challenge, sasl2 not-authorized", "tls"},
	{"2: message inside an exchange", opened, with2("SCRAM-SHA-1", first2) + "<message/>", "challenge, stream policy-violation", "tls"},
	{"2: white space inside an exchange", opened, with2("SCRAM-SHA-1", first2) + " ", "challenge, stream policy-violation", "tls"},
	{"2: authenticate inside an exchange", opened, with2("SCRAM-SHA-1", first2) + with2("SCRAM-SHA-1", first2), "challenge, stream policy-violation", "tls"},
	{"2: the old profile inside an exchange", opened, with2("SCRAM-SHA-1", first2) + respondWith("="), "challenge, stream policy-violation", "tls"},
	{"2: next inside an exchange", opened, with2("SCRAM-SHA-1", first2) + "<next xmlns='" + nsSASL2 + "'/>", "challenge, stream policy-violation", "tls"},
	{"2: inside an exchange of the old profile", opened, authWith("SCRAM-SHA-1", firstMessage) + respond2(""), "challenge, stream policy-violation", "tls"},
	{"2: once more after login", binding, with2("SCRAM-SHA-1", first2), "stream unsupported-stanza-type", "tls"},
	{"2: once more when bound", bound, with2("SCRAM-SHA-1", first2), "stream unsupported-stanza-type", "tls"},
	{"2: too many attempts", opened, strings.Repeat(with2("SCRAM-SHA-1", initial("!!!")), 5),
		strings.Repeat("sasl2 incorrect-encoding, ", 5) + "stream policy-violation", "tls"},
	{"FAST: no fast element", opened, with2("HT-SHA-256-NONE", initial("{b64:mallory\x00"+zeros32+"}")+agent2), "sasl2 invalid-mechanism", "tls"},
	{"FAST: where there are no tokens", opened, with2("HT-SHA-256-NONE", initial("{b64:mallory\x00"+zeros32+"}")+agent2+fast2), "sasl2 invalid-mechanism", "tls"},
	{"2: too deep", opened, "<authenticate xmlns='" + nsSASL2 + "' mechanism='PLAIN'>" + strings.Repeat("<a>", 20), "stream policy-violation", "tls"},
	{"2: too long", opened, with2("PLAIN", initial(strings.Repeat("A", 6_000))), "stream policy-violation", "tls"},
	{"2: a sender of another domain", connected, strings.Replace(streamHeader, " to=", " from='mallory@other.example' to=", 1), "stream invalid-from", "tls"},
}
