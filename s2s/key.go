package s2s

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
)

// Key is the dialback key for the stream id, on which sender wants to speak to
// receiver, made from the sender's secret (XEP-0185 §2): so it can be checked
// without having been kept.
func Key(secret []byte, receiver, sender, id string) string {
	hashed := sha256.Sum256(secret)
	mac := hmac.New(sha256.New, []byte(hex.EncodeToString(hashed[:])))
	mac.Write([]byte(receiver + " " + sender + " " + id))
	return hex.EncodeToString(mac.Sum(nil))
}

// sameKey compares keys without telling by its time how much of them is equal.
func sameKey(a, b string) bool { return hmac.Equal([]byte(a), []byte(b)) }
