package main

import (
	"errors"
	"strings"

	"github.com/spf13/pflag"
)

// argument is one value given on the command line, in the order given.
type argument struct {
	flag string // as the user wrote it: "--c2s", "--set c2s.listen"
	key  string // configuration key
	text string // value as given
	adds bool   // --domain: adds to the --domain before it
}

// mergeArguments turns arguments into settings. The last one of a key wins;
// --domains that follow each other make one list.
func mergeArguments(args []argument) []setting {
	var order []string
	byKey := make(map[string]setting)
	adding := make(map[string]bool)
	for _, a := range args {
		before, seen := byKey[a.key]
		if !seen {
			order = append(order, a.key)
		}
		s := setting{at: origin{source: a.flag}, key: a.key, value: a.value()}
		if a.adds {
			list := []any{}
			if seen && adding[a.key] {
				list = before.value.([]any)
			}
			s.value = append(list, a.text)
		}
		byKey[a.key], adding[a.key] = s, a.adds
	}
	settings := make([]setting, len(order))
	for i, key := range order {
		settings[i] = byKey[key]
	}
	return settings
}

// value decodes the text by what the key takes.
func (a argument) value() any {
	if k, ok := findKey(a.key); ok {
		var c config
		return parseArgument(k.field(&c), a.text)
	}
	return parseArgument(nil, a.text)
}

// argumentValue is a pflag.Value that appends to the list of arguments, which
// keeps flags and --set in one order.
type argumentValue struct {
	list *[]argument
	flag string
	key  string // "": the text is KEY=VALUE
	bool bool
	adds bool
}

func (v *argumentValue) String() string { return "" }

func (v *argumentValue) Type() string {
	switch {
	case v.bool:
		return "bool"
	case v.key == "":
		return "key=value"
	case v.key == "server.loops":
		return "N"
	case v.key == "server.domains":
		return "domain"
	case v.key == "server.data":
		return "folder"
	}
	return "host:port"
}

func (v *argumentValue) Set(text string) error {
	a := argument{flag: v.flag, key: v.key, text: text, adds: v.adds}
	if v.key == "" {
		key, value, ok := strings.Cut(text, "=")
		if !ok {
			return errors.New("want KEY=VALUE, such as c2s.max_stanza_bytes=262144")
		}
		a.key, a.text = strings.TrimSpace(key), strings.TrimSpace(value)
		a.flag = "--set " + a.key
	}
	*v.list = append(*v.list, a)
	return nil
}

// configFlags are the flags of all commands that read the configuration.
type configFlags struct {
	file string
	args []argument
}

// register adds --config, --data and --set to a command.
func (f *configFlags) register(fs *pflag.FlagSet) {
	fs.StringVar(&f.file, "config", "", "configuration `file` (TOML)")
	f.flag(fs, "data", "server.data", "folder for everything that is kept (default ./xylem-data)")
	f.flag(fs, "set", "", "set a configuration key; may be repeated")
}

// registerServe adds the flags that only `serve` has.
func (f *configFlags) registerServe(fs *pflag.FlagSet) {
	f.register(fs)
	f.flag(fs, "domain", "server.domains", "domain to serve; may be repeated (default localhost)").adds = true
	f.flag(fs, "c2s", "c2s.listen", "where clients connect, with STARTTLS (default 127.0.0.1:5222)")
	f.flag(fs, "c2s-tls", "c2s.listen_tls", "where clients connect with TLS at once (default 127.0.0.1:5223)")
	f.flag(fs, "s2s", "s2s.listen", "where other servers connect, with STARTTLS (default 127.0.0.1:5269)")
	f.flag(fs, "s2s-tls", "s2s.listen_tls", "where other servers connect with TLS at once (default 127.0.0.1:5270)")
	f.flag(fs, "http", "http.listen", "health and metrics (default 127.0.0.1:5280)")
	f.flag(fs, "loops", "server.loops", "event loops (default: one per usable core)")
	f.flag(fs, "allow-plaintext", "c2s.allow_plaintext", "allow logins without TLS; for tests on loopback only").bool = true
	fs.Lookup("allow-plaintext").NoOptDefVal = "true"
}

func (f *configFlags) flag(fs *pflag.FlagSet, name, key, usage string) *argumentValue {
	v := &argumentValue{list: &f.args, flag: "--" + name, key: key}
	fs.Var(v, name, usage)
	return v
}

// load reads the configuration that the flags name.
func (f *configFlags) load() (*loaded, error) { return loadConfig(f.file, f.args) }
