package main

import (
	"bytes"
	"context"
	"crypto/tls"
	"fmt"
	"io"
	"os"
	"os/signal"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/spf13/pflag"

	"github.com/xylem-im/xylem/bench/load"
	"github.com/xylem-im/xylem/bench/report"
	"github.com/xylem-im/xylem/engine"
	"github.com/xylem-im/xylem/internal/enginetest"
	"github.com/xylem-im/xylem/internal/testca"
	"github.com/xylem-im/xylem/xep/standard"
)

// TestMain lets the test's binary be what the harness starts: a generator, the
// relay, or an engine without sockets.
func TestMain(m *testing.M) {
	if len(os.Args) > 1 && slices.Contains([]string{"generate", "relay", "inside"}, os.Args[1]) {
		ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM)
		defer stop()
		os.Exit((&program{stdin: os.Stdin, stdout: os.Stdout, stderr: os.Stderr}).run(ctx, os.Args[1:]))
	}
	os.Exit(m.Run())
}

// cli runs a command line.
func cli(args ...string) (code int, stdout, stderr string) {
	var out, problems bytes.Buffer
	p := &program{stdin: strings.NewReader(""), stdout: &out, stderr: &problems}
	return p.run(context.Background(), args), out.String(), problems.String()
}

// A whole run over TCP against the relay, which the harness starts by itself:
// table, JSON, page, and the comparison of the report with itself.
func TestRunWithRelay(t *testing.T) {
	dir := t.TempDir()
	json, html := filepath.Join(dir, "a.json"), filepath.Join(dir, "a.html")
	code, out, problems := cli("run", "chat", "idle", "presence", "--target", "relay", "--sessions", "20", "--fanout", "9", "--duration", "400ms", "--warmup", "100ms",
		"--turns", "2", "--settle", "100ms", "--dir", dir, "--json", json, "--html", html)
	if code != exitOK {
		t.Fatalf("exit code %d: %s\n%s", code, problems, out)
	}
	for _, want := range []string{"chat, 20 sessions, 1 in flight per pair, 350 bytes, plaintext", "latency p50", "PSS per session", "presence, 20 sessions, 1 to 9"} {
		if !strings.Contains(out, want) {
			t.Errorf("%q is missing in:\n%s", want, out)
		}
	}
	rep, err := report.Read(json)
	if err != nil {
		t.Fatal(err)
	}
	if len(rep.Runs) != 6 {
		t.Fatalf("%d runs, want 2 turns of 3 scenarios", len(rep.Runs))
	}
	for _, run := range rep.Runs {
		if n := run.Figures[report.Lost] + run.Figures[report.Duplicated] + run.Figures[report.Reordered]; n != 0 {
			t.Errorf("the relay has faults: %v", run.Figures)
		}
		if run.Settings.Scenario != "idle" && run.Figures[report.MessagesPerSec] < 100 {
			t.Errorf("%v messages per second", run.Figures[report.MessagesPerSec])
		}
	}
	if page, err := os.ReadFile(html); err != nil || !bytes.Contains(page, []byte("<svg")) {
		t.Errorf("the page has no plots: %v", err)
	}
	if code, out, problems = cli("compare", json, json); code != exitOK || !strings.Contains(out, "1.00") {
		t.Errorf("compare: %d, %s %s", code, out, problems)
	}
}

// The engine without sockets, at two sizes, each in a process of its own.
func TestInProcess(t *testing.T) {
	dir := t.TempDir()
	json, html := filepath.Join(dir, "a.json"), filepath.Join(dir, "a.html")
	code, out, problems := cli("inproc", "--sessions", "100,400", "--chains", "8", "--duration", "200ms", "--warmup", "50ms", "--quiet",
		"--json", json, "--html", html)
	if code != exitOK {
		t.Fatalf("exit code %d: %s\n%s", code, problems, out)
	}
	for _, want := range []string{"in one process, 400 sessions", "heap per session", "GC pause p99", "CPU as the number grows",
		"server CPU per stored", "server CPU per fetched", "CPU per resumption", "heap per session without connection",
		"roster p99", "p99 beside logins", "p99 with / without flood", "heap per client that reads nothing", "beside 100 and a flood of 5,000/s",
		"a day: latency p99", "a day: login p99", "CPU per message between two servers", "busier server / within a server"} {
		if !strings.Contains(out, want) {
			t.Errorf("%q is missing in:\n%s", want, out)
		}
	}
	rep, err := report.Read(json)
	if err != nil {
		t.Fatal(err)
	}
	if len(rep.Runs) != 4 {
		t.Errorf("%d runs, want 2 kinds at 2 sizes", len(rep.Runs))
	}
	for _, run := range rep.Runs {
		if f := run.Figures; run.Failed != "" || f[report.Lost]+f[report.Duplicated]+f[report.LoginFails]+f[report.Unaccounted]+f[report.Twice] > 0 || f[report.CPUPerMessage] <= 0 {
			t.Errorf("%s with %d sessions: %s %v", run.Target, run.Settings.Sessions, run.Failed, f)
		}
	}
	if groups := rep.Groups(); len(groups) != 2 || len(groups[0].Targets) != 2 {
		t.Errorf("%d groups, want one for each size with both kinds side by side", len(groups))
	}
	if page, err := os.ReadFile(html); err != nil || !bytes.Contains(page, []byte("cost over sessions")) || !bytes.Contains(page, []byte("latency of users beside a flood")) {
		t.Errorf("the page does not show how cost grows: %v", err)
	}
}

