package script

import (
	"encoding/base64"
	"encoding/hex"
	"encoding/xml"
	"fmt"
	"maps"
	"regexp"
	"strconv"
	"strings"
)

// vars are the values that a play remembers, by what stands in the braces.
type vars map[string]string

// setAddress remembers a client's full JID and its parts.
func (v vars) setAddress(name, full string) {
	bare, resource, _ := strings.Cut(full, "/")
	local, domain, _ := strings.Cut(bare, "@")
	v[name], v[name+".bare"] = full, bare
	v[name+".local"], v[name+".domain"], v[name+".resource"] = local, domain, resource
}

// piece is a part of a value: literal text, or what stands in braces.
type piece struct {
	text  string
	brace bool
}

// pieces takes a value with braces apart.
func pieces(s string) ([]piece, error) {
	var list []piece
	for s != "" {
		i := strings.IndexByte(s, '{')
		switch {
		case i < 0:
			return append(list, piece{text: s}), nil
		case strings.HasPrefix(s[i:], "{{"):
			list, s = append(list, piece{text: s[:i+1]}), s[i+2:]
			continue
		case i > 0:
			list = append(list, piece{text: s[:i]})
		}
		end := strings.IndexByte(s[i:], '}')
		if end < 0 {
			return nil, fmt.Errorf("%q: a brace without an end ({{ stands for one)", s[i:])
		}
		list, s = append(list, piece{text: s[i+1 : i+end], brace: true}), s[i+end+1:]
	}
	return list, nil
}

// matchValue compares a value with what was expected of it. It returns v, or a
// copy with what was remembered on the way.
func matchValue(want, got string, v vars) (vars, bool, error) {
	list, err := pieces(want)
	if err != nil {
		return v, false, err
	}
	var names []string
	var expr strings.Builder
	expr.WriteString(`(?s)\A`)
	for _, p := range list {
		name, isID := strings.CutPrefix(p.text, "id:")
		switch known, ok := v[name]; {
		case !p.brace:
			expr.WriteString(regexp.QuoteMeta(p.text))
		case p.text == "any" || p.text == "optional":
			expr.WriteString(`.*`)
		case ok:
			expr.WriteString(regexp.QuoteMeta(known))
		case isID:
			names = append(names, name)
			expr.WriteString(`(.+)`)
		default:
			return v, false, fmt.Errorf("nothing is remembered as {%s}", p.text)
		}
	}
	re, err := regexp.Compile(expr.String() + `\z`)
	if err != nil {
		return v, false, err
	}
	m := re.FindStringSubmatch(got)
	if m == nil || len(names) == 0 {
		return v, m != nil, nil
	}
	v = maps.Clone(v)
	for i, name := range names {
		v[name] = m[i+1]
	}
	return v, true, nil
}

// fill puts values in the place of braces in what is sent. Values from v are
// escaped for XML, the others go out as they are.
func (v vars) fill(s string, fresh func() string) (string, error) {
	list, err := pieces(s)
	if err != nil {
		return "", err
	}
	var b strings.Builder
	for _, p := range list {
		if !p.brace {
			b.WriteString(p.text)
			continue
		}
		text, err := v.produce(p.text, fresh)
		if err != nil {
			return "", err
		}
		b.WriteString(text)
	}
	return b.String(), nil
}

// produce makes the text for what stands in one pair of braces.
func (v vars) produce(brace string, fresh func() string) (string, error) {
	kind, rest, _ := strings.Cut(brace, ":")
	switch kind {
	case "id":
		if v[rest] == "" {
			v[rest] = fresh()
		}
		return v[rest], nil
	case "hex":
		raw, err := hex.DecodeString(rest)
		return string(raw), err
	case "plain":
		user, password, _ := strings.Cut(rest, ":")
		return base64.StdEncoding.EncodeToString([]byte("\x00" + user + "\x00" + password)), nil
	case "repeat":
		count, text, _ := strings.Cut(rest, ":")
		n, err := strconv.Atoi(count)
		if err != nil || n < 0 || n > maxRepeat {
			return "", fmt.Errorf("{%s}: want a count from 0 to %d", brace, maxRepeat)
		}
		return strings.Repeat(text, n), nil
	}
	known, ok := v[brace]
	if !ok {
		return "", fmt.Errorf("nothing is remembered as {%s}", brace)
	}
	return escape(known), nil
}

// maxRepeat bounds {repeat}: enough for any limit of a server, small enough for a test.
const maxRepeat = 64 << 20

func escape(s string) string {
	var b strings.Builder
	// Writing to a strings.Builder does not fail.
	_ = xml.EscapeText(&b, []byte(s))
	return b.String()
}
