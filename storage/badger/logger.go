package badger

import (
	"context"
	"fmt"
	"log/slog"
	"strings"
)

// logger hands Badger's lines to slog. Its info is our debug.
type logger struct{ slog *slog.Logger }

func (l logger) Errorf(format string, args ...any)   { l.log(slog.LevelError, format, args) }
func (l logger) Warningf(format string, args ...any) { l.log(slog.LevelWarn, format, args) }
func (l logger) Infof(format string, args ...any)    { l.log(slog.LevelDebug, format, args) }

// Debugf drops what Badger says for each write.
func (l logger) Debugf(string, ...any) {}

func (l logger) log(level slog.Level, format string, args []any) {
	if !l.slog.Enabled(context.Background(), level) {
		return
	}
	if line := strings.TrimSpace(fmt.Sprintf(format, args...)); line != "" {
		l.slog.Log(context.Background(), level, "badger", "line", line)
	}
}
