package sasl_test

import (
	"encoding/base64"
	"strings"
	"testing"

	"github.com/xylem-im/xylem/session/sasl"
)

const (
	notAuthorized = sasl.CondNotAuthorized
	malformed     = sasl.CondMalformedRequest
	wrongAuthzid  = sasl.CondInvalidAuthzid
)

// binding is what the streams of these tests can bind to.
var binding = sasl.Binding{Type: sasl.TLSExporter, Data: []byte("0123456789abcdef0123456789abcdef")}

func hostileConfig() *sasl.Config {
	return &sasl.Config{
		Bindings: []sasl.Binding{binding}, Domain: "example.org", DecoySecret: secret,
		Nonce: fixed("%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0"),
	}
}

// TestHostileFirst sends one message and expects the exchange to end at once.
func TestHostileFirst(t *testing.T) {
	long := strings.Repeat
	for name, c := range map[string]struct{ mechanism, msg, condition string }{
		"plain/empty":               {sasl.Plain, "", malformed},
		"plain/no NUL":              {sasl.Plain, "user", malformed},
		"plain/one NUL":             {sasl.Plain, "\x00user", malformed},
		"plain/three NULs":          {sasl.Plain, "\x00user\x00pw\x00", malformed},
		"plain/empty user":          {sasl.Plain, "\x00\x00pw", malformed},
		"plain/empty password":      {sasl.Plain, "\x00user\x00", malformed},
		"plain/not UTF-8 user":      {sasl.Plain, "\x00us\xffer\x00pw", malformed},
		"plain/not UTF-8 password":  {sasl.Plain, "\x00user\x00\xc0\xaf", malformed},
		"plain/long user":           {sasl.Plain, "\x00" + long("u", 1024) + "\x00pw", malformed},
		"plain/long password":       {sasl.Plain, "\x00user\x00" + long("p", 1025), malformed},
		"plain/long message":        {sasl.Plain, long("a", 8193), malformed},
		"plain/user with at":        {sasl.Plain, "\x00user@example.org\x00pw", notAuthorized},
		"plain/user with slash":     {sasl.Plain, "\x00us/er\x00pw", notAuthorized},
		"plain/user with space":     {sasl.Plain, "\x00us er\x00pw", notAuthorized},
		"plain/user with control":   {sasl.Plain, "\x00us\x01er\x00pw", notAuthorized},
		"plain/fullwidth slash":     {sasl.Plain, "\x00us／er\x00pw", notAuthorized},
		"plain/other user":          {sasl.Plain, "root@example.org\x00user\x00pw", wrongAuthzid},
		"plain/other domain":        {sasl.Plain, "user@example.com\x00user\x00pw", wrongAuthzid},
		"plain/authzid resource":    {sasl.Plain, "user@example.org/x\x00user\x00pw", wrongAuthzid},
		"plain/authzid bare other":  {sasl.Plain, "root\x00user\x00pw", wrongAuthzid},
		"plain/authzid domain":      {sasl.Plain, "example.org\x00user\x00pw", wrongAuthzid},
		"plain/authzid empty local": {sasl.Plain, "@example.org\x00user\x00pw", wrongAuthzid},
		"plain/authzid no domain":   {sasl.Plain, "user@\x00user\x00pw", wrongAuthzid},

		"scram/empty":                  {sasl.SCRAMSHA256, "", malformed},
		"scram/no gs2 header":          {sasl.SCRAMSHA256, "n=user,r=abc", malformed},
		"scram/one comma":              {sasl.SCRAMSHA256, "n,n=user,r=abc", malformed},
		"scram/unknown flag":           {sasl.SCRAMSHA256, "x,,n=user,r=abc", malformed},
		"scram/long flag":              {sasl.SCRAMSHA256, "nn,,n=user,r=abc", malformed},
		"scram/empty flag":             {sasl.SCRAMSHA256, ",,n=user,r=abc", malformed},
		"scram/upper-case flag":        {sasl.SCRAMSHA256, "N,,n=user,r=abc", malformed},
		"scram/bad a attribute":        {sasl.SCRAMSHA256, "n,b=user,n=user,r=abc", malformed},
		"scram/empty authzid":          {sasl.SCRAMSHA256, "n,a=,n=user,r=abc", malformed},
		"scram/mandatory extension":    {sasl.SCRAMSHA256, "n,,m=x,n=user,r=abc", malformed},
		"scram/late mandatory":         {sasl.SCRAMSHA256, "n,,n=user,r=abc,m=x", malformed},
		"scram/empty user":             {sasl.SCRAMSHA256, "n,,n=,r=abc", malformed},
		"scram/no user":                {sasl.SCRAMSHA256, "n,,r=abc", malformed},
		"scram/wrong order":            {sasl.SCRAMSHA256, "n,,r=abc,n=user", malformed},
		"scram/no nonce":               {sasl.SCRAMSHA256, "n,,n=user", malformed},
		"scram/empty nonce":            {sasl.SCRAMSHA256, "n,,n=user,r=", malformed},
		"scram/nonce with space":       {sasl.SCRAMSHA256, "n,,n=user,r=a c", malformed},
		"scram/nonce not ASCII":        {sasl.SCRAMSHA256, "n,,n=user,r=añc", malformed},
		"scram/nonce with NUL":         {sasl.SCRAMSHA256, "n,,n=user,r=a\x00c", malformed},
		"scram/long nonce":             {sasl.SCRAMSHA256, "n,,n=user,r=" + long("n", 257), malformed},
		"scram/trailing comma":         {sasl.SCRAMSHA256, "n,,n=user,r=abc,", malformed},
		"scram/extension no value":     {sasl.SCRAMSHA256, "n,,n=user,r=abc,x=", malformed},
		"scram/extension no letter":    {sasl.SCRAMSHA256, "n,,n=user,r=abc,1=x", malformed},
		"scram/bare equals":            {sasl.SCRAMSHA256, "n,,n=us=er,r=abc", malformed},
		"scram/lower-case escape":      {sasl.SCRAMSHA256, "n,,n=us=2cer,r=abc", malformed},
		"scram/other escape":           {sasl.SCRAMSHA256, "n,,n=us=41er,r=abc", malformed},
		"scram/cut escape":             {sasl.SCRAMSHA256, "n,,n=user=3,r=abc", malformed},
		"scram/user with NUL":          {sasl.SCRAMSHA256, "n,,n=us\x00er,r=abc", malformed},
		"scram/not UTF-8":              {sasl.SCRAMSHA256, "n,,n=us\xffer,r=abc", malformed},
		"scram/surrogate":              {sasl.SCRAMSHA256, "n,,n=us\xed\xa0\x80er,r=abc", malformed},
		"scram/long user":              {sasl.SCRAMSHA256, "n,,n=" + long("u", 1024) + ",r=abc", malformed},
		"scram/unpreparable user":      {sasl.SCRAMSHA256, "n,,n=us\u2028er,r=abc", notAuthorized},
		"scram/other user":             {sasl.SCRAMSHA256, "n,a=root@example.org,n=user,r=abc", wrongAuthzid},
		"scram/escaped other user":     {sasl.SCRAMSHA256, "n,a=user=2Cx@example.org,n=user,r=abc", wrongAuthzid},
		"scram/p without plus":         {sasl.SCRAMSHA256, "p=tls-exporter,,n=user,r=abc", malformed},
		"scram/plus with n":            {sasl.SCRAMSHA256Plus, "n,,n=user,r=abc", malformed},
		"scram/plus with y":            {sasl.SCRAMSHA256Plus, "y,,n=user,r=abc", malformed},
		"scram/p without name":         {sasl.SCRAMSHA256Plus, "p,,n=user,r=abc", malformed},
		"scram/p empty name":           {sasl.SCRAMSHA256Plus, "p=,,n=user,r=abc", malformed},
		"scram/p bad name":             {sasl.SCRAMSHA256Plus, "p=tls exporter,,n=user,r=abc", malformed},
		"scram/p name of other case":   {sasl.SCRAMSHA256Plus, "p=TLS-exporter,,n=user,r=abc", malformed},
		"scram/tls-unique not given":   {sasl.SCRAMSHA1Plus, "p=tls-unique,,n=user,r=abc", malformed},
		"scram/end-point not given":    {sasl.SCRAMSHA1Plus, "p=tls-server-end-point,,n=user,r=abc", malformed},
		"scram/final message at first": {sasl.SCRAMSHA1, "c=biws,r=abc,p=v0X8v3Bz2T0CJGbJQyF0X+HI4Ts=", malformed},
	} {
		t.Run(name, func(t *testing.T) {
			e, err := sasl.Start(c.mechanism, hostileConfig())
			if err != nil {
				t.Fatal(err)
			}
			s := e.Respond([]byte(c.msg))
			if s.Kind != sasl.Failure || s.Condition != c.condition {
				t.Fatalf("got %v %q %q, want failure %q", s.Kind, s.Condition, s.Text, c.condition)
			}
			if again := e.Respond([]byte("n,,n=user,r=abc")); again.Kind != sasl.Failure {
				t.Fatalf("goes on after failure: %v", again.Kind)
			}
		})
	}
}

