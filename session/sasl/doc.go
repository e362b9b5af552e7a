// Package sasl holds the SASL mechanisms of an XMPP stream as pure step
// functions: bytes of a decoded <auth/> or <response/> go in, a [Step] comes
// out. There is no clock, no network and no storage in it, and no password
// hashing on the SCRAM path, so that an event loop may call every method of
// [Exchange]. What is expensive ([Derive], [Credentials.Verify] and
// [Config.Verify]: one PBKDF2 run, milliseconds) is said to be so and belongs
// on a worker.
//
// A server drives one attempt like this:
//
//	e, err := sasl.Start(mechanism, &cfg) // ErrMechanism: <invalid-mechanism/>
//	step := e.Respond(msg)                // nil when <auth/> was empty
//	switch step.Kind {
//	case sasl.NeedCredentials: // load e.Username(), then step = e.Credentials(c), nil if unknown
//	case sasl.NeedVerify:      // worker: ok := cfg.Verify(c, e.Username(), step.Password); step = e.Verified(ok)
//	case sasl.NeedTokens: // load those of e.Username() and of the client, then step = e.Tokens(list)
//	case sasl.Challenge:       // <challenge/> with step.Data
//	case sasl.Success:         // <success/> with step.Data
//	case sasl.Failure:         // <failure/> with step.Condition and step.Text
//	}
//
// What a client can learn: an unknown user is taken the whole way with
// [Decoy] credentials and ends in the same not-authorized as a wrong password.
// That an account is disabled may be told only after Success was reached here.
//
// Mechanisms: PLAIN (RFC 4616), SCRAM-SHA-1 (RFC 5802), SCRAM-SHA-256 (RFC
// 7677) and their -PLUS forms with tls-exporter (RFC 9266), tls-server-end-point
// (RFC 5929) or whatever binding the caller supplies; HT-SHA-256 for tokens
// (draft-schmaus-kitten-sasl-ht-09).
package sasl
