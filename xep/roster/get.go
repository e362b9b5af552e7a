package roster

import (
	"encoding/binary"
	"slices"

	"github.com/xylem-im/xylem/jid"
	"github.com/xylem-im/xylem/parser"
	"github.com/xylem-im/xylem/stanza"
	"github.com/xylem-im/xylem/storage"
	"github.com/xylem-im/xylem/xep"
)

// iq answers a roster get or set. Only the account's own sessions have access
// (RFC 6121 §2.1.5, §2.3.3).
func (x *extension) iq(a *xep.Home, req *xep.Request) {
	query, _ := req.View.Payload()
	switch {
	case !req.Own && req.View.Type == stanza.TypeSet:
		req.Error(stanza.Error{Condition: stanza.Forbidden})
	case !req.Own:
		req.Error(stanza.Error{Condition: stanza.ServiceUnavailable})
	case req.View.Type == stanza.TypeSet:
		x.of(a).set(req, query)
	default:
		ver, has := query.Attr("ver")
		x.of(a).get(req, string(parser.Unescape(ver)), has)
	}
}

// get answers with the roster, or with what has changed since ver (§2.6), and
// makes the resource interested in its pushes (§2.2).
func (c *account) get(req *xep.Request, ver string, has bool) {
	c.enter(claimOf(req), func() {
		c.loadVersion(func(err error) {
			if err != nil {
				c.leave()
				req.Error(xep.StorageError(err))
				return
			}
			behind, known := c.book.version().since(ver)
			if has && known && behind <= uint64(c.limits.ChangeLog) {
				c.getChanges(req, behind)
				return
			}
			c.getAll(req, has)
		})
	}, req.Error)
}

// getAll answers with the whole roster.
func (c *account) getAll(req *xep.Request, versioned bool) {
	b := c.appendQuery(nil, versioned)
	c.scan(func(j jid.JID, it *item) {
		if it.state&shown != 0 {
			b = it.append(b, j)
		}
	}, func(err error) {
		if err == nil {
			c.home.Mark(req.From, xep.MarkInterested, 0)
			req.Result(append(b, "</query>"...))
		} else {
			req.Error(xep.StorageError(err))
		}
		c.leave()
	})
}

// getChanges answers with an empty result, followed by a push for each contact
// that was changed lately (§2.6.3), in the order of the last changes.
func (c *account) getChanges(req *xep.Request, behind uint64) {
	if behind == 0 {
		c.home.Mark(req.From, xep.MarkInterested, 0)
		req.Result(nil)
		c.leave()
		return
	}
	from := c.book.version().number - behind + 1
	op := &storage.Op{Kind: storage.Scan, Collection: collectionLog, From: logKey(from)}
	c.home.Ask(op, func(res *storage.Result) {
		// A log that is shorter than expected was cut by a smaller limit.
		if res.Err != nil || uint64(len(res.Items)) != behind {
			c.getAll(req, true)
			return
		}
		list, err := lastChanges(res.Items)
		if err != nil {
			c.getAll(req, true)
			return
		}
		c.readChanged(list, 0, func(err error) { c.sendChanges(req, list, err) })
	})
}

// changed is a contact with the last version that changed it.
type changed struct {
	jid    jid.JID
	number uint64
	item   item
}

// lastChanges reads the log: each contact once, at its last change.
func lastChanges(log []storage.Item) (list []changed, err error) {
	seen := make(map[jid.JID]bool, len(log))
	for _, entry := range slices.Backward(log) {
		j, err := jid.ParseBytes(entry.Value)
		if err != nil || len(entry.Key) != 8 {
			return nil, errFormat
		}
		if !seen[j] {
			seen[j] = true
			list = append(list, changed{jid: j, number: binary.BigEndian.Uint64(entry.Key)})
		}
	}
	slices.Reverse(list)
	return list, nil
}

// readChanged reads the items of list from the i-th on.
func (c *account) readChanged(list []changed, i int, done func(error)) {
	if i == len(list) {
		done(nil)
		return
	}
	c.item(list[i].jid, func(it item, err error) {
		if err != nil {
			done(err)
			return
		}
		list[i].item = it
		c.readChanged(list, i+1, done)
	})
}

func (c *account) sendChanges(req *xep.Request, list []changed, err error) {
	defer c.leave()
	if err != nil {
		req.Error(xep.StorageError(err))
		return
	}
	c.home.Mark(req.From, xep.MarkInterested, 0)
	to := req.From
	req.Result(nil)
	for i := range list {
		ver := version{c.book.version().epoch, list[i].number}
		c.pushTo(to, ver, list[i].item.appendShown(nil, list[i].jid))
	}
}

// appendQuery opens a <query/>.
func (c *account) appendQuery(dst []byte, versioned bool) []byte {
	dst = append(dst, "<query xmlns='"+NS+"'"...)
	if versioned {
		dst = stanza.AppendAttr(dst, "ver", c.book.version().String())
	}
	return append(dst, '>')
}
