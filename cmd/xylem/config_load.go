package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strconv"
	"strings"

	"github.com/pelletier/go-toml/v2"
)

// setting is one key with the value that a file or an argument gave it.
type setting struct {
	at     origin
	key    string
	value  any               // decoded TOML
	places map[string]origin // of the whole document, see positions; nil for arguments
	secret bool              // messages do not repeat the value
}

// text is the value as messages repeat it.
func (s setting) text() string {
	if s.secret {
		return ""
	}
	return valueText(s.value)
}

// within is where a part of the value stands, such as "[0].cert"; where the
// whole stands if that is not known.
func (s setting) within(part string) origin {
	o, ok := s.places[s.key+part]
	if !ok {
		return s.at
	}
	o.source = s.at.source
	return o
}

// loaded is a checked configuration and where its parts came from.
type loaded struct {
	config
	file    string            // path of the file, "" for none
	origins map[string]origin // by key; absent: the default
}

// loadConfig reads the file (path "" for none) and the arguments over it. The
// error, if any, has one line for each fault.
func loadConfig(path string, args []argument) (*loaded, error) {
	l := &loaded{config: defaultConfig(), file: path, origins: make(map[string]origin)}
	var faults configErrors
	if path != "" {
		l.readFile(path, &faults)
	}
	l.readArguments(args, &faults)
	if len(faults) == 0 {
		l.crossCheck(&faults)
	}
	faults.sort()
	return l, faults.err()
}

func (l *loaded) readFile(path string, faults *configErrors) {
	doc, err := os.ReadFile(path)
	if err != nil {
		faults.add(&configError{at: origin{source: path}, problem: "cannot be read: " + unwrapPath(err), mend: "give the right file with --config"})
		return
	}
	settings := parseFile(path, doc, faults)
	for _, s := range settings {
		l.apply(s, filepath.Dir(path), faults)
	}
}

// unwrapPath is the reason of a file error without the path, which the
// message has already said.
func unwrapPath(err error) string {
	var pe *os.PathError
	if errors.As(err, &pe) {
		return pe.Err.Error()
	}
	return err.Error()
}

// parseFile turns a document into settings, in the order of the document.
func parseFile(name string, doc []byte, faults *configErrors) []setting {
	var tree map[string]any
	if err := toml.Unmarshal(doc, &tree); err != nil {
		faults.add(syntaxError(name, err))
		return nil
	}
	f := flattener{name: name, at: positions(doc), faults: faults}
	f.table("", tree)
	slices.SortStableFunc(f.settings, func(a, b setting) int { return a.at.compare(b.at) })
	return f.settings
}

func syntaxError(name string, err error) *configError {
	e := &configError{at: origin{source: name}, problem: strings.TrimPrefix(err.Error(), "toml: "), mend: "mend the TOML syntax (toml.io)"}
	var de *toml.DecodeError
	if errors.As(err, &de) {
		e.at.line, e.at.column = de.Position()
	}
	if strings.HasSuffix(e.problem, "at start of value") {
		e.mend = `put text in double quotes: "…"`
	}
	return e
}

// flattener walks a decoded document and keeps what configKeys names.
type flattener struct {
	name     string
	at       map[string]origin
	faults   *configErrors
	settings []setting
}

func (f *flattener) table(prefix string, t map[string]any) {
	for _, k := range sortedKeys(t) {
		key := prefix + k
		value := t[k]
		sub, isTable := value.(map[string]any)
		switch {
		case strings.Contains(k, "."): // "c2s.listen" in quotes is one name, not two
			f.faults.add(&configError{at: f.origin(key), key: strconv.Quote(key), problem: "is no key", mend: "write it without quotes"})
		case isTable && isTablePrefix(key):
			f.table(key+".", sub)
		default:
			f.settings = append(f.settings, setting{at: f.origin(key), key: key, value: value, places: f.at})
		}
	}
}

func (f *flattener) origin(path string) origin {
	o := f.at[path]
	o.source = f.name
	return o
}

