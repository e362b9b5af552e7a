// Package docs has no code, only the test that holds what the documents of the
// project point to: other documents, their headings, files of the code.
package docs
