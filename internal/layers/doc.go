// Package layers has no code, only the test that holds the import rules of the
// project: which package may import which, and where clocks, sockets, files
// and loggers may not be used. The rules are the table in table_test.go.
package layers
