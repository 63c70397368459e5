// Package policy compares IAM policy documents by what they mean. The services
// give a document back in an order and a spelling of their own, a single action as
// a text or as a list: none of that is a drift (F33), and all else is.
package policy

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/opensearch-dr/osdr/internal/template"
)

// Differences between two documents: statements of want that have lacks, and the
// other way round, as compact JSON. A value that only AWS knows equals every one.
func Differences(want, have any) (missing, extra []string) {
	left := statements(have)
	for _, w := range statements(want) {
		at := slices.IndexFunc(left, func(h map[string]any) bool { return same(w, h) })
		if at < 0 {
			missing = append(missing, text(w))
			continue
		}
		left = slices.Delete(left, at, at+1)
	}
	for _, h := range left {
		extra = append(extra, text(h))
	}
	return missing, extra
}

// Text of a document, compact.
func Text(doc any) string { return text(doc) }

func text(v any) string {
	b, err := json.Marshal(v)
	if err != nil {
		return fmt.Sprint(v)
	}
	return string(b)
}

// statements in one spelling.
func statements(doc any) []map[string]any {
	if s, ok := doc.(string); ok {
		var parsed any
		if err := json.Unmarshal([]byte(s), &parsed); err != nil {
			return []map[string]any{{"unreadable": s}}
		}
		doc = parsed
	}
	m, ok := doc.(map[string]any)
	if !ok {
		return nil
	}
	items, ok := m["Statement"].([]any)
	if !ok {
		items = []any{m["Statement"]}
	}
	var out []map[string]any
	for _, item := range items {
		if s, ok := item.(map[string]any); ok {
			out = append(out, normal(s))
		}
	}
	return out
}

// normal statement: lists everywhere, in order; actions in small letters, since
// IAM does not tell them apart; Sid is a name and no meaning.
func normal(s map[string]any) map[string]any {
	out := map[string]any{}
	for k, v := range s {
		switch k {
		case "Sid":
		case "Action", "NotAction":
			out[k] = list(v, strings.ToLower)
		case "Principal", "NotPrincipal":
			out[k] = principal(v)
		case "Condition":
			out[k] = condition(v)
		case "Effect":
			out[k] = v
		default:
			out[k] = list(v, nil)
		}
	}
	return out
}

func list(v any, spell func(string) string) any {
	items, ok := v.([]any)
	if !ok {
		items = []any{v}
	}
	var out []any
	for _, item := range items {
		switch x := item.(type) {
		case template.Unknown:
			out = append(out, x)
			continue
		case float64:
			item = strconv.FormatFloat(x, 'f', -1, 64)
		}
		s := fmt.Sprint(item)
		if spell != nil {
			s = spell(s)
		}
		out = append(out, s)
	}
	slices.SortFunc(out, func(a, b any) int { return strings.Compare(text(a), text(b)) })
	return out
}

// principal: {"AWS": "*"} is "*", and an account is its root.
func principal(v any) any {
	m, ok := v.(map[string]any)
	if !ok {
		return map[string]any{"AWS": list(v, nil)}
	}
	out := map[string]any{}
	for k, item := range m {
		out[k] = list(item, func(s string) string {
			if len(s) == 12 && strings.Trim(s, "0123456789") == "" {
				return "arn:aws:iam::" + s + ":root"
			}
			return s
		})
	}
	return out
}

func condition(v any) any {
	m, ok := v.(map[string]any)
	if !ok {
		return v
	}
	out := map[string]any{}
	for operator, keys := range m {
		inner, ok := keys.(map[string]any)
		if !ok {
			out[operator] = keys
			continue
		}
		plain := map[string]any{}
		for k, item := range inner {
			plain[strings.ToLower(k)] = list(item, nil)
		}
		out[operator] = plain
	}
	return out
}

func same(want, have any) bool {
	if _, ok := want.(template.Unknown); ok {
		return true
	}
	switch w := want.(type) {
	case map[string]any:
		h, ok := have.(map[string]any)
		if !ok || len(w) != len(h) {
			return false
		}
		for _, k := range slices.Collect(maps.Keys(w)) {
			if x, there := h[k]; !there || !same(w[k], x) {
				return false
			}
		}
		return true
	case []any:
		h, ok := have.([]any)
		if !ok || len(w) != len(h) {
			return false
		}
		left := slices.Clone(h)
		// Known values first, so that an unknown one takes what they leave.
		for _, item := range slices.SortedFunc(slices.Values(w), func(a, b any) int { return unknown(a) - unknown(b) }) {
			at := slices.IndexFunc(left, func(x any) bool { return same(item, x) })
			if at < 0 {
				return false
			}
			left = slices.Delete(left, at, at+1)
		}
		return true
	}
	return fmt.Sprint(want) == fmt.Sprint(have)
}

func unknown(v any) int {
	if _, ok := v.(template.Unknown); ok {
		return 1
	}
	return 0
}
