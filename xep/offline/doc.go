// Package offline keeps messages for accounts none of whose sessions may have
// them, and delivers them when one may: XEP-0160 version 1.0.1, with the stamp
// of XEP-0203 version 2.0 and the hints of XEP-0334 version 1.0.0.
//
// # What is kept
//
// Messages of type normal and chat (RFC 6121 §8.5.2.2.1), as storable says. The
// sender gets no error only when the message is on disk: its request ends after
// the durable write. An account has a quota; what passes it is refused with
// service-unavailable (XEP-0160 §2), as are messages for accounts that do not
// exist, which costs no write: the existence of the account is a condition of
// the batch.
//
// # Order
//
// An account's messages are numbered, and the number is their key. They are
// appended by one batch at a time. How many there are is counted; after a restart
// it is guessed from the first and the last number until all were read: messages
// between them may have been removed.
//
// While any wait, the account's resources carry
// xep.MarkHeld, and what comes for the session that they are being delivered to
// goes behind them in the store: nothing overtakes. Messages that are not to be
// stored (chat states, headlines, those with the hint no-store) do not wait.
//
// # Delivery
//
// It goes to one session that has sent presence with a priority of 0 or more,
// page by page. A message is removed when the client has acknowledged it
// (XEP-0198) or, without stream management, when its connection has taken the page;
// the next page is read when all of it was taken. When the session ends before, the
// rest stays for the next one: a message may come twice after a failure, and is
// never lost.
//
// # Messages that sessions have
//
// A message that was delivered without having been stored can be stored later
// (xep.Keeper): it belongs to the session that has it until that acknowledges it,
// which removes it, or ends, which lets it wait for another one. After the end of
// the process there are no such sessions any more, and all that is stored waits.
package offline
