package bench

import (
	"strings"
	"testing"

	"github.com/xylem-im/xylem/bench/client"
	"github.com/xylem-im/xylem/bench/load"
)

// A server that runs already is somebody else's: what it refuses is told with what may
// help there.
func TestRemedies(t *testing.T) {
	p := Plan{Users: client.Accounts{User: "load%d", Password: "x"}, Domain: "example.org", Scenarios: []load.Settings{{Sessions: 10, Extra: 2}}}
	for failure, want := range map[string]string{
		"load0: refused by the server: want <success/>, got <failure><not-authorized/></failure>":            "the accounts are load0, load1, … (--user, --password), and --register makes them",
		"register: refused by the server: want a result, got <stream:error><not-authorized/></stream:error>": "make load0 to load11 there by its own means",
		"load0: refused by the server: host-unknown":                                                         "--domain says which domain it serves, example.org as it is",
		"load0: the login did not end in 1m0s":                                                               "is that the port for clients?",
		"load0: read tcp 127.0.0.1:1->127.0.0.1:2: read: connection reset by peer":                           "--direct-tls",
		"load0: it rained": "",
	} {
		got := p.remedy(failure)
		if !strings.Contains(got, want) || want == "" && got != "" {
			t.Errorf("%s: %q, want %q", failure, got, want)
		}
	}
}
