package s2s

import (
	"errors"

	"github.com/xylem-im/xylem/stanza"
)

// Culprit is the index of the stanza because of which a peer has most likely
// ended a stream, of those that it has not acknowledged, oldest first; -1 when
// the reason is none of theirs. Were all of them sent again, one that is too
// large for the peer would end each stream that it comes on, for ever. For
// policy-violation it is the largest, else the one that the peer would have
// acknowledged next.
func Culprit(reason error, unacked [][]byte) int {
	var pe stanza.PeerError
	if len(unacked) == 0 || !errors.As(reason, &pe) {
		return -1
	}
	switch pe.Condition {
	case stanza.StreamPolicyViolation:
		largest := 0
		for i := range unacked {
			if len(unacked[i]) > len(unacked[largest]) {
				largest = i
			}
		}
		return largest
	case stanza.StreamConflict, stanza.StreamConnectionTimeout, stanza.StreamHostGone, stanza.StreamHostUnknown,
		stanza.StreamNotAuthorized, stanza.StreamRemoteConnectionFailed, stanza.StreamReset, stanza.StreamResourceConstraint,
		stanza.StreamSeeOtherHost, stanza.StreamSystemShutdown, stanza.StreamUnsupportedFeature, stanza.StreamUnsupportedVersion:
		return -1
	}
	return 0
}
