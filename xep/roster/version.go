package roster

import (
	"encoding/binary"
	"strconv"
	"strings"
)

// version names one state of a roster, RFC 6121 §2.6: a number that each
// visible change increases, after a mark of the roster's creation, so that an
// account that was deleted and made anew does not continue the old one's numbers.
type version struct {
	epoch  string // epochBytes, or "" before the first change
	number uint64
}

const (
	epochBytes    = 6
	versionFormat = 1
)

// String is what clients see. It has no meaning to them.
func (v version) String() string {
	if v.epoch == "" {
		return "0"
	}
	return v.epoch + "." + strconv.FormatUint(v.number, 10)
}

// since tells how many changes lie between s, which a client gave, and v; ok is
// false when s is none of this roster's versions.
func (v version) since(s string) (changes uint64, ok bool) {
	if s == v.String() {
		return 0, true
	}
	rest, ok := strings.CutPrefix(s, v.epoch+".")
	if !ok || v.epoch == "" {
		return 0, false
	}
	n, err := strconv.ParseUint(rest, 10, 64)
	if err != nil || n > v.number {
		return 0, false
	}
	return v.number - n, true
}

func (v version) encode() []byte {
	return binary.AppendUvarint(append([]byte{versionFormat}, v.epoch...), v.number)
}

func decodeVersion(b []byte) (version, error) {
	if len(b) < 1+epochBytes || b[0] != versionFormat {
		return version{}, errFormat
	}
	r := reader{b: b[1+epochBytes:]}
	v := version{epoch: string(b[1 : 1+epochBytes]), number: r.number()}
	if r.failed {
		return version{}, errFormat
	}
	return v, nil
}

// logKey orders the change log by versions.
func logKey(number uint64) []byte { return binary.BigEndian.AppendUint64(nil, number) }