// anyName shows one certificate.
type anyName struct{ cert *tls.Certificate }

func (a anyName) Certificate(string) (*tls.Certificate, error) { return a.cert, nil }

// Each way of logging in, in full and resumed TLS handshakes.
func TestLogins(t *testing.T) {
	s := enginetest.StartConfig(t, engine.Config{Domains: []string{"localhost"},
		Listeners:    []engine.Listener{{Address: "127.0.0.1:0"}},
		Certificates: anyName{testca.New(t, "authority").For(t, "localhost")}})
	for i := range 8 {
		s.AddUser(fmt.Sprintf("bench%d@localhost", i), "bench")
	}
	for _, how := range []struct{ tickets, logins, exchange, title string }{
		{"false", "classic,sasl2,fast,resume", "", ", TLS"},
		{"true", "fast", "X25519", ", TLS resumed by X25519"},
		{"false", "classic", "P-256", ", TLS by P-256"},
	} {
		tickets, logins := how.tickets, how.logins
		none := func(run report.Run) string {
			if run.Figures[report.LoginsPerSec] == 0 {
				return "no logins"
			}
			return ""
		}
		runs := inWindows(t, none, "login", "--target", s.Addrs()[0].Addr.String(), "--login", logins, "--tls-tickets="+tickets, "--key-exchange", how.exchange,
			"--security", "tls", "--sessions", "8", "--parallel", "4", "--warmup", "50ms", "--settle", "50ms")
		if want := 1 + strings.Count(logins, ","); len(runs) != want {
			t.Fatalf("%d runs, want %d", len(runs), want)
		}
		for _, run := range runs {
			if title := report.Title(run.Settings); !strings.HasSuffix(title, how.title) {
				t.Errorf("title %q, want it to end in %q", title, how.title)
			}
			if f := run.Figures; run.Failed != "" || f[report.LoginFails] > 0 || f[report.LoginsPerSec] == 0 {
				t.Errorf("%s, tickets %s: %s %v %v", run.Settings.Login, tickets, run.Failed, f, run.Warnings)
			}
		}
	}
}

// inWindows performs the command "run" with windows of 400 ms, and longer ones as
// long as it fails or something is missing in a run.
func inWindows(t *testing.T, missing func(report.Run) string, args ...string) []report.Run {
	t.Helper()
	for window := 400 * time.Millisecond; ; window *= 4 {
		json := filepath.Join(t.TempDir(), "a.json")
		code, _, problems := cli(append([]string{"run", "--duration", window.String(), "--quiet", "--json", json}, args...)...)
		last := window > 20*time.Second
		if code != exitOK {
			if last {
				t.Fatalf("exit code %d: %s", code, problems)
			}
			continue
		}
		rep, err := report.Read(json)
		if err != nil {
			t.Fatal(err)
		}
		if last || !slices.ContainsFunc(rep.Runs, func(r report.Run) bool { return missing(r) != "" }) {
			return rep.Runs
		}
	}
}

