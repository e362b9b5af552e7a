package bench

import (
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/xylem-im/xylem/bench/client"
	"github.com/xylem-im/xylem/bench/load"
)

// A SettingError is about one of load.Settings.
type SettingError struct {
	Key     string // as in a plan file and, with dashes, on the command line
	Problem string
}

func (e SettingError) Error() string { return e.Problem }

func badSetting(key, format string, args ...any) error {
	return SettingError{key, fmt.Errorf(format, args...).Error()}
}

// Check completes the settings of a scenario. The error is a SettingError.
func (p *Plan) Check(s *load.Settings) error {
	if err := reject(s); err != nil {
		return err
	}
	reduce(s)
	return arrange(s)
}

// UsedBy returns the scenarios that use a setting, named as in a plan file. All
// use those that are not in its list.
func UsedBy(key string) []string {
	switch key {
	case "payload", "content":
		return []string{load.Chat, load.Offline, load.Churn, load.Slow, load.Mix, load.S2S}
	case "full_jid":
		return []string{load.Chat, load.Churn, load.Slow, load.Mix, load.S2S}
	case "window":
		return []string{load.Chat, load.Offline, load.Churn, load.Slow, load.S2S}
	case "rate":
		return []string{load.Chat, load.Presence, load.Churn, load.Slow, load.Mix, load.S2S}
	case "fanout":
		return []string{load.Presence, load.Roster, load.Mix}
	case "messages":
		return []string{load.Offline}
	case "extra":
		return []string{load.Churn, load.Slow, load.Mix}
	case "login_rate":
		return []string{load.Churn, load.Mix}
	case "update_rate", "online":
		return []string{load.Mix}
	case "flood", "held":
		return []string{load.Slow}
	case "devices":
		return []string{load.Chat}
	}
	return load.Scenarios[:]
}

// leastHeld is what xylem takes with its largest stanza: half of it, the bytes that
// wait for a socket, must hold two of them.
const leastHeld = 1 << 20

func uses(s *load.Settings, key string) bool { return slices.Contains(UsedBy(key), s.Scenario) }

// reject refuses what makes no sense. What the scenario does not use may be
// anything.
func reject(s *load.Settings) error {
	switch {
	case !slices.Contains(load.Scenarios[:], s.Scenario):
		return badSetting("scenario", "unknown; there are %s", strings.Join(load.Scenarios[:], ", "))
	case s.Sessions < 2:
		return badSetting("sessions", "%d sessions; at least 2 are needed", s.Sessions)
	case uses(s, "payload") && s.Payload < load.MinPayload:
		return badSetting("payload", "a payload of %d bytes; it is a whole message with its tags, at least %d", s.Payload, load.MinPayload)
	case uses(s, "payload") && s.Payload < load.MinPayload+len(s.Content):
		return badSetting("payload", "a payload of %d bytes; with content of %d bytes a message has at least %d", s.Payload, len(s.Content), load.MinPayload+len(s.Content))
	case uses(s, "payload") && s.Payload > 16<<20:
		return badSetting("payload", "a payload of %d bytes; at most 16 MiB are possible", s.Payload)
	case s.Duration <= 0:
		return badSetting("duration", "a duration of %v; it is longer than 0", s.Duration)
	case s.Warmup < 0:
		return badSetting("warmup", "a warm-up of %v; it is 0 or longer", s.Warmup)
	case uses(s, "rate") && !(s.Rate >= 0 && s.Rate <= maxRate):
		return badSetting("rate", "%g messages per second; it is 0 (a closed loop) to %g", s.Rate, float64(maxRate))
	case uses(s, "content") && s.Content != "" && elements(s.Content) != nil:
		return badSetting("content", "it is put into a message, but %w; it is XML elements, as in <active xmlns='http://jabber.org/protocol/chatstates'/>", elements(s.Content))
	case s.Scenario == load.Mix && s.Rate == 0:
		return badSetting("rate", "0 messages per second; a mix needs a rate")
	case uses(s, "window") && s.Window < 1 && s.Rate == 0:
		return badSetting("window", "%d messages in flight; at least 1 is needed", s.Window)
	case uses(s, "extra") && s.Extra < 0:
		return badSetting("extra", "%d accounts beside; it is 0 or more", s.Extra)
	case uses(s, "login_rate") && !(s.Logins >= 0 && s.Logins <= maxRate):
		return badSetting("login_rate", "%g logins per second; it is 0 to %g", s.Logins, float64(maxRate))
	case uses(s, "login_rate") && s.Logins > 0 && s.Extra == 0:
		return badSetting("login_rate", "%g logins per second, but there are no accounts that come and go (extra)", s.Logins)
	case uses(s, "update_rate") && !(s.Updates >= 0 && s.Updates <= maxRate):
		return badSetting("update_rate", "%g updates of presence per second; it is 0 to %g", s.Updates, float64(maxRate))
	case uses(s, "online") && !(s.Online > 0 && s.Online <= 1):
		return badSetting("online", "a share of %g of the contacts; it is more than 0, to 1", s.Online)
	case s.Scenario == load.Slow && s.Extra < 2:
		return badSetting("extra", "%d clients beside; at least 2 are needed, one to stall and one to flood", s.Extra)
	case uses(s, "flood") && !(s.Flood > 0 && s.Flood <= maxRate):
		return badSetting("flood", "a flood of %g messages per second; it is more than 0, to %g", s.Flood, float64(maxRate))
	case uses(s, "held") && s.Held != 0 && (s.Held < leastHeld || s.Held > 1<<30):
		return badSetting("held", "%d bytes for each client that stalls; it is %d to %d, or 0 for xylem's default", s.Held, leastHeld, 1<<30)
	case uses(s, "messages") && s.Messages < 1:
		return badSetting("messages", "%d messages for each recipient; at least 1 is needed", s.Messages)
	case uses(s, "fanout") && s.Fanout < 1:
		return badSetting("fanout", "%d contacts; at least 1 is needed", s.Fanout)
	case s.Parallel < 1:
		return badSetting("parallel", "%d logins at once; at least 1 is needed", s.Parallel)
	case s.Mechanism != "" && !slices.Contains(client.Mechanisms[:], s.Mechanism):
		return badSetting("mechanism", "no mechanism %q; there are %s", s.Mechanism, strings.Join(client.Mechanisms[:], ", "))
	case s.Login != "" && !slices.Contains(client.Logins[:], s.Login):
		return badSetting("login", "no login by %q; there are %s", s.Login, strings.Join(client.Logins[:], ", "))
	case s.Login != "" && s.Login != client.Classic && !s.TLS:
		return badSetting("login", "login by %s needs TLS (security)", s.Login)
	case uses(s, "devices") && (s.Devices < 0 || s.Devices > maxDevices):
		return badSetting("devices", "%d sessions of each account; it is 1 to %d, or 0 for one without carbons", s.Devices, maxDevices)
	case uses(s, "devices") && s.Devices > 0 && s.Login != "" && s.Login != client.Classic:
		return badSetting("devices", "%d sessions of each account; they need login classic, not %s", s.Devices, s.Login)
	case s.Exchange != "" && !slices.Contains(client.KeyExchanges[:], s.Exchange):
		return badSetting("key_exchange", "no key exchange %q; there are %s", s.Exchange, strings.Join(client.KeyExchanges[:], ", "))
	}
	return nil
}

