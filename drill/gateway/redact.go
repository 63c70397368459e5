package gateway

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"regexp"
	"strings"
)

// automatedRepository is where the service keeps its own snapshots of a domain.
// Its settings concern the service alone.
const automatedRepository = "cs-automated-enc"

// internals of the nodes that the service leaves out of its answers: file paths,
// operating system, addresses (supported-operations.html, "Settings and
// statistics": "OpenSearch Service redacts certain information that exposes
// service internals").
var internals = map[string]bool{
	"path": true, "mount": true, "pretty_name": true, "transport_address": true, "publish_address": true, "bound_address": true,
	"host": true, "ip": true, "http_address": true,
}

// ownDefaults of the nodes, by their first word.
var ownDefaults = regexp.MustCompile(`^(?:path|node|network|http|transport|s3|discovery|bootstrap|plugins\.security)(?:\.|$)`)

var nodeAddress = regexp.MustCompile(`\b127\.0\.0\.1(?::\d+)?\b`)

// redactor of an answer, nil where the service leaves the engine's answer alone.
func redactor(r *http.Request) func([]byte) []byte {
	if r.Method != http.MethodGet {
		return nil
	}
	parts := strings.FieldsFunc(r.URL.Path, func(c rune) bool { return c == '/' })
	if len(parts) == 0 {
		return nil
	}
	at := func(i int) string {
		if i < len(parts) {
			return parts[i]
		}
		return ""
	}
	switch first := parts[0]; {
	case first == "_nodes":
		return asJSON(func(v any) any { return without(v, internals, "os") })
	case first == "_cat":
		return func(b []byte) []byte { return nodeAddress.ReplaceAll(b, []byte("x.x.x.x")) }
	case first == "_cluster" && at(1) == "state", at(1) == "_recovery", first == "_recovery":
		return func(b []byte) []byte { return nodeAddress.ReplaceAll(b, []byte("x.x.x.x")) }
	case first == "_cluster" && at(1) == "settings":
		return asJSON(func(v any) any {
			if all, ok := v.(map[string]any); ok {
				for _, scope := range []string{"defaults", "persistent", "transient"} {
					if settings, ok := all[scope].(map[string]any); ok {
						withoutOwn(settings, "")
					}
				}
			}
			return v
		})
	case first == "_snapshot" && len(parts) <= 2:
		return asJSON(func(v any) any {
			if all, ok := v.(map[string]any); ok && all[automatedRepository] != nil {
				all[automatedRepository] = map[string]any{"type": "s3"}
			}
			return v
		})
	}
	return nil
}

// without fields of these names at any depth, and the operating system's name and
// version below the field named.
func without(v any, names map[string]bool, system string) any {
	switch v := v.(type) {
	case map[string]any:
		for name, value := range v {
			if names[name] {
				delete(v, name)
				continue
			}
			if inner, ok := value.(map[string]any); ok && name == system {
				for _, own := range []string{"name", "version", "arch"} {
					delete(inner, own)
				}
			}
			without(value, names, system)
		}
	case []any:
		for _, value := range v {
			without(value, names, system)
		}
	}
	return v
}

// withoutOwn settings, flat or expanded.
func withoutOwn(settings map[string]any, prefix string) {
	for key, value := range settings {
		full := prefix + key
		if ownDefaults.MatchString(full) {
			delete(settings, key)
			continue
		}
		if inner, ok := value.(map[string]any); ok {
			withoutOwn(inner, full+".")
		}
	}
}

// asJSON changes an answer that is JSON and leaves any other.
func asJSON(change func(any) any) func([]byte) []byte {
	return func(b []byte) []byte {
		decoder := json.NewDecoder(bytes.NewReader(b))
		decoder.UseNumber()
		var v any
		if decoder.Decode(&v) != nil {
			return b
		}
		var out bytes.Buffer
		encoder := json.NewEncoder(&out)
		encoder.SetEscapeHTML(false)
		if encoder.Encode(change(v)) != nil {
			return b
		}
		return out.Bytes()
	}
}

// rewritten answer.
func rewritten(resp *http.Response, change func([]byte) []byte) error {
	body, err := io.ReadAll(resp.Body)
	_ = resp.Body.Close()
	if err != nil {
		return fmt.Errorf("read the node's answer: %w", err)
	}
	body = change(body)
	resp.Body, resp.ContentLength = io.NopCloser(bytes.NewReader(body)), int64(len(body))
	resp.Header.Del("Content-Length")
	return nil
}

// shownVersion is GET /, whose version is the one that the domain was asked for.
func shownVersion(version string) func([]byte) []byte {
	number := regexp.MustCompile(`("number"\s*:\s*")[^"]*(")`)
	return func(b []byte) []byte { return number.ReplaceAll(b, []byte("${1}"+version+"${2}")) }
}
