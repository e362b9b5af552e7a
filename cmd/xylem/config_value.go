package main

import (
	"fmt"
	"log/slog"
	"strconv"
	"strings"
	"time"

	"github.com/pelletier/go-toml/v2"

	"github.com/xylem-im/xylem/s2s"
)

// assign puts a decoded TOML value into a field. The error says only what is
// wrong with the value; the caller knows where it stands.
func assign(field, value any) error {
	switch f := field.(type) {
	case *string:
		return assignAs(f, value, "a string")
	case *bool:
		return assignAs(f, value, "true or false")
	case *int:
		var n int64
		if err := assignAs(&n, value, "a whole number"); err != nil {
			return err
		}
		*f = int(n)
	case *[]string:
		return assignList(f, value)
	case *time.Duration:
		return assignDuration(f, value)
	case *slog.Level:
		return assignLevel(f, value)
	case *s2s.Require:
		return assignRequire(f, value)
	default:
		panic(fmt.Sprintf("config: no way to set a %T", field))
	}
	return nil
}

func assignAs[T any](field *T, value any, want string) error {
	v, ok := value.(T)
	if !ok {
		return fmt.Errorf("is %s, not %s", typeName(value), want)
	}
	*field = v
	return nil
}

// assignList takes a list of strings, or one string; "" is the empty list.
func assignList(field *[]string, value any) error {
	if s, ok := value.(string); ok {
		value = []any{s}
		if s == "" {
			value = []any{}
		}
	}
	items, ok := value.([]any)
	if !ok {
		return fmt.Errorf("is %s, not a string or a list of strings", typeName(value))
	}
	list := make([]string, len(items))
	for i, item := range items {
		s, ok := item.(string)
		if !ok {
			return fmt.Errorf("item %d is %s, not a string", i+1, typeName(item))
		}
		list[i] = s
	}
	*field = list
	return nil
}

func assignDuration(field *time.Duration, value any) error {
	s, ok := value.(string)
	if !ok {
		return fmt.Errorf("is %s, not a string with a unit", typeName(value))
	}
	d, err := time.ParseDuration(s)
	if err != nil {
		return fmt.Errorf("is not a time with a unit (ms, s, m, h)")
	}
	*field = d
	return nil
}

func assignLevel(field *slog.Level, value any) error {
	s, _ := value.(string)
	level, ok := map[string]slog.Level{
		"debug": slog.LevelDebug, "info": slog.LevelInfo, "warn": slog.LevelWarn, "error": slog.LevelError,
	}[s]
	if !ok {
		return fmt.Errorf("is not a level")
	}
	*field = level
	return nil
}

func assignRequire(field *s2s.Require, value any) error {
	switch s, _ := value.(string); s {
	case "dialback":
		*field = s2s.Dialback
	case "certificate":
		*field = s2s.Certificate
	default:
		return fmt.Errorf("is not a requirement")
	}
	return nil
}

// typeName names a TOML value's type for people.
func typeName(value any) string {
	switch value.(type) {
	case string:
		return "a string"
	case bool:
		return "a boolean"
	case int64:
		return "a whole number"
	case float64:
		return "a fraction"
	case []any:
		return "a list"
	case map[string]any:
		return "a table"
	}
	return "a date or time"
}

// valueText renders a decoded value as TOML for messages.
func valueText(value any) string {
	switch v := value.(type) {
	case string:
		return strconv.Quote(v)
	case []any:
		items := make([]string, len(v))
		for i, item := range v {
			items[i] = valueText(item)
		}
		return "[" + strings.Join(items, ", ") + "]"
	case map[string]any:
		return "{…}"
	}
	return fmt.Sprint(value)
}

// parseArgument reads the value of --set: TOML, or a bare string where TOML
// sees none ("127.0.0.1:0") or where the field takes only strings.
func parseArgument(field any, text string) any {
	var doc map[string]any
	if err := toml.Unmarshal([]byte("v = "+text+"\n"), &doc); err != nil || len(doc) != 1 {
		return text
	}
	value := doc["v"]
	switch field.(type) {
	case *string, *[]string, *time.Duration, *slog.Level, *s2s.Require:
		switch value.(type) {
		case string, []any:
		default:
			return text
		}
	}
	return value
}
