// Package inproc measures the engine where no test machine has sockets enough:
// a million sessions on [engine.Engine.Attach] in one process, logged in
// through the whole stack (streams, SASL, binding, presence), then memory,
// traffic and collections of garbage.
//
// # What is measured, and what it costs to measure
//
// The clients are in the same process, so their processor time is part of the
// figures: a client copies 350 bytes, looks for the mark in what arrives and
// reads the clock. How much of it is theirs is measured by itself: the same chains
// without a server in between (Clients, HotClients). Their memory is not part of the
// figures: it is arrays that exist before the memory without sessions is read.
// A [engine.Wire] belongs to the engine: it is what a socket is elsewhere.
//
// Traffic is a number of chains. A chain is one message in flight; its arrival
// sends the next one, from another session to its neighbour. Which one is
// random: among all sessions, so that every message meets memory that no cache
// holds (Spread), or among the first HotSessions (Hot), as most servers see it. A
// chain that does not go on within some seconds has lost its message.
//
// Then up to a thousand of the sessions leave and come back: they are resumed, and
// messages are stored for their accounts and fetched.
//
// A day (Mix) is messages, presence and logins at once, each at a rate. Then there are two
// servers in the process (Federation): users of one write to users of the other, whose
// sessions are made for that, over a connection that the servers make by themselves.
//
// Last, users write in an open loop beside others who log out and in (Churn), alone, and
// beside a flood to clients that read nothing (Slow). Such a client has stream management and acknowledges nothing, and its
// connection takes nothing, where a socket would have the kernel hold a part: all
// that waits for it is the engine's memory. Each message of the flood is followed
// until it is refused, or fetched.
//
// One size is measured in one process, so that it does not inherit the heap of
// another; cmd/xylem-bench starts them.
package inproc
