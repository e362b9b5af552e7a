// Command xylem-bench measures XMPP servers, xylem and its peers in the same
// way: flags, plans and progress on the command line around package bench.
//
//	xylem-bench run chat --target relay,xylem
//	xylem-bench compare before.json after.json
//
// docs/benchmarking.md is its guide. A reader begins at commands (main.go) and
// goes on to run.go.
package main