// xylem over TCP, as a server that runs already.
func TestRunWithXylem(t *testing.T) {
	s := enginetest.StartConfig(t, engine.Config{Domains: []string{"localhost"},
		Listeners: []engine.Listener{{Address: "127.0.0.1:0"}}})
	const accounts = 12
	for i := range accounts {
		s.AddUser(fmt.Sprintf("bench%d@localhost", i), "bench")
	}
	traffic := []string{"chat", "churn"}
	missing := func(run report.Run) string { // what a busy machine may be too slow for in a short window
		if run.Settings.Scenario != "chat" && run.Figures[report.LoginsPerSec] == 0 {
			return "no logins"
		}
		if rate := run.Figures[report.MessagesPerSec]; slices.Contains(traffic, run.Settings.Scenario) && (rate < 150 || rate > 250) {
			return fmt.Sprintf("%v messages per second, want the 200 of the open loop", rate)
		}
		return ""
	}
	for _, run := range inWindows(t, missing, "chat", "churn", "login", "roster", "resume", "--target", s.Addrs()[0].Addr.String(),
		"--sessions", "8", "--extra", "4", "--rate", "200", "--fanout", "30", "--warmup", "100ms", "--settle", "100ms", "--pid", fmt.Sprint(os.Getpid())) {
		f := run.Figures
		for _, fault := range []string{report.Lost, report.Duplicated, report.Reordered, report.Errors, report.LoginFails, report.Broken} {
			if f[fault] != 0 {
				t.Errorf("%s: %s is %v: %v", run.Settings.Scenario, fault, f[fault], run.Warnings)
			}
		}
		if what := missing(run); what != "" {
			t.Errorf("%s: %s: %v", run.Settings.Scenario, what, run.Warnings)
		}
	}
}

// Overload: clients that read nothing are flooded beside others. What is held is
// bounded, each message of the flood is refused or kept for its recipient, and the others
// wait at most twice as long as without, or less than 10 ms: by their p99 in one turn of
// several, as in the others the machine may have had something else to do. The race
// detector takes most of the cores, and then nothing is said of time.
func TestOverload(t *testing.T) {
	const turns, least = 8, 5000.0 // µs
	for turn := 1; ; turn++ {
		f := overload(t)
		calm, beside := f[report.CalmP99], f[report.LatencyP99]
		if calm == 0 || beside == 0 {
			t.Fatalf("p99 is %v µs without the flood and %v with it", calm, beside)
		}
		if underRace || beside <= 2*max(calm, least) {
			return
		}
		if t.Logf("turn %d: p99 is %v µs without the flood and %v with it", turn, calm, beside); turn == turns {
			t.Fatal("so it is in each turn")
		}
	}
}

// overload is a turn of TestOverload. What must be in each is checked.
func overload(t *testing.T) map[string]float64 {
	t.Helper()
	const outbound = 64 << 10
	// What is held for peers is looked at with each message that is routed.
	var held atomic.Int64
	var server atomic.Pointer[enginetest.Server]
	look := func(engine.MessageView) {
		if s := server.Load(); s != nil {
			if now := s.Stats().OutboundBytes; now > held.Load() { // one loop, so one at a time
				held.Store(now)
			}
		}
	}
	s := enginetest.StartConfig(t, engine.Config{Domains: []string{"localhost"}, Extensions: standard.Register, Loops: 1,
		Listeners: []engine.Listener{{Address: "127.0.0.1:0"}}, Limits: engine.Limits{OutboundBytes: outbound}, Hooks: engine.Hooks{Message: look}})
	server.Store(s)
	// Two of the extra clients flood for less than two seconds. All that each
	// writes is less than client.MaxBacklog, so however slow the server is, its
	// session does not end.
	const normal, extra = 8, 22
	for i := range normal + extra {
		s.AddUser(fmt.Sprintf("bench%d@localhost", i), "bench")
	}
	json := filepath.Join(t.TempDir(), "a.json")
	code, out, problems := cli("run", "slow", "--target", s.Addrs()[0].Addr.String(), "--sessions", fmt.Sprint(normal), "--extra", fmt.Sprint(extra),
		"--rate", "200", "--flood", "1800", "--payload", "2000", "--stream-management", "--duration", "1500ms", "--warmup", "100ms",
		"--settle", "100ms", "--quiet", "--json", json)
	if code != exitOK {
		t.Fatalf("exit code %d: %s\n%s", code, problems, out)
	}
	rep, err := report.Read(json)
	if err != nil {
		t.Fatal(err)
	}
	run := rep.Runs[0]
	f := run.Figures
	if run.Failed != "" || f[report.Flooded] < 500 { // of 2,700, less what a busy machine begins late
		t.Fatalf("%v, %s: %v", f, run.Failed, run.Warnings)
	}
	for _, fault := range []string{report.Lost, report.Duplicated, report.Reordered, report.Errors, report.Broken, report.Unaccounted, report.Twice} {
		if f[fault] != 0 {
			t.Errorf("%s is %v: %v", fault, f[fault], run.Warnings)
		}
	}
	if sum := f[report.Refused] + f[report.Kept]; sum != f[report.Flooded] {
		t.Errorf("%v refused and %v kept of %v", f[report.Refused], f[report.Kept], f[report.Flooded])
	}
	// What passes the bound ends the connection; it is passed by one turn's output.
	if most := int64(normal+extra) * (outbound + 64<<10); held.Load() > most {
		t.Errorf("%d bytes were held for peers, at most %d", held.Load(), most)
	}
	return f
}

