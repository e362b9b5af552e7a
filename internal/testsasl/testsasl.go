// Package testsasl is the client's side of a SASL exchange (RFC 6120 §6.4), for
// tests that write their own clients.
package testsasl

import (
	"encoding/base64"
	"errors"
	"fmt"
	"strings"

	"github.com/xylem-im/xylem/session/sasl"
)

// ErrRefused: the exchange ended with something else than <success/>.
var ErrRefused = errors.New("testsasl: the server refused the login")

const ns = " xmlns='urn:ietf:params:xml:ns:xmpp-sasl'"

// Login holds an exchange on a stream whose features have been read. send writes
// XML; next reads the next element and returns its local name and its text.
func Login(mechanism string, cfg sasl.ClientConfig, send func(xml string) error, next func() (name, text string, err error)) error {
	client, err := sasl.NewClient(mechanism, cfg)
	if err != nil {
		return err
	}
	if err := send("<auth" + ns + " mechanism='" + mechanism + "'>" + encode(client.First()) + "</auth>"); err != nil {
		return err
	}
	for {
		name, text, err := next()
		if err != nil {
			return err
		}
		if name != "challenge" && name != "success" {
			return fmt.Errorf("%w: <%s/>", ErrRefused, name)
		}
		data, err := base64.StdEncoding.DecodeString(strings.TrimPrefix(text, "="))
		if err != nil {
			return fmt.Errorf("<%s/>: %w", name, err)
		}
		if name == "success" {
			return client.Finish(data)
		}
		answer, err := client.Next(data)
		if err != nil {
			return err
		}
		if err := send("<response" + ns + ">" + encode(answer) + "</response>"); err != nil {
			return err
		}
	}
}

// encode is base64 as RFC 6120 §6.4.2 wants it.
func encode(b []byte) string {
	if len(b) == 0 {
		return "="
	}
	return base64.StdEncoding.EncodeToString(b)
}
