package report_test

import (
	"bytes"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/xylem-im/xylem/bench/load"
	"github.com/xylem-im/xylem/bench/measure"
	"github.com/xylem-im/xylem/bench/report"
)

// sample is a report with what real ones have, and with what they should not.
func sample() *report.Report {
	chat := load.Settings{Scenario: load.Chat, Sessions: 200, Payload: 350, Window: 1, Duration: time.Second, Parallel: 8}
	idle := load.Settings{Scenario: load.Idle, Sessions: 100, Duration: time.Second, Parallel: 8}
	run := func(target string, turn int, cpu float64) report.Run {
		return report.Run{Target: target, Turn: turn, Settings: chat,
			Figures: map[string]float64{report.CPUPerMessage: cpu, report.MessagesPerSec: 1e6 / cpu, report.Lost: 0},
			Latency: map[string]report.Percentiles{load.HistMessage: {Count: 1000, At: []report.Point{
				{P: 0, Value: 0}, {P: 0.5, Value: 100e3}, {P: 0.99, Value: 2e6}, {P: 0.999, Value: 9e6}, {P: 1, Value: 9e6}}}},
			Series: []report.Sample{{At: -1, Rate: 10, Server: 0.5}, {At: 0, Rate: 1e5, Server: 1}, {At: 1, Rate: math.MaxFloat64, Server: 1}},
		}
	}
	return &report.Report{Format: report.Format, Order: []string{"a<b>&", "b"}, Command: []string{"run", "<script>"}, Versions: map[string]string{},
		Runs: []report.Run{
			run("b", 1, 30), run("a<b>&", 1, 9), run("b", 2, 10), run("a<b>&", 2, 11), run("b", 3, 20),
			{Target: "b", Turn: 1, Settings: idle, Failed: "it would not"},
			{Target: "a<b>&", Turn: 1, Settings: idle, Figures: map[string]float64{report.PSSPerSession: -5, report.KernelPerSession: 1 << 20},
				Memory:   []report.Step{{}, {Sessions: 100, PSS: -500, Kernel: 1 << 30}},
				Warnings: []string{"odd", "odd"}},
		}}
}

func TestSpreadAndOrder(t *testing.T) {
	groups := sample().Groups()
	if len(groups) != 2 || groups[0].Targets[0].Name != "a<b>&" || groups[0].Targets[1].Name != "b" {
		t.Fatalf("groups are not in the order of the plan: %+v", groups)
	}
	a, b := groups[0].Targets[0], groups[0].Targets[1]
	if got, want := b.Of(report.CPUPerMessage), (report.Spread{Min: 10, Median: 20, Max: 30, N: 3}); got != want {
		t.Errorf("of three: %v, want %v", got, want)
	}
	if got, want := a.Of(report.CPUPerMessage), (report.Spread{Min: 9, Median: 10, Max: 11, N: 2}); got != want {
		t.Errorf("of two: %v, want %v", got, want)
	}
	if got := b.Median(report.CPUPerMessage).Turn; got != 3 {
		t.Errorf("turn %d is drawn, want the middle one", got)
	}
	if got, want := groups[1].Remarks(), []string{"a<b>&: odd", "b: failed: it would not"}; !slices.Equal(got, want) {
		t.Errorf("remarks: %q, want each once: %q", got, want)
	}
	a.Runs[0].Warnings, b.Runs[0].Warnings = []string{"odd", "odd"}, []string{"odd"}
	if got, want := groups[0].Remarks(), []string{"a<b>&, b: odd (2 runs)"}; !slices.Equal(got, want) {
		t.Errorf("remarks: %q, want the targets and runs: %q", got, want)
	}
}

func TestJSONRoundTrip(t *testing.T) {
	file := filepath.Join(t.TempDir(), "a.json")
	want := sample()
	if err := want.Write(file); err != nil {
		t.Fatal(err)
	}
	got, err := report.Read(file)
	if err != nil {
		t.Fatal(err)
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got %+v, want %+v", got, want)
	}
	want.Format++
	if err := want.Write(file); err != nil {
		t.Fatal(err)
	}
	if _, err := report.Read(file); err == nil {
		t.Error("another format was read")
	}
}

