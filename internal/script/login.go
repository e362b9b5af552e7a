package script

import (
	"crypto/tls"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/xylem-im/xylem/internal/testsasl"
	"github.com/xylem-im/xylem/session/sasl"
)

// refused is what the server sent instead of letting a client in.
type refused struct{ ev event }

func (r *refused) Error() string { return "refused: " + strings.Join(render(r.ev), " ") }

// login negotiates a stream for a client: STARTTLS, SASL, resource binding.
type login struct {
	conn *conn
	role *role
	opts *Options
	tls  *tls.ConnectionState // nil without TLS
}

// run returns the full JID that the server bound.
func (l *login) run() (string, error) {
	if secure, ok := l.conn.wire.(interface{ ConnectionState() tls.ConnectionState }); ok {
		state := secure.ConnectionState()
		l.tls = &state
	}
	features, err := l.openStream()
	if err != nil {
		return "", err
	}
	if l.opts.TLS != nil && l.tls == nil {
		if features, err = l.secure(features); err != nil {
			return "", err
		}
	}
	if err = l.authenticate(features); err != nil {
		return "", err
	}
	if features, err = l.openStream(); err != nil {
		return "", err
	}
	return l.bind(features)
}

// openStream sends a header and returns the features that are announced.
func (l *login) openStream() (*element, error) {
	err := l.conn.send("<?xml version='1.0'?><stream:stream xmlns='" + nsClient + "' xmlns:stream='" + nsStream +
		"' version='1.0' to='" + escape(l.role.domain) + "'>")
	if err != nil {
		return nil, err
	}
	ev, err := l.conn.next()
	if err != nil {
		return nil, err
	}
	if ev.kind != header || !ev.elem.is(nsStream, "stream") {
		return nil, &refused{ev}
	}
	return l.expect(nsStream, "features")
}

// expect returns the next element if it is the one named.
func (l *login) expect(space, local string) (*element, error) {
	ev, err := l.conn.next()
	if err != nil {
		return nil, err
	}
	if ev.kind != stanza || !ev.elem.is(space, local) {
		return nil, &refused{ev}
	}
	return ev.elem, nil
}

func (l *login) secure(features *element) (*element, error) {
	if features.child(nsTLS, "starttls") == nil {
		return nil, errors.New("STARTTLS is not offered")
	}
	if err := l.conn.send("<starttls xmlns='" + nsTLS + "'/>"); err != nil {
		return nil, err
	}
	if _, err := l.expect(nsTLS, "proceed"); err != nil {
		return nil, err
	}
	if err := l.conn.startTLS(l.opts.tlsFor(l.role)); err != nil {
		return nil, err
	}
	state := l.conn.wire.(*tls.Conn).ConnectionState()
	l.tls = &state
	return l.openStream()
}

// preference is the order in which mechanisms are chosen.
var preference = []string{sasl.SCRAMSHA256Plus, sasl.SCRAMSHA1Plus, sasl.SCRAMSHA256, sasl.SCRAMSHA1, sasl.Plain}

func (l *login) mechanism(features *element) (string, error) {
	var offered []string
	if list := features.child(nsSASL, "mechanisms"); list != nil {
		for _, n := range list.children {
			if n.elem != nil && n.elem.is(nsSASL, "mechanism") {
				offered = append(offered, n.elem.content())
			}
		}
	}
	if m := l.role.mechanism; m != "" {
		if !slices.Contains(offered, m) {
			return "", fmt.Errorf("%s is not offered, only %v", m, offered)
		}
		return m, nil
	}
	for _, m := range preference {
		plus := strings.HasSuffix(m, "-PLUS")
		if slices.Contains(offered, m) && (!plus || l.tls != nil && l.tls.Version == tls.VersionTLS13) {
			return m, nil
		}
	}
	return "", fmt.Errorf("no mechanism to use among %v", offered)
}

func (l *login) authenticate(features *element) error {
	name, err := l.mechanism(features)
	if err != nil {
		return err
	}
	cfg := sasl.ClientConfig{Username: l.role.local, Password: l.role.password}
	if strings.HasSuffix(name, "-PLUS") {
		data, err := l.tls.ExportKeyingMaterial("EXPORTER-Channel-Binding", nil, 32) // RFC 9266 §2
		if err != nil {
			return fmt.Errorf("channel binding: %w", err)
		}
		cfg.Binding = &sasl.Binding{Type: sasl.TLSExporter, Data: data}
	}
	next := func() (name, text string, err error) {
		ev, err := l.conn.next()
		if err != nil {
			return "", "", err
		}
		if ev.kind != stanza || ev.elem.name.Space != nsSASL || ev.elem.name.Local == "failure" {
			return "", "", &refused{ev}
		}
		return ev.elem.name.Local, ev.elem.content(), nil
	}
	return testsasl.Login(name, cfg, l.conn.send, next)
}

func (l *login) bind(features *element) (string, error) {
	if features.child(nsBind, "bind") == nil {
		return "", errors.New("resource binding is not offered")
	}
	resource := ""
	if l.role.resource != "" {
		resource = "<resource>" + escape(l.role.resource) + "</resource>"
	}
	err := l.conn.send("<iq type='set' id='bind'><bind xmlns='" + nsBind + "'>" + resource + "</bind></iq>")
	if err != nil {
		return "", err
	}
	iq, err := l.expect(nsClient, "iq")
	if err != nil {
		return "", err
	}
	bound := iq.child(nsBind, "bind")
	if iq.attr("type") != "result" || bound == nil || bound.child(nsBind, "jid") == nil {
		return "", &refused{event{kind: stanza, elem: iq}}
	}
	return bound.child(nsBind, "jid").content(), nil
}
