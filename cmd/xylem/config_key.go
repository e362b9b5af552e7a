package main

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/xylem-im/xylem/jid"
	"github.com/xylem-im/xylem/xep/contactinfo"
	"github.com/xylem-im/xylem/xep/private"
	"github.com/xylem-im/xylem/xep/vcard"
)

// configKey is one key of the configuration: its name in the file and after
// --set, the field it fills, what it takes, and whether SIGHUP changes it.
type configKey struct {
	name   string
	field  func(*config) any // pointer to the field; assign knows its types
	check  func(field any) error
	accept string                                           // what would be accepted, for messages
	flag   string                                           // name of the flag that sets it, "" when only --set does
	read   func(l *loaded, s setting, faults *configErrors) // instead of field's assignment, for tables
	path   bool                                             // a relative value in a file starts from the file's folder
	live   bool                                             // taken over at SIGHUP
}

const (
	acceptsAddress   = `HOST:PORT such as "127.0.0.1:5222", "[::]:5222" for all interfaces, port 0 for a free one, "" for none`
	acceptsAddresses = acceptsAddress + ", or a list of them"
)

// configKeys is the whole configuration in the order of the example file.
// tls.certificate and components.service are read by applyCertificates and
// applyComponents.
func configKeys() []configKey {
	return []configKey{
		{name: "server.domains", flag: "domain", live: true, check: checkDomains, accept: `a domain or a list of them, such as ["example.org"]`,
			field: func(c *config) any { return &c.Server.Domains }},
		{name: "server.data", flag: "data", path: true, check: checkNotEmpty, accept: `a folder, such as "/var/lib/xylem"`,
			field: func(c *config) any { return &c.Server.Data }},
		number("server.loops", "loops", 0, 1024, "event loops; 0: one per usable core", func(c *config) *int { return &c.Server.Loops }),
		{name: "server.huge_pages", accept: "true or false",
			field: func(c *config) any { return &c.Server.HugePages }},

		{name: "c2s.listen", flag: "c2s", check: checkAddresses, accept: acceptsAddresses,
			field: func(c *config) any { return &c.C2S.Listen }},
		{name: "c2s.listen_tls", flag: "c2s-tls", check: checkAddresses, accept: acceptsAddresses,
			field: func(c *config) any { return &c.C2S.ListenTLS }},
		{name: "c2s.proxies", check: checkNetworks, accept: `an address or network such as "10.0.0.0/8", or a list of them`,
			field: func(c *config) any { return &c.C2S.Proxies }},
		// RFC 6120 §13.12: the limit must not be below 10,000 bytes.
		number("c2s.max_stanza_bytes", "", 10_000, 16<<20, "bytes", func(c *config) *int { return &c.Limits.StanzaBytes }),
		{name: "c2s.allow_plaintext", flag: "allow-plaintext", accept: "true or false",
			field: func(c *config) any { return &c.C2S.AllowPlaintext }},
		{name: "c2s.compression", accept: "true or false",
			field: func(c *config) any { return &c.C2S.Compression }},
		{name: "c2s.guard_requests", accept: "true or false",
			field: func(c *config) any { return &c.Extensions.Roster.GuardRequests }},

		{name: "s2s.listen", flag: "s2s", check: checkAddresses, accept: acceptsAddresses,
			field: func(c *config) any { return &c.S2S.Listen }},
		{name: "s2s.listen_tls", flag: "s2s-tls", check: checkAddresses, accept: acceptsAddresses,
			field: func(c *config) any { return &c.S2S.ListenTLS }},
		{name: "s2s.require", live: true, accept: acceptsRequire,
			field: func(c *config) any { return &c.S2S.Require }},
		{name: "s2s.allow", live: true, check: checkPatterns, accept: acceptsPatterns,
			field: func(c *config) any { return &c.S2S.Allow }},
		{name: "s2s.deny", live: true, check: checkPatterns, accept: acceptsPatterns,
			field: func(c *config) any { return &c.S2S.Deny }},
		{name: "s2s.deny_addresses", live: true, check: checkPrefixes, accept: `an IP address or network such as "10.0.0.0/8", or a list of them`,
			field: func(c *config) any { return &c.S2S.Addresses }},
		{name: domainKey, live: true, read: (*loaded).readDomains,
			field: func(c *config) any { return &c.S2S.Domains }},
		{name: staticKey, live: true, read: (*loaded).readStaticHosts,
			field: func(c *config) any { return &c.S2S.StaticHosts }},
		{name: "dns.server", live: true, check: checkNameServers, accept: `an IP address with or without a port, such as "127.0.0.1:53", or a list of them`,
			field: func(c *config) any { return &c.DNS.Server }},
		{name: "tls.ca_file", live: true, path: true, accept: "a PEM file or a list of them",
			field: func(c *config) any { return &c.TLS.CAFile }},
		{name: "tls.system_roots", live: true, accept: "true or false",
			field: func(c *config) any { return &c.TLS.SystemRoots }},

		number("auth.scram_iterations", "", 10_000, 10_000_000, "rounds", func(c *config) *int { return &c.Auth.ScramIterations }),
		orNone(span("auth.token_lifetime", time.Minute, 365*24*time.Hour, func(c *config) *time.Duration { return &c.Auth.TokenLifetime })),

		{name: "registration.enabled", accept: "true or false",
			field: func(c *config) any { return &c.Registration.Enabled }},
		number("registration.per_address", "", 1, 1<<20, "attempts an hour", func(c *config) *int { return &c.Registration.PerAddress }),
		number("registration.per_hour", "", 1, 1<<20, "attempts an hour", func(c *config) *int { return &c.Registration.PerHour }),

		{name: "http.listen", flag: "http", check: checkAddress, accept: acceptsAddress,
			field: func(c *config) any { return &c.HTTP.Listen }},

		{name: "components.listen", check: checkAddresses, accept: acceptsAddresses,
			field: func(c *config) any { return &c.Components.Listen }},
		{name: "components.listen_tls", check: checkAddresses, accept: acceptsAddresses,
			field: func(c *config) any { return &c.Components.ListenTLS }},

		number("limits.connections", "", 0, 100_000_000, "connections; 0: 90 % of the open files", func(c *config) *int { return &c.Limits.Connections }),
		orAutomatic(number("limits.connections_per_address", "", 1, 100_000_000, "connections; 0: 1000, and any number from this machine", func(c *config) *int { return &c.Limits.ConnectionsPerAddress })),
		orAutomatic(number("limits.failed_logins_per_address", "", 1, 100_000_000, "failures an hour; 0: 1000, and any number from this machine", func(c *config) *int { return &c.Limits.FailedLoginsPerAddress })),
		number("limits.bytes_per_second", "", 10_000, 1<<30, "bytes", func(c *config) *int { return &c.Limits.BytesPerSecond }),
		number("limits.stanzas_per_second", "", 10, 1_000_000_000, "stanzas", func(c *config) *int { return &c.Limits.StanzasPerSecond }),
		number("limits.sessions_per_user", "", 1, 65_536, "sessions", func(c *config) *int { return &c.Limits.SessionsPerUser }),
		number("limits.pre_auth_bytes", "", 4096, 1<<20, "bytes", func(c *config) *int { return &c.Limits.PreAuthBytes }),
		orAutomatic(number("limits.inbound_bytes", "", leastInbound, 1<<30, "bytes; 0: c2s.max_stanza_bytes + 65536, at least 131072", func(c *config) *int { return &c.Limits.InboundBytes })),
		orAutomatic(number("limits.outbound_bytes", "", 65_536, 1<<30, "bytes; 0: 4 times c2s.max_stanza_bytes, at least 1048576", func(c *config) *int { return &c.Limits.OutboundBytes })),
		number("limits.auth_attempts", "", 1, 100, "attempts", func(c *config) *int { return &c.Limits.AuthAttempts }),
		number("limits.handshake_queue", "", 1, 1<<20, "handshakes", func(c *config) *int { return &c.Limits.HandshakeQueue }),
		atRunTime(number("limits.certificates", "", 1, 1_000_000, "certificates", func(c *config) *int { return &c.TLS.Held })),
		span("limits.pre_auth_time", time.Second, time.Hour, func(c *config) *time.Duration { return &c.Limits.PreAuthTime }),
		span("limits.idle_time", 10*time.Second, 24*time.Hour, func(c *config) *time.Duration { return &c.Limits.IdleTime }),
		orNone(span("limits.ping_time", time.Second, time.Hour, func(c *config) *time.Duration { return &c.Limits.PingTime })),
		number("limits.unacked_bytes", "", 65_536, 1<<30, "bytes", func(c *config) *int { return &c.Limits.UnackedBytes }),
		number("limits.unacked_stanzas", "", 100, 1<<24, "stanzas", func(c *config) *int { return &c.Limits.UnackedStanzas }),
		number("limits.component_bytes", "", 65_536, 1<<30, "bytes", func(c *config) *int { return &c.Limits.ComponentBytes }),
		number("limits.detached", "", 1, 1<<28, "sessions", func(c *config) *int { return &c.Limits.Detached }),
		number("limits.detached_per_user", "", 1, 65_536, "sessions", func(c *config) *int { return &c.Limits.DetachedPerUser }),
		number("limits.tokens_per_user", "", 1, 1000, "clients", func(c *config) *int { return &c.Limits.TokensPerUser }),
		span("stream_management.resume_window", time.Second, 24*time.Hour, func(c *config) *time.Duration { return &c.Limits.ResumeWindow }),
		{name: "stream_management.durable_ack", accept: "true or false",
			field: func(c *config) any { return &c.StreamManagement.DurableAck }},
		orAutomatic(number("stream_management.journal_bytes", "", 65_536, 1<<30, "bytes; 0: none", func(c *config) *int { return &c.StreamManagement.JournalBytes })),
		span("limits.drain_time", 100*time.Millisecond, time.Hour, func(c *config) *time.Duration { return &c.Limits.DrainTime }),

		number("limits.s2s_domains", "", 1, 10_000_000, "domains", func(c *config) *int { return &c.Federation.Domains }),
		number("limits.s2s_queue_bytes", "", 10_000, 1<<30, "bytes", func(c *config) *int { return &c.Federation.QueueBytes }),
		number("limits.s2s_queue_stanzas", "", 1, 1<<24, "stanzas", func(c *config) *int { return &c.Federation.QueueStanzas }),
		number("limits.s2s_dials", "", 1, 65_536, "look-ups and connections", func(c *config) *int { return &c.Federation.Dials }),
		span("limits.s2s_queue_time", time.Second, 24*time.Hour, func(c *config) *time.Duration { return &c.Federation.QueueTime }),
		span("limits.s2s_dial_time", time.Second, 10*time.Minute, func(c *config) *time.Duration { return &c.Federation.DialTime }),
		span("limits.s2s_retry_least", 100*time.Millisecond, time.Hour, func(c *config) *time.Duration { return &c.Federation.RetryLeast }),
		span("limits.s2s_retry_most", time.Second, 24*time.Hour, func(c *config) *time.Duration { return &c.Federation.RetryMost }),
		span("limits.s2s_idle_time", 10*time.Second, 24*time.Hour, func(c *config) *time.Duration { return &c.Federation.IdleTime }),
		span("limits.s2s_silent_time", 10*time.Second, 24*time.Hour, func(c *config) *time.Duration { return &c.Federation.SilentTime }),
		span("limits.s2s_answer_time", time.Second, time.Hour, func(c *config) *time.Duration { return &c.Federation.AnswerTime }),
		number("limits.dns_records", "", 100, 10_000_000, "records", func(c *config) *int { return &c.DNS.Records }),

		number("limits.roster_items", "", 1, 100_000, "contacts", func(c *config) *int { return &c.Extensions.Roster.Items }),
		number("limits.blocked_addresses", "", 1, 10_000, "addresses", func(c *config) *int { return &c.Extensions.Blocking.MaxItems }),
		number("limits.offline_messages", "", 1, 1_000_000, "messages", func(c *config) *int { return &c.Extensions.Offline.MaxMessages }),
		number("limits.offline_bytes", "", 1024, 1<<30, "bytes", func(c *config) *int { return &c.Extensions.Offline.MaxBytes }),
		number("limits.vcard_bytes", "", 1024, vcard.MostBytes, "bytes", func(c *config) *int { return &c.Extensions.VCard.MaxBytes }),
		number("limits.private_bytes", "", 1024, private.MostBytes, "bytes", func(c *config) *int { return &c.Extensions.Private.MaxBytes }),

		contact("abuse", func(c *contactinfo.Options) *[]string { return &c.Abuse }),
		contact("admin", func(c *contactinfo.Options) *[]string { return &c.Admin }),
		contact("feedback", func(c *contactinfo.Options) *[]string { return &c.Feedback }),
		contact("sales", func(c *contactinfo.Options) *[]string { return &c.Sales }),
		contact("security", func(c *contactinfo.Options) *[]string { return &c.Security }),
		contact("status", func(c *contactinfo.Options) *[]string { return &c.Status }),
		contact("support", func(c *contactinfo.Options) *[]string { return &c.Support }),

		{name: "log.level", live: true, accept: `"debug", "info", "warn" or "error"`,
			field: func(c *config) any { return &c.Log.Level }},
		{name: "log.format", check: checkFormat, accept: `"text" or "json"`,
			field: func(c *config) any { return &c.Log.Format }},
	}
}

