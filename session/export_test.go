package session

// SetCounters makes both counters of stream management stand at n.
func SetCounters(s *Session, n uint64) {
	s.managed.in, s.managed.queue.acked = uint32(n), n
}

// PlainAck and PlainRequest read what they can without the scanner; n is 0 when they cannot.
func PlainAck(in []byte) (h uint32, n int) { return plainAck(in) }
func PlainRequest(in []byte) (n int)       { return plainRequest(in) }
