package sasl

import (
	"slices"
	"strings"
)

// downgradeHash is what the attribute "h" of server-first-message holds: the
// hash of what was announced, mechanisms and channel binding types sorted by
// their bytes (XEP-0474, version 0.5.0 §5.1). The separators cannot occur in XML.
func (h *hashKind) downgradeHash(mechanisms, bindings []string) []byte {
	list := strings.Join(sorted(mechanisms), "\x1e")
	if len(bindings) > 0 {
		list += "\x1f" + strings.Join(sorted(bindings), "\x1e")
	}
	return h.sum([]byte(list))
}

// sorted leaves list as it is.
func sorted(list []string) []string {
	list = slices.Clone(list)
	slices.Sort(list)
	return list
}

// bindingTypes names the types.
func bindingTypes(bindings []Binding) (types []string) {
	for _, b := range bindings {
		types = append(types, b.Type)
	}
	return types
}
