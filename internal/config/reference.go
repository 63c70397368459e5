package config

import (
	"fmt"
	"reflect"
	"strings"
)

// Reference is all settings in Markdown. It stands in the README between
// ReferenceBegin and ReferenceEnd, held equal by a test.
func Reference() string {
	var b strings.Builder
	b.WriteString("### `context.dr` in cdk.json\n\n")
	b.WriteString("`-c dr.<field>=<value>` overrides one field for one command; lists are separated by commas.\n\n")
	b.WriteString("| field | default | allowed | meaning |\n|---|---|---|---|\n")
	rows(&b, "dr.", reflect.ValueOf(Defaults()))
	b.WriteString("\n### Flags, given by `-c`\n\n")
	b.WriteString("`activeRegion` also stands in cdk.json, at the top level of the context; the others are said once and are refused there.\n\n")
	b.WriteString("| flag | default | allowed | meaning |\n|---|---|---|---|\n")
	rows(&b, "", reflect.ValueOf(Flags{}))
	return b.String()
}

// ReferenceBegin and ReferenceEnd are the marks around it in the README.
const (
	ReferenceBegin = "<!-- configuration: written by `make golden` -->\n"
	ReferenceEnd   = "<!-- end of configuration -->\n"
)

func rows(b *strings.Builder, path string, v reflect.Value) {
	for i := range v.NumField() {
		f := v.Type().Field(i)
		name := path + f.Tag.Get("json")
		if f.Type.Kind() == reflect.Struct {
			rows(b, name+".", v.Field(i))
			continue
		}
		value := ""
		if !v.Field(i).IsZero() || f.Type.Kind() == reflect.Bool {
			value = fmt.Sprintf("`%v`", v.Field(i))
		}
		// A reader in a browser would lose <...> as HTML.
		text := strings.NewReplacer("<", "&lt;", ">", "&gt;")
		fmt.Fprintf(b, "| `%s` | %s | %s | %s |\n", name, value, text.Replace(f.Tag.Get("allowed")), text.Replace(f.Tag.Get("doc")))
	}
}
