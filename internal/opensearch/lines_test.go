package opensearch_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	"github.com/opensearch-dr/osdr/internal/opensearch"
)

// measured is a client of an engine that takes request lines of 4,096 bytes, as
// http.max_initial_line_length has it and the service lets nobody change. It
// answers the longest line, and the names of all paths.
func measured(t *testing.T, answer func(r *http.Request) string) (*opensearch.Client, *int) {
	longest := 0
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		line := len(r.Method) + 1 + len(r.RequestURI) + len(" HTTP/1.1")
		longest = max(longest, line)
		w.Header().Set("Content-Type", "application/json")
		if line > 4096 {
			w.WriteHeader(http.StatusBadRequest)
			_, _ = fmt.Fprint(w, `{"error":{"type":"too_long_http_line_exception","reason":"An HTTP line is larger than 4096 bytes."},"status":400}`)
			return
		}
		_, _ = fmt.Fprint(w, answer(r))
	}))
	t.Cleanup(s.Close)
	c, err := opensearch.New(opensearch.Config{Endpoint: s.URL})
	if err != nil {
		t.Fatal(err)
	}
	return c, &longest
}

// A name has up to 255 bytes, and a path escapes each above 127 to three.
func TestH67_LinesAreCutByEscapedBytes(t *testing.T) {
	for what, name := range map[string]string{"Cyrillic": strings.Repeat("журнал", 8), "255 bytes": strings.Repeat("日", 79) + "-of-x", "ASCII": strings.Repeat("a", 240)} {
		var list []string
		for n := range 40 {
			list = append(list, name+fmt.Sprint("-", n))
		}
		var asked []string
		c, longest := measured(t, func(r *http.Request) string {
			path := strings.TrimPrefix(r.URL.Path, "/_cluster/state/routing_table")
			path = strings.TrimSuffix(strings.TrimSuffix(strings.TrimPrefix(path, "/"), "/_recovery"), "/_settings")
			got := strings.Split(path, ",")
			if !strings.Contains(r.URL.Path, "/_recovery") {
				asked = append(asked, got...)
			}
			var tables []string
			for _, n := range got {
				tables = append(tables, fmt.Sprintf("%q:{\"shards\":{\"0\":[{\"state\":\"STARTED\",\"primary\":true}]}}", n))
			}
			return `{"routing_table":{"indices":{` + strings.Join(tables, ",") + `}}}`
		})
		progress, err := c.Progress(t.Context(), list)
		if err != nil || len(progress) != len(list) || !slices.Equal(asked, list) {
			t.Errorf("%s: %v, %d of %d", what, err, len(progress), len(list))
		}
		asked = nil
		if err := c.SetWriteBlock(t.Context(), list, true); err != nil || !slices.Equal(asked, list) {
			t.Errorf("%s: %v, %d of %d", what, err, len(asked), len(list))
		}
		if *longest > 3500 {
			t.Errorf("%s: a line of %d bytes", what, *longest)
		}
	}
}

// All indexes that block their metadata stand in one path of exclusions, as long as
// one takes them.
func TestH67_ManyIndexesThatBlockTheirMetadata(t *testing.T) {
	for _, many := range []int{50, 150, 1000} {
		counted := map[string]bool{}
		c, longest := measured(t, func(r *http.Request) string {
			if strings.HasPrefix(r.URL.Path, "/_cluster/state") {
				var list []string
				for n := range many {
					list = append(list, fmt.Sprintf(`"archive-of-the-year-%04d-part-a":{"state":"open","settings":{"index":{"uuid":"u%d","number_of_shards":"1","number_of_replicas":"1","blocks":{"metadata":"true"}}}}`, n, n))
				}
				for n := range 200 {
					list = append(list, fmt.Sprintf(`"open-%04d":{"state":"open","settings":{"index":{"uuid":"o%d","number_of_shards":"1","number_of_replicas":"1"}}}`, n, n))
				}
				return `{"metadata":{"indices":{` + strings.Join(list, ",") + `}}}`
			}
			path, stats := strings.CutSuffix(r.URL.Path, "/_stats/docs,store")
			if !stats {
				return `{}`
			}
			var list []string
			for n := range 200 {
				name := fmt.Sprintf("open-%04d", n)
				if strings.HasPrefix(path, "/*") || slices.Contains(strings.Split(strings.TrimPrefix(path, "/"), ","), name) {
					list = append(list, fmt.Sprintf(`%q:{"uuid":"o%d","shards":{"0":[{"routing":{"primary":true},"docs":{"count":1},"seq_no":{"max_seq_no":7}}]}}`, name, n))
					counted[name] = true
				}
			}
			return `{"indices":{` + strings.Join(list, ",") + `}}`
		})
		all, err := c.Indices(t.Context())
		if err != nil || len(all) != many+200 || *longest > 3500 {
			t.Errorf("%d: %v, %d indexes, a line of %d bytes", many, err, len(all), *longest)
		}
		for _, i := range all {
			if told := len(i.Shards) == 1; told != strings.HasPrefix(i.Name, "open-") {
				t.Errorf("%d: %s has numbers: %v", many, i.Name, told)
			}
		}
	}
}