// number is a key that takes a whole number from low to high.
func number(name, flag string, low, high int, unit string, field func(*config) *int) configKey {
	return configKey{
		name: name, flag: flag,
		field:  func(c *config) any { return field(c) },
		accept: fmt.Sprintf("%d to %d %s", low, high, unit),
		check: func(f any) error {
			switch n := *f.(*int); {
			case n < low:
				return errors.New("is too small")
			case n > high:
				return errors.New("is too large")
			}
			return nil
		},
	}
}

// atRunTime marks a key that SIGHUP takes over.
func atRunTime(k configKey) configKey {
	k.live = true
	return k
}

// contact is a key for addresses of one kind.
func contact(kind string, field func(*contactinfo.Options) *[]string) configKey {
	return configKey{
		name:   "contact." + kind,
		field:  func(c *config) any { return field(&c.Extensions.Contacts) },
		check:  checkURIs,
		accept: `a URI such as "mailto:` + kind + `@example.org" or a list of them`,
	}
}

// orNone lets "0s" pass, which switches something off.
func orNone(k configKey) configKey {
	inRange := k.check
	k.accept += `, or "0s" for none`
	k.check = func(f any) error {
		if *f.(*time.Duration) == 0 {
			return nil
		}
		return inRange(f)
	}
	return k
}

