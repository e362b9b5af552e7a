package engine_test

import (
	"strings"
	"sync"
	"testing"

	"github.com/xylem-im/xylem/internal/await"
)

// reluctantSink is a peer that has read nothing until it says otherwise.
type reluctantSink struct {
	mu     sync.Mutex
	got    strings.Builder
	has    bool // read all
	closed chan struct{}
}

func (s *reluctantSink) Write(p []byte) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.got.Write(p)
}

func (s *reluctantSink) Buffered() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.has {
		return 0
	}
	return 1
}

func (s *reluctantSink) CloseWrite() {
	s.Write([]byte("|end|"))
	close(s.closed)
}

func (s *reluctantSink) Closed() {}

// A stream ends in the turn in which the loop looks at connections that are behind
// with reading: its last words are listed and not written yet, and come before
// the end.
func TestLastWordsOfTheBlocked(t *testing.T) {
	s := serve(t, nil)
	sink := &reluctantSink{closed: make(chan struct{})}
	w, err := s.Attach(sink)
	if err != nil {
		t.Fatal(err)
	}
	defer w.Close()
	loop := s.LoopOfWire(w)
	w.Send([]byte(streamHeader)) // the answer makes it one that is behind
	release := s.Stall(loop)
	w.Send([]byte("<!-- ends the stream -->"))
	stalled, goOn := s.StallLater(loop)
	release()
	<-stalled // in the middle of that turn
	sink.mu.Lock()
	sink.has = true
	sink.mu.Unlock()
	await.True(t, "the loop looks at it again", func() bool { return s.RefillsSoon(loop) })
	goOn()
	<-sink.closed
	sink.mu.Lock()
	defer sink.mu.Unlock()
	if got := sink.got.String(); !strings.HasSuffix(got, "</text></stream:error></stream:stream>|end|") {
		t.Errorf("got %s", got)
	}
}