// TestHostileFinal goes through the exchange of RFC 7677 §3 up to the last
// message, and sends another one.
func TestHostileFinal(t *testing.T) {
	v := vectors["RFC7677_3"]
	cut := strings.LastIndex(v.final, ",p=")
	body, proof := v.final[:cut], v.final[cut:]
	nonce := v.clientNonce + v.serverNonce
	b64 := base64.StdEncoding.EncodeToString
	for name, c := range map[string]struct{ msg, condition string }{
		"empty":                 {"", malformed},
		"no proof":              {body, malformed},
		"empty proof":           {body + ",p=", malformed},
		"short proof":           {body + ",p=v0X8v3Bz2T0CJGbJQyF0X+HI4Ts=", malformed},
		"long proof":            {body + ",p=" + b64(make([]byte, 33)), malformed},
		"proof not base64":      {body + ",p=!!!!", malformed},
		"proof unpadded":        {strings.TrimRight(v.final, "="), malformed},
		"proof with newline":    {body + proof[:10] + "\n" + proof[10:], malformed},
		"proof other spelling":  {v.final[:len(v.final)-2] + "R=", malformed},
		"something after proof": {v.final + ",x=y", malformed},
		"zero proof":            {body + ",p=" + b64(make([]byte, 32)), notAuthorized},
		"no c":                  {"r=" + nonce + proof, malformed},
		"c not base64":          {"c=b*ws,r=" + nonce + proof, malformed},
		"c empty":               {"c=,r=" + nonce + proof, notAuthorized},
		"c of y":                {"c=" + b64([]byte("y,,")) + ",r=" + nonce + proof, notAuthorized},
		"c with data":           {"c=" + b64([]byte("n,,x")) + ",r=" + nonce + proof, notAuthorized},
		"c of another authzid":  {"c=" + b64([]byte("n,a=root,")) + ",r=" + nonce + proof, notAuthorized},
		"wrong order":           {"r=" + nonce + ",c=biws" + proof, malformed},
		"no nonce":              {"c=biws" + proof, malformed},
		"client's nonce only":   {"c=biws,r=" + v.clientNonce + proof, notAuthorized},
		"server's nonce only":   {"c=biws,r=" + v.serverNonce + proof, notAuthorized},
		"longer nonce":          {"c=biws,r=" + nonce + "x" + proof, notAuthorized},
		"mandatory extension":   {body + ",m=x" + proof, malformed},
		"extension, old proof":  {body + ",x=y" + proof, notAuthorized},
		"not UTF-8":             {body + ",x=\xff" + proof, malformed},
		"first message again":   {v.first, malformed},
	} {
		t.Run(name, func(t *testing.T) {
			creds := sasl.DeriveWith("pencil", unbase64(t, v.salt), 4096)
			e, err := sasl.Start(v.mechanism, hostileConfig())
			if err != nil {
				t.Fatal(err)
			}
			e.Respond([]byte(v.first))
			e.Credentials(&creds)
			s := e.Respond([]byte(c.msg))
			if s.Kind != sasl.Failure || s.Condition != c.condition || s.Data != nil {
				t.Fatalf("got %v %q %q, want failure %q", s.Kind, s.Condition, s.Text, c.condition)
			}
			if again := e.Respond([]byte(v.final)); again.Kind != sasl.Failure {
				t.Fatalf("the right proof is taken after a wrong one: %v", again.Kind)
			}
		})
	}
}