// TestDevices: with several sessions of each account all of them get each message once,
// by whichever address it goes.
func TestDevices(t *testing.T) {
	s := enginetest.StartConfig(t, engine.Config{Domains: []string{"localhost"}, Extensions: standard.Register,
		Listeners: []engine.Listener{{Address: "127.0.0.1:0"}}})
	for i := range 4 {
		s.AddUser(fmt.Sprintf("bench%d@localhost", i), "bench")
	}
	for _, full := range []string{"--full-jid=false", "--full-jid=true"} {
		json := filepath.Join(t.TempDir(), "a.json")
		code, out, problems := cli("run", "chat", "--target", s.Addrs()[0].Addr.String(), "--sessions", "4", "--devices", "3", full,
			"--stream-management", "--window", "16", "--duration", "1s", "--warmup", "0s", "--settle", "100ms", "--quiet", "--json", json)
		if code != exitOK {
			t.Fatalf("exit code %d: %s\n%s", code, problems, out)
		}
		rep, err := report.Read(json)
		if err != nil {
			t.Fatal(err)
		}
		run := rep.Runs[0]
		for _, fault := range []string{report.Lost, report.Duplicated, report.Reordered, report.Errors, report.Broken} {
			if n := run.Figures[fault]; n != 0 {
				t.Errorf("%s: %s is %v: %v", full, fault, n, run.Warnings)
			}
		}
		if run.Failed != "" || run.Figures[report.CopiesPerSec] == 0 || run.Figures[report.CopyP99] == 0 {
			t.Errorf("%s: nothing reached the other sessions: %s, %v", full, run.Failed, run.Figures)
		}
		if !strings.Contains(out, "carbons, 3 of each account") || !strings.Contains(out, "messages on further devices") {
			t.Errorf("%s: the report does not say so:\n%s", full, out)
		}
	}
}

func TestWrongUsage(t *testing.T) {
	for _, test := range []struct{ args, want string }{
		{"", "no command"},
		{"dance", "unknown command"},
		{"run", "no scenario"},
		{"run dance", "unknown scenario"},
		{"run chat --security some", "--security"},
		{"run login --login often --security tls", "no login by \"often\""},
		{"run login --login fast", "login by fast needs TLS (security)"},
		{"run chat --sessions many", "--sessions"},
		{"run chat --target 192.0.2.1:5222", "loopback"},
		{"run chat --plan x.toml", "not both"},
		{"run --plan none.toml", "no such file"},
		{"run chat --sessions 0", "chat: --sessions: 0 sessions; at least 2 are needed"},
		{"run chat --devices 9", "chat: --devices: 9 sessions of each account; it is 1 to 8"},
		{"run chat --devices 2 --login sasl2 --security tls", "chat: --devices: 2 sessions of each account; they need login classic"},
		{"run chat --payload 0", "chat: --payload: a payload of 0 bytes; it is a whole message with its tags, at least 150"},
		{"run chat --duration 0", "chat: --duration: a duration of 0s; it is longer than 0"},
		{"run chat --duration 10", `--duration: "10" is not a time, as in "10s"`},
		{"run chat --window few", `--window: "few" is not whole numbers, as in 200,4000`},
		{"run chat --security=", `--security is plain or tls, not ""`},
		{"run chat --turns 0", "--turns 0: there is at least one"},
		{"run chat --settle -1s", "--settle -1s: a rest is longer than 0"},
		{"run chat --pid -5 --target 127.0.0.1:1", "--pid -5 is no process"},
		{"run chat --per-address -7", "--per-address -7: it is at least 1"},
		{"run chat --per-generator 1", "--per-generator 1: a pair of sessions is in one process"},
		{"run chat --user bench", "--user bench: all accounts would have the same name; %d stands for the number"},
		{"run chat --content <a>", "chat: --content: it is put into a message, but"},
		{"run chat --content text", `chat: --content: it is put into a message, but "text" is in no element`},
		{"run chat --content </m><m>", "chat: --content: it is put into a message, but it ends the message"},
		{"run chat --content <!--x-->", "chat: --content: it is put into a message, but XMPP allows no comments"},
		{"run chat --domain example.org", "--domain changes nothing: no target is a server that runs already"},
		{"run chat --target relay --register", "--register changes nothing"},
		{"run chat --target 127.0.0.1:1 --ca-file none.pem", "--ca-file none.pem: open none.pem: no such file"},
		{"run chat --target 127.0.0.1:1 --direct-tls", "--direct-tls changes nothing: there is no TLS; --security tls asks for it"},
		{"run chat --target 127.0.0.1:1,127.0.0.1:2 --pid 1", "--pid is one process, but 2 servers run already"},
		{"compare none.json none.json", "open none.json: no such file"},
		{"compare --check -1 a.json b.json", "--check -1"},
		{"report none.json", "open none.json: no such file"},
		{"run chat --xylem none", "--xylem"},
		{"run chat --target relay --html none/a.html", "none/a.html"},
		{"run chat --fanout 5", "--fanout changes nothing: chat does not use it; presence, roster, mix do"},
		{"run chat idle --messages 5", "--messages changes nothing: chat does not use it; offline does"},
		{"run churn --window 5", "--window changes nothing: a window is for a closed loop, and churn has a rate of 1000/s"},
		{"run login --tls-tickets", "--tls-tickets changes nothing: there is no TLS"},
		{"run chat --mechanism ROT13", "no mechanism \"ROT13\"; there are SCRAM-SHA-256"},
		{"run chat --target relay --security tls", "target relay has no XMPP and no TLS"},
		{"run chat --target xylem-quick --xylem none", "--xylem"},
		{"run chat --server-cpus 99999", "--server-cpus 99999: "},
		{"run chat --target relay --client-cpus a", "--client-cpus a: "},
		{"inproc --cpus 99999", "--cpus 99999: "},
		{"run chat --target some", "target some is neither host:port nor one of ejabberd, prosody"},
		{"run slow --flood 0", "a flood of 0 messages per second"},
		{"run mix --rate 0", "rate"},
		{"inproc --json none/a.json", "none/a.json"},
		{"inproc --kind odd", "unknown"},
		{"inproc --sessions 1", "--sessions: 1 sessions; 2 to"},
		{"inproc --payload 0", "--payload: a payload of 0 bytes"},
		{"inproc --duration 0s", "--duration: a window of 0s"},
		{"inproc mix --kind bare", "--kind: bare has no extensions, which mix needs; stock has"},
		{"inproc chat --far 5", "--far changes nothing: chat does not use it; s2s does"},
		{"inproc chat --plan x.toml", "not both"},
		{"inproc --plan none.toml", "no such file"},
		{"inproc dance", "unknown scenario"},
		{"inproc --turns 0", "--turns 0: there is at least one"},
		{"compare a.json", "argument is missing"},
		{"report a b", "unexpected argument"},
	} {
		code, _, problems := cli(strings.Fields(test.args)...)
		if code != exitUsage || !strings.Contains(problems, test.want) {
			t.Errorf("xylem-bench %s: exit code %d, %q; want %d and %q", test.args, code, problems, exitUsage, test.want)
		}
	}
}

