// Package load is what one generator process does: it keeps sessions of
// [client], makes traffic with them as a [Job] says, and counts what arrives.
//
// # How figures stay honest
//
// Every stanza that counts carries a [token]: the run, the flow, a number and
// the time when it was due. In an open loop that is the intended time, so a
// server (or generator) that falls behind shows as latency and not as fewer
// samples. The receiver compares numbers per flow: what is missing at the end
// was lost, what comes again is a duplicate, what comes after a later one was
// reordered. Latency counts for stanzas that were due inside the measured
// window, throughput for arrivals inside it; before it is the warm-up.
//
// A [Worker] speaks JSON lines: a Job and then Commands come in, Events go out.
package load
