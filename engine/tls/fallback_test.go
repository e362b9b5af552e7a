package tls_test

import (
	"testing"

	xtls "github.com/xylem-im/xylem/engine/tls"
)

// TestWithoutPrivateFields runs the tests again as they would run with a Go
// release that has changed tls.Conn: the same behaviour, with more memory.
func TestWithoutPrivateFields(t *testing.T) {
	xtls.WithoutFields(func() {
		if xtls.Lean() {
			t.Fatal("fields of another type were taken for those of tls.Conn")
		}
		for name, test := range map[string]func(*testing.T){
			"RoundTrip":             TestRoundTrip,
			"DataBehindFinished":    TestDataBehindFinished,
			"ManyRecordsAndParts":   TestManyRecordsAndPartsInOneCall,
			"DecryptUpTo":           TestDecryptUpTo,
			"CloseNotify":           TestCloseNotifyAndTruncation,
			"GarbageAfterHandshake": TestGarbageAfterHandshake,
			"KeyUpdate":             TestKeyUpdate,
			"FragmentedMessage":     TestFragmentedMessage,
			"Renegotiation":         TestRenegotiationIsRefused,
			"HostileRecords":        TestHostileRecords,
			"Info":                  TestInfo,
			"Resumption":            TestResumption,
			"AgainstCryptoTLS":      TestAgainstCryptoTLS,
		} {
			t.Run(name, test)
		}
		size, objects := idle(t, versions["TLS1.3"], 100)
		t.Logf("%.0f B and %.1f objects for each idle connection", size, objects)
	})
	if !xtls.Lean() {
		t.Fatal("not switched on again")
	}
}
