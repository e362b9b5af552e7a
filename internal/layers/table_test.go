package layers

// A layer is one row of the table of ARCHITECTURE.md: the packages that pkg
// names (with "/..." at its end: all below it too) may import these packages
// of the module and these third-party modules, beside the standard library.
// The first row that fits a package counts.
//
// "any" among imports stands for every package of the module.
// internal/invariants may be imported everywhere: it is empty in a normal
// build.
type layer struct {
	pkg     string
	imports []string
	modules []string
}

var table = []layer{
	{"jid", nil, list("golang.org/x/text", "golang.org/x/net/idna")},
	{"parser", nil, list("golang.org/x/sys/cpu")}, // what the processor can do
	{"parser/corpus", nil, nil},                   // stanzas for benchmarks
	{"stanza", list("parser"), nil},
	{"session/sasl", nil, list("golang.org/x/text")},
	{"session/token", nil, nil}, // what is stored of the tokens of FAST
	{"session", list("jid", "parser", "stanza", "storage", "session/sasl", "session/token"), nil},
	{"routing", list("jid", "stanza"), list("github.com/puzpuzpuz/xsync/v4")},

	{"storage", nil, nil},
	{"storage/async", list("storage"), nil},
	{"storage/badger", list("storage"), list("github.com/dgraph-io/badger/v4", "golang.org/x/sys")},
	{"storage/memory", list("storage"), nil},
	{"storage/storagetest", list("storage"), nil}, // the contract test that all drivers run

	{"xep", list("stanza", "parser", "jid", "storage"), nil},
	{"xep/standard", list("xep", "xep/..."), nil},
	{"xep/...", list("xep", "stanza", "parser", "jid", "storage"), nil},

	{"s2s", list("jid", "parser", "stanza", "session"), nil},
	{"s2s/component", list("jid", "parser", "stanza"), nil},           // streams of components, XEP-0114
	{"s2s/resolve", list("s2s", "jid"), list("github.com/miekg/dns")}, // DNS and TCP, off the loops
	{"s2s/certs", list("s2s", "jid"), nil},                            // what a certificate proves

	{"engine/...", list("jid", "parser", "stanza", "session/...", "routing", "storage", "storage/async", "xep", "s2s", "s2s/certs", "s2s/component", "engine/..."),
		list("github.com/dchest/siphash", "github.com/valyala/bytebufferpool", "github.com/klauspost/compress", "github.com/pires/go-proxyproto", "golang.org/x/sys")},

	{"bench/inproc/...", list("any"), list("github.com/HdrHistogram/hdrhistogram-go")},
	{"bench/relay", nil, list("github.com/panjf2000/gnet/v2")},        // the floor: an event loop without XMPP
	{"bench/target", list("bench/..."), list("github.com/miekg/dns")}, // where ejabberd finds the server that it federates with
	{"bench/report", list("bench/..."), list("gonum.org/v1/plot")},    // drawings
	{"bench/...", list("parser", "session/sasl", "bench/..."),
		list("github.com/HdrHistogram/hdrhistogram-go", "github.com/schollz/progressbar/v3", "golang.org/x/sys")},

	{"cmd/...", list("any"), list("github.com/pelletier/go-toml/v2", "github.com/spf13/pflag",
		"github.com/prometheus", "github.com/schollz/progressbar/v3", "golang.org/x/net", "golang.org/x/sys")},
	{"examples/...", list("jid", "stanza", "session/...", "storage/...", "xep/...", "engine/..."), nil},
	{"test/...", list("any"), list("any")}, // runs of real clients and their libraries

	{"internal/invariants", nil, nil},
	{"internal/layers", nil, nil},
	{"internal/script", list("session/...", "internal/testsasl"), nil}, // drives clients in tests
	{"internal/stanzatest", list("parser", "stanza"), nil},             // stanzas for tests
	{"internal/enginetest", list("any"), nil},                          // a server for tests
	{"internal/testdns", nil, list("github.com/miekg/dns")},            // a name server for tests
	{"internal/testsasl", list("session/sasl"), nil},                   // logs in clients of tests
	{"internal/testca", nil, nil},                                      // certificates for tests
	{"internal/...", nil, nil},
}

// folders at the top of the module that hold no Go packages.
var otherFolders = list("docs", "scripts")

// A fence keeps one import inside some packages of the whole module, tests
// included.
type fence struct {
	imports string
	inside  []string
}

var fences = []fence{
	{"github.com/dgraph-io/badger/v4", list("storage/badger", "test/...")},
	{"github.com/panjf2000/gnet/v2", list("bench/relay")},
	{"gonum.org/v1/plot", list("bench/report")},
}

// pure are the packages of protocol logic: time is a parameter, and what is
// outside the process is somebody else's.
var pure = list("jid", "parser", "stanza", "session/...", "routing", "xep/...", "s2s", "s2s/component")

// Outside of the process, or logging: not for pure packages. "net/netip" and
// its like only compute.
var (
	impure       = list("net/...", "os/...", "log/...", "crypto/tls", "syscall", "time/tzdata")
	pureInImpure = list("net/netip", "net/url", "net/mail", "net/textproto")
)

// clocks are the functions of package time that read or wait for a clock.
var clocks = map[string]bool{
	"Now": true, "Since": true, "Until": true, "Sleep": true, "After": true, "AfterFunc": true,
	"Tick": true, "NewTicker": true, "NewTimer": true,
}

func list(s ...string) []string { return s }
