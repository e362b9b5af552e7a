package sasl_test

import (
	"bytes"
	"errors"
	"testing"

	"github.com/xylem-im/xylem/session/sasl"
)

// TestXEP0474_5_3_Example: the lists of the example have the hash that it shows.
func TestXEP0474_5_3_Example(t *testing.T) {
	cfg := &sasl.Config{DecoySecret: secret, Advertised: []string{sasl.SCRAMSHA1Plus, sasl.SCRAMSHA1},
		Bindings: []sasl.Binding{{Type: sasl.TLSServerEndPoint, Data: []byte{1}}, {Type: sasl.TLSExporter, Data: []byte{2}}}}
	e, err := sasl.Start(sasl.SCRAMSHA1, cfg)
	if err != nil {
		t.Fatal(err)
	}
	e.Respond([]byte("n,,n=user,r=12C4CD5C-E38E-4A98-8F6D-15C38F51CCC6"))
	s := e.Credentials(derive(t, "pencil"))
	if s.Kind != sasl.Challenge || !bytes.HasSuffix(s.Data, []byte(",h=G6k/rBLDqgOhRRaCuuatSDFkJ08=")) {
		t.Fatalf("got %s", s.Data)
	}
}

// TestXEP0474_5_2_ShortenedLists: a client that got other lists than were sent ends
// the exchange; one that got these logs in; one that looks at nothing, too.
func TestXEP0474_5_2_ShortenedLists(t *testing.T) {
	all := []string{sasl.SCRAMSHA256, sasl.SCRAMSHA1, sasl.Plain}
	for _, c := range []struct {
		name       string
		mechanisms []string
		types      []string
		want       error
	}{
		{"as they were", all, []string{binding.Type}, nil},
		{"in another order", []string{sasl.Plain, sasl.SCRAMSHA1, sasl.SCRAMSHA256}, []string{binding.Type}, nil},
		{"not looked at", nil, nil, nil},
		{"without the best mechanism", all[1:], []string{binding.Type}, sasl.ErrDowngrade},
		{"without binding types", all, nil, sasl.ErrDowngrade},
		{"with another binding type", all, []string{sasl.TLSServerEndPoint}, sasl.ErrDowngrade},
	} {
		t.Run(c.name, func(t *testing.T) {
			cfg := &sasl.Config{DecoySecret: secret, Advertised: all, Bindings: []sasl.Binding{binding}}
			for _, mechanism := range []string{sasl.SCRAMSHA1, sasl.SCRAMSHA256} {
				client, err := sasl.NewClient(mechanism, sasl.ClientConfig{Username: "user", Password: "pencil", Mechanisms: c.mechanisms, BindingTypes: c.types})
				if err != nil {
					t.Fatal(err)
				}
				e, err := sasl.Start(mechanism, cfg)
				if err != nil {
					t.Fatal(err)
				}
				e.Respond(client.First())
				answer, err := client.Next(e.Credentials(derive(t, "pencil")).Data)
				if !errors.Is(err, c.want) {
					t.Fatalf("%s: %v, want %v", mechanism, err, c.want)
				}
				if err != nil {
					continue
				}
				if s := e.Respond(answer); s.Kind != sasl.Success || client.Finish(s.Data) != nil {
					t.Errorf("%s: %+v", mechanism, s)
				}
			}
		})
	}
}
