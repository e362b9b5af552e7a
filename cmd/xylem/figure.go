package main

import "github.com/xylem-im/xylem/engine"

// figure is one number of engine.Stats as /metrics and status tell it.
type figure struct {
	name  string // without "xylem_"; counters end in _total
	help  string
	value func(*engine.Stats) float64
}

// figures lists every field of engine.Stats; a test holds it complete.
func figures() []figure {
	type stats = engine.Stats
	return []figure{
		{"connections", "Connections open now.", func(s *stats) float64 { return float64(s.Connections) }},
		{"sessions", "Resources bound now.", func(s *stats) float64 { return float64(s.Sessions) }},
		{"sessions_detached", "Of these: those that wait to be resumed.", func(s *stats) float64 { return float64(s.Detached) }},
		{"handshakes", "TLS handshakes under way now.", func(s *stats) float64 { return float64(s.Handshakes) }},
		{"domains", "Domains served now.", func(s *stats) float64 { return float64(s.Domains) }},
		{"remote_domains", "Remote domains known now.", func(s *stats) float64 { return float64(s.Remotes) }},
		{"connections_accepted_total", "Connections accepted.", func(s *stats) float64 { return float64(s.AcceptedTotal) }},
		{"connections_refused_total", "Connections refused by admission.", func(s *stats) float64 { return float64(s.RefusedTotal) }},
		{"auth_success_total", "Logins that succeeded.", func(s *stats) float64 { return float64(s.AuthSuccessTotal) }},
		{"auth_failure_total", "Logins that failed.", func(s *stats) float64 { return float64(s.AuthFailureTotal) }},
		{"stanzas_in_total", "Stanzas read from clients.", func(s *stats) float64 { return float64(s.StanzasInTotal) }},
		{"stanzas_out_total", "Stanzas written to clients.", func(s *stats) float64 { return float64(s.StanzasOutTotal) }},
		{"peer_stanzas_in_total", "Stanzas read from other servers.", func(s *stats) float64 { return float64(s.PeerInTotal) }},
		{"peer_stanzas_out_total", "Stanzas given to streams with other servers.", func(s *stats) float64 { return float64(s.PeerOutTotal) }},
		{"components", "Components connected now.", func(s *stats) float64 { return float64(s.Components) }},
		{"component_stanzas_in_total", "Stanzas read from components.", func(s *stats) float64 { return float64(s.ComponentInTotal) }},
		{"component_stanzas_out_total", "Stanzas given to components.", func(s *stats) float64 { return float64(s.ComponentOutTotal) }},
		{"stanzas_bounced_total", "Stanzas answered with a stanza error.", func(s *stats) float64 { return float64(s.BouncedTotal) }},
		{"s2s_attempts_total", "Attempts to reach another server that have ended.", func(s *stats) float64 { return float64(s.AttemptsTotal) }},
		{"s2s_attempts_failed_total", "Attempts to reach another server that failed.", func(s *stats) float64 { return float64(s.AttemptsFailedTotal) }},
		{"sessions_resumed_total", "Sessions resumed.", func(s *stats) float64 { return float64(s.ResumedTotal) }},
		{"stanzas_returned_total", "Stanzas that ended sessions left unacknowledged.", func(s *stats) float64 { return float64(s.ReturnedTotal) }},
		{"messages_repeated_total", "Messages dropped because their recipients had them from a process that did not stop in order.", func(s *stats) float64 { return float64(s.RepeatedTotal) }},
		{"messages_kept_total", "Messages stored because a recipient with stream management had not acknowledged them.", func(s *stats) float64 { return float64(s.KeptTotal) }},
		{"stream_errors_total", "Streams ended with a stream error.", func(s *stats) float64 { return float64(s.StreamErrorsTotal) }},
		{"throttled_total", "Times that a client was not read because it sent too fast.", func(s *stats) float64 { return float64(s.ThrottledTotal) }},
		{"slow_closed_total", "Connections closed because the peer did not read.", func(s *stats) float64 { return float64(s.SlowClosedTotal) }},
		{"bytes_in_total", "Bytes read from sockets, before decryption.", func(s *stats) float64 { return float64(s.BytesInTotal) }},
		{"bytes_out_total", "Bytes written to sockets, after encryption.", func(s *stats) float64 { return float64(s.BytesOutTotal) }},
		{"outbound_bytes", "Bytes held now for peers that read slowly.", func(s *stats) float64 { return float64(s.OutboundBytes) }},
		{"writes_total", "Write calls on sockets.", func(s *stats) float64 { return float64(s.WritesTotal) }},
		{"wakes_total", "Hand-overs between event loops.", func(s *stats) float64 { return float64(s.WakesTotal) }},
		{"storage_queued", "Storage operations waiting now.", func(s *stats) float64 { return float64(s.Storage.Queued) }},
		{"storage_commits_total", "Group commits.", func(s *stats) float64 { return float64(s.Storage.CommitsTotal) }},
		{"storage_operations_total", "Storage operations finished.", func(s *stats) float64 { return float64(s.Storage.OpsTotal) }},
		{"storage_errors_total", "Storage operations that failed.", func(s *stats) float64 { return float64(s.Storage.ErrorsTotal) }},
	}
}