// The plan that the documentation shows is one.
func TestPlanFile(t *testing.T) {
	doc, err := os.ReadFile("../../docs/benchmarking.md")
	if err != nil {
		t.Fatal(err)
	}
	_, rest, _ := strings.Cut(string(doc), "```toml\n")
	text, _, ok := strings.Cut(rest, "```")
	if !ok {
		t.Fatal("docs/benchmarking.md shows no plan")
	}
	list, err := plan(t, text, "--window", "16", "--payload", "400")
	if err != nil {
		t.Fatal(err)
	}
	if len(list) != 5 {
		t.Fatalf("%d measurements", len(list))
	}
	for i, sessions := range []int{200, 4000, 200, 4000} {
		if chat := list[i]; chat.Sessions != sessions || chat.TLS != (i > 1) || chat.Duration.Seconds() != 30 || chat.Window != 16 || chat.Payload != 400 || chat.Rate != 0 {
			t.Errorf("chat: %+v", chat)
		}
	}
	if churn := list[4]; churn.Sessions != 200 || churn.TLS || churn.Rate != 2000 || churn.Extra != 500 || churn.Duration.Seconds() != 10 || churn.Payload != 1000 {
		t.Errorf("churn: %+v", churn)
	}
}

// plan reads a plan beside a command line.
func plan(t *testing.T, text string, args ...string) ([]load.Settings, error) {
	t.Helper()
	file := filepath.Join(t.TempDir(), "plan.toml")
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	var f runFlags
	fs := pflag.NewFlagSet("run", pflag.ContinueOnError)
	f.register(fs)
	if err := fs.Parse(append(args, "--plan", file)); err != nil {
		t.Fatal(err)
	}
	err := f.scenarios(fs, nil)
	return f.plan.Scenarios, err
}

