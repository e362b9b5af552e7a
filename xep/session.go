package xep

import "github.com/xylem-im/xylem/jid"

// Session hooks follow the sessions of an account, at its home.
type Session struct {
	// Opened is called when a resource was bound, before anything that the
	// session sends is handled; done must be called once, now or later.
	Opened func(a *Home, s SessionRef, done func())
	// Available is called when a resource becomes available (initial presence,
	// RFC 6121 §4.2), changes its priority, or becomes unavailable. before tells
	// what it was. The handler of presence calls it, see SessionAvailable.
	Available func(a *Home, s SessionRef, before, now Resource)
	// Closed is called when a session has ended, however it did. Where another
	// session took over its resource, Opened of that may come first. It is called
	// also where Opened of an extension before this one was not done yet.
	Closed func(a *Home, s SessionRef)

	// Name names what Save keeps; needed with it.
	Name string
	// Save is called when the server stops and the session is kept to be resumed
	// after the restart: what the extension must know of it then, at most MaxSaved
	// bytes; nothing: no call of Restore. Closed is not called.
	Save func(a *Home, s SessionRef) []byte
	// Restore is called after the start, behind Opened, with what Save has kept; done
	// must be called once. What it cannot read it leaves.
	Restore func(a *Home, s SessionRef, saved []byte, done func())
}

// MaxSaved bounds what one extension may keep of a session, in bytes.
const MaxSaved = 64 << 10

// SessionRef names one session. Two sessions may have the same address, one
// after the other, but never the same ID.
type SessionRef struct {
	JID jid.JID // full
	ID  uint64  // never 0 for a local session
}

// Session adds hooks on the life of sessions.
func (r *Registry) Session(s Session) { r.sessions = append(r.sessions, s) }
