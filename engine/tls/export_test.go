package tls

import (
	"crypto/tls"
	"reflect"
)

// WithoutFields runs f as with a Go release whose tls.Conn has other fields.
func WithoutFields(f func()) {
	saved := fields
	defer func() { fields = saved }()
	fields = findLayout(reflect.TypeFor[tls.Config]())
	f()
}

// Seal is one record of a suite, the first one of a traffic secret.
func Seal(suite uint16, secret, content []byte) []byte {
	known, _ := suiteOf(suite)
	h := half{suite: known}
	copy(h.secret[:], secret)
	return h.seal(typeData, content, nil)
}
