// Xylem-bench measures XMPP servers: xylem and its peers, in the same way.
// See docs/benchmarking.md, and xylem-bench help.
package main