// More sessions than one process may have come from several, which is told.
func TestSeveralGenerators(t *testing.T) {
	json := filepath.Join(t.TempDir(), "a.json")
	code, out, problems := cli("run", "chat", "presence", "--target", "relay", "--sessions", "20", "--fanout", "4", "--per-generator", "8", "--duration", "300ms", "--warmup", "50ms",
		"--settle", "50ms", "--quiet", "--json", json)
	if code != exitOK {
		t.Fatalf("exit code %d: %s\n%s", code, problems, out)
	}
	if !strings.Contains(out, "generator processes") {
		t.Errorf("the table does not tell of several generators:\n%s", out)
	}
	rep, err := report.Read(json)
	if err != nil {
		t.Fatal(err)
	}
	for i, processes := range []float64{3, 4} { // 10 pairs by 4; 4 groups of 5, one each
		f := rep.Runs[i].Figures
		if f[report.Generators] != processes || f[report.Lost] != 0 || f[report.MessagesPerSec] == 0 {
			t.Errorf("want %v processes: %v %v", processes, f, rep.Runs[i].Warnings)
		}
	}
	code, out, _ = cli("run", "presence", "--target", "relay", "--sessions", "20", "--fanout", "19", "--per-generator", "8", "--quiet")
	if code != exitFailed || !strings.Contains(out, "20 sessions belong together in one generator process, which may have 8") {
		t.Errorf("a group that no process may have: %d\n%s", code, out)
	}
}

// In a mix the publishers of presence chat, too: two of the generator's
// goroutines write to one session.
func TestMix(t *testing.T) {
	s := enginetest.StartConfig(t, engine.Config{Domains: []string{"localhost"}, Extensions: standard.Register,
		Listeners: []engine.Listener{{Address: "127.0.0.1:0"}}})
	for i := range 16 {
		s.AddUser(fmt.Sprintf("bench%d@localhost", i), "bench")
	}
	json := filepath.Join(t.TempDir(), "a.json")
	code, _, problems := cli("run", "mix", "--target", s.Addrs()[0].Addr.String(), "--sessions", "12", "--fanout", "5", "--extra", "4", "--rate", "2000",
		"--duration", "500ms", "--warmup", "50ms", "--settle", "50ms", "--quiet", "--json", json)
	if code != exitOK {
		t.Fatalf("exit code %d: %s", code, problems)
	}
	rep, err := report.Read(json)
	if err != nil {
		t.Fatal(err)
	}
	f := rep.Runs[0].Figures
	for _, fault := range []string{report.Lost, report.Reordered, report.Errors, report.Broken} {
		if f[fault] != 0 {
			t.Errorf("%s is %v: %v", fault, f[fault], rep.Runs[0].Warnings)
		}
	}
	if s := rep.Runs[0].Settings; s.Updates != 200 || s.Logins != 40 || s.Online != 0.2 {
		t.Errorf("a mix is made with %+v, want an update for ten messages, a login for fifty and a fifth online", s)
	}
	if _, ok := f[report.PresencePerSec]; !ok {
		t.Error("presence is not counted by itself")
	}
	if f[report.MessagesPerSec] == 0 {
		t.Errorf("nothing arrived: %v", rep.Runs[0].Warnings)
	}
}

// A report that cannot be written is told as that, and the table is there.
func TestFullDisk(t *testing.T) {
	for _, form := range []string{"--json", "--html"} {
		code, out, problems := cli("run", "chat", "--target", "relay", "--sessions", "2", "--duration", "200ms", "--warmup", "0s", "--settle", "50ms", "--quiet", form, "/dev/full")
		if code != exitFailed || !strings.Contains(problems, "/dev/full: no space left on device") || !strings.Contains(out, "latency p50") {
			t.Errorf("%s: exit code %d: %s\n%s", form, code, problems, out)
		}
	}
}

// A storm of logins that nobody can do is a run that failed, not one of no logins;
// who measures a server that runs is told what accounts it must have.
func TestWrongPassword(t *testing.T) {
	s := enginetest.StartConfig(t, engine.Config{Domains: []string{"localhost"}, Listeners: []engine.Listener{{Address: "127.0.0.1:0"}}})
	for i := range 2 {
		s.AddUser(fmt.Sprintf("bench%d@localhost", i), "bench")
	}
	for _, scenario := range []string{"login", "chat"} {
		code, out, problems := cli("run", scenario, "--target", s.Addrs()[0].Addr.String(), "--sessions", "2", "--password", "wrong", "--quiet", "--settle", "50ms")
		out = strings.Join(strings.Fields(out), " ") // as it is without the breaks between words
		if code != exitFailed || !strings.Contains(out, "not-authorized") || !strings.Contains(out, "the accounts are bench0, bench1, … (--user, --password), and --register makes them") {
			t.Errorf("%s: exit code %d: %s\n%s", scenario, code, problems, out)
		}
	}
}

