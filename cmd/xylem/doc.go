// Command xylem is the XMPP server and its administration on the command
// line: flags, configuration, signals, certificates, the admin socket, and
// health and metrics over HTTP. Everything about XMPP is in package engine.
//
//	xylem serve
//	xylem user add alice@localhost
//
// docs/operator.md is its guide. A reader begins at run (main.go), goes on to
// serve (serve.go), and to the files named for what they do.
package main
