// Package storage states what the server stores and how it asks for it: the
// operations, their results, and the contract of a storage driver. It does no
// I/O itself.
//
// # Model
//
// A store is one ordered map. A key has three parts: an owner (a bare JID such
// as "alice@localhost", or a domain), a collection ("account", "roster",
// "offline") and a key within it. Within one owner and collection, keys are
// ordered byte by byte. The parts may hold any bytes.
//
// A [Batch] changes the collections of one owner atomically, and only if all
// its preconditions hold: what is needed to give out an account once, to append
// to a queue, to compare and swap. There are no transactions across owners, so
// that a store may spread its owners over machines.
//
// # Who calls whom
//
// Sessions and extensions describe what they need as an [Op] and go on; the
// pump (package storage/async) queues it, lets the [Driver] work in its own
// goroutines, and hands the [Result] to the event loop that is named in the
// [Token]. Nothing here may be awaited on an event loop. Command-line tools
// call a Driver directly.
//
// # Limits
//
// Every size is bounded (the constants from [MaxOwnerBytes] on); [Op.Validate] is
// where all drivers agree on them. What one operation may return is bounded too: a longer
// answer sets [Result.More].
package storage
