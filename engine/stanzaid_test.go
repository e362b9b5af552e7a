package engine_test

import "testing"

// A local service may set ids in its own name, but not in that of the
// recipient or of anybody else who is served here.
func TestXEP0359_4_2_Injected(t *testing.T) {
	t.Parallel()
	s := serve(t, nil)
	bob := s.login(t, "pipe", "bob", "b")
	const id = "<stanza-id xmlns='urn:xmpp:sid:0' id='x' by='"
	err := s.Inject([]byte("<message from='room@localhost/nick' to='bob@localhost/b'>" +
		id + "bob@localhost'/>" + id + "room@localhost'/>" + id + "alice@localhost'/>" + id + "room@elsewhere'/></message>"))
	if err != nil {
		t.Fatal(err)
	}
	m := bob.expect("message")
	if len(m.Children) != 2 || m.Children[0].attr("by") != "room@localhost" || m.Children[1].attr("by") != "room@elsewhere" {
		t.Errorf("got %s", m)
	}
}