// elements tells what is wrong with XML that goes into a message.
func elements(content string) error {
	d := xml.NewDecoder(strings.NewReader("<m>" + content + "</m>"))
	for depth := 0; ; {
		token, err := d.Token()
		switch t := token.(type) {
		case xml.StartElement:
			depth++
		case xml.EndElement:
			if depth--; depth == 0 && d.InputOffset() < int64(len("<m></m>")+len(content)) {
				return errors.New("it ends the message")
			}
		case xml.CharData:
			if depth < 2 && strings.TrimSpace(string(t)) != "" {
				return fmt.Errorf("%q is in no element", string(t))
			}
		case xml.Comment, xml.Directive, xml.ProcInst:
			return errors.New("XMPP allows no comments and instructions") // RFC 6120 §11.1
		}
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
	}
}

// maxDevices is as many sessions as an account may have at all servers measured here.
const maxDevices = 8

// maxRate is more messages per second than any generator makes.
const maxRate = 1e9

// reduce makes what the scenario does not use zero, so that equal measurements
// have equal settings.
func reduce(s *load.Settings) {
	if s.Login == client.Classic {
		s.Login = ""
	}
	if !s.TLS {
		s.Tickets, s.Exchange = false, ""
	}
	if !uses(s, "payload") {
		s.Payload, s.Content = 0, ""
	}
	if !uses(s, "login_rate") {
		s.Logins = 0
	}
	if !uses(s, "update_rate") {
		s.Updates, s.Online = 0, 0
	}
	if !uses(s, "full_jid") {
		s.FullJID = false
	}
	if !uses(s, "rate") {
		s.Rate = 0
	}
	if !uses(s, "window") || s.Rate > 0 {
		s.Window = 0
	}
	if !uses(s, "fanout") {
		s.Fanout = 0
	}
	if !uses(s, "messages") {
		s.Messages = 0
	}
	if !uses(s, "extra") {
		s.Extra = 0
	}
	if !uses(s, "flood") {
		s.Flood = 0
	}
	if !uses(s, "devices") {
		s.Devices = 0
	}
	if !uses(s, "held") {
		s.Held = 0
	}
}

// arrange rounds the sessions down to whole groups.
func arrange(s *load.Settings) error {
	switch s.Scenario {
	case load.Presence, load.Mix:
		if s.Sessions < s.Fanout+1 {
			return badSetting("sessions", "%d sessions are too few for a publisher with %d contacts", s.Sessions, s.Fanout)
		}
		s.Sessions -= s.Sessions % (s.Fanout + 1)
	case load.S2S:
		if s.Sessions -= s.Sessions % load.Quartet; s.Sessions == 0 {
			return badSetting("sessions", "too few sessions; at least 4 are needed, two at each server")
		}
	default:
		s.Sessions &^= 1
	}
	s.Parallel = min(s.Parallel, s.Sessions+s.Extra) // none logs in twice at once
	return nil
}
