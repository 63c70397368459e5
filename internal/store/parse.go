package store

import (
	"encoding/json"
	"sync"
)

// kept is what readers have made of one body.
type kept struct {
	body *byte // the very bytes; those that somebody put in their place are others
	mu   sync.Mutex
	made []any // pointers, one of a type
}

// Keep lets Parse keep what is made of this object's body: for a bucket in
// memory, which hands out the same bytes many times.
func (o Object) Keep() Object {
	if len(o.Body) > 0 {
		o.kept = &kept{body: &o.Body[0]}
	}
	return o
}

// Parse an object's body, or answer what was made of it before where the bucket
// keeps that, one value a type. Whoever gets it must not change what it refers to.
func Parse[T any](o Object, parse func(body []byte) (T, error)) (T, error) {
	k := o.kept
	if k == nil || len(o.Body) == 0 || k.body != &o.Body[0] {
		return parse(o.Body)
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	for _, m := range k.made {
		if v, ok := m.(*T); ok {
			return *v, nil
		}
	}
	v, err := parse(o.Body)
	if err == nil {
		k.made = append(k.made, &v)
	}
	return v, err
}

// JSON for Parse.
func JSON[T any](body []byte) (T, error) {
	var v T
	err := json.Unmarshal(body, &v)
	return v, err
}
