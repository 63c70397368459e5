package template

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
)

// Difference between what shall be and what is. An absent side is nil.
type Difference struct {
	Path            string // Properties.Code.S3Key, by dots; list items by [n]
	Expected, Found any
}

// Compare what a template says explicitly with what stands there: what it does
// not say is the service's own affair, as in CloudFormation's drift detection.
// Unknown equals all. Numbers, truth values and texts of one meaning are equal,
// and so are lists in another order: the services answer theirs as they like
// (F33).
func Compare(expected, found any) []Difference {
	return compare("", plain(expected), plain(found))
}

func compare(path string, want, have any) []Difference {
	switch w := want.(type) {
	case Unknown:
		return nil
	case map[string]any:
		h, ok := have.(map[string]any)
		if !ok {
			return []Difference{{path, want, have}}
		}
		var out []Difference
		for _, k := range slices.Sorted(maps.Keys(w)) {
			out = append(out, compare(below(path, k), w[k], h[k])...)
		}
		return out
	case []any:
		h, ok := have.([]any)
		if !ok && len(w) == 0 && have == nil {
			return nil
		}
		if !ok || len(h) != len(w) || !sameItems(w, h) {
			return []Difference{{path, want, have}}
		}
		return nil
	}
	if scalar(want) != scalar(have) {
		return []Difference{{path, want, have}}
	}
	return nil
}

// sameItems in any order.
func sameItems(want, have []any) bool {
	left := slices.Clone(have)
	for _, w := range want {
		at := slices.IndexFunc(left, func(h any) bool { return len(compare("", w, h)) == 0 })
		if at < 0 {
			return false
		}
		left = slices.Delete(left, at, at+1)
	}
	return true
}

func below(path, step string) string {
	if path == "" {
		return step
	}
	return path + "." + step
}

// plain JSON, with Unknown kept.
func plain(v any) any {
	switch v := v.(type) {
	case nil, string, bool, float64, Unknown:
		return v
	case map[string]any:
		out := make(map[string]any, len(v))
		for k, item := range v {
			out[k] = plain(item)
		}
		return out
	case []any:
		out := make([]any, len(v))
		for i, item := range v {
			out[i] = plain(item)
		}
		return out
	}
	b, err := json.Marshal(v)
	if err != nil {
		return fmt.Sprint(v)
	}
	var out any
	if err := json.Unmarshal(b, &out); err != nil {
		return fmt.Sprint(v)
	}
	return out
}

// scalar in one spelling; nothing at all equals an empty text and no.
func scalar(v any) string {
	switch v := v.(type) {
	case nil:
		return ""
	case bool:
		if !v {
			return ""
		}
		return "true"
	case float64:
		return strconv.FormatFloat(v, 'f', -1, 64)
	case string:
		if f, err := strconv.ParseFloat(v, 64); err == nil {
			return strconv.FormatFloat(f, 'f', -1, 64)
		}
		if v == "false" {
			return ""
		}
		return v
	}
	b, _ := json.Marshal(v)
	return string(b)
}

// saidOnce are the properties of the product's questions that one command's flags
// leave behind (H19): a deployment that carried them is no other one.
var saidOnce = []string{"AskedAt", "Explicit", "SwitchFrom", "UnreachableRegion", "AbandonDomain", "AcceptUnverified", "Without", "ExtendPause"}

// Changes from a deployed template to a synthesized one, as CloudFormation would
// see them: metadata and descriptions of the template deploy nothing.
func Changes(deployed, synthesized []byte) ([]Difference, error) {
	var was, shall map[string]any
	if err := json.Unmarshal(deployed, &was); err != nil {
		return nil, fmt.Errorf("read the deployed template: %w", err)
	}
	if err := json.Unmarshal(synthesized, &shall); err != nil {
		return nil, fmt.Errorf("read the synthesized template: %w", err)
	}
	clean(was)
	clean(shall)
	return exact("", shall, was), nil
}

func clean(template map[string]any) {
	for _, key := range []string{"Description", "Metadata", "Rules", "AWSTemplateFormatVersion"} {
		delete(template, key)
	}
	if parameters, ok := template["Parameters"].(map[string]any); ok {
		delete(parameters, "BootstrapVersion")
		if len(parameters) == 0 {
			delete(template, "Parameters")
		}
	}
	resources, _ := template["Resources"].(map[string]any)
	for id, r := range resources {
		resource, _ := r.(map[string]any)
		kind, _ := resource["Type"].(string)
		if kind == "AWS::CDK::Metadata" {
			delete(resources, id)
			continue
		}
		delete(resource, "Metadata")
		if properties, ok := resource["Properties"].(map[string]any); ok && strings.HasPrefix(kind, "Custom::") {
			for _, name := range saidOnce {
				delete(properties, name)
			}
		}
	}
}

// exact comparison of two JSON values, down to the first level that differs.
func exact(path string, want, have any) []Difference {
	w, wok := want.(map[string]any)
	h, hok := have.(map[string]any)
	if !wok || !hok {
		x, _ := json.Marshal(want)
		y, _ := json.Marshal(have)
		if string(x) == string(y) {
			return nil
		}
		return []Difference{{path, want, have}}
	}
	keys := maps.Clone(w)
	maps.Copy(keys, h)
	var out []Difference
	for _, k := range slices.Sorted(maps.Keys(keys)) {
		x, inW := w[k]
		y, inH := h[k]
		switch {
		case inW && inH:
			out = append(out, exact(below(path, k), x, y)...)
		default:
			out = append(out, Difference{below(path, k), x, y})
		}
	}
	return out
}
