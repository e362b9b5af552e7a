package session

import (
	"encoding/base64"
	"slices"
	"strconv"

	"github.com/xylem-im/xylem/parser"
	"github.com/xylem-im/xylem/session/sasl"
)

// The namespaces of XEP-0480.
const (
	NSUpgrade      = "urn:xmpp:sasl:upgrade:0"
	NSScramUpgrade = "urn:xmpp:scram-upgrade:0"
)

// upgradePrefix stands in front of a mechanism's name in that of its task.
const upgradePrefix = "UPGR-"

// upgradeMechanisms are those whose stored keys a client can renew (XEP-0480, version
// 0.2.0): an account that lacks them, or whose keys were made with fewer rounds
// than new ones are.
var upgradeMechanisms = [...]string{sasl.SCRAMSHA256, sasl.SCRAMSHA1}

// upgrade is what an <authenticate/> says of upgrades, and how far they are.
type upgrade struct {
	wanted []string // mechanisms, in the client's order
	task   string   // the mechanism that is being upgraded; "": none
	salt   []byte   // as told in the task; nil: the client has not begun it
}

// appendUpgrades announces the tasks, the same to everybody, XEP-0480 §4.1.
func (s *Session) appendUpgrades(b []byte) []byte {
	if !s.cfg.Upgrades {
		return b
	}
	for _, m := range upgradeMechanisms {
		b = append(b, "<upgrade xmlns='"+NSUpgrade+"'>"+upgradePrefix...)
		b = append(b, m...)
		b = append(b, "</upgrade>"...)
	}
	return b
}

// want notes an <upgrade/>; what is not announced is ignored.
func (u *upgrade) want(e parser.Element) {
	name := string(trimSpace(e.AppendText(nil)))
	for _, m := range upgradeMechanisms {
		if name == upgradePrefix+m && !slices.Contains(u.wanted, m) {
			u.wanted = append(u.wanted, m)
		}
	}
}

// nextUpgrade begins the next upgrade that the client wants and the account needs;
// false when there is none.
func (s *Session) nextUpgrade(out *Out) bool {
	r := s.login.request
	u := &r.upgrade
	u.task, u.salt = "", nil
	for len(u.wanted) > 0 && u.task == "" && s.cfg.Upgrades && s.login.credentials != nil {
		if m := u.wanted[0]; s.login.credentials.Outdated(m, s.cfg.ScramIterations) {
			u.task = m
		}
		u.wanted = u.wanted[1:]
	}
	if u.task == "" {
		return false
	}
	b := append(out.Bytes, "<continue xmlns='"+NSSASL2+"'>"...)
	b = r.appendData(b)
	b = append(b, "<tasks><task>"+upgradePrefix...)
	b = append(b, u.task...)
	out.Bytes = append(b, "</task></tasks></continue>"...)
	return true
}

// next takes <next/>: the client begins the task, XEP-0480 §5.
func (s *Session) next(e parser.Element, out *Out) {
	u := &s.login.request.upgrade
	raw, _ := e.Attr("task")
	if string(parser.Unescape(raw)) != upgradePrefix+u.task {
		s.authFailure(sasl.CondMalformedRequest, "not a task that was asked for", out)
		return
	}
	u.salt = make([]byte, sasl.SaltSize)
	s.random(u.salt)
	b := append(out.Bytes, "<task-data xmlns='"+NSSASL2+"'><salt xmlns='"+NSScramUpgrade+"' iterations='"...)
	b = strconv.AppendInt(b, int64(s.cfg.ScramIterations), 10)
	b = base64.StdEncoding.AppendEncode(append(b, "'>"...), u.salt)
	out.Bytes = append(b, "</salt></task-data>"...)
}

// taskData takes <task-data/>: the salted password, of which the keys are made.
func (s *Session) taskData(e parser.Element, out *Out) {
	l := s.login
	u := &l.request.upgrade
	hash := e.Child(NSScramUpgrade, "hash")
	if hash.IsZero() {
		s.authFailure(sasl.CondMalformedRequest, "no hash", out)
		return
	}
	salted, ok := s.decode2(hash, out)
	if !ok {
		s.authFailure("incorrect-encoding", "not base64", out)
		return
	}
	renewed, err := l.credentials.WithSalted(u.task, salted, u.salt, s.cfg.ScramIterations)
	if err != nil {
		s.authFailure(sasl.CondMalformedRequest, "hash has the wrong length", out)
		return
	}
	s.ask(Op{Kind: OpUpgrade, Local: l.request.user.Local(), Domain: s.Domain(), Credentials: l.credentials, Upgrade: &renewed}, out)
	l.credentials = &renewed
}

// upgraded goes on when the keys are stored.
func (s *Session) upgraded(res *Result, out *Out) {
	if res.Err != nil {
		s.authFailure("temporary-auth-failure", "", out)
		return
	}
	if !s.nextUpgrade(out) {
		s.settleTokens(out)
	}
}
