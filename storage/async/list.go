package async

// list is a first-in, first-out list of requests, linked through them.
type list struct{ head, tail *request }

func (l *list) empty() bool { return l.head == nil }

func (l *list) push(r *request) {
	r.next = nil
	if l.head == nil {
		l.head = r
	} else {
		l.tail.next = r
	}
	l.tail = r
}

func (l *list) pop() *request {
	r := l.head
	l.head = r.next
	r.next = nil
	return r
}

// maxSpares bounds what is kept for reuse: a burst must not pin memory for ever.
const maxSpares = 1024

// spares are requests and lanes for reuse, so that Submit does not allocate.
type spares struct {
	requests *request
	lanes    *lane
	nr, nl   int
}

func (s *spares) request() *request {
	if s.requests == nil {
		return new(request)
	}
	r := s.requests
	s.requests, r.next = r.next, nil
	s.nr--
	return r
}

func (s *spares) putRequest(r *request) {
	*r = request{} // drops the references to the caller's bytes
	if s.nr < maxSpares {
		r.next, s.requests = s.requests, r
		s.nr++
	}
}

func (s *spares) lane() *lane {
	if s.lanes == nil {
		return new(lane)
	}
	l := s.lanes
	s.lanes, l.next = l.next, nil
	s.nl--
	return l
}

func (s *spares) putLane(l *lane) {
	*l = lane{}
	if s.nl < maxSpares {
		l.next, s.lanes = s.lanes, l
		s.nl++
	}
}
