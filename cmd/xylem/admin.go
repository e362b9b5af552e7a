package main

import (
	"encoding/json"
	"errors"
	"net/http"

	"github.com/xylem-im/xylem/engine"
	"github.com/xylem-im/xylem/jid"
	"github.com/xylem-im/xylem/storage"
)

// The admin socket speaks HTTP with JSON bodies:
//
//	GET    /v1/status                        statusReport
//	GET    /v1/users?domain=D                a stream of listItem, in order; domain "" for all
//	POST   /v1/users        credentials      create
//	PUT    /v1/users        credentials      change the password; sessions and tokens end
//	DELETE /v1/users?jid=J                   delete; sessions end
//	GET    /v1/tokens?jid=J                  []engine.TokenInfo
//	DELETE /v1/tokens?jid=J&client=ID        revoke; client "" for all; the number of clients; sessions end
//	GET    /v1/domains                       []string
//	POST   /v1/domains?domain=D              serve it
//	DELETE /v1/domains?domain=D              stop serving it
//	GET    /v1/s2s?domain=D                  []remoteReport; domain "" for all. Also answered on http.listen
//	POST   /v1/s2s/check?domain=D&from=L     a stream of checkItem; from "" for the first domain
//
// Failures are an adminError with a status of 400 or more. Who can open the
// socket may do all of it: the file is for its owner alone.

// credentials is the body of POST and PUT /v1/users.
type credentials struct {
	JID      string `json:"jid"`
	Password string `json:"password"`
}

// listItem is one account of the list. The last item says that the list is
// whole, or why it is not; a stream that ends without it was cut off.
type listItem struct {
	JID  string      `json:"jid,omitempty"`
	Done bool        `json:"done,omitempty"`
	Err  *adminError `json:"error,omitempty"`
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
		{"conflict", storage.ErrConflict, http.StatusConflict},
		{"address", engine.ErrBadAccount, http.StatusBadRequest},
		{"taken", engine.ErrDomainTaken, http.StatusConflict},
		{"token", engine.ErrNoToken, http.StatusNotFound},
		{"domain", errDomainAbsent, http.StatusNotFound},
		{"federation", errNoFederation, http.StatusConflict},
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
	mux.HandleFunc("GET /v1/users", s.listUsers)
	handle("POST /v1/users", s.createUser)
	handle("PUT /v1/users", s.changePassword)
	handle("DELETE /v1/users", s.deleteUser)
	handle("GET /v1/tokens", s.listTokens)
	handle("DELETE /v1/tokens", s.revokeTokens)
	handle("GET /v1/s2s", s.listRemotes)
	mux.HandleFunc("POST /v1/s2s/check", s.checkRemote)
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
		answer, status = wireError(err)
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(answer) // fails only when the client has gone
}

// wireError is err for the wire, and the HTTP status that goes with it.
func wireError(err error) (*adminError, int) {
	for _, c := range adminCodes() {
		if errors.Is(err, c.err) {
			return &adminError{Code: c.code, Message: err.Error()}, c.status
		}
	}
	return &adminError{Code: "failed", Message: err.Error()}, http.StatusInternalServerError
}

func (s *server) listUsers(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Content-Type", "application/x-ndjson")
	out := json.NewEncoder(w)
	err := s.engine.Accounts().List(r.Context(), r.URL.Query().Get("domain"), func(who jid.JID) bool {
		return out.Encode(listItem{JID: who.String()}) == nil
	})
	last := listItem{Done: true}
	if err != nil {
		e, _ := wireError(err)
		last = listItem{Err: e}
	}
	_ = out.Encode(last) // fails only when the client has gone
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

// changePassword also ends the account's sessions and tokens, see package engine.
func (s *server) changePassword(r *http.Request) (any, error) {
	who, password, err := readCredentials(r)
	if err != nil {
		return nil, err
	}
	if err := s.engine.Accounts().SetPassword(r.Context(), who, password); err != nil {
		return nil, err
	}
	s.log.Info("password changed", "account", who.String())
	return nil, nil
}

func (s *server) listTokens(r *http.Request) (any, error) {
	who, err := parseAccount(r.URL.Query().Get("jid"))
	if err != nil {
		return nil, err
	}
	return s.engine.Accounts().Tokens(r.Context(), who)
}

func (s *server) revokeTokens(r *http.Request) (any, error) {
	who, err := parseAccount(r.URL.Query().Get("jid"))
	if err != nil {
		return nil, err
	}
	n, err := s.engine.Accounts().RevokeTokens(r.Context(), who, r.URL.Query().Get("client"))
	if err != nil {
		return nil, err
	}
	s.log.Info("tokens revoked", "account", who.String(), "clients", n)
	return n, nil
}

func (s *server) deleteUser(r *http.Request) (any, error) {
	who, err := parseAccount(r.URL.Query().Get("jid"))
	if err != nil {
		return nil, err
	}
	if err := s.engine.Accounts().Delete(r.Context(), who); err != nil {
		return nil, err
	}
	s.log.Info("account deleted", "account", who.String())
	return nil, nil
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
