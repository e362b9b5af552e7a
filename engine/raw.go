package engine

import (
	"errors"
	"fmt"

	"github.com/xylem-im/xylem/jid"
	"github.com/xylem-im/xylem/parser"
	"github.com/xylem-im/xylem/stanza"
)

// ErrNotStanza is returned by Inject for what is no single stanza with
// addresses.
var ErrNotStanza = errors.New("engine: not one stanza in jabber:client with from and to")

// rawReader frames single stanzas that do not come from a session: those
// that are routed again, and those that are injected. The zero value is ready.
// Loop only.
type rawReader struct {
	scanner *parser.Scanner
	stream  parser.Stream
	limits  parser.Limits
}

const rawHeader = "<stream:stream xmlns='" + stanza.NSClient + "' xmlns:stream='" + stanza.NSStream + "'>"

// read frames b. The view is valid until the next call or until b changes.
func (r *rawReader) read(b []byte) (stanza.View, error) {
	if r.scanner == nil {
		r.scanner = parser.NewScanner()
		r.limits = parser.Limits{StanzaBytes: 1 << 30}.WithDefaults()
	}
	r.scanner.Release(&r.stream)
	r.stream.Reset(&r.limits)
	if _, _, err := r.scanner.Next(&r.stream, []byte(rawHeader)); err != nil {
		return stanza.View{}, err
	}
	frame, n, err := r.scanner.Next(&r.stream, b)
	if err != nil {
		return stanza.View{}, err
	}
	if frame == nil || frame.Kind() != parser.Stanza || n != len(b) || string(frame.Namespace()) != stanza.NSClient {
		return stanza.View{}, ErrNotStanza
	}
	v, ok := stanza.Of(frame)
	if !ok {
		return stanza.View{}, ErrNotStanza
	}
	return v, nil
}

// routeOrLog routes one rendered stanza; nobody can be told of an error.
func (l *loop) routeOrLog(b []byte) {
	if err := l.routeRaw(&source{}, b); err != nil {
		l.engine.log.Error("stanza lost on its way", "error", err)
	}
}

// routeRaw routes one rendered stanza.
func (l *loop) routeRaw(src *source, b []byte) error {
	v, err := l.reader.read(b)
	if err != nil {
		return fmt.Errorf("%w: %w", ErrNotStanza, err)
	}
	to, err := l.viewOf(parser.Unescape(v.To()))
	if err != nil {
		return fmt.Errorf("%w: to: %w", ErrNotStanza, err)
	}
	from, err := jid.ParseBytes(parser.Unescape(v.From()))
	if err != nil {
		return fmt.Errorf("%w: from: %w", ErrNotStanza, err)
	}
	l.route(src, &v, to, &stanza.Forward{From: from.String()})
	return nil
}

// injected is a stanza on its way from Inject to a loop.
type injected struct {
	raw  []byte
	done chan<- error
}

func (i *injected) apply(l *loop, _ *conn) { i.done <- l.routeRaw(&source{}, i.raw) }

// Inject routes a stanza as if it came from a local service: one complete
// element in jabber:client with from and to. It waits until the stanza was
// handed over, so it must not be called from a hook. Errors: ErrNotStanza,
// ErrNotRunning.
func (e *Engine) Inject(raw []byte) error {
	done := make(chan error, 1)
	if !e.serving() || !e.sendLoop(0, &injected{raw: append([]byte(nil), raw...), done: done}) {
		return ErrNotRunning
	}
	select {
	case err := <-done:
		return err
	case <-e.stopped:
		return ErrNotRunning
	}
}
