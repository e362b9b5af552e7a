// Package stanza is the vocabulary of RFC 6120 §8 and §4.9: what kinds of
// stanza there are, the borrowed view of one that the parser framed, the
// errors that a peer may see as values, and builders of replies.
//
// A View borrows the frame it was made of. Everything it returns is valid
// until that frame is (see parser.Scanner.Next), unless it says otherwise.
package stanza
