package main

import (
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"strings"
	"testing"

	"github.com/xylem-im/xylem/engine"
	"github.com/xylem-im/xylem/storage/memory"
)

const docsFolder = "../../docs"

func readDoc(t *testing.T, name string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(docsFolder, name))
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// The example shows each key with its real default.
func TestExampleIsTheDefaults(t *testing.T) {
	uncommented := regexp.MustCompile(`(?m)^#([a-z0-9_]+ = )`).ReplaceAllString(readDoc(t, "xylem.example.toml"), "$1")
	path := writeConfig(t, uncommented)
	l, err := loadConfig(path, nil)
	if err != nil {
		t.Fatal(err)
	}
	want := defaultConfig()
	want.Server.Data = below(filepath.Dir(path), want.Server.Data)
	if !reflect.DeepEqual(l.config, want) {
		t.Errorf("example %+v\ndefault %+v", l.config, want)
	}
	for _, k := range configKeys() {
		if _, shown := l.origins[k.name]; !shown {
			t.Errorf("%s is not in the example", k.name)
		}
	}
}

// As it is, the example changes nothing.
func TestExampleAsItIs(t *testing.T) {
	l, err := loadConfig(filepath.Join(docsFolder, "xylem.example.toml"), nil)
	if err != nil {
		t.Fatal(err)
	}
	if want := defaultConfig(); !reflect.DeepEqual(l.config, want) {
		t.Errorf("got %+v\nwant %+v", l.config, want)
	}
}

// The example's certificate table is right once the comment signs are gone.
func TestExampleCertificate(t *testing.T) {
	example := readDoc(t, "xylem.example.toml")
	_, table, ok := strings.Cut(example, "# [[tls.certificate]]\n")
	if !ok {
		t.Fatal("the example has no [[tls.certificate]]")
	}
	stripped := regexp.MustCompile(`(?m)^# |[ \t]+# .*$`).ReplaceAllString(table, "")
	l, err := loadConfig(writeConfig(t, "[[tls.certificate]]\n"+stripped), nil)
	if err != nil {
		t.Fatal(err)
	}
	if c := l.TLS.Certificates; len(c) != 1 || !reflect.DeepEqual(c[0].Domains, []string{"example.org", "*.example.org"}) {
		t.Errorf("got %+v", c)
	}
}

// The guide lists each key, and marks those that SIGHUP changes.
func TestGuideListsAllKeys(t *testing.T) {
	guide := readDoc(t, "operator.md")
	for _, k := range configKeys() {
		row := regexp.MustCompile("(?m)^\\| `" + regexp.QuoteMeta(k.name) + "` \\|.*$").FindString(guide)
		if row == "" {
			t.Errorf("operator.md has no row for %s", k.name)
		}
		if marked := strings.Contains(row, "| reload |"); marked != k.live {
			t.Errorf("operator.md, %s: marked reload %v, is %v", k.name, marked, k.live)
		}
	}
}

// The guide lists each figure of /metrics.
func TestGuideListsAllFigures(t *testing.T) {
	guide := readDoc(t, "operator.md")
	for _, f := range figures() {
		if !strings.Contains(guide, "`xylem_"+f.name+"`") {
			t.Errorf("operator.md does not tell of xylem_%s", f.name)
		}
	}
}

// Each field of the configuration, and each limit of the engine, has one key.
func TestEachFieldHasOneKey(t *testing.T) {
	var c config
	keyOf := make(map[any]string)
	for _, k := range configKeys() {
		field := k.field(&c)
		if other, taken := keyOf[field]; taken {
			t.Errorf("%s and %s fill one field", k.name, other)
		}
		keyOf[field] = k.name
	}
	for _, table := range []any{&c.Server, &c.C2S, &c.S2S, &c.DNS, &c.Auth, &c.Registration, &c.HTTP, &c.Limits, &c.Log} {
		v := reflect.ValueOf(table).Elem()
		for i := range v.NumField() {
			if keyOf[v.Field(i).Addr().Interface()] == "" {
				t.Errorf("%T.%s has no key", table, v.Type().Field(i).Name)
			}
		}
	}
}

// Each number of engine.Stats is told by /metrics and status: each figure
// changes with exactly one field.
func TestEachStatHasOneFigure(t *testing.T) {
	var s engine.Stats
	var walk func(v reflect.Value, path string)
	walk = func(v reflect.Value, path string) {
		if v.Kind() == reflect.Struct {
			for i := range v.NumField() {
				walk(v.Field(i), path+"."+v.Type().Field(i).Name)
			}
			return
		}
		one := reflect.ValueOf(1).Convert(v.Type())
		v.Set(one)
		told := 0
		for _, f := range figures() {
			if f.value(&s) == 1 {
				told++
			}
		}
		v.SetZero()
		if told != 1 {
			t.Errorf("Stats%s is told by %d figures, want 1: see figure.go", path, told)
		}
	}
	walk(reflect.ValueOf(&s).Elem(), "")
}

// The engine takes whatever the keys accept: the ends of each range start.
func TestEngineAcceptsTheRanges(t *testing.T) {
	for _, k := range configKeys() {
		c := defaultConfig()
		n, isNumber := k.field(&c).(*int)
		if !isNumber {
			continue
		}
		var low, high int
		if _, err := fmt.Sscanf(k.accept, "%d to %d", &low, &high); err != nil {
			t.Fatalf("%s accepts %q: %v", k.name, k.accept, err)
		}
		for _, v := range []int{low, high} {
			*n = v
			_, err := engine.New(engine.Config{Certificates: &certificates{}, Store: memory.New(memory.Options{}), Limits: c.engineLimits(), Federation: c.Federation, Loops: c.Server.Loops, ScramIterations: c.Auth.ScramIterations})
			if err != nil {
				t.Errorf("%s = %d: %v", k.name, v, err)
			}
		}
	}
}
