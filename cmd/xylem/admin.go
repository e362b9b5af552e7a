package main

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"

	"github.com/xylem-im/xylem/engine"
	"github.com/xylem-im/xylem/jid"
	"github.com/xylem-im/xylem/stanza"
)

// The admin socket speaks HTTP with JSON bodies:
//
//	GET    /v1/status                        statusReport
//	GET    /v1/users?domain=D&after=JID      userPage, in order, domain "" for all
//	POST   /v1/users        credentials      create
//	PUT    /v1/users        credentials      change the password; sessions end
//	DELETE /v1/users?jid=J                   delete; sessions end
//	GET    /v1/domains                       []string
//	POST   /v1/domains?domain=D              serve it
//	DELETE /v1/domains?domain=D              stop serving it
//
// Failures are an adminError with a status of 400 or more. Who can open the
// socket may do all of it: the file is for its owner alone.

// credentials is the body of POST and PUT /v1/users.
type credentials struct {
	JID      string `json:"jid"`
	Password string `json:"password"`
}

// userPage is a part of the list of accounts.
type userPage struct {
	Users []string `json:"users"`
	More  bool     `json:"more"` // ask again with after = the last one
}

// adminError is a failure on the wire. Code is one of the codes below, so
// that the client finds the same errors as when it works on the store itself.
type adminError struct {
	Code    string `json:"code"`
	Message string `json:"message"`
}

func (e *adminError) Error() string { return e.Message }

// Is maps the code to the errors of package engine.
func (e *adminError) Is(target error) bool {
	for _, c := range adminCodes() {
		if c.code == e.Code {
			return c.err == target
		}
	}
	return false
}

type adminCode struct {
	code   string
	err    error
	status int
}

func adminCodes() []adminCode {
	return []adminCode{
		{"exists", engine.ErrAccountExists, http.StatusConflict},
		{"absent", engine.ErrNoAccount, http.StatusNotFound},
		{"address", engine.ErrBadAccount, http.StatusBadRequest},
		{"domain", errDomainAbsent, http.StatusNotFound},
		{"request", errRequest, http.StatusBadRequest},
	}
}

var (
	errDomainAbsent = errors.New("the domain is not served")
	errRequest      = errors.New("bad request")
)

// adminHandler answers the admin socket.
func adminHandler(s *server) http.Handler {
	mux := http.NewServeMux()
	handle := func(pattern string, f func(*http.Request) (any, error)) {
		mux.HandleFunc(pattern, func(w http.ResponseWriter, r *http.Request) {
			answer, err := f(r)
			writeAnswer(w, answer, err)
		})
	}
	handle("GET /v1/status", func(*http.Request) (any, error) { return s.report(), nil })
	handle("GET /v1/users", func(r *http.Request) (any, error) {
		q := r.URL.Query()
		return listAccounts(r.Context(), s.engine.Accounts(), q.Get("domain"), q.Get("after"))
	})
	handle("POST /v1/users", s.createUser)
	handle("PUT /v1/users", s.changePassword)
	handle("DELETE /v1/users", s.deleteUser)
	handle("GET /v1/domains", func(*http.Request) (any, error) { return s.engine.Domains(), nil })
	handle("POST /v1/domains", func(r *http.Request) (any, error) {
		return nil, s.addDomain(r.URL.Query().Get("domain"))
	})
	handle("DELETE /v1/domains", func(r *http.Request) (any, error) {
		return nil, s.removeDomain(r.URL.Query().Get("domain"))
	})
	return mux
}

func writeAnswer(w http.ResponseWriter, answer any, err error) {
	status := http.StatusOK
	if err != nil {
		e := &adminError{Code: "failed", Message: err.Error()}
		status = http.StatusInternalServerError
		for _, c := range adminCodes() {
			if errors.Is(err, c.err) {
				e.Code, status = c.code, c.status
			}
		}
		answer = e
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(answer) // fails only when the client has gone
}

// readCredentials is the body of a request and its address.
func readCredentials(r *http.Request) (who jid.JID, password string, err error) {
	var c credentials
	if err := json.NewDecoder(http.MaxBytesReader(nil, r.Body, 64<<10)).Decode(&c); err != nil {
		return who, "", errors.Join(errRequest, err)
	}
	who, err = parseAccount(c.JID)
	return who, c.Password, err
}

func (s *server) createUser(r *http.Request) (any, error) {
	who, password, err := readCredentials(r)
	if err != nil {
		return nil, err
	}
	if err := s.engine.Accounts().Create(r.Context(), who, password); err != nil {
		return nil, err
	}
	s.log.Info("account created", "account", who.String())
	return nil, nil
}

// changePassword also ends the account's sessions: who knew only the old
// password must not stay. RFC 6120 §4.9.3.16: reset asks to authenticate anew.
func (s *server) changePassword(r *http.Request) (any, error) {
	who, password, err := readCredentials(r)
	if err != nil {
		return nil, err
	}
	if err := s.engine.Accounts().SetPassword(r.Context(), who, password); err != nil {
		return nil, err
	}
	closed := s.engine.Kick(who.String(), stanza.StreamError{Condition: stanza.StreamReset, Text: "password changed"})
	s.log.Info("password changed", "account", who.String(), "sessions_closed", closed)
	return nil, nil
}

// deleteUser ends the sessions with not-authorized, as XEP-0077 §3.2 says of
// accounts that are removed.
func (s *server) deleteUser(r *http.Request) (any, error) {
	who, err := parseAccount(r.URL.Query().Get("jid"))
	if err != nil {
		return nil, err
	}
	if err := s.deleteAccount(r.Context(), who); err != nil {
		return nil, err
	}
	return nil, nil
}

func (s *server) deleteAccount(ctx context.Context, who jid.JID) error {
	if err := s.engine.Accounts().Delete(ctx, who); err != nil {
		return err
	}
	closed := s.engine.Kick(who.String(), stanza.StreamError{Condition: stanza.StreamNotAuthorized, Text: "account deleted"})
	s.log.Info("account deleted", "account", who.String(), "sessions_closed", closed)
	return nil
}

// parseAccount is an account's address: localpart@domainpart.
func parseAccount(text string) (jid.JID, error) {
	who, err := jid.Parse(text)
	if err != nil {
		return who, &badAddress{text, err.Error()}
	}
	if who.Local() == "" {
		return who, &badAddress{text, "no part before the @"}
	}
	if !who.IsBare() {
		return who, &badAddress{text, "a resource (/" + who.Resource() + ") is no part of an account"}
	}
	return who, nil
}

// badAddress is what a user typed where an account's address belongs.
type badAddress struct{ text, reason string }

func (e *badAddress) Error() string {
	return "\"" + e.text + "\" is not an account's address (want NAME@DOMAIN): " + e.reason
}

func (e *badAddress) Unwrap() error { return engine.ErrBadAccount }
