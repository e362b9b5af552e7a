package report

import (
	"fmt"
	"reflect"
	"slices"
	"strings"

	"github.com/xylem-im/xylem/bench/load"
)

// reconfigured says in what lines configurations of a target differ, "" when one report has
// no other than the other: it may have measured less.
func reconfigured(a, b []string) string {
	only := func(these, those []string) []string {
		return slices.DeleteFunc(slices.Clone(these), func(c string) bool { return slices.Contains(those, c) })
	}
	onlyA, onlyB := only(a, b), only(b, a)
	if len(onlyA) == 0 || len(onlyB) == 0 {
		return ""
	}
	linesA, linesB := strings.Split(onlyA[0], "\n"), strings.Split(onlyB[0], "\n")
	return fmt.Sprintf("A has %s, B has %s", few(only(linesA, linesB)), few(only(linesB, linesA)))
}

// few shows some lines of many.
func few(lines []string) string {
	const most = 5
	var list []string
	for _, line := range lines {
		if line = strings.TrimSpace(strings.TrimPrefix(line, "#")); line != "" {
			list = append(list, "‹"+line+"›")
		}
	}
	switch n := len(list); {
	case n == 0:
		return "nothing more"
	case n > most:
		return fmt.Sprintf("%s and %d lines more", strings.Join(list[:most], " "), n-most)
	}
	return strings.Join(list, " ")
}

// instead is what instead begins with.
const instead = ", made with "

// instead says with what other settings r has a measurement that is most like g, if it has
// one; name is r's.
func (r *Report) instead(g Group, target, name string) string {
	var best []string
	for _, o := range r.Groups() {
		if o.Settings.Scenario != g.Settings.Scenario || !slices.ContainsFunc(o.Targets, func(t Target) bool { return t.Name == target }) {
			continue
		}
		if list := settingsApart(g.Settings, o.Settings); best == nil || len(list) < len(best) {
			best = list
		}
	}
	if len(best) == 0 {
		return ""
	}
	return instead + strings.Join(best, ", ") + " in " + name
}

// plainly shows a setting; text in quotes, as there may be none.
func plainly(v any) string {
	if s, ok := v.(string); ok {
		return fmt.Sprintf("%q", s)
	}
	return fmt.Sprint(v)
}

// settingsApart lists in what settings differ, those first; names are none of them.
func settingsApart(these, those load.Settings) (list []string) {
	a, b := reflect.ValueOf(these), reflect.ValueOf(those)
	for i := range a.NumField() {
		key, _, _ := strings.Cut(a.Type().Field(i).Tag.Get("json"), ",")
		if x, y := a.Field(i).Interface(), b.Field(i).Interface(); x != y && key != "name" {
			list = append(list, fmt.Sprintf("%s %s instead of %s", key, plainly(y), plainly(x)))
		}
	}
	return list
}