func sortedKeys(t map[string]any) []string {
	keys := make([]string, 0, len(t))
	for k := range t {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	return keys
}

// isTablePrefix reports whether keys exist below key.
func isTablePrefix(key string) bool {
	return slices.ContainsFunc(keyNames(), func(n string) bool { return strings.HasPrefix(n, key+".") })
}

// keyNames are all keys, those of arrays of tables among them.
func keyNames() []string {
	names := []string{certificateKey, componentKey}
	for _, k := range configKeys() {
		names = append(names, k.name)
	}
	return names
}

// apply checks one setting and puts it into the configuration.
func (l *loaded) apply(s setting, folder string, faults *configErrors) {
	switch s.key {
	case certificateKey:
		l.applyCertificates(s, folder, faults)
		return
	case componentKey:
		l.applyComponents(s, faults)
		return
	}
	if domain, ok := strings.CutPrefix(s.key, staticKey+"."); ok { // of --set
		l.addStaticHost(s, domain, faults)
		return
	}
	k, ok := findKey(s.key)
	if !ok {
		faults.add(unknownKey(s))
		return
	}
	if k.read != nil {
		k.read(l, s, faults)
		l.origins[s.key] = s.at
		return
	}
	fault := &configError{at: s.at, key: s.key, value: valueText(s.value), accept: k.accept}
	field := k.field(&l.config)
	if err := assign(field, s.value); err != nil {
		fault.problem = err.Error()
		faults.add(fault)
		return
	}
	if k.check != nil {
		if err := k.check(field); err != nil {
			fault.problem = err.Error()
			faults.add(fault)
			return
		}
	}
	switch p := field.(type) {
	case *string:
		if k.path {
			*p = below(folder, *p)
		}
	case *[]string:
		for i := range *p {
			if k.path {
				(*p)[i] = below(folder, (*p)[i])
			}
		}
	}
	l.origins[s.key] = s.at
}

// below is path, from folder if it is relative and folder is not "".
func below(folder, path string) string {
	if folder == "" || filepath.IsAbs(path) {
		return path
	}
	return filepath.Join(folder, path)
}

func findKey(name string) (configKey, bool) {
	for _, k := range configKeys() {
		if k.name == name {
			return k, true
		}
	}
	return configKey{}, false
}

// unknownKey explains a key that does not exist.
func unknownKey(s setting) *configError {
	e := &configError{at: s.at, key: s.key, problem: "is no key", mend: "docs/operator.md lists the keys"}
	if isTablePrefix(s.key) {
		e.value, e.problem = valueText(s.value), "is "+typeName(s.value)+", not a table"
		e.mend = "write a line [" + s.key + "] and the keys below it"
		return e
	}
	if s.key == "limits.stanza_bytes" {
		e.mend = "this limit is c2s.max_stanza_bytes"
		return e
	}
	if n := nearestKey(s.key); n != "" {
		e.mend = "did you mean " + n + "?"
	}
	return e
}

// nearestKey is the key that was most likely meant: by the whole name, or by
// its last part when that is in another table.
func nearestKey(key string) string {
	names := keyNames()
	leaf := key[strings.LastIndexByte(key, '.')+1:]
	var tables []string
	for _, n := range names {
		table, name, _ := strings.Cut(n, ".")
		if name == leaf {
			return n
		}
		tables = append(tables, table)
	}
	if leaf == key { // perhaps a table
		return nearest(key, tables)
	}
	return nearest(key, names)
}

// readArguments applies flags and --set in the order of the command line, so
// the last one wins. Several --domain in a row add up.
func (l *loaded) readArguments(args []argument, faults *configErrors) {
	for _, s := range mergeArguments(args) {
		l.apply(s, "", faults)
	}
}

// crossCheck finds faults that need more than one key to see.
func (l *loaded) crossCheck(faults *configErrors) {
	if n := l.Limits.InboundBytes; n != 0 && n < l.Limits.StanzaBytes {
		faults.add(&configError{at: l.origins["limits.inbound_bytes"], key: "limits.inbound_bytes", value: fmt.Sprint(n),
			problem: fmt.Sprintf("is less than c2s.max_stanza_bytes (%d), so a large stanza could never be read", l.Limits.StanzaBytes),
			mend:    "raise it, or set it to 0"})
	}
	if n := l.Limits.OutboundBytes; n != 0 && n < 2*l.Limits.StanzaBytes {
		faults.add(&configError{at: l.origins["limits.outbound_bytes"], key: "limits.outbound_bytes", value: fmt.Sprint(n),
			problem: fmt.Sprintf("is less than twice c2s.max_stanza_bytes (%d), so one large stanza could close a connection", l.Limits.StanzaBytes),
			mend:    "raise it, or set it to 0"})
	}
	l.checkListeners(faults)
	l.checkCertificateNames(faults)
	l.checkFederation(faults)
	l.checkComponents(faults)
}

// originOf is where the first of keys that was set was set.
func (l *loaded) originOf(keys ...string) origin {
	for _, k := range keys {
		if o, ok := l.origins[k]; ok {
			return o
		}
	}
	return origin{source: "default"}
}

// checkListeners refuses one address for two purposes.
func (l *loaded) checkListeners(faults *configErrors) {
	owner := make(map[string]string)
	take := func(key, address string) {
		if address == "" || strings.HasSuffix(address, ":0") {
			return
		}
		if other, taken := owner[address]; taken {
			faults.add(&configError{at: l.originOf(key, other), key: key, value: valueText(address),
				problem: "is already the address of " + other, mend: "choose another port"})
			return
		}
		owner[address] = key
	}
	for _, k := range []struct {
		key       string
		addresses []string
	}{
		{"c2s.listen", l.C2S.Listen}, {"c2s.listen_tls", l.C2S.ListenTLS},
		{"s2s.listen", l.S2S.Listen}, {"s2s.listen_tls", l.S2S.ListenTLS},
		{"components.listen", l.Components.Listen}, {"components.listen_tls", l.Components.ListenTLS},
		{"http.listen", []string{l.HTTP.Listen}},
	} {
		for _, a := range k.addresses {
			take(k.key, a)
		}
	}
}

// changedKeys names the keys whose values differ, in the order of configKeys;
// live says which of them a running server takes over.
func changedKeys(old, now *config) (live, restart []string) {
	for _, k := range configKeys() {
		if reflect.DeepEqual(k.field(old), k.field(now)) {
			continue
		}
		if k.live {
			live = append(live, k.name)
		} else {
			restart = append(restart, k.name)
		}
	}
	return live, restart
}
