package main

// floodWatch tells whether clients that do not read are flooded: each message to such
// a client is stored, as it is not acknowledged.
type floodWatch struct {
	kept uint64 // messages stored for who has not acknowledged them, at the last look
	calm int    // looks since there were many
	on   bool
}

const (
	floodLook  = 64 // such messages between two looks that make a flood
	floodLooks = 40 // looks, 10 s, after which it is over
)

// look is by how many messages were kept since the start.
func (f *floodWatch) look(kept uint64) (flooded bool) {
	f.calm++
	if kept-f.kept >= floodLook {
		f.calm, f.on = 0, true
	}
	f.kept = kept
	f.on = f.on && f.calm < floodLooks
	return f.on
}
