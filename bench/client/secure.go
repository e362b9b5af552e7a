package client

import (
	"context"
	"crypto/tls"
	"fmt"
)

// openSecure returns the features of the stream that passwords may go over.
func (l *login) openSecure(ctx context.Context) (*features, error) {
	if l.opts.TLS != nil {
		if err := l.encrypt(ctx); err != nil {
			return nil, err
		}
	}
	return l.open()
}

// encrypt goes on inside TLS.
func (l *login) encrypt(ctx context.Context) error {
	if l.opts.TLS == nil {
		return fmt.Errorf("%w: login by %s needs TLS", ErrRefused, l.opts.Login)
	}
	if !l.opts.DirectTLS {
		f, err := l.open()
		if err != nil {
			return err
		}
		if !f.startTLS {
			return fmt.Errorf("%w: STARTTLS is not offered", ErrRefused)
		}
		if err := l.request("<starttls xmlns='"+nsTLS+"'/>", nsTLS, "proceed", nil); err != nil {
			return err
		}
	}
	return l.secure(ctx)
}

func (l *login) secure(ctx context.Context) error {
	c := tls.Client(l.tcp, l.opts.TLS)
	if err := c.HandshakeContext(ctx); err != nil {
		return fmt.Errorf("TLS: %w", err)
	}
	l.conn = c
	return nil
}
