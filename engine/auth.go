package engine

import (
	"errors"
	"slices"
	"sync"

	"github.com/xylem-im/xylem/session"
	"github.com/xylem-im/xylem/session/sasl"
	"github.com/xylem-im/xylem/storage"
)

// errTooManyFailures: the address has guessed too often in this hour.
var errTooManyFailures = errors.New("engine: too many failed logins from this address")

// start carries out an operation that a session waits for.
func (l *loop) start(c *conn, op session.Op) {
	if op.Kind == session.OpCredentials || op.Kind == session.OpVerify {
		if l.engine.failures.tooMany(c.transport.remote(), l.now) {
			c.answerHere()(session.Result{Err: errTooManyFailures})
			return
		}
	}
	switch op.Kind {
	case session.OpBind:
		l.bind(c, op)
	case session.OpResume:
		l.startResume(c, op)
	case session.OpCredentials:
		c.credentials(op)
	case session.OpVerify:
		c.verify(op)
	case session.OpRegister:
		c.register(op)
	case session.OpToken:
		c.readToken(op)
	case session.OpTokenPut:
		c.putToken(op)
	case session.OpUpgrade:
		c.upgrade(op)
	}
}

// credentials looks up an account for SCRAM.
func (c *conn) credentials(op session.Op) {
	auth, answer := c.loop.engine.cfg.Auth, c.answerHere()
	if auth != nil {
		answer = c.answer()
	}
	done := func(creds *sasl.Credentials, err error) {
		answer(session.Result{Credentials: creds, Err: err})
	}
	if auth != nil {
		auth.Credentials(op.Local, op.Domain, done)
		return
	}
	c.lookup(op, done)
}

// answer is how a worker, or an Authenticator, answers the session's operation,
// from any goroutine. Only its first call counts: a second one would answer the
// client's next attempt.
func (c *conn) answer() func(session.Result) {
	e, to := c.loop.engine, c.mailbox()
	var once sync.Once
	return func(res session.Result) {
		once.Do(func() { e.send(to, &completion{res}) })
	}
}

// answerHere is answer for what is called once and on the loop, which need not be
// woken for it. The session goes on before the turn ends. Loop only.
func (c *conn) answerHere() func(session.Result) {
	l, to := c.loop, c.mailbox()
	return func(res session.Result) { l.postControl(to, &completion{res}) }
}

// verify checks a password: by the Authenticator if it wants to, else by the
// credentials.
func (c *conn) verify(op session.Op) {
	e := c.loop.engine
	switch v, own := e.cfg.Auth.(PasswordVerifier); {
	case own:
		answer := c.answer()
		v.Verify(op.Local, op.Domain, op.Password, func(ok bool, err error) {
			answer(session.Result{OK: ok, Err: err})
		})
	case e.cfg.Auth != nil:
		to := c.mailbox()
		var once sync.Once // see answer
		e.cfg.Auth.Credentials(op.Local, op.Domain, func(creds *sasl.Credentials, err error) {
			once.Do(func() { e.send(to, &found{op, creds, err}) })
		})
	default:
		c.lookup(op, func(creds *sasl.Credentials, err error) { c.check(op, creds, err) })
	}
}

// found brings the credentials that an Authenticator has for a password back to
// the loop, which alone may give work to the workers.
type found struct {
	op    session.Op
	creds *sasl.Credentials
	err   error
}

func (f *found) apply(_ *loop, c *conn) {
	if c != nil {
		c.check(f.op, f.creds, f.err)
	}
}

// check compares a password with credentials on a worker, which takes as long
// when there are none. Loop only.
func (c *conn) check(op session.Op, creds *sasl.Credentials, err error) {
	e, answer := c.loop.engine, c.answer()
	if err == nil && !c.loop.work(func() { answer(session.Result{OK: e.sasl.Verify(creds, op.Local, op.Password), Credentials: creds}) }) {
		err = storage.ErrBusy
	}
	if err != nil {
		answer(session.Result{Err: err})
	}
}

// lookup reads stored credentials; nil when there is no such account. done is
// called on the loop.
func (c *conn) lookup(op session.Op, done func(*sasl.Credentials, error)) {
	c.loop.ask(getCredentials(op.Local+"@"+op.Domain), func(res *storage.Result) {
		switch {
		case errors.Is(res.Err, storage.ErrNotFound):
			done(nil, nil)
		case res.Err != nil:
			done(nil, res.Err)
		default:
			creds, err := sasl.ParseCredentials(res.Items[0].Value)
			done(&creds, err)
		}
	})
}

// upgrade stores new keys of a password, on the condition that it has not changed
// since the login that made them began. Tokens stay.
func (c *conn) upgrade(op session.Op) {
	answer := c.answerHere()
	put := &storage.Op{Kind: storage.Apply, Owner: op.Local + "@" + op.Domain, Durable: true}
	put.Batch.CheckValue(collectionAccount, []byte(keyCredentials), op.Credentials.Append(nil))
	put.Batch.Put(collectionAccount, []byte(keyCredentials), op.Upgrade.Append(nil))
	c.loop.ask(put, func(res *storage.Result) { answer(session.Result{Err: res.Err}) })
}

// completion answers a session's operation on its loop.
type completion struct{ result session.Result }

func (a *completion) apply(l *loop, c *conn) {
	if c == nil {
		return
	}
	c.complete(&a.result)
	c.resume()
}

// ask submits a storage operation; done is called on this loop with the
// result, which belongs to it. An operation that cannot be queued is answered
// at once.
func (l *loop) ask(op *storage.Op, done func(*storage.Result)) {
	if l.engine.pump == nil {
		done(&storage.Result{Err: storage.ErrNotFound})
		return
	}
	l.serial++
	op.Token = storage.Token{Loop: l.index, Serial: l.serial}
	if err := l.engine.pump.Submit(op); err != nil {
		done(&storage.Result{Err: err})
		return
	}
	l.asked[l.serial] = done
	l.gave = l.gave || op.Patience == 0 // nobody begins with what waits for others
}

// stored brings the results of the pump to the loop that asked.
type stored struct{ results []storage.Result }

func (s *stored) apply(l *loop, _ *conn) {
	for i := range s.results {
		res := &s.results[i]
		done := l.asked[res.Token.Serial]
		delete(l.asked, res.Token.Serial)
		if done != nil {
			done(res)
		}
	}
}

// storedTogether is how many results a loop takes without looking at the time: see
// loop.deliverInbox.
const storedTogether = 32

// deliverStored is called by the pump's goroutines; all results are of one loop.
func (e *Engine) deliverStored(results []storage.Result) {
	to := results[0].Token.Loop
	for some := range slices.Chunk(slices.Clone(results), storedTogether) {
		e.sendLoop(to, &stored{results: some})
	}
}

func getCredentials(owner string) *storage.Op {
	return &storage.Op{Kind: storage.Get, Owner: owner, Collection: collectionAccount, Key: []byte(keyCredentials)}
}
