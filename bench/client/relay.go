package client

import (
	"bytes"
	"fmt"
)

// greetRelay takes the place of a login. The scanner is given a header, so that
// it reads the peer's stanzas like those of any stream.
func (l *login) greetRelay() error {
	word, to := "HELLO", l.Account.Peer
	if l.Account.Group != "" {
		word, to = "FOLLOW", l.Account.Group
		if l.Account.Publish {
			word = "PUBLISH"
		}
	}
	if err := l.Send(fmt.Appendf(nil, "%s %s %s\n", word, l.Account.User, to)); err != nil {
		return err
	}
	var line int
	for line = -1; line < 0; line = bytes.IndexByte(l.buf[l.at:l.end], '\n') {
		if err := l.fill(); err != nil {
			return err
		}
	}
	if answer := string(l.buf[l.at : l.at+line]); answer != "OK" {
		return fmt.Errorf("%w: relay answered %q", ErrRefused, answer)
	}
	l.at += line + 1
	l.JID = l.Account.Bare(l.opts.Domain) + "/" + l.Account.Resource
	l.timings.Bind = l.lap()

	header := []byte("<stream:stream xmlns='jabber:client' xmlns:stream='" + nsStream + "' version='1.0'>")
	sc := l.opts.scanner()
	defer l.opts.scanners.Put(sc)
	_, _, err := sc.Next(&l.stream, header)
	return err
}