func TestTable(t *testing.T) {
	var b bytes.Buffer
	if err := sample().Table(&b, 120); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"server CPU per message", "20.0 µs (10.0 … 30.0 µs)", "101,010 /s (90,909 … 111,111 /s)", "1.00 MiB", "! b: failed: it would not"} {
		if !strings.Contains(b.String(), want) {
			t.Errorf("%q is missing in:\n%s", want, b.String())
		}
	}
}

func TestCompare(t *testing.T) {
	a, b := sample(), sample()
	for i := range b.Runs {
		if b.Runs[i].Target == "b" && b.Runs[i].Figures != nil {
			b.Runs[i].Figures[report.CPUPerMessage] *= 10
		}
	}
	var out bytes.Buffer
	if _, err := report.Compare(&out, a, b, 160, 0); err != nil {
		t.Fatal(err)
	}
	line := regexp.MustCompile(`server CPU per message +20.0 µs \(10.0 … 30.0 µs\) +200 µs \(100 … 300 µs\) +10.00 \(3.33 … 30.00\) +worse\n`)
	if !line.MatchString(out.String()) {
		t.Errorf("no line like %v in:\n%s", line, out.String())
	}
	if strings.Count(out.String(), "same") == 0 {
		t.Errorf("what did not change is not said to be the same:\n%s", out.String())
	}
	b.Runs = b.Runs[:0]
	if _, err := report.Compare(&out, a, b, 160, 0); err == nil {
		t.Error("reports without anything in common were compared")
	}
}

// The page quotes what comes from outside, and its drawings are well formed
// and stay inside their frames, whatever the figures are.
func TestHTML(t *testing.T) {
	var b bytes.Buffer
	if err := sample().HTML(&b); err != nil {
		t.Fatal(err)
	}
	if strings.Contains(b.String(), "<script") || strings.Contains(b.String(), "a<b>") {
		t.Error("text was not escaped")
	}
	var again bytes.Buffer
	if err := sample().HTML(&again); err != nil || !bytes.Equal(b.Bytes(), again.Bytes()) {
		t.Error("the same report makes another page")
	}
	if strings.Contains(b.String(), "http://") || strings.Contains(b.String(), "https://") {
		t.Error("the page refers to something outside of itself")
	}
	drawings := regexp.MustCompile(`(?s)<svg.*?</svg>`).FindAllString(b.String(), -1)
	if len(drawings) < 6 {
		t.Fatalf("%d drawings", len(drawings))
	}
	for _, svg := range drawings {
		if strings.Contains(svg, "NaN") || strings.Contains(svg, "Inf") {
			t.Errorf("not a number in %.300s", svg)
		}
		inside(t, svg)
		d := xml.NewDecoder(strings.NewReader(svg))
		for {
			if _, err := d.Token(); errors.Is(err, io.EOF) {
				break
			} else if err != nil {
				t.Fatalf("%v in %.300s", err, svg)
			}
		}
	}
}

// inside checks that no path leaves the frame.
func inside(t *testing.T, svg string) {
	t.Helper()
	var width, height, x, y float64
	if _, err := fmt.Sscanf(svg, `<svg viewBox="0 0 %f %f">`, &width, &height); err != nil {
		t.Fatalf("%v in %.100s", err, svg)
	}
	paths := regexp.MustCompile(`<path d="([^"]*)"`).FindAllStringSubmatch(svg, -1)
	for _, path := range paths {
		for _, point := range regexp.MustCompile(`[ML][^MLZ]*`).FindAllString(path[1], -1) {
			if _, err := fmt.Sscanf(point[1:], "%f,%f", &x, &y); err != nil || x < 0 || x > width || y < 0 || y > height {
				t.Errorf("%s of %s is not inside of %v × %v: %v", point, path[1], width, height, err)
			}
		}
	}
	if len(paths) == 0 {
		t.Errorf("nothing is drawn in %.300s", svg)
	}
}

