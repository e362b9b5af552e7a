package target

import "testing"

// A port that the kernel would give somebody else is none.
func TestFreePort(t *testing.T) {
	end := firstGivenOut()
	for range 200 {
		port, err := freePort()
		if err != nil {
			t.Fatal(err)
		}
		if port < lowestPort || port >= end {
			t.Fatalf("port %d, want one from %d to %d", port, lowestPort, end-1)
		}
	}
}
