// Package mellium tests a running server with the client library
// mellium.im/xmpp. Its tests are built with the tag "clients" and started by
// test/clients/run, which says in the environment where the server is.
package mellium