// A table fits into the terminal: spreads go below their values, and columns into
// tables below each other, before a line is broken.
func TestTableFits(t *testing.T) {
	rep := sample()
	rep.Order = nil
	proto := rep.Runs[:3]
	rep.Runs = nil
	for _, name := range []string{"relay", "xylem", "prosody", "prosody-tuned", "ejabberd"} {
		rep.Order = append(rep.Order, name)
		for i, run := range proto {
			run.Target, run.Turn = name, i+1
			rep.Runs = append(rep.Runs, run)
		}
	}
	for _, test := range []struct {
		width  int
		tables int
		want   string
	}{
		{210, 1, "  server CPU per message   10.0 µs (9.00 … 30.0 µs)           10.0 µs (9.00 … 30.0 µs)"},
		{140, 1, "                           9.00 … 30.0 µs        9.00 … 30.0 µs"},
		{120, 2, "                           ejabberd\n  server CPU per message   10.0 µs\n"},
		{80, 3, "                           9.00 … 30.0 µs        9.00 … 30.0 µs\n"},
		{20, 5, "  server CPU per message   10.0 µs\n                           9.00 … 30.0 µs\n"},
	} {
		var b bytes.Buffer
		if err := rep.Table(&b, test.width); err != nil {
			t.Fatal(err)
		}
		if n := strings.Count(b.String(), "server CPU per message"); n != test.tables {
			t.Errorf("%d columns: %d tables, want %d", test.width, n, test.tables)
		}
		if !strings.Contains(b.String(), test.want) {
			t.Errorf("%d columns: no %q in\n%s", test.width, test.want, b.String())
		}
		title, rows, _ := strings.Cut(b.String(), "\n")
		for line := range strings.Lines(rows) {
			if n := utf8.RuneCountInString(strings.TrimRight(line, "\n")); n > max(test.width, 60) || strings.HasSuffix(line, " \n") {
				t.Errorf("%d columns: a line of %d below %q: %q", test.width, n, title, line)
			}
		}
	}
}

// What two reports do not share is said, as is what makes them hard to compare.
func TestCompareTellsWhatDiffers(t *testing.T) {
	a, b := sample(), sample()
	b.Server, b.Client, b.Machine.Cores = "0", "1", 64
	a.Machine.Governor, b.Machine.Governor = "powersave", "performance"
	b.Machine.Disk = measure.Disk{FileSystem: "ext4"} // of which an older harness told nothing
	a.Order = []string{"a<b>&", "b"}
	a.Configured("b", "one\nmore = 1\ntwo")
	b.Configured("b", "one\nmore = 2\ntwo")
	a.Configured("a<b>&", "plain")
	a.Configured("a<b>&", "TLS")
	b.Configured("a<b>&", "plain")
	b.Runs[1].Warnings = []string{"it rained"}
	b.Runs[len(b.Runs)-1].Settings.Sessions = 5      // idle, of a<b>&
	delete(b.Runs[1].Figures, report.MessagesPerSec) // of a<b>&
	delete(b.Runs[3].Figures, report.MessagesPerSec)
	a.Runs[1].Figures[report.PeakRSS] = 0
	for i := range a.Runs {
		if a.Runs[i].Target == "b" {
			a.Runs[i].Failed = "no"
		}
	}
	var out bytes.Buffer
	if _, err := report.Compare(&out, a, b, 160, 0); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{
		"! the reports come from different machines or systems (0 cores and 64 cores, governor powersave and performance); ratios",
		"! b was configured otherwise: A has ‹more = 1›, B has ‹more = 2›\n",
		"  ! in B: it rained\n",
		"! servers and generators had other cores: all and all in A, 0 and 1 in B",
		"! only in A: a<b>&: idle, 100 sessions, plaintext, made with sessions 5 instead of 100 in B\n",
		"! only in B: a<b>&: idle, 5 sessions, plaintext, made with sessions 100 instead of 5 in A\n",
		"! failed in A: b: chat, 200 sessions",
	} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("%q is missing in:\n%s", want, out.String())
		}
	}
	if strings.Contains(out.String(), "a<b>& was configured") || strings.Contains(out.String(), "ext4") {
		t.Errorf("what only one report tells is told as a difference:\n%s", out.String())
	}
	if line := regexp.MustCompile(`messages +101,010 /s \(90,909 … 111,111 /s\) +– +– +only in A\n`); !line.MatchString(out.String()) {
		t.Errorf("no line like %v in:\n%s", line, out.String())
	}
}

