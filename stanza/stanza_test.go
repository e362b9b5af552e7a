package stanza_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/xylem-im/xylem/parser"
	"github.com/xylem-im/xylem/stanza"
)

func TestKinds(t *testing.T) {
	for _, k := range []stanza.Kind{stanza.KindMessage, stanza.KindPresence, stanza.KindIQ} {
		if got := stanza.KindOf([]byte(k.String())); got != k {
			t.Errorf("KindOf(%q) = %v", k, got)
		}
	}
	for _, name := range []string{"", "Message", "iqs", "stream", "messag"} {
		if got := stanza.KindOf([]byte(name)); got != stanza.KindNone {
			t.Errorf("KindOf(%q) = %v", name, got)
		}
	}
	if stanza.KindNone.String() != "" {
		t.Error("KindNone has a name")
	}
}

// TestTypes: RFC 6120 §8.2.3, RFC 6121 §4.7.1 and §5.2.2.
func TestTypes(t *testing.T) {
	all := map[stanza.Kind]string{
		stanza.KindIQ:       "get set result error",
		stanza.KindMessage:  "normal chat groupchat headline error",
		stanza.KindPresence: "unavailable subscribe subscribed unsubscribe unsubscribed probe error",
	}
	every := map[string]bool{}
	for _, names := range all {
		for _, n := range strings.Fields(names) {
			every[n] = true
		}
	}
	for kind, names := range all {
		for name := range every {
			got := stanza.TypeOf(kind, []byte(name))
			if known := strings.Contains(" "+names+" ", " "+name+" "); known != (got != stanza.TypeUnknown) || known && got.String() != name {
				t.Errorf("TypeOf(%s, %s) = %d %q", kind, name, got, got)
			}
		}
		for _, name := range []string{"", "ERROR", "foo"} {
			if got := stanza.TypeOf(kind, []byte(name)); got != stanza.TypeUnknown {
				t.Errorf("TypeOf(%s, %q) = %q", kind, name, got)
			}
		}
	}
}

// TestConditionTypes: the error types that RFC 6120 §8.3.3 gives.
func TestConditionTypes(t *testing.T) {
	for typ, conditions := range map[stanza.ErrorType]string{
		stanza.Modify: "bad-request jid-malformed not-acceptable policy-violation redirect",
		stanza.Cancel: "conflict feature-not-implemented gone internal-server-error item-not-found not-allowed remote-server-not-found service-unavailable undefined-condition",
		stanza.Auth:   "forbidden not-authorized registration-required subscription-required",
		stanza.Wait:   "recipient-unavailable remote-server-timeout resource-constraint unexpected-request",
	} {
		for _, c := range strings.Fields(conditions) {
			if got := stanza.Condition(c).Type(); got != typ {
				t.Errorf("%s is %s, want %s", c, got, typ)
			}
		}
	}
}

func TestErrorIs(t *testing.T) {
	err := fmt.Errorf("wrapped: %w", stanza.Error{Type: stanza.Wait, Condition: stanza.Conflict, Text: "x"})
	for _, c := range []struct {
		target error
		want   bool
	}{
		{stanza.Error{}, true}, {stanza.Error{Condition: stanza.Conflict}, true}, {stanza.Error{Type: stanza.Wait}, true},
		{stanza.Error{Text: "x"}, true}, {stanza.Error{Type: stanza.Wait, Condition: stanza.Conflict, Text: "x"}, true},
		{stanza.Error{Condition: stanza.Gone}, false}, {stanza.Error{Type: stanza.Auth, Condition: stanza.Conflict}, false},
		{stanza.Error{Text: "y"}, false}, {stanza.StreamError{}, false}, {errors.New("x"), false},
	} {
		if got := errors.Is(err, c.target); got != c.want {
			t.Errorf("Is(%#v) = %v", c.target, got)
		}
	}
	stream := fmt.Errorf("wrapped: %w", stanza.StreamError{Condition: stanza.StreamReset, Text: "x"})
	for _, c := range []struct {
		target error
		want   bool
	}{
		{stanza.StreamError{}, true}, {stanza.StreamError{Condition: stanza.StreamReset}, true}, {stanza.StreamError{Text: "x"}, true},
		{stanza.StreamError{Condition: stanza.StreamConflict}, false}, {stanza.StreamError{Text: "y"}, false}, {stanza.Error{}, false},
	} {
		if got := errors.Is(stream, c.target); got != c.want {
			t.Errorf("Is(%#v) = %v", c.target, got)
		}
	}
	if e := stanza.AsError(err); e.Condition != stanza.Conflict || e.Type != stanza.Wait {
		t.Errorf("AsError = %#v", e)
	}
	if e := stanza.AsError(errors.New("disk full at /var")); e.Condition != stanza.InternalServerError || e.Text != "" {
		t.Errorf("AsError tells %#v", e)
	}
	for want, err := range map[string]error{
		"stanza error conflict: x": stanza.Error{Condition: stanza.Conflict, Text: "x"}, "stanza error gone": stanza.Error{Condition: stanza.Gone},
		"stream error reset: x": stanza.StreamError{Condition: stanza.StreamReset, Text: "x"}, "stream error reset": stanza.StreamError{Condition: stanza.StreamReset},
	} {
		if err.Error() != want {
			t.Errorf("%q, want %q", err, want)
		}
	}
}

