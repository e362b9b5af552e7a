// Package hugepages backs the heap of a large process with huge pages of Linux.
//
// A server with hundreds of thousands of sessions touches a dozen places of its
// memory for each message, anywhere in hundreds of megabytes. The processor knows where
// some 8 MiB of small pages are, so nearly each touch first waits for the page tables,
// which are in no cache either; in a virtual machine that is most of the wait.
// A huge page (2 MiB) takes one entry for 512 small ones.
//
// The runtime of Go has no setting for it, and madvise(MADV_HUGEPAGE) is not what
// is done here: it has the kernel fill up whatever the heap gives back, again and
// again. Instead [Keep] looks at the heap from time to time and asks for huge pages
// (MADV_COLLAPSE, Linux 6.1) only where at least half of one is in use, so a heap
// takes twice its memory at most, and only while a quarter of what the machine, the
// control groups and GOMEMLIMIT leave free is enough for that. What a huge page has
// been filled up with is given back when the heap has used it and freed it again: the
// runtime returns parts of 64 KiB, which breaks the huge page; a later pass looks at
// what is left of it as at any other part.
//
// To make a huge page the kernel copies what is there, one to two milliseconds in
// which whoever needs that part of the memory, or the core, waits. Keep spreads this: it is at it
// half a percent of the time.
//
// The heap is one for a process, however many engines run in it, so this is for
// programs to call and not for package engine.
package hugepages
