package session

import (
	"strconv"
	"time"
)

// NSLimits is the namespace of XEP-0478.
const NSLimits = "urn:xmpp:stream-limits:0"

// appendLimits tells what this stream takes (XEP-0478, version 0.2.0 §3.1):
// the size of elements, and after login the silence that leads to a look
// whether the client is there.
func (s *Session) appendLimits(b []byte) []byte {
	limits := s.cfg.PreAuth
	if s.state >= stateBind {
		limits = s.cfg.Bound
	}
	if limits == nil || limits.StanzaBytes <= 0 {
		return b
	}
	b = append(b, "<limits xmlns='"+NSLimits+"'><max-bytes>"...)
	b = strconv.AppendInt(b, int64(limits.StanzaBytes), 10)
	b = append(b, "</max-bytes>"...)
	if idle := s.cfg.IdleTime / int64(time.Second); idle > 0 && s.state >= stateBind {
		b = append(b, "<idle-seconds>"...)
		b = strconv.AppendInt(b, idle, 10)
		b = append(b, "</idle-seconds>"...)
	}
	return append(b, "</limits>"...)
}