// leastInbound is the smallest Limits.InboundBytes that the engine takes: four
// times what it reads ahead of a session that waits.
const leastInbound = 128 << 10

// orAutomatic lets 0 pass, which means that the program chooses.
func orAutomatic(k configKey) configKey {
	inRange := k.check
	k.check = func(f any) error {
		if *f.(*int) == 0 {
			return nil
		}
		return inRange(f)
	}
	return k
}

// span is a key that takes a time from low to high.
func span(name string, low, high time.Duration, field func(*config) *time.Duration) configKey {
	return configKey{
		name:   name,
		field:  func(c *config) any { return field(c) },
		accept: fmt.Sprintf("%q to %q", durationText(low), durationText(high)),
		check: func(f any) error {
			switch d := *f.(*time.Duration); {
			case d < low:
				return errors.New("is too short")
			case d > high:
				return errors.New("is too long")
			}
			return nil
		},
	}
}

// durationText is d without zero parts: "5m", where String says "5m0s".
func durationText(d time.Duration) string {
	s := d.String()
	if strings.HasSuffix(s, "m0s") {
		s = s[:len(s)-2]
	}
	if strings.HasSuffix(s, "h0m") {
		s = s[:len(s)-2]
	}
	return s
}

func checkNotEmpty(field any) error {
	if *field.(*string) == "" {
		return errors.New("is empty")
	}
	return nil
}

