package load

import (
	"context"
	"errors"
	"strconv"

	"github.com/xylem-im/xylem/bench/client"
	"github.com/xylem-im/xylem/parser"
)

// Namespaces of copies: XEP-0280, XEP-0297.
const (
	nsCarbons = "urn:xmpp:carbons:2"
	nsForward = "urn:xmpp:forward:0"
	nsClient  = "jabber:client"
)

// joinDevices logs in the sessions of p's account beside p. They write nothing; each is
// to get, once, all that p and its peer write to each other, as messages or as copies.
func (w *Worker) joinDevices(ctx context.Context, a client.Account, p *player) error {
	if w.job.Devices > 1 && w.job.Relay {
		return errors.New("the relay knows no accounts, so it copies nothing to devices")
	}
	resource := a.Resource
	for i := range w.job.Devices - 1 {
		if resource != "" {
			a.Resource = resource + strconv.Itoa(2+i)
		}
		d, err := w.joinAs(ctx, a, &player{first: p})
		if err != nil {
			return err
		}
		p.devices = append(p.devices, d)
	}
	return nil
}

// pair makes p and q a pair.
func (p *player) pair(q *player) {
	for _, x := range [][2]*player{{p, q}, {q, p}} {
		x[0].peer = x[1]
		for _, d := range x[0].devices {
			d.mu.Lock()
			d.writer = x[1].s.Account.Index
			d.mu.Unlock()
		}
	}
}

// copied is the message in a copy for p, and whether p's account has sent it. ok is false
// when f is no copy, or one that not p's account has made (XEP-0280 §11).
func (p *player) copied(f *parser.Frame) (id []byte, sent, ok bool) {
	e := f.Element()
	outer := e.Child(nsCarbons, "received")
	if outer.IsZero() {
		outer, sent = e.Child(nsCarbons, "sent"), true
	}
	if from, _ := f.From(); outer.IsZero() || string(from) != p.bare {
		return nil, false, false
	}
	id, ok = outer.Child(nsForward, "forwarded").Child(nsClient, "message").Attr("id")
	return id, sent, ok
}

// takeCopy counts what a device gets as a copy, or as a message of its peer.
func (p *player) takeCopy(f *parser.Frame, at int64) {
	id, sent, copied := p.copied(f)
	if !copied {
		id, _ = f.ID()
	}
	tok, ok, stray := parseToken(id, p.w.job.Run)
	if !ok && !stray {
		return
	}
	p.mu.Lock()
	flow, writer := &p.in, p.writer
	if sent {
		flow, writer = &p.out, p.s.Account.Index
	}
	if stray || tok.flow != writer {
		p.mu.Unlock()
		p.m.stray.Add(1)
		return
	}
	fresh := flow.take(tok.number)
	p.mu.Unlock()
	if !fresh {
		p.w.note("%s got a message twice: %.200s", p.s.JID, f.Raw())
		return
	}
	p.m.copied(tok.due, at)
}

// countCopies adds what p, a device, knows of faults.
func (p *player) countCopies(f *faults) {
	p.mu.Lock()
	defer p.mu.Unlock()
	f.duplicated += p.in.duplicated + p.out.duplicated
	f.reordered += p.in.reordered + p.out.reordered
	if peer := p.first.peer; peer != nil {
		f.lost += p.in.lost(peer.sent.Load()) + p.out.lost(p.first.sent.Load())
	}
}