// A page with several measurements begins with a table of them, and colours do not
// depend on the order of targets where the floor is among them.
func TestPageBeginsWithAGlance(t *testing.T) {
	var b bytes.Buffer
	if err := sample().HTML(&b); err != nil {
		t.Fatal(err)
	}
	head, _, _ := strings.Cut(b.String(), `<h2 id="m1">`)
	for _, want := range []string{`<a href="#m1">chat, 200 sessions`, "<small>server CPU per message</small>", "<td>20.0 µs</td>", `<a href="#m2">idle, 100 sessions`} {
		if !strings.Contains(head, want) {
			t.Errorf("%q is not before the first measurement", want)
		}
	}
	one := sample()
	one.Runs = one.Runs[:5]
	b.Reset()
	if err := one.HTML(&b); err != nil {
		t.Fatal(err)
	}
	if strings.Contains(b.String(), `href="#m1"`) {
		t.Error("a table of one measurement")
	}
	for _, order := range [][]string{{"relay", "xylem"}, {"xylem", "relay"}} {
		rep := sample()
		rep.Order = order
		rep.Versions = map[string]string{}
		b.Reset()
		if err := rep.HTML(&b); err != nil {
			t.Fatal(err)
		}
		for _, want := range []string{`<i class="c0"></i><b>relay</b>`, `<i class="c1"></i><b>xylem</b>`} {
			if !strings.Contains(b.String(), want) {
				t.Errorf("order %v: no %q", order, want)
			}
		}
	}
}

// A page of nothing, or of failures alone, is one too.
func TestPageWithoutFigures(t *testing.T) {
	empty, failed := sample(), sample()
	empty.Runs, empty.Remarks = nil, []string{"relay was left out"}
	failed.Runs = []report.Run{{Target: "b", Turn: 1, Settings: failed.Runs[0].Settings, Failed: "it would not"}}
	for name, test := range map[string]struct {
		r    *report.Report
		want []string
	}{
		"empty":  {empty, []string{"Nothing was measured.", "relay was left out"}},
		"failed": {failed, []string{"b: failed: it would not"}},
	} {
		var page, table bytes.Buffer
		if err := errors.Join(test.r.HTML(&page), test.r.Table(&table, 120)); err != nil {
			t.Fatal(err)
		}
		for _, want := range test.want {
			if !strings.Contains(page.String(), want) {
				t.Errorf("%s: %q is missing", name, want)
			}
		}
		if strings.Contains(page.String(), "<svg") || strings.Contains(page.String(), "<table") || strings.Contains(page.String(), "NaN") {
			t.Errorf("%s: the page shows figures that there are none of", name)
		}
	}
}

// Groups that differ only in what a title leaves out have different titles.
func TestTitlesDiffer(t *testing.T) {
	rep := sample()
	longer := rep.Runs[0]
	longer.Settings.Duration *= 60
	rep.Runs = append(rep.Runs, longer)
	seen := map[string]bool{}
	for _, g := range rep.Groups() {
		if seen[g.Title] {
			t.Errorf("two groups are called %q", g.Title)
		}
		seen[g.Title] = true
	}
	if !seen["chat, 200 sessions, 1 in flight per pair, 350 bytes, plaintext, warm-up 0s, 1m0s, 8 logins at once"] {
		t.Errorf("titles: %v", seen)
	}
}

// A title is for people, rates included.
func TestTitleOfRates(t *testing.T) {
	s := load.Settings{Scenario: load.Slow, Sessions: 20, Rate: 3e6, Extra: 42, Flood: 0.5, Payload: 350}
	if got, want := report.Title(s), "slow, 20 sessions, 3,000,000/s, beside 42 and a flood of 0.50/s, 350 bytes, plaintext"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

// The documentation tells every key of the JSON.
func TestJSONIsDocumented(t *testing.T) {
	doc, err := os.ReadFile("../../docs/benchmarking.md")
	if err != nil {
		t.Fatal(err)
	}
	_, section, _ := strings.Cut(string(doc), "## The JSON\n")
	section, _, _ = strings.Cut(section, "\n## ")
	for _, of := range []any{report.Report{}, report.Run{}, report.Percentiles{}, report.Point{}, report.Sample{}, report.Step{}, measure.Machine{}, measure.Disk{}} {
		for i := range reflect.TypeOf(of).NumField() {
			key, _, _ := strings.Cut(reflect.TypeOf(of).Field(i).Tag.Get("json"), ",")
			if key == "" || !strings.Contains(section, "`"+key+"`") {
				t.Errorf("%T: the key %q is not in docs/benchmarking.md", of, key)
			}
		}
	}
}
