package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"net/http"
	"net/url"
	"syscall"
	"time"

	"github.com/xylem-im/xylem/engine"
	"github.com/xylem-im/xylem/jid"
)

// adminClient talks to the server that runs on a data folder.
type adminClient struct {
	http *http.Client
}

// errNotRunning: no server answers on the data folder.
var errNotRunning = errors.New("no server runs on this data folder")

// dialAdmin finds the running server of a data folder; errNotRunning when
// there is none.
func dialAdmin(data string) (*adminClient, error) {
	path := socketPath(data)
	probe, err := net.DialTimeout("unix", path, 5*time.Second)
	switch {
	case errors.Is(err, fs.ErrNotExist), errors.Is(err, syscall.ECONNREFUSED), errors.Is(err, syscall.ENOTDIR):
		return nil, errNotRunning
	case errors.Is(err, fs.ErrPermission):
		return nil, fmt.Errorf("admin socket %s: permission denied; run this command as the user that the server runs as", path)
	case errors.Is(err, syscall.EINVAL): // the path is too long, and admin.path does not name another
		return nil, errNotRunning
	case err != nil:
		return nil, fmt.Errorf("admin socket: %w", err)
	}
	_ = probe.Close() // only asked whether somebody is there
	return &adminClient{http: &http.Client{
		Transport: &http.Transport{ // no limit on the whole: a long list may go to a slow reader
			ResponseHeaderTimeout: time.Minute,
			DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
				return (&net.Dialer{}).DialContext(ctx, "unix", path)
			},
		},
	}}, nil
}

// call sends one request; in and out are JSON, nil for none.
func (c *adminClient) call(ctx context.Context, method, path string, query url.Values, in, out any) error {
	body, err := c.open(ctx, method, path, query, in)
	if err != nil {
		return err
	}
	defer body.Close()
	if out == nil {
		return nil
	}
	return json.NewDecoder(body).Decode(out)
}

// open sends one request and returns the body of the answer, if it was no failure.
func (c *adminClient) open(ctx context.Context, method, path string, query url.Values, in any) (io.ReadCloser, error) {
	var body io.Reader
	if in != nil {
		b, err := json.Marshal(in)
		if err != nil {
			return nil, err
		}
		body = bytes.NewReader(b)
	}
	r, err := http.NewRequestWithContext(ctx, method, "http://xylem"+path+"?"+query.Encode(), body)
	if err != nil {
		return nil, err
	}
	resp, err := c.http.Do(r)
	if err != nil {
		return nil, fmt.Errorf("admin socket: %w", err)
	}
	if resp.StatusCode < http.StatusBadRequest {
		return resp.Body, nil
	}
	defer resp.Body.Close()
	e := &adminError{}
	if err := json.NewDecoder(resp.Body).Decode(e); err != nil || e.Code == "" {
		return nil, fmt.Errorf("admin socket: the server answered %s", resp.Status)
	}
	return nil, e
}

// Create implements accounts.
func (c *adminClient) Create(ctx context.Context, who jid.JID, password string) error {
	return c.call(ctx, http.MethodPost, "/v1/users", nil, credentials{who.String(), password}, nil)
}

// SetPassword implements accounts.
func (c *adminClient) SetPassword(ctx context.Context, who jid.JID, password string) error {
	return c.call(ctx, http.MethodPut, "/v1/users", nil, credentials{who.String(), password}, nil)
}

// Delete implements accounts.
func (c *adminClient) Delete(ctx context.Context, who jid.JID) error {
	return c.call(ctx, http.MethodDelete, "/v1/users", url.Values{"jid": {who.String()}}, nil, nil)
}

// Tokens implements accounts.
func (c *adminClient) Tokens(ctx context.Context, who jid.JID) (list []engine.TokenInfo, err error) {
	err = c.call(ctx, http.MethodGet, "/v1/tokens", url.Values{"jid": {who.String()}}, nil, &list)
	return list, err
}

// RevokeTokens implements accounts.
func (c *adminClient) RevokeTokens(ctx context.Context, who jid.JID, client string) (n int, err error) {
	err = c.call(ctx, http.MethodDelete, "/v1/tokens", url.Values{"jid": {who.String()}, "client": {client}}, nil, &n)
	return n, err
}

// List implements accounts.
func (c *adminClient) List(ctx context.Context, domain string, f func(jid.JID) bool) error {
	body, err := c.open(ctx, http.MethodGet, "/v1/users", url.Values{"domain": {domain}}, nil)
	if err != nil {
		return err
	}
	defer body.Close()
	for d := json.NewDecoder(body); ; {
		var item listItem
		if err := d.Decode(&item); err != nil {
			return fmt.Errorf("admin socket: the list was cut off: %w", err)
		}
		switch {
		case item.Err != nil:
			return item.Err
		case item.Done:
			return nil
		}
		who, err := jid.Parse(item.JID)
		if err != nil {
			return fmt.Errorf("admin socket: %w", err)
		}
		if !f(who) {
			return nil
		}
	}
}

// Close implements accounts.
func (c *adminClient) Close() error {
	c.http.CloseIdleConnections()
	return nil
}

func (c *adminClient) domains(ctx context.Context) (domains []string, err error) {
	err = c.call(ctx, http.MethodGet, "/v1/domains", nil, nil, &domains)
	return domains, err
}

func (c *adminClient) status(ctx context.Context) (report statusReport, err error) {
	err = c.call(ctx, http.MethodGet, "/v1/status", nil, nil, &report)
	return report, err
}
