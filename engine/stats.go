package engine

// Stats are counters since the start (…Total) and gauges of now. Cheap enough
// to ask for once a second.
type Stats struct {
	Connections         int64  // open now
	Sessions            int64  // resources bound now
	Detached            int64  // of the sessions: those that wait for a resumption
	Handshakes          int64  // TLS handshakes under way now
	Domains             int64  // served now
	Remotes             int64  // remote domains known now
	AcceptedTotal       uint64 // connections accepted
	RefusedTotal        uint64 // connections refused by admission
	AuthSuccessTotal    uint64 // SASL exchanges that succeeded
	AuthFailureTotal    uint64 // and that failed
	StanzasInTotal      uint64 // stanzas read from clients
	StanzasOutTotal     uint64 // stanzas written to clients
	PeerInTotal         uint64 // stanzas read from other servers
	PeerOutTotal        uint64 // stanzas given to streams with other servers
	AttemptsTotal       uint64 // attempts to reach another server that have ended
	AttemptsFailedTotal uint64 // and of them those that failed
	Components          int64  // components connected now
	ComponentInTotal    uint64 // stanzas read from components
	ComponentOutTotal   uint64 // stanzas given to components
	ResumedTotal        uint64 // sessions resumed
	ReturnedTotal       uint64 // stanzas that ended sessions left unacknowledged and that were routed again or refused
	RepeatedTotal       uint64 // messages dropped because their recipient had them from a process before this one, see Config.Journal
	KeptTotal           uint64 // messages stored because a recipient with stream management had not acknowledged them
	BouncedTotal        uint64 // stanzas answered with a stanza error
	StreamErrorsTotal   uint64 // streams ended with a stream error
	ThrottledTotal      uint64 // times that a client was not read because it sent too fast
	SlowClosedTotal     uint64 // connections closed because the peer did not read
	BytesInTotal        uint64 // from the sockets, before decryption
	BytesOutTotal       uint64 // to the sockets, after encryption
	OutboundBytes       int64  // held now for peers that read slowly
	WritesTotal         uint64 // write calls, for writes per message
	WakesTotal          uint64 // hand-overs between loops, for wakes per batch

	Storage StorageStats
}

// StorageStats are the figures of the storage pump.
type StorageStats struct {
	Queued       int64  // operations waiting now
	CommitsTotal uint64 // group commits
	OpsTotal     uint64 // operations finished
	ErrorsTotal  uint64 // of them with an error other than not found or conflict
}
