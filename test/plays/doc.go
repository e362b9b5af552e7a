// Package plays holds the plays of the whole server: *.play, in the format of
// internal/script. Each is performed against an engine in this process, and,
// with the build tag "clients", over TCP against a running server.
package plays
