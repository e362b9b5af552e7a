// Package certs judges what a certificate proves about another server: for
// which domains it is one (RFC 6120 §13.7.1.2, RFC 9525), and whether an
// authority that is trusted here vouches for it now (RFC 5280). What it finds
// wrong it says in a sentence for operators, with what to do about it.
//
// [Verify] follows the chain to a root, once for a connection and on a worker:
// it costs some signature checks. What it returns answers for any number of
// domains by comparing names.
//
// Not looked at: revocation (public authorities are giving up OCSP in favour of
// short lives), DANE (RFC 7712) and POSH (RFC 7711).
package certs
