package target

import (
	"strings"
	"testing"

	"github.com/xylem-im/xylem/bench/client"
)

// A folder that is used again has its accounts, and others are refused before
// they fail to log in one by one.
func TestAccountsAreRemembered(t *testing.T) {
	s := Settings{Dir: t.TempDir(), Count: 7, Users: client.Accounts{User: "bench%d", Password: "bench"}}
	if n, err := s.have(); n != 0 || err != nil {
		t.Errorf("an empty folder has %d accounts, %v", n, err)
	}
	if err := s.remember(); err != nil {
		t.Fatal(err)
	}
	if n, err := s.have(); n != 7 || err != nil {
		t.Errorf("%d accounts, %v; want 7", n, err)
	}
	for _, users := range []client.Accounts{{User: "other%d", Password: "bench"}, {User: "bench%d", Password: "other"}} {
		s.Users = users
		if _, err := s.have(); err == nil || !strings.Contains(err.Error(), "--dir") {
			t.Errorf("%v: %v", users, err)
		}
	}
}