func TestErrorElements(t *testing.T) {
	const ns, streams = stanza.NSStanzas, stanza.NSStreams
	for _, c := range []struct {
		e    interface{ Append([]byte) []byte }
		want string
	}{
		{stanza.Error{}, "<error type='cancel'><undefined-condition xmlns='" + ns + "'/></error>"},
		{stanza.Error{Condition: stanza.Forbidden}, "<error type='auth'><forbidden xmlns='" + ns + "'/></error>"},
		{stanza.Error{Type: stanza.Wait, Condition: stanza.Forbidden}, "<error type='wait'><forbidden xmlns='" + ns + "'/></error>"},
		{stanza.Error{Condition: stanza.Gone, Text: "a<b&c", App: []byte("<x xmlns='y'/>")},
			"<error type='cancel'><gone xmlns='" + ns + "'/><text xmlns='" + ns + "' xml:lang='en'>a&lt;b&amp;c</text><x xmlns='y'/></error>"},
		{stanza.StreamError{}, "<stream:error><undefined-condition xmlns='" + streams + "'/></stream:error>"},
		{stanza.StreamError{Condition: stanza.StreamReset, Text: "a<b"},
			"<stream:error><reset xmlns='" + streams + "'/><text xmlns='" + streams + "' xml:lang='en'>a&lt;b</text></stream:error>"},
	} {
		if got := string(c.e.Append([]byte("before"))); got != "before"+c.want {
			t.Errorf("\n got %s\nwant before%s", got, c.want)
		}
	}
}

func TestReplies(t *testing.T) {
	const raw = `<iq type='get' id="it's" from='x' to='y'><q xmlns='z'/></iq>`
	frame(t, usual, raw, func(v *stanza.View) {
		for got, want := range map[string]string{
			string(stanza.AppendResult(nil, v, "a", "b")):                                       `<iq from='a' to='b' id="it's" type='result'/>`,
			string(stanza.AppendResult(nil, v, "", "")):                                         `<iq id="it's" type='result'/>`,
			string(stanza.AppendResultPayload(nil, v, "a", "b", []byte("<q/>"))):                `<iq from='a' to='b' id="it's" type='result'><q/></iq>`,
			string(stanza.AppendError(nil, v, "a'", "b", stanza.Error{Condition: stanza.Gone})): `<iq from='a&apos;' to='b' id="it's" type='error'><error type='cancel'><gone xmlns='` + stanza.NSStanzas + `'/></error></iq>`,
		} {
			if got != want {
				t.Errorf("\n got %s\nwant %s", got, want)
			}
		}
	})
	frame(t, usual, `<message/>`, func(v *stanza.View) { // RFC 6120 §8.3.1: the id, if there was one
		if got := string(stanza.AppendError(nil, v, "", "b", stanza.Error{})); !strings.HasPrefix(got, `<message to='b' type='error'>`) {
			t.Errorf("got %s", got)
		}
	})
}

func TestView(t *testing.T) {
	frame(t, usual, `<message from='f' to='&lt;' id='1' type='chat'><error/><x xmlns='y'/><z/></message>`, func(v *stanza.View) {
		p, ok := v.Payload()
		if v.Kind != stanza.KindMessage || v.Type != stanza.TypeChat || string(v.ID()) != "1" || string(v.To()) != "&lt;" || string(v.From()) != "f" || !ok || string(p.Local()) != "x" {
			t.Errorf("%+v, payload %s", v, p.Raw())
		}
	})
	frame(t, usual, `<presence><error/></presence>`, func(v *stanza.View) {
		if _, ok := v.Payload(); ok || v.Type != stanza.TypeNone || v.ID() != nil || v.To() != nil || v.From() != nil {
			t.Errorf("%+v", v)
		}
	})
	sc := parser.NewScanner()
	var st parser.Stream
	if _, _, err := sc.Next(&st, []byte("<stream:stream "+usual+">")); err != nil {
		t.Fatal(err)
	}
	f, _, err := sc.Next(&st, []byte("<foo/>"))
	if err != nil {
		t.Fatal(err)
	}
	if _, ok := stanza.Of(f); ok {
		t.Error("<foo/> is a stanza")
	}
}
