package xep

import (
	"errors"

	"github.com/xylem-im/xylem/stanza"
	"github.com/xylem-im/xylem/storage"
)

// Where an account's credentials are kept, owned by its bare address. An
// account exists when this item does.
const (
	CollectionAccount = "account"
	KeyCredentials    = "credentials"
)

// Errors of Host.SetPassword and Host.DeleteAccount beside those of storage.
var (
	// ErrForeignAccounts: accounts are kept elsewhere, by an Authenticator.
	ErrForeignAccounts = errors.New("xep: accounts are not kept here")
	// ErrPassword: what was given cannot be a password.
	ErrPassword = errors.New("xep: not a password")
)

// IsNotFound tells whether a storage operation found nothing.
func IsNotFound(err error) bool { return errors.Is(err, storage.ErrNotFound) }

// StorageError is what the sender of a stanza sees of a storage error:
// resource-constraint when it may try again later, internal-server-error
// otherwise.
func StorageError(err error) stanza.Error {
	switch {
	case errors.Is(err, storage.ErrBusy), errors.Is(err, storage.ErrFull):
		return stanza.Error{Condition: stanza.ResourceConstraint, Text: "the server's store takes nothing now"}
	}
	return stanza.Error{Condition: stanza.InternalServerError}
}