// What is wrong in a plan is told with line, key, value and what would be right.
func TestPlanFaults(t *testing.T) {
	for _, test := range []struct{ name, text, want string }{
		{"empty", "", "no [[scenario]] table"},
		{"no scenario", "[[scenario]]\nrate = 1.0", "plan.toml:1: the table does not say which scenario"},
		{"unknown scenario", "[[scenario]]\nscenario = 'chat'\n\n[[scenario]]\nscenario = 'dance'", `plan.toml:5: scenario: "dance" is unknown; there are chat, login`},
		{"unknown key", "[[scenario]]\nscenario = 'chat'\nsesions = 5", "plan.toml:3: sesions is no key of a scenario; there are scenario, name, sessions"},
		{"another flag", "[[scenario]]\nscenario = 'chat'\nturns = 5", "plan.toml:3: turns is no key"},
		{"outside", "rate = 5\n[[scenario]]\nscenario = 'chat'", `plan.toml:1: "rate" is not in a table`},
		{"another table", "[[scenario]]\nscenario = 'chat'\n[other]\nrate = 5", `plan.toml:3: "other" is not in a table`},
		{"number", "[[scenario]]\nscenario = 'chat'\nsessions = 'many'", `plan.toml:3: sessions: "many" is not a whole number`},
		{"time", "[[scenario]]\nscenario = 'chat'\nduration = '10 parsecs'", `plan.toml:3: duration: "10 parsecs" is not a time, as in "10s"`},
		{"truth", "[[scenario]]\nscenario = 'chat'\nfull_jid = 'so'", `plan.toml:3: full_jid: "so" is not true or false`},
		{"out of range", "[[scenario]]\nscenario = 'chat'\npayload = 10", "plan.toml:3: payload: a payload of 10 bytes; it is a whole message with its tags, at least 150"},
		{"not used", "[[scenario]]\nscenario = 'idle'\nrate = 5", "plan.toml:3: rate: 5 changes nothing: idle does not use it; chat, presence, churn, slow, mix, s2s do"},
		{"content", "[[scenario]]\nscenario = 'chat'\ncontent = '<a>'", "plan.toml:3: content: it is put into a message, but XML syntax error"},
		{"content and payload", "[[scenario]]\nscenario = 'chat'\npayload = 150\ncontent = '<a/>'", "plan.toml:3: payload: a payload of 150 bytes; with content of 4 bytes a message has at least 154"},
		{"nobody logs in", "[[scenario]]\nscenario = 'churn'\nextra = 0\nlogin_rate = 5", "plan.toml:4: login_rate: 5 logins per second, but there are no accounts that come and go (extra)"},
		{"nobody online", "[[scenario]]\nscenario = 'mix'\nonline = 0", "plan.toml:3: online: a share of 0 of the contacts; it is more than 0, to 1"},
		{"two loops", "[[scenario]]\nscenario = 'chat'\nwindow = 5\nrate = 10", "plan.toml:3: window: 5 changes nothing: a window is for a closed loop"},
		{"no TLS", "[[scenario]]\nscenario = 'login'\ntls_tickets = true", "plan.toml:3: tls_tickets: true changes nothing: there is no TLS"},
		{"security", "[[scenario]]\nscenario = 'chat'\nsecurity = 'some'", `plan.toml:3: security: "some" is not "plain", "tls" or a list of them`},
		{"text", "[[scenario]]\nscenario = 'chat'\nname = ['a']", "plan.toml:3: name: [a] is not text in double quotes"},
		{"syntax", "[[scenario]]\nscenario = chat", "plan.toml:2: "},
	} {
		_, err := plan(t, test.text)
		if err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%s: %v, want %q", test.name, err, test.want)
		}
	}
}

// A server that runs already is asked what it is, and its certificate is checked
// when it is said who may sign it.
func TestRunningServer(t *testing.T) {
	authority := testca.New(t, "authority")
	s := enginetest.StartConfig(t, engine.Config{Domains: []string{"localhost"}, Extensions: standard.Register,
		Listeners: []engine.Listener{{Address: "127.0.0.1:0"}}, Certificates: anyName{authority.For(t, "localhost")}})
	for i := range 2 {
		s.AddUser(fmt.Sprintf("bench%d@localhost", i), "bench")
	}
	dir := t.TempDir()
	run := func(ca *testca.CA) (int, string, string) {
		return cli("run", "chat", "--target", s.Addrs()[0].Addr.String(), "--security", "tls", "--sessions", "2", "--duration", "100ms", "--warmup", "0s",
			"--settle", "1ms", "--quiet", "--json", filepath.Join(dir, "a.json"), "--ca-file", ca.File(t))
	}
	if code, out, problems := run(authority); code != exitOK {
		t.Fatalf("exit code %d: %s\n%s", code, problems, out)
	}
	rep, err := report.Read(filepath.Join(dir, "a.json"))
	if err != nil {
		t.Fatal(err)
	}
	if version := rep.Versions[rep.Order[0]]; !strings.Contains(version, "xylem") {
		t.Errorf("the server is %q, want what it says of itself", version)
	}
	if code, out, _ := run(testca.New(t, "another")); code != exitFailed || !strings.Contains(out, "x509: ") || !strings.Contains(out, "--ca-file names who signed") {
		t.Errorf("a certificate of somebody else: exit code %d\n%s", code, out)
	}
}

