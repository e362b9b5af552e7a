// Package xep is the one place where extensions attach to the server: a
// [Registry] that they fill before traffic, and an account's [Home] through which
// they act.
//
// # Where code runs
//
// What concerns an account (its roster, its offline messages, an IQ sent to
// it or by it to the server) runs on the account's home: one event loop,
// chosen by the address, so that an account's state needs no lock and its
// changes have one order. A handler may not block. It asks storage with a
// callback that comes back on the same loop, and answers its Request then. The
// session that sent a request consumes nothing until it was answered, so that
// a client's stanzas are handled in order (RFC 6120 §10.1) and a client that
// outruns the disk is slowed down, not buffered.
//
// Messages between sessions do not pass through homes, unless a Mark says that
// the home must judge them (MarkFilter) or keep them back (MarkHeld). Extensions
// that must only see them (carbons, for example) say by a Mark which accounts'
// messages they mean, and are called on the loop of the sender.
//
// # What an extension is
//
// A folder below this one with a Register(*Registry) error, or a New(Options) that
// returns such a function, and a line in package standard. It may import this
// package and those that it is built on; never another extension, the engine or
// the routing table. Service discovery answers from the registry, so what is
// announced is what runs. Package ping is the smallest.
package xep
