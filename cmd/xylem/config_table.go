package main

import "fmt"

// tables are the items of an array of tables, which s must be; nil for those that
// are none, which is told.
func tables(s setting, mend, accept string, faults *configErrors) (all []map[string]any) {
	items, ok := s.value.([]any)
	if !ok {
		faults.add(&configError{at: s.at, key: s.key, value: s.text(), problem: "is " + typeName(s.value) + ", not an array of tables", mend: mend})
		return nil
	}
	for i, item := range items {
		t, ok := item.(map[string]any)
		if !ok {
			faults.add(&configError{at: s.at, key: s.key, value: s.text(), problem: fmt.Sprintf("item %d is %s, not a table", i+1, typeName(item)), accept: accept})
		}
		all = append(all, t)
	}
	return all
}

// tableKey is a key that the tables of an array have.
type tableKey struct {
	name   string
	field  any          // where the value goes, see assign
	accept string       // what is accepted
	check  func() error // holds the value against that, and may prepare it; nil: its type is enough
	secret bool         // messages do not repeat the value
}

// readTable reads t, the item of s at index. keysText says what keys there are.
func readTable(s setting, index int, t map[string]any, keysText string, keys []tableKey, faults *configErrors) {
	for _, name := range sortedKeys(t) {
		fault := &configError{at: s.within(fmt.Sprintf("[%d].%s", index, name)), key: s.key + "." + name}
		k := keyNamed(keys, name)
		if k == nil {
			fault.problem, fault.mend = "is no key", keysText
			faults.add(fault)
			continue
		}
		err := assign(k.field, t[name])
		if err == nil && k.check != nil {
			err = k.check()
		}
		if err == nil {
			continue
		}
		fault.problem, fault.accept = err.Error(), k.accept
		if !k.secret {
			fault.value = valueText(t[name])
		}
		faults.add(fault)
	}
}

func keyNamed(keys []tableKey, name string) *tableKey {
	for i := range keys {
		if keys[i].name == name {
			return &keys[i]
		}
	}
	return nil
}

// item is where the item of an array of tables stands.
func (s setting) item(index int) origin { return s.within(fmt.Sprintf("[%d]", index)) }
