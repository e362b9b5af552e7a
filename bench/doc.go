// Package bench measures XMPP servers over the wire, all in the same way: it
// starts them (bench/target) or takes one that runs, lets generator processes
// make traffic (bench/load), reads what the operating system knows of the
// server (bench/measure), and reports (bench/report).
//
// It is for Linux, and for servers on the same machine: the load goes to
// loopback addresses only, it has an end, and what the harness started it
// stops by process id.
package bench
