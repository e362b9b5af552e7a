package sasl

import "slices"

// downgradeHash is what the attribute "h" of server-first-message holds: the
// hash of what was announced, mechanisms and channel binding types sorted by
// their bytes (XEP-0474, version 0.5.0 §5.1). The separators cannot occur in XML.
func (h *hashKind) downgradeHash(mechanisms, bindings []string) []byte {
	list := appendSorted(make([]byte, 0, 256), mechanisms)
	if len(bindings) > 0 {
		list = appendSorted(append(list, 0x1f), bindings)
	}
	return h.sum(list)
}

// bindingTypes names the types.
func bindingTypes(bindings []Binding) []string {
	types := make([]string, 0, 4)
	for _, b := range bindings {
		types = append(types, b.Type)
	}
	return types
}

// appendSorted appends names in order, with separators.
func appendSorted(dst []byte, names []string) []byte {
	sorted := append(make([]string, 0, 8), names...)
	slices.Sort(sorted)
	for i, name := range sorted {
		if i > 0 {
			dst = append(dst, 0x1e)
		}
		dst = append(dst, name...)
	}
	return dst
}