func checkFormat(field any) error {
	if f := *field.(*string); f != "text" && f != "json" {
		return errors.New("is not a format")
	}
	return nil
}

// checkDomains prepares the domains in place.
func checkDomains(field any) error {
	domains := *field.(*[]string)
	seen := make(map[string]bool, len(domains))
	for i, d := range domains {
		prepared, err := prepareDomain(d)
		if err != nil {
			return err
		}
		if seen[prepared] {
			return fmt.Errorf("names %s twice", prepared)
		}
		seen[prepared] = true
		domains[i] = prepared
	}
	if len(domains) == 0 {
		return errors.New("names no domain")
	}
	return nil
}

// prepareDomain is the domainpart as RFC 7622 prepares it.
func prepareDomain(d string) (string, error) {
	if strings.ContainsAny(d, "@/") {
		return "", fmt.Errorf("%q is an address, not a domain", d)
	}
	address, err := jid.New("", d, "")
	if err != nil {
		return "", fmt.Errorf("%q is not a domain: %w", d, err)
	}
	return address.Domain(), nil
}

func checkAddress(field any) error {
	if a := *field.(*string); a != "" {
		return hostPort(a)
	}
	return nil
}

func checkAddresses(field any) error {
	for _, a := range *field.(*[]string) {
		if err := hostPort(a); err != nil {
			return err
		}
	}
	return nil
}

// checkNetworks brings addresses and networks into one form, in place.
func checkNetworks(field any) error {
	networks := *field.(*[]string)
	for i, text := range networks {
		if ip, err := netip.ParseAddr(text); err == nil {
			networks[i] = netip.PrefixFrom(ip, ip.BitLen()).String()
		} else if p, err := netip.ParsePrefix(text); err == nil {
			networks[i] = p.Masked().String()
		} else {
			return fmt.Errorf("%q is no address or network", text)
		}
	}
	return nil
}

// checkURIs wants absolute URIs (XEP-0157 §3).
func checkURIs(field any) error {
	for _, text := range *field.(*[]string) {
		if u, err := url.Parse(text); err != nil || !u.IsAbs() {
			return fmt.Errorf("%q is no URI", text)
		}
	}
	return nil
}

// hostPort checks a listening address. Host names are allowed, so that
// "localhost:5222" works; whether they resolve is known when they are opened.
func hostPort(address string) error {
	_, port, err := net.SplitHostPort(address)
	var ae *net.AddrError
	if errors.As(err, &ae) {
		return fmt.Errorf("%q: %s", address, ae.Err)
	}
	if n, err := strconv.ParseUint(port, 10, 16); err != nil || strconv.FormatUint(n, 10) != port {
		return fmt.Errorf("%q: the port is not a number from 0 to 65535", address)
	}
	return nil
}
