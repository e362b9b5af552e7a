// Package corpus makes realistic XMPP traffic for tests and benchmarks: chat
// with receipts, markers and carbons, presence with entity capabilities, pings,
// service discovery, rosters, archive queries, group chat, PubSub events and
// OMEMO. The stanzas come from templates that are filled in from a fixed
// sequence of pseudo-random numbers, so every run sees the same bytes, and a
// branch predictor cannot learn a short loop.
package corpus

import (
	"embed"
	"math/rand/v2"
	"strconv"
	"strings"
)

//go:embed templates/*.xml
var templates embed.FS

// Header is a stream header under which all stanzas of the corpus are valid.
const Header = "<?xml version='1.0'?><stream:stream xmlns='jabber:client' " +
	"xmlns:stream='http://etherx.jabber.org/streams' to='example.org' version='1.0' xml:lang='en'>"

// Footer closes the stream that Header opens.
const Footer = "</stream:stream>"

// kinds gives how often a stanza is taken from each file, of 100.
var kinds = []struct {
	file   string
	weight int
}{
	{"chat.xml", 36}, {"presence.xml", 20}, {"iq.xml", 16}, {"muc.xml", 14}, {"pubsub.xml", 8}, {"omemo.xml", 6},
}

// Templates returns one stanza for each template, in a fixed order.
func Templates() []string {
	g := newGenerator(1)
	var out []string
	for _, k := range kinds {
		for _, t := range lines(k.file) {
			out = append(out, g.fill(t))
		}
	}
	return out
}

// Stanzas returns n stanzas in the proportions of everyday traffic. The same n
// and seed give the same stanzas.
func Stanzas(n int, seed uint64) []string {
	g := newGenerator(seed)
	byKind := make([][]string, len(kinds))
	for i, k := range kinds {
		byKind[i] = lines(k.file)
	}
	out := make([]string, n)
	for i := range out {
		kind, roll := 0, g.IntN(100)
		for roll >= kinds[kind].weight {
			roll -= kinds[kind].weight
			kind++
		}
		out[i] = g.fill(byKind[kind][g.IntN(len(byKind[kind]))])
	}
	return out
}

// MiB returns about 1 MiB of stanzas, one after the other, and their number.
func MiB() (xml []byte, stanzas int) {
	const size = 1 << 20
	for _, s := range Stanzas(4000, 2) {
		if len(xml)+len(s) > size {
			break
		}
		xml = append(xml, s...)
		stanzas++
	}
	return xml, stanzas
}

// lines reads a file of templates, one a line.
func lines(file string) []string {
	b, err := templates.ReadFile("templates/" + file)
	if err != nil {
		panic(err) // embedded: a wrong name in the table above
	}
	return strings.Split(strings.TrimSuffix(string(b), "\n"), "\n")
}

type generator struct{ *rand.Rand }

func newGenerator(seed uint64) generator {
	return generator{rand.New(rand.NewPCG(seed, 6120))}
}

// fill replaces the {…} of a template.
func (g generator) fill(template string) string {
	var b strings.Builder
	for {
		before, rest, found := strings.Cut(template, "{")
		b.WriteString(before)
		if !found {
			return b.String()
		}
		name, after, _ := strings.Cut(rest, "}")
		b.WriteString(g.value(name))
		template = after
	}
}

var (
	users   = strings.Fields("juliet romeo nurse benvolio mercutio tybalt capulet montague lawrence paris rosaline balthasar")
	devices = strings.Fields("balcony orchard Conversations.x7Qk gajim.4XJ2 dino.8a21 profanity poezio phone")
	english = strings.Fields("the of and to in is that it was for on are as with his they at be this from have or by one had not but what all were when we there can an your which their said if do will each about how up out them then she many some so these would other into has more her two like him see time could no make than first been its who now people my made over did down only way find use may water long little very after words called just where most know")
	russian = strings.Fields("привет как дела что нового сегодня вечером встретимся у метро завтра утром напиши когда будешь дома хорошо спасибо до свидания работа погода поезд опоздал письмо пришло очень интересно")
)

const (
	alphabet = "abcdefghijklmnopqrstuvwxyz0123456789"
	base64   = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
	hex      = "0123456789abcdef"
)

func (g generator) value(name string) string {
	if digits, ok := strings.CutPrefix(name, "b64:"); ok {
		n, _ := strconv.Atoi(digits)
		return g.chars(base64, n)
	}
	switch name {
	case "user":
		return users[g.IntN(len(users))] + strconv.Itoa(g.IntN(1000))
	case "res":
		return devices[g.IntN(len(devices))]
	case "id":
		return g.chars(hex, 8) + "-" + g.chars(hex, 4) + "-" + g.chars(hex, 12)
	case "hash":
		return g.chars(alphabet, 27)
	case "num":
		return strconv.Itoa(g.IntN(1 << uint(g.IntN(31))))
	case "time":
		return "2026-0" + strconv.Itoa(1+g.IntN(9)) + "-1" + strconv.Itoa(g.IntN(10)) + "T1" + strconv.Itoa(g.IntN(10)) + ":25:09Z"
	case "body":
		return g.words(english, 2+g.IntN(18))
	case "ru":
		return g.words(russian, 2+g.IntN(14))
	}
	panic("corpus: unknown placeholder " + name) // a mistake in a template
}

func (g generator) chars(set string, n int) string {
	b := make([]byte, n)
	for i := range b {
		b[i] = set[g.IntN(len(set))]
	}
	return string(b)
}

func (g generator) words(set []string, n int) string {
	w := make([]string, n)
	for i := range w {
		w[i] = set[g.IntN(len(set))]
	}
	return strings.Join(w, " ")
}
