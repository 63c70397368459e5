package config

import (
	"fmt"
	"reflect"
	"slices"
	"strconv"
	"strings"
)

// decoder collects every fault instead of stopping at the first, which is why
// it is not encoding/json's.
type decoder struct{ faults []string }

func (d *decoder) fault(format string, args ...any) {
	d.faults = append(d.faults, fmt.Sprintf(format, args...))
}

// object decodes raw into v, a struct, keeping what v has where raw says nothing.
func (d *decoder) object(path string, raw any, v reflect.Value) {
	m, ok := raw.(map[string]any)
	if !ok {
		d.fault("%s is %s; allowed: an object", path, show(raw))
		return
	}
	for _, key := range sorted(m) {
		full := path + "." + key
		f, ok := field(v, key)
		switch {
		case !ok && full == "dr.vpc":
			d.fault("%s is given; a VPC domain is not supported yet, and a public one can never become one: leave it out (D4)", full)
		case !ok:
			d.fault("%s is %s, and the key is unknown%s; allowed: %s", full, show(m[key]), didYouMean(key, fieldNames(v.Type())), strings.Join(fieldNames(v.Type()), ", "))
		default:
			d.value(full, m[key], f)
		}
	}
}

func (d *decoder) value(path string, raw any, v reflect.Value) {
	switch v.Kind() {
	case reflect.Struct:
		d.object(path, raw, v)
	case reflect.String:
		if s, ok := raw.(string); ok {
			v.SetString(s)
			return
		}
		d.fault("%s is %s; allowed: a text", path, show(raw))
	case reflect.Bool:
		if b, ok := raw.(bool); ok {
			v.SetBool(b)
			return
		}
		d.fault("%s is %s; allowed: true, false", path, show(raw))
	case reflect.Int:
		if n, ok := raw.(float64); ok && n == float64(int64(n)) {
			v.SetInt(int64(n))
			return
		}
		d.fault("%s is %s; allowed: a whole number", path, show(raw))
	case reflect.Slice:
		list, ok := raw.([]any)
		if !ok {
			d.fault("%s is %s; allowed: a list of texts", path, show(raw))
			return
		}
		out := reflect.MakeSlice(v.Type(), len(list), len(list))
		for i, item := range list {
			d.value(fmt.Sprintf("%s[%d]", path, i), item, out.Index(i))
		}
		v.Set(out)
	case reflect.Map:
		m, ok := raw.(map[string]any)
		if !ok {
			d.fault("%s is %s; allowed: an object of texts", path, show(raw))
			return
		}
		for _, key := range sorted(m) {
			item := reflect.New(v.Type().Elem()).Elem()
			d.value(path+"."+key, m[key], item)
			put(v, key, item)
		}
	}
}

// override sets one field from `-c dr.<path>=<text>`. A list is separated by
// commas; an entry of a map is one more step of the path.
func (d *decoder) override(key string, raw any, v reflect.Value) {
	text, isText := raw.(string)
	path, at := "dr", v
	steps := strings.Split(strings.TrimPrefix(key, "dr."), ".")
	for i, step := range steps {
		if at.Kind() == reflect.Map && i == len(steps)-1 && isText {
			put(at, step, reflect.ValueOf(text))
			return
		}
		if at.Kind() != reflect.Struct {
			d.fault("-c %s: %s is no object; allowed: -c %s=<value>", key, path, path)
			return
		}
		f, ok := field(at, step)
		if !ok {
			if path+"."+step == "dr.vpc" {
				d.object("dr", map[string]any{"vpc": raw}, v)
				return
			}
			d.fault("%s is %s, and the key is unknown%s; allowed at %s: %s", key, show(raw), didYouMean(step, fieldNames(at.Type())), path, strings.Join(fieldNames(at.Type()), ", "))
			return
		}
		path, at = path+"."+step, f
	}
	if !isText {
		d.value(key, raw, at)
		return
	}
	switch at.Kind() {
	case reflect.String:
		at.SetString(text)
	case reflect.Bool:
		b, err := strconv.ParseBool(text)
		if err != nil {
			d.fault("%s is %q; allowed: true, false", key, text)
			return
		}
		at.SetBool(b)
	case reflect.Int:
		n, err := strconv.Atoi(text)
		if err != nil {
			d.fault("%s is %q; allowed: a whole number", key, text)
			return
		}
		at.SetInt(int64(n))
	case reflect.Slice:
		var list []string
		for item := range strings.SplitSeq(text, ",") {
			if item = strings.TrimSpace(item); item != "" {
				list = append(list, item)
			}
		}
		at.Set(reflect.ValueOf(list))
	default:
		d.fault("-c %s=%s sets a whole object; allowed: -c %s.<field>=<value>, one field each", key, text, key)
	}
}

func put(m reflect.Value, key string, item reflect.Value) {
	if m.IsNil() {
		m.Set(reflect.MakeMap(m.Type()))
	}
	m.SetMapIndex(reflect.ValueOf(key), item)
}

func field(v reflect.Value, key string) (reflect.Value, bool) {
	for i := range v.NumField() {
		if v.Type().Field(i).Tag.Get("json") == key {
			return v.Field(i), true
		}
	}
	return reflect.Value{}, false
}

func fieldNames(t reflect.Type) []string {
	var names []string
	for i := range t.NumField() {
		names = append(names, t.Field(i).Tag.Get("json"))
	}
	return names
}

func sorted(m map[string]any) []string {
	keys := make([]string, 0, len(m))
	for k := range m {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	return keys
}

// show a raw value shortly, as JSON would.
func show(raw any) string {
	switch v := raw.(type) {
	case nil:
		return "null"
	case string:
		return strconv.Quote(v)
	case map[string]any:
		return "an object"
	case []any:
		return "a list"
	}
	return fmt.Sprint(raw)
}

// didYouMean is a hint when one of known is at most two typing errors away.
func didYouMean(got string, known []string) string {
	best, distance := "", 3
	for _, k := range known {
		if d := edits(strings.ToLower(got), strings.ToLower(k)); d < distance {
			best, distance = k, d
		}
	}
	if best == "" {
		return ""
	}
	return fmt.Sprintf(" (did you mean %s?)", best)
}

// edits is the Levenshtein distance.
func edits(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := 1; i <= len(a); i++ {
		diagonal := row[0]
		row[0] = i
		for j := 1; j <= len(b); j++ {
			cost := diagonal
			if a[i-1] != b[j-1] {
				cost++
			}
			diagonal = row[j]
			row[j] = min(row[j]+1, row[j-1]+1, cost)
		}
	}
	return row[len(b)]
}
