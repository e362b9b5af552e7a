// Package im holds tests of instant messaging on the whole stock server, in
// this process: who gets what by the delivery rules, several domains, storage
// that stalls, fails or fills up, and what a login and a flood cost.
package im
