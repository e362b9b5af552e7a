package engine

import (
	"fmt"
	"log/slog"
)

// gnetLog passes what gnet has to say to the engine's logger.
type gnetLog struct{ log *slog.Logger }

func (g gnetLog) Debugf(format string, args ...any) {}
func (g gnetLog) Infof(format string, args ...any)  {}
func (g gnetLog) Warnf(format string, args ...any) {
	g.log.Warn("gnet", "message", fmt.Sprintf(format, args...))
}
func (g gnetLog) Errorf(format string, args ...any) {
	g.log.Error("gnet", "message", fmt.Sprintf(format, args...))
}
func (g gnetLog) Fatalf(format string, args ...any) {
	g.log.Error("gnet", "message", fmt.Sprintf(format, args...))
}
