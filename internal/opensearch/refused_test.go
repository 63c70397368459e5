package opensearch_test

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/opensearch-dr/osdr/internal/opensearch"
)

// TestH54_EachPartIsPutByItself: what is refused stops nothing, and a proxy's answer
// is no refusal.
func TestH54_EachPartIsPutByItself(t *testing.T) {
	answers := map[string]struct {
		status int
		body   string
	}{
		"/_ingest/pipeline/bad":          {400, `{"error":{"type":"parse_exception","reason":"No processor type exists with name [x]"},"status":400}`},
		"/_component_template/bad":       {403, `{"error":{"type":"security_exception","reason":"no permissions for [cluster:admin/component_template/put]"},"status":403}`},
		"/_index_template/bad":           {500, `{"error":{"type":"null_pointer_exception","reason":"null"},"status":500}`},
		"/_template/bad":                 {504, `<html>504 Gateway Time-out</html>`},
		"/_scripts/bad":                  {500, `<html>500 Internal Server Error</html>`},
		"/_plugins/_ism/policies/bad":    {503, `{"error":{"type":"cluster_manager_not_discovered_exception","reason":null},"status":503}`},
		"/_plugins/_ism/policies/policy": {429, `{"error":{"type":"circuit_breaking_exception","reason":"[parent] Data too large"},"status":429}`},
	}
	var asked []string
	client := serve(t, func(w http.ResponseWriter, r *http.Request) {
		asked = append(asked, r.URL.Path)
		if a, bad := answers[r.URL.Path]; bad {
			w.WriteHeader(a.status)
			_, _ = io.WriteString(w, a.body)
			return
		}
		_, _ = io.WriteString(w, `{"acknowledged":true}`)
	})
	two := func() map[string]map[string]any { return map[string]map[string]any{"bad": {}, "good": {}} }
	refused, err := client.PutCapsule(t.Context(), opensearch.Capsule{
		StoredScripts: two(), IngestPipelines: two(), ComponentTemplates: two(), IndexTemplates: two(), LegacyTemplates: two(),
		ISMPolicies: map[string]map[string]any{"bad": {}, "good": {}, "policy": {}},
	})
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, r := range refused {
		got = append(got, fmt.Sprintf("%s %s %v", r.Part, r.Name, r.Unknown))
	}
	want := []string{"stored script bad true", "ingest pipeline bad false", "component template bad false", "index template bad false", "legacy template bad true", "ISM policy bad true", "ISM policy policy true"}
	if !slices.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
	if good := len(slices.DeleteFunc(slices.Clone(asked), func(p string) bool { return !strings.HasSuffix(p, "/good") })); good != 6 {
		t.Errorf("%d of 6 good ones are put: %v", good, asked)
	}
}

// A domain that does not answer is not asked a thousand times.
func TestH54_ADomainThatDoesNotAnswerEndsTheReplay(t *testing.T) {
	asked := 0
	client := serve(t, func(w http.ResponseWriter, _ *http.Request) {
		asked++
		w.WriteHeader(http.StatusGatewayTimeout)
	})
	many := map[string]map[string]any{}
	for n := range 50 {
		many[fmt.Sprint(n)] = map[string]any{}
	}
	refused, err := client.PutCapsule(t.Context(), opensearch.Capsule{LegacyTemplates: many})
	if err == nil || !opensearch.IsGatewayTimeout(err) || len(refused) != asked || asked > 3 {
		t.Errorf("%d calls, %d told, %v", asked, len(refused), err)
	}
}

func TestRefusalIsADefiniteAnswer(t *testing.T) {
	for _, c := range []struct {
		err  error
		want bool
	}{
		{nil, false}, {errors.New("connection reset by peer"), false},
		{&opensearch.Error{Status: 400, Type: "x"}, true}, {&opensearch.Error{Status: 401, Type: "unauthorized"}, true}, {&opensearch.Error{Status: 404, Type: "x"}, true},
		{&opensearch.Error{Status: 408}, false}, {&opensearch.Error{Status: 429, Type: "cluster_block_exception"}, true}, {&opensearch.Error{Status: 429, Type: "rejected_execution_exception"}, false},
		{&opensearch.Error{Status: 500, Type: "illegal_state_exception"}, true}, {&opensearch.Error{Status: 500, Type: "internal_server_error"}, false},
		{&opensearch.Error{Status: 502, Type: "bad_gateway"}, false}, {&opensearch.Error{Status: 503, Type: "x"}, false}, {&opensearch.Error{Status: 504}, false},
		{fmt.Errorf("put it: %w", &opensearch.Error{Status: 403, Type: "x"}), true},
	} {
		if got := opensearch.IsRefusal(c.err); got != c.want {
			t.Errorf("%v: %v", c.err, got)
		}
	}
}
