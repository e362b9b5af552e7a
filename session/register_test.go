package session_test

import (
	"strings"
	"testing"

	"github.com/xylem-im/xylem/session"
	"github.com/xylem-im/xylem/stanza"
)

const (
	askFields = "<iq type='get' id='f'><query xmlns='jabber:iq:register'/></iq>"
	signUp    = "<iq type='set' id='s'><query xmlns='jabber:iq:register'><username>Bob</username><password>b &lt;3</password></query></iq>"
)

func registering() *session.Config {
	cfg := config()
	cfg.Register = true
	return cfg
}

func TestXEP0077_3_1_RegisterBeforeLogin(t *testing.T) {
	p := newPeer(registering())
	p.feed(header)
	if strings.Contains(p.sent, "register") {
		t.Errorf("offered before TLS: %s", p.sent)
	}
	p = secured(t, registering())
	p.answers[session.OpRegister] = func(session.Op) session.Result { return session.Result{} }
	p.feed(askFields)
	p.expect(t, "<iq from='localhost' id='f' type='result'><query xmlns='jabber:iq:register'>"+
		"<instructions>Choose a username and a password.</instructions><username/><password/></query></iq>")
	p.feed(signUp)
	p.expect(t, "<iq from='localhost' id='s' type='result'/>")
	want := session.Op{Kind: session.OpRegister, Local: "bob", Domain: "localhost", Password: "b <3"}
	if len(p.ops) != 1 || p.ops[0] != want {
		t.Errorf("asked for %+v, want %+v", p.ops, want)
	}
	p.feed(signUp) // one account a stream
	if !strings.Contains(p.sent, "<not-acceptable ") || len(p.ops) != 1 {
		t.Errorf("again: %s, %d operations", p.sent, len(p.ops))
	}
	p.sent = ""
	p.feed(plain("alice", secret)) // and the login goes on
	p.expect(t, "<success xmlns='"+stanza.NSSASL+"'/>")
}

func TestXEP0077_RegisterFeature(t *testing.T) {
	p := newPeer(registering())
	p.feed(header + starttls)
	p.sent = ""
	p.feed(header)
	if !strings.Contains(p.sent, "<register xmlns='http://jabber.org/features/iq-register'/></stream:features>") {
		t.Errorf("inside TLS: %s", p.sent)
	}
	p.feed(plain("alice", secret))
	p.sent = ""
	p.feed(header)
	if strings.Contains(p.sent, "register") {
		t.Errorf("after login: %s", p.sent)
	}
}

func TestXEP0077_3_1_1_WhatIsRefused(t *testing.T) {
	for _, c := range []struct {
		name, iq  string
		condition stanza.Condition
	}{
		{"no password", "<iq type='set' id='s'><query xmlns='jabber:iq:register'><username>bob</username></query></iq>", stanza.NotAcceptable},
		{"an empty password", "<iq type='set' id='s'><query xmlns='jabber:iq:register'><username>bob</username><password/></query></iq>", stanza.NotAcceptable},
		{"no username", "<iq type='set' id='s'><query xmlns='jabber:iq:register'><password>p</password></query></iq>", stanza.NotAcceptable},
		{"no localpart", "<iq type='set' id='s'><query xmlns='jabber:iq:register'><username>a@b</username><password>p</password></query></iq>", stanza.NotAcceptable},
		{"another domain", strings.Replace(signUp, "id=", "to='other.example' id=", 1), stanza.ServiceUnavailable},
		{"a user", strings.Replace(signUp, "id=", "to='alice@localhost' id=", 1), stanza.ServiceUnavailable},
		{"no id", strings.Replace(signUp, "id='s'", "", 1), stanza.BadRequest},
	} {
		t.Run(c.name, func(t *testing.T) {
			p := secured(t, registering())
			p.feed(c.iq)
			if !strings.Contains(p.sent, "type='error'") || !strings.Contains(p.sent, "<"+string(c.condition)+" ") || len(p.ops) > 0 || p.closed {
				t.Errorf("got %s, want %s; operations %v", p.sent, c.condition, p.ops)
			}
		})
	}
	p := secured(t, registering())
	p.answers[session.OpRegister] = func(session.Op) session.Result {
		return session.Result{Err: stanza.Error{Condition: stanza.Conflict}}
	}
	p.feed(strings.Replace(signUp, "id=", "to='localhost' id=", 1))
	p.expect(t, "<iq from='localhost' id='s' type='error'><error type='cancel'><conflict xmlns='"+stanza.NSStanzas+"'/></error></iq>")
}

func TestNoRegistrationUnlessOffered(t *testing.T) {
	for name, p := range map[string]*peer{"off": secured(t, config()), "in the clear": newPeer(registering()), "after login": binding(t, registering())} {
		t.Run(name, func(t *testing.T) {
			if name == "in the clear" {
				p.feed(header)
			}
			p.sent = ""
			p.feed(signUp)
			p.expectFailure(t, stanza.StreamNotAuthorized)
			if len(p.ops) > 1 {
				t.Errorf("operations %v", p.ops)
			}
		})
	}
}
