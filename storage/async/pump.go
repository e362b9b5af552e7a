// Package async is the pump between event loops, which must not wait, and a
// storage driver, which does: bounded queues, group commit, read workers, and
// the delivery of results.
//
// Operations of one owner are done in the order in which they were submitted:
// an Apply sees the Apply before it, a read sees the Apply before it, and an
// Apply waits for the reads before it. Consecutive reads of one owner run beside
// each other, consecutive Applies share a group commit. Owners do not wait for
// each other, apart from sharing the disk.
package async
