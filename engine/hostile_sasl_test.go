package engine_test

import "strings"

func authWith(mechanism, content string) string {
	return "<auth xmlns='" + nsSASL + "' mechanism='" + mechanism + "'>" + content + "</auth>"
}

func respondWith(content string) string {
	return "<response xmlns='" + nsSASL + "'>" + content + "</response>"
}

const firstMessage = "{b64:n,,n=mallory,r=rOprNGfwEbeRWgbNEkqO}"

// hostileSASL breaks RFC 6120 §6 or the mechanisms. After each failure the
// client may try again on the same stream.
var hostileSASL = []hostile{
	{"unknown mechanism", opened, authWith("DIGEST-MD5", ""), "sasl invalid-mechanism", ""},
	{"mechanism in lower case", opened, authWith("scram-sha-1", firstMessage), "sasl invalid-mechanism", ""},
	{"no mechanism", opened, "<auth xmlns='" + nsSASL + "'/>", "sasl invalid-mechanism", ""},
	{"ANONYMOUS", opened, authWith("ANONYMOUS", ""), "sasl invalid-mechanism", ""},
	{"EXTERNAL", opened, authWith("EXTERNAL", "="), "sasl invalid-mechanism", ""},
	{"PLAIN in the clear", opened, authWith("PLAIN", "{b64:\x00mallory\x00secret}"), "sasl encryption-required", unencrypted},
	{"channel binding in the clear", opened, authWith("SCRAM-SHA-1-PLUS", "{b64:p=tls-exporter,,n=mallory,r=abc}"), "sasl invalid-mechanism", unencrypted},
	{"not base64", opened, authWith("SCRAM-SHA-1", "!!!"), "sasl incorrect-encoding", ""},
	{"base64 with spaces", opened, authWith("SCRAM-SHA-1", "bixh bg=="), "sasl incorrect-encoding", ""},
	{"base64 with a line break", opened, authWith("SCRAM-SHA-1", "bixh\nbg=="), "sasl incorrect-encoding", ""},
	{"base64 without padding", opened, authWith("SCRAM-SHA-1", "bg"), "sasl incorrect-encoding", ""},
	{"base64 with bits left over", opened, authWith("SCRAM-SHA-1", "bh=="), "sasl incorrect-encoding", ""},
	{"child in auth", opened, authWith("SCRAM-SHA-1", "<x/>"), "sasl incorrect-encoding", ""},
	{"response without auth", opened, respondWith("="), "sasl malformed-request", ""},
	{"abort without auth", opened, "<abort xmlns='" + nsSASL + "'/>", "sasl malformed-request", ""},
	{"success of a client", opened, "<success xmlns='" + nsSASL + "'/>", "stream unsupported-stanza-type", ""},
	{"unknown SASL element", opened, "<foo xmlns='" + nsSASL + "'/>", "stream unsupported-stanza-type", ""},
	{"auth inside an exchange", opened, authWith("SCRAM-SHA-1", firstMessage) + authWith("SCRAM-SHA-1", firstMessage), "challenge, sasl malformed-request", ""},
	{"abort", opened, authWith("SCRAM-SHA-1", firstMessage) + "<abort xmlns='" + nsSASL + "'/>", "challenge, sasl aborted", ""},
	{"message inside an exchange", opened, authWith("SCRAM-SHA-1", firstMessage) + "<message/>", "challenge, stream not-authorized", ""},
	{"response that is not base64", opened, authWith("SCRAM-SHA-1", firstMessage) + respondWith("%"), "challenge, sasl incorrect-encoding", ""},

	{"SCRAM: garbage", opened, authWith("SCRAM-SHA-1", "{b64:garbage}"), "sasl malformed-request", ""},
	{"SCRAM: nothing", opened, authWith("SCRAM-SHA-1", "="), "sasl malformed-request", ""},
	{"SCRAM: no nonce", opened, authWith("SCRAM-SHA-1", "{b64:n,,n=mallory}"), "sasl malformed-request", ""},
	{"SCRAM: empty nonce", opened, authWith("SCRAM-SHA-1", "{b64:n,,n=mallory,r=}"), "sasl malformed-request", ""},
	{"SCRAM: mandatory extension", opened, authWith("SCRAM-SHA-1", "{b64:n,,m=x,n=mallory,r=abc}"), "sasl malformed-request", ""},
	{"SCRAM: bad escape in the name", opened, authWith("SCRAM-SHA-1", "{b64:n,,n=mal=lory,r=abc}"), "sasl malformed-request", ""},
	{"SCRAM: bad binding flag", opened, authWith("SCRAM-SHA-1", "{b64:x,,n=mallory,r=abc}"), "sasl malformed-request", ""},
	{"SCRAM: binding without -PLUS", opened, authWith("SCRAM-SHA-1", "{b64:p=tls-exporter,,n=mallory,r=abc}"), "sasl malformed-request", ""},
	{"SCRAM: downgrade claimed where -PLUS was offered", opened, authWith("SCRAM-SHA-1", "{b64:y,,n=mallory,r=abc}"), "sasl not-authorized", "tls"},
	{"SCRAM: unknown binding type", opened, authWith("SCRAM-SHA-1-PLUS", "{b64:p=tls-unique,,n=mallory,r=abc}"), "sasl malformed-request", "tls"},
	{"SCRAM: acts as somebody else", opened, authWith("SCRAM-SHA-1", "{b64:n,a=bob@localhost,n=mallory,r=abc}"), "sasl invalid-authzid", ""},
	{"SCRAM: another nonce", opened, authWith("SCRAM-SHA-1", firstMessage) + respondWith("{b64:c=biws,r=other,p=AAAAAAAAAAAAAAAAAAAAAAAAAAA=}"), "challenge, sasl not-authorized", ""},
	{"SCRAM: response is garbage", opened, authWith("SCRAM-SHA-1", firstMessage) + respondWith("{b64:garbage}"), "challenge, sasl malformed-request", ""},
	{"SCRAM: message too long", opened, authWith("SCRAM-SHA-1", "{b64:n,,n=mallory,r="+strings.Repeat("r", 3_000)+"}"), "sasl malformed-request", ""},

	{"PLAIN: wrong password", opened, authWith("PLAIN", "{b64:\x00mallory\x00guess}"), "sasl not-authorized", "tls"},
	{"PLAIN: unknown user", opened, authWith("PLAIN", "{b64:\x00nobody\x00guess}"), "sasl not-authorized", "tls"},
	{"PLAIN: no zero bytes", opened, authWith("PLAIN", "{b64:mallory}"), "sasl malformed-request", "tls"},
	{"PLAIN: three zero bytes", opened, authWith("PLAIN", "{b64:\x00mallory\x00sec\x00ret}"), "sasl malformed-request", "tls"},
	{"PLAIN: no user", opened, authWith("PLAIN", "{b64:\x00\x00secret}"), "sasl malformed-request", "tls"},
	{"PLAIN: no password", opened, authWith("PLAIN", "{b64:\x00mallory\x00}"), "sasl malformed-request", "tls"},
	{"PLAIN: not UTF-8", opened, authWith("PLAIN", "{b64:\x00mallory\x00\xff}"), "sasl malformed-request", "tls"},
	{"PLAIN: acts as somebody else", opened, authWith("PLAIN", "{b64:bob@localhost\x00mallory\x00secret}"), "sasl invalid-authzid", "tls"},
	{"PLAIN: acts as a resource", opened, authWith("PLAIN", "{b64:mallory@localhost/x\x00mallory\x00secret}"), "sasl invalid-authzid", "tls"},
	{"too many attempts", opened, strings.Repeat(authWith("SCRAM-SHA-1", "!!!"), 5),
		"sasl incorrect-encoding, sasl incorrect-encoding, sasl incorrect-encoding, sasl incorrect-encoding, sasl incorrect-encoding, stream policy-violation", ""},
}
