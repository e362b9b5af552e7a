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
