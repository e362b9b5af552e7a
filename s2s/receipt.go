package s2s

// Receipt is who waits until a stanza is dealt with: until the peer has
// acknowledged it, where the stream has stream management, else until it was
// written; or until it was returned. It is the engine's, and only handed on. The
// zero value: nobody does.
type Receipt struct {
	Origin uint64
	Seq    uint32
}

// numbered is the receipt of a stanza that was sent.
type numbered struct {
	number uint64 // see session.AckQueue.Sent
	Receipt
}

// await keeps the receipt of the stanza that was counted last. Its sender waits
// for the acknowledgement, so that is asked for at once.
func (m *managed) await(rc Receipt) {
	if rc != (Receipt{}) {
		m.receipts = append(m.receipts, numbered{m.queue.Sent(), rc})
		m.wanted = true
	}
}

// settle hands out the receipts of what was acknowledged.
func (m *managed) settle(out *Out) {
	acked, n := m.queue.Acked(), 0
	for n < len(m.receipts) && m.receipts[n].number <= acked {
		out.Settled = append(out.Settled, m.receipts[n].Receipt)
		n++
	}
	if m.receipts = m.receipts[n:]; len(m.receipts) == 0 {
		m.receipts = nil
	}
}

// Awaited is how many of the stanzas that the peer has not acknowledged have a
// sender who waits for that.
func (s *Stream) Awaited() int {
	if s.managed == nil {
		return 0
	}
	return len(s.managed.receipts)
}

// settled hands out that of a stanza which nobody will acknowledge.
func (o *Out) settled(rc Receipt) {
	if rc != (Receipt{}) {
		o.Settled = append(o.Settled, rc)
	}
}