// A check of two reports fails for what is worse in every run, beyond the
// tolerance.
func TestCompareChecks(t *testing.T) {
	dir := t.TempDir()
	write := func(name string, cpu ...float64) string {
		rep := &report.Report{Format: report.Format, Order: []string{"relay"}, Versions: map[string]string{}}
		for i, v := range cpu {
			rep.Runs = append(rep.Runs, report.Run{Target: "relay", Turn: i + 1, Settings: load.Settings{Scenario: load.Chat, Sessions: 2},
				Figures: map[string]float64{report.CPUPerMessage: v}})
		}
		file := filepath.Join(dir, name)
		if err := rep.Write(file); err != nil {
			t.Fatal(err)
		}
		return file
	}
	before := write("a.json", 10, 11, 12)
	for _, test := range []struct {
		name  string
		after []float64
		check string
		code  int
	}{
		{"same", []float64{10, 11, 12}, "0", exitOK}, {"worse", []float64{13, 14, 15}, "5", exitFailed}, {"worse, allowed", []float64{13, 14, 15}, "50", exitOK},
		{"noise", []float64{11, 14, 15}, "0", exitOK}, {"better", []float64{1, 2, 3}, "0", exitOK}, {"one run", []float64{99}, "0", exitOK},
	} {
		code, _, problems := cli("compare", "--check", test.check, before, write("b.json", test.after...))
		if code != test.code || code == exitFailed && !strings.Contains(problems, "worse in B by more than 5 %: relay: chat, 2 sessions, plaintext: server CPU per message") {
			t.Errorf("%s: exit code %d: %s", test.name, code, problems)
		}
	}
	if code, _, problems := cli("compare", before, write("c.json")); code != exitUsage || !strings.Contains(problems, "A has relay: chat, 2 sessions, plaintext; B has nothing") {
		t.Errorf("nothing in common: exit code %d: %s", code, problems)
	}
}

// A server that ends in the middle of a run is told as that, with its last words.
func TestServerThatDies(t *testing.T) {
	dir := t.TempDir()
	script := filepath.Join(t.TempDir(), "fake")
	text := "#!/bin/sh\n[ \"$1\" = serve ] || exit 0\necho ready c2s=127.0.0.1:1\necho out of luck >&2\nexit 3\n"
	if err := os.WriteFile(script, []byte(text), 0o700); err != nil {
		t.Fatal(err)
	}
	code, out, problems := cli("run", "chat", "--xylem", script, "--sessions", "2", "--duration", "200ms", "--warmup", "0s", "--settle", "300ms", "--quiet", "--dir", dir)
	if code != exitFailed || !strings.Contains(out, "exit status 3") || !strings.Contains(out, "out of luck") {
		t.Errorf("exit code %d, want %d and the server's end:\n%s%s", code, exitFailed, out, problems)
	}
}

// An interrupt keeps what was measured.
func TestInterrupt(t *testing.T) {
	json := filepath.Join(t.TempDir(), "a.json")
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	var out, problems bytes.Buffer
	p := &program{stdin: strings.NewReader(""), stdout: &out, stderr: stopper{&problems, "turn 2", cancel}}
	code := p.run(ctx, []string{"run", "chat", "--target", "relay", "--sessions", "2", "--duration", "200ms", "--warmup", "0s", "--settle", "50ms",
		"--turns", "100", "--json", json})
	if code != exitFailed || !strings.Contains(problems.String(), "interrupted") {
		t.Errorf("exit code %d: %s", code, problems.String())
	}
	rep, err := report.Read(json)
	if err != nil {
		t.Fatal(err)
	}
	if len(rep.Runs) != 1 || rep.Runs[0].Figures[report.MessagesPerSec] == 0 {
		t.Errorf("%d runs were kept, want the first turn: %+v", len(rep.Runs), rep.Runs)
	}
}

// stopper calls cancel when it is told something.
type stopper struct {
	io.Writer
	word   string
	cancel func()
}

func (s stopper) Write(b []byte) (int, error) {
	if bytes.Contains(b, []byte(s.word)) {
		s.cancel()
	}
	return s.Writer.Write(b)
}