func TestDowngradeIsSeen(t *testing.T) {
	cfg := hostileConfig()
	first := []byte("y,,n=user,r=abc")
	e, _ := sasl.Start(sasl.SCRAMSHA256, cfg)
	if s := e.Respond(first); s.Kind != sasl.NeedCredentials {
		t.Fatalf("y without PLUS offered: %+v", s)
	}
	cfg.PlusOffered = true
	e, _ = sasl.Start(sasl.SCRAMSHA256, cfg)
	if s := e.Respond(first); s.Kind != sasl.Failure || s.Condition != notAuthorized {
		t.Fatalf("y with PLUS offered: %+v", s)
	}
}

// TestInputsOutOfTurn calls every door in every state where it is closed.
func TestInputsOutOfTurn(t *testing.T) {
	creds := sasl.DeriveWith("pencil", []byte("0123456789abcdef"), 4096)
	first := func(e *sasl.Exchange) sasl.Step { return e.Respond([]byte("n,,n=user,r=abc")) }
	plain := func(e *sasl.Exchange) sasl.Step { return e.Respond([]byte("\x00user\x00pw")) }
	load := func(e *sasl.Exchange) sasl.Step { return e.Credentials(&creds) }
	verified := func(e *sasl.Exchange) sasl.Step { return e.Verified(true) }
	prompt := func(e *sasl.Exchange) sasl.Step { return e.Respond(nil) }
	type calls []func(*sasl.Exchange) sasl.Step
	for name, c := range map[string]struct {
		mechanism string
		calls     calls
	}{
		"credentials first":          {sasl.SCRAMSHA1, calls{load}},
		"verified first":             {sasl.SCRAMSHA1, calls{verified}},
		"verified instead of loaded": {sasl.SCRAMSHA1, calls{first, verified}},
		"message while loading":      {sasl.SCRAMSHA1, calls{first, first}},
		"loaded twice":               {sasl.SCRAMSHA1, calls{first, load, load}},
		"verified before proof":      {sasl.SCRAMSHA1, calls{first, load, verified}},
		"nothing instead of proof":   {sasl.SCRAMSHA1, calls{first, load, prompt}},
		"prompted twice":             {sasl.SCRAMSHA1, calls{prompt, prompt}},
		"plain: verified first":      {sasl.Plain, calls{verified}},
		"plain: loaded":              {sasl.Plain, calls{plain, load}},
		"plain: again":               {sasl.Plain, calls{plain, plain}},
		"plain: verified twice":      {sasl.Plain, calls{plain, verified, verified}},
		"after abort":                {sasl.Plain, calls{(*sasl.Exchange).Abort, plain}},
	} {
		t.Run(name, func(t *testing.T) {
			e, err := sasl.Start(c.mechanism, hostileConfig())
			if err != nil {
				t.Fatal(err)
			}
			var s sasl.Step
			for _, call := range c.calls {
				s = call(e)
			}
			if s.Kind != sasl.Failure || s.Condition != malformed {
				t.Fatalf("last step: %v %q", s.Kind, s.Condition)
			}
		})
	}
}
