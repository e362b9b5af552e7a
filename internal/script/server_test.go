package script_test

import (
	"encoding/base64"
	"encoding/xml"
	"fmt"
	"net"
	"strings"
	"sync"
	"testing"
)

// server is as little of an XMPP server as plays need: PLAIN, resource
// binding, delivery to full JIDs, errors for the rest. Everybody's password is
// "secret".
type server struct {
	t     *testing.T
	conns sync.WaitGroup

	mu       sync.Mutex
	sessions map[string]*session // by full JID
	made     int                 // resources
}

func newServer(t *testing.T) *server {
	s := &server{t: t, sessions: map[string]*session{}}
	t.Cleanup(s.conns.Wait)
	return s
}

// dial is what script.Run wants.
func (s *server) dial() net.Conn {
	client, wire := net.Pipe()
	ses := &session{server: s, wire: wire}
	s.conns.Go(func() {
		defer wire.Close()
		ses.serve()
		s.mu.Lock()
		defer s.mu.Unlock()
		delete(s.sessions, ses.jid)
	})
	return client
}

type session struct {
	server *server
	wire   net.Conn
	write  sync.Mutex
	user   string
	jid    string
}

// received is any first-level element.
type received struct {
	XMLName xml.Name
	Attrs   []xml.Attr `xml:",any,attr"`
	Inner   string     `xml:",innerxml"`
}

func (r *received) attr(local string) string {
	for _, a := range r.Attrs {
		if a.Name.Space == "" && a.Name.Local == local {
			return a.Value
		}
	}
	return ""
}

func (s *session) send(format string, args ...any) {
	s.write.Lock()
	defer s.write.Unlock()
	// A client that has gone is noticed when reading.
	_, _ = fmt.Fprintf(s.wire, format, args...)
}

func (s *session) serve() {
	dec := xml.NewDecoder(s.wire)
	for {
		tok, err := dec.Token()
		if err != nil {
			return
		}
		switch tok := tok.(type) {
		case xml.EndElement:
			s.send("</stream:stream>")
			return
		case xml.StartElement:
			if tok.Name.Local == "stream" {
				s.open()
				continue
			}
			var r received
			if err := dec.DecodeElement(&r, &tok); err != nil {
				return
			}
			if restart, ok := s.take(&r); !ok {
				return
			} else if restart {
				dec = xml.NewDecoder(s.wire)
			}
		}
	}
}

func (s *session) open() {
	features := "<mechanisms xmlns='urn:ietf:params:xml:ns:xmpp-sasl'><mechanism>PLAIN</mechanism></mechanisms>"
	if s.user != "" {
		features = "<bind xmlns='urn:ietf:params:xml:ns:xmpp-bind'/>"
	}
	s.send("%s", "<?xml version='1.0'?><stream:stream from='localhost' version='1.0' xmlns='jabber:client' "+
		"xmlns:stream='http://etherx.jabber.org/streams'><stream:features>"+features+"</stream:features>")
}

func (s *session) take(r *received) (restart, ok bool) {
	switch {
	case r.XMLName.Local == "auth":
		raw, _ := base64.StdEncoding.DecodeString(r.Inner)
		parts := strings.Split(string(raw), "\x00")
		if len(parts) != 3 || parts[2] != "secret" {
			s.send("<failure xmlns='urn:ietf:params:xml:ns:xmpp-sasl'><not-authorized/></failure></stream:stream>")
			return false, false
		}
		s.user = parts[1] + "@localhost"
		s.send("<success xmlns='urn:ietf:params:xml:ns:xmpp-sasl'/>")
		return true, true
	case s.user == "":
		s.send("<stream:error><not-authorized xmlns='urn:ietf:params:xml:ns:xmpp-streams'/></stream:error></stream:stream>")
		return false, false
	case s.jid == "":
		s.bind(r)
	default:
		s.route(r)
	}
	return false, true
}

func (s *session) bind(r *received) {
	var bind struct {
		Resource string `xml:"resource"`
	}
	_ = xml.Unmarshal([]byte(r.Inner), &bind) // without a resource: one is made
	s.server.mu.Lock()
	if bind.Resource == "" {
		s.server.made++
		bind.Resource = fmt.Sprintf("made%d", s.server.made)
	}
	s.jid = s.user + "/" + bind.Resource
	old := s.server.sessions[s.jid]
	s.server.sessions[s.jid] = s
	s.server.mu.Unlock()
	if old != nil {
		old.send("<stream:error><conflict xmlns='urn:ietf:params:xml:ns:xmpp-streams'/></stream:error></stream:stream>")
		_ = old.wire.Close() // its own loop sees the end
	}
	s.send("<iq type='result' id='%s'><bind xmlns='urn:ietf:params:xml:ns:xmpp-bind'><jid>%s</jid></bind></iq>", r.attr("id"), s.jid)
}

// route delivers with a single-quoted rewrite of the attributes, on purpose
// unlike what came in.
func (s *session) route(r *received) {
	s.server.mu.Lock()
	to := s.server.sessions[r.attr("to")]
	s.server.mu.Unlock()
	name := r.XMLName.Local
	if to == nil {
		if r.attr("type") == "error" || r.attr("type") == "result" || name == "presence" {
			return
		}
		from := ""
		if r.attr("to") != "" {
			from = "from='" + r.attr("to") + "' "
		}
		s.send("<%s %sto='%s' type='error' id='%s'><error type='cancel'>"+
			"<service-unavailable xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></error></%s>", name, from, s.jid, r.attr("id"), name)
		return
	}
	var attrs strings.Builder
	for _, a := range r.Attrs {
		if a.Name.Space == "" && a.Name.Local != "from" && a.Name.Local != "xmlns" {
			fmt.Fprintf(&attrs, " %s='%s'", a.Name.Local, a.Value)
		}
	}
	to.send("<c:%s xmlns:c='jabber:client' from='%s'%s>%s</c:%s>", name, s.jid, attrs.String(), r.Inner, name)
}
