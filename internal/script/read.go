package script

import (
	"fmt"
	"os"
	"regexp"
	"strings"
)

// Load reads a play from a file: a scansion script if its name ends in .scs.
func Load(path string) (*Play, error) {
	src, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("script: %w", err)
	}
	if strings.HasSuffix(path, ".scs") {
		return ParseScansion(path, string(src))
	}
	return Parse(path, string(src))
}

// Parse reads a play. Errors name the line: "chat.play:7: …".
func Parse(name, src string) (*Play, error) {
	p := &Play{Name: name, lines: strings.Split(strings.TrimSuffix(src, "\n"), "\n")}
	for i := 0; i < len(p.lines); {
		next, err := p.parseLine(i)
		if err != nil {
			return nil, fmt.Errorf("%s:%d: %w", name, i+1, err)
		}
		i = next
	}
	if len(p.steps) == 0 {
		return nil, fmt.Errorf("%s: no steps", name)
	}
	return p, nil
}

// parseLine reads the declaration or step at index i, its block included, and
// returns the index after it.
func (p *Play) parseLine(i int) (next int, err error) {
	line := strings.TrimRight(p.lines[i], " \t\r")
	switch {
	case line == "" || line[0] == '#':
		return i + 1, nil
	case indented(line):
		return 0, fmt.Errorf("a block that belongs to no step")
	case strings.HasPrefix(line, "client "):
		return i + 1, p.parseClient(strings.TrimPrefix(line, "client "))
	case strings.HasPrefix(line, "raw "):
		return i + 1, p.addRole(&role{name: strings.TrimPrefix(line, "raw "), raw: true})
	}
	return p.parseStep(i, line)
}

var clientLine = regexp.MustCompile(`^(\S+) = ([^@/\s]+)@([^@/\s]+)(?:/(\S+))?(?: password (\S+))?(?: mechanism (\S+))?$`)

func (p *Play) parseClient(decl string) error {
	m := clientLine.FindStringSubmatch(decl)
	if m == nil {
		return fmt.Errorf("want client NAME = LOCAL@DOMAIN[/RESOURCE] [password P] [mechanism M]")
	}
	r := &role{name: m[1], local: m[2], domain: m[3], resource: m[4], password: m[5], mechanism: m[6]}
	if r.password == "" {
		r.password = defaultPassword
	}
	return p.addRole(r)
}

var roleName = regexp.MustCompile(`^[a-z][a-z0-9_-]*$`)

// reserved names would be read as something else in braces.
var reserved = map[string]bool{"any": true, "optional": true}

func (p *Play) addRole(r *role) error {
	switch {
	case !roleName.MatchString(r.name):
		return fmt.Errorf("name %q: want lower-case letters, digits, - and _", r.name)
	case reserved[r.name]:
		return fmt.Errorf("name %q has a meaning of its own in braces", r.name)
	case p.role(r.name) != nil:
		return fmt.Errorf("%s is in the cast already", r.name)
	}
	p.cast = append(p.cast, r)
	return nil
}

func (p *Play) role(name string) *role {
	for _, r := range p.cast {
		if r.name == name {
			return r
		}
	}
	return nil
}

func (p *Play) parseStep(i int, line string) (next int, err error) {
	name, rest, _ := strings.Cut(line, " ")
	s := step{line: i + 1, who: p.role(name), verb: verb(rest)}
	if s.who == nil {
		return 0, fmt.Errorf("nobody called %q in the cast", name)
	}
	hasBlock, known := blockUse[s.verb]
	if !known {
		return 0, fmt.Errorf("%s cannot %q", name, rest)
	}
	if s.verb == startsTLS && !s.who.raw {
		return 0, fmt.Errorf("%q is for raw connections; a client does it when it connects", rest)
	}
	s.blockFrom = i + 1
	s.blockTo = p.blockEnd(i + 1)
	if !hasBlock {
		s.blockTo = s.blockFrom
	}
	s.text = joinBlock(p.lines[s.blockFrom:s.blockTo])
	if hasBlock && s.verb != sends {
		if s.want, err = readFragment(s.text); err != nil {
			return 0, fmt.Errorf("what %s %s: %w", name, rest, err)
		}
	}
	p.steps = append(p.steps, s)
	return s.blockTo, nil
}

// blockEnd returns the index after the block that begins at i. Blank lines
// inside a block belong to it, those behind it do not.
func (p *Play) blockEnd(i int) int {
	end := i
	for ; i < len(p.lines); i++ {
		switch line := strings.TrimSpace(p.lines[i]); {
		case line == "":
		case indented(p.lines[i]):
			end = i + 1
		default:
			return end
		}
	}
	return end
}

func indented(line string) bool { return line[0] == '\t' || line[0] == ' ' }

// joinBlock makes one text of a block's lines: within a tag a line break is a
// space, elsewhere it is nothing.
func joinBlock(lines []string) string {
	var b strings.Builder
	for _, line := range lines {
		line = strings.TrimSpace(line)
		if line == "" {
			continue
		}
		if s := b.String(); strings.LastIndexByte(s, '<') > strings.LastIndexByte(s, '>') {
			b.WriteByte(' ')
		}
		b.WriteString(line)
	}
	return b.String()
}
