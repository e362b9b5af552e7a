package script

import (
	"encoding/xml"
	"errors"
	"fmt"
	"regexp"
	"strings"
)

// ParseScansion reads a play in the format of scansion, the test tool of the
// Prosody project, whose public plays serve as a second opinion. What is
// stated is matched as scansion does it: the received stanza may have
// attributes and children of its own beyond what is stated, unless
// scansion:strict="true"; the elements inside are compared in full.
func ParseScansion(name, src string) (*Play, error) {
	s := scansionReader{play: &Play{Name: name, lines: strings.Split(src, "\n")}, names: map[string]*role{}}
	for i := 0; i < len(s.play.lines); {
		next, err := s.line(i)
		if err != nil {
			return nil, fmt.Errorf("%s:%d: %w", name, i+1, err)
		}
		i = next
	}
	if len(s.play.steps) == 0 {
		return nil, fmt.Errorf("%s: no steps", name)
	}
	return s.play, nil
}

type scansionReader struct {
	play  *Play
	names map[string]*role // by the name in the play, which may have spaces
	last  *role            // whose attributes follow
}

var scansionClient = regexp.MustCompile(`^\[Client\] (.+)$`)

func (s *scansionReader) line(i int) (next int, err error) {
	line := strings.TrimRight(s.play.lines[i], " \t\r")
	switch trimmed := strings.TrimSpace(line); {
	case line == "", line[0] == '#', strings.HasPrefix(line, "//"), strings.Trim(line, "-") == "":
		return i + 1, nil
	case indented(line) && s.last != nil && len(s.play.steps) == 0:
		return i + 1, s.attribute(trimmed)
	case indented(line) && strings.HasPrefix(trimmed, "#"):
		return i + 1, nil
	case indented(line):
		return 0, errors.New("a block that belongs to no step")
	}
	if m := scansionClient.FindStringSubmatch(line); m != nil {
		s.last = &role{name: fmt.Sprintf("c%d", len(s.names)), password: defaultPassword}
		s.names[m[1]] = s.last
		s.play.cast = append(s.play.cast, s.last)
		return i + 1, nil
	}
	return s.step(i, strings.TrimSuffix(line, ":"))
}

func (s *scansionReader) attribute(line string) error {
	key, value, _ := strings.Cut(line, ":")
	value = strings.TrimSpace(value)
	switch key {
	case "jid":
		bare, resource, _ := strings.Cut(value, "/")
		local, domain, ok := strings.Cut(bare, "@")
		if !ok {
			return fmt.Errorf("jid %q: want local@domain", value)
		}
		s.last.local, s.last.domain = local, domain
		if resource != "" {
			s.last.resource = resource
		}
	case "password":
		s.last.password = value
	case "resource":
		s.last.resource = value
	}
	return nil // others say how scansion itself connects
}

// scansionVerbs are those that scansion and plays have in common.
var scansionVerbs = []verb{connects, sends, receives, disconnects}

func (s *scansionReader) step(i int, line string) (next int, err error) {
	st := step{line: i + 1, blockFrom: i + 1, blockTo: i + 1}
	for _, v := range scansionVerbs {
		if name, ok := strings.CutSuffix(line, " "+string(v)); ok {
			st.who, st.verb = s.names[name], v
		}
	}
	if st.who == nil {
		return 0, fmt.Errorf("cannot read %q", line)
	}
	if st.verb == sends || st.verb == receives {
		st.blockTo = s.play.blockEnd(i + 1)
		st.text = s.translate(joinBlock(s.uncommented(st.blockFrom, st.blockTo)))
	}
	if st.verb == receives && strings.HasPrefix(st.text, "nothing") {
		st.verb, st.text = receivesNothing, ""
	}
	if st.verb == receives {
		if st.want, err = readFragment(st.text); err != nil {
			return 0, err
		}
		for _, ev := range st.want {
			loosen(ev.elem)
		}
	}
	s.play.steps = append(s.play.steps, st)
	return st.blockTo, nil
}

func (s *scansionReader) uncommented(from, to int) []string {
	var lines []string
	for _, l := range s.play.lines[from:to] {
		if !strings.HasPrefix(strings.TrimSpace(l), "#") {
			lines = append(lines, l)
		}
	}
	return lines
}

var (
	scansionVar    = regexp.MustCompile(`\$\{(.+?)'s (full )?JID\}`)
	scansionMark   = regexp.MustCompile(`\{scansion:(any|capture:([a-z0-9_-]+))\}`)
	scansionStrict = regexp.MustCompile(`scansion:strict=['"](true|false)['"]`)
)

// translate turns scansion's placeholders into those of plays.
func (s *scansionReader) translate(text string) string {
	text = scansionMark.ReplaceAllStringFunc(text, func(m string) string {
		if name := scansionMark.FindStringSubmatch(m)[2]; name != "" {
			return "\x01id:cap-" + name + "\x02"
		}
		return "\x01any\x02"
	})
	text = scansionVar.ReplaceAllStringFunc(text, func(m string) string {
		parts := scansionVar.FindStringSubmatch(m)
		r := s.names[parts[1]]
		switch {
		case r == nil:
			return m
		case parts[2] == "":
			return "\x01" + r.name + ".bare\x02"
		}
		return "\x01" + r.name + "\x02"
	})
	text = scansionStrict.ReplaceAllStringFunc(text, func(m string) string {
		if scansionStrict.FindStringSubmatch(m)[1] == "true" {
			return `play:more="none"`
		}
		return `play:more="all" play:order="any"`
	})
	text = double(text) // other braces are text
	return strings.NewReplacer("\x01", "{", "\x02", "}").Replace(text)
}

// loosen lets a top-level element have more than is stated, unless it says otherwise.
func loosen(e *element) {
	if e == nil || e.attrNS(nsPlay, "more") != "" {
		return
	}
	e.attrs = append(e.attrs,
		xml.Attr{Name: xml.Name{Space: nsPlay, Local: "more"}, Value: "all"},
		xml.Attr{Name: xml.Name{Space: nsPlay, Local: "order"}, Value: "any"})
}
