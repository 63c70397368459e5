package opensearch_test

import (
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/opensearch-dr/osdr/internal/opensearch"
)

func TestH12_RestoreNamesEachStreamSoThatNothingElseFits(t *testing.T) {
	all := opensearch.Snapshot{
		Indices: []string{
			".ds-logs-000001", ".ds-logs-000002", ".ds-logs-more-000001", ".ds-my-logs-000001", ".ds-lo-gs-000001", "logs2", "movies", "amovies",
		},
		DataStreams: []string{"logs", "logs-more", "my-logs", "lo-gs"},
	}
	for _, c := range []struct {
		name             string
		indices, streams []string
		want             []string
	}{
		{"indexes only", []string{"movies"}, nil, []string{"movies"}},
		{"a stream that others begin and end with", nil, []string{"logs"}, []string{".ds-logs-000001", ".ds-logs-000002", "log*s"}},
		{"a stream beside its like", nil, []string{"logs-more"}, []string{".ds-logs-more-000001", "logs-more*"}},
		{"with the likes, any pattern does", []string{"logs2"}, []string{"logs", "logs-more"},
			[]string{"logs2", ".ds-logs-000001", ".ds-logs-000002", ".ds-logs-more-000001", "logs*", "logs-more*"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			var body map[string]any
			client := serve(t, func(w http.ResponseWriter, r *http.Request) {
				_ = json.NewDecoder(r.Body).Decode(&body)
				if r.URL.RawQuery != "wait_for_completion=false" {
					t.Errorf("it waits: %s", r.URL)
				}
				_, _ = io.WriteString(w, `{"accepted":true}`)
			})
			err := client.Restore(t.Context(), "r", "s", opensearch.RestoreRequest{Indices: c.indices, DataStreams: c.streams, All: all, WriteBlock: true})
			if err != nil {
				t.Fatal(err)
			}
			var got []string
			for _, n := range body["indices"].([]any) {
				got = append(got, n.(string))
			}
			if !slices.Equal(got, c.want) {
				t.Errorf("got %v, want %v", got, c.want)
			}
			if body["include_global_state"] != false || body["include_aliases"] != false || body["partial"] != false {
				t.Errorf("%v", body)
			}
		})
	}
}

func TestH12_AStreamThatNoPatternTellsApartIsRefused(t *testing.T) {
	client := serve(t, func(http.ResponseWriter, *http.Request) { t.Error("it asked") })
	err := client.Restore(t.Context(), "r", "s", opensearch.RestoreRequest{
		DataStreams: []string{"aa"}, All: opensearch.Snapshot{DataStreams: []string{"aa", "aab", "baa", "aba"}},
	})
	if err == nil || !strings.Contains(err.Error(), "restore those too") {
		t.Error(err)
	}
}

func TestRemoveTakesNoPattern(t *testing.T) {
	client := serve(t, func(http.ResponseWriter, *http.Request) { t.Error("it asked") })
	for _, name := range []string{"", "*", "_all", "a*", "a,b", "-a"} {
		if client.RemoveIndex(t.Context(), name) == nil || client.RemoveDataStream(t.Context(), name) == nil {
			t.Errorf("%q was removed", name)
		}
	}
}

func TestH8_BlockTellsWhatIsNotDrained(t *testing.T) {
	for answer, want := range map[string]error{
		`{"acknowledged":true,"shards_acknowledged":true,"indices":[{"name":"a","blocked":true}]}`:               nil,
		`{"acknowledged":true,"shards_acknowledged":false,"indices":[{"name":"a","blocked":true}]}`:              opensearch.ErrNotDrained,
		`{"acknowledged":true,"shards_acknowledged":true,"indices":[{"name":"a","blocked":false}]}`:              opensearch.ErrNotDrained,
		`{"acknowledged":true,"shards_acknowledged":false,"indices":[]}`:                                         opensearch.ErrAlreadyBlocked,
		`401{"Message":"Your request: '/a/_block/write' is not allowed."}`:                                       opensearch.ErrNotOffered,
		`400{"error":"no handler found for uri [/a/_block/write] and method [PUT]"}`:                             opensearch.ErrNotOffered,
		`400{"error":{"type":"x","reason":"cannot add a block to the following data stream write indices [a]"}}`: opensearch.ErrWriteIndex,
	} {
		client := serve(t, func(w http.ResponseWriter, _ *http.Request) {
			body := answer
			for status, code := range map[string]int{"401": 401, "400": 400} {
				if rest, ok := strings.CutPrefix(body, status); ok {
					w.WriteHeader(code)
					body = rest
				}
			}
			_, _ = io.WriteString(w, body)
		})
		if err := client.Block(t.Context(), "a"); !errors.Is(err, want) {
			t.Errorf("%s: %v", answer, err)
		}
	}
}

func TestH23_CloseTellsWhatIsNotClosed(t *testing.T) {
	for answer, want := range map[string]string{
		`{"acknowledged":true,"shards_acknowledged":true,"indices":{"a":{"closed":true}}}`:                            "",
		`{"acknowledged":true,"shards_acknowledged":false,"indices":{}}`:                                              "",
		`{"acknowledged":false,"shards_acknowledged":false,"indices":{"a":{"closed":false}}}`:                         "does not confirm",
		`{"acknowledged":true,"shards_acknowledged":false,"indices":{"a":{"closed":false}}}`:                          "does not confirm",
		`401{"Message":"Your request: '/a/_close' is not allowed."}`:                                                  opensearch.ErrNotOffered.Error(),
		`400{"error":"no handler found for uri [/a/_close] and method [POST]"}`:                                       opensearch.ErrNotOffered.Error(),
		`400{"error":{"type":"x","reason":"cannot close the following data stream write indices [a]"}}`:               opensearch.ErrWriteIndex.Error(),
		`400{"error":{"type":"snapshot_in_progress_exception","reason":"Cannot delete or close indices [[a/uuid]]"}}`: "snapshot_in_progress_exception",
	} {
		client := serve(t, func(w http.ResponseWriter, r *http.Request) {
			if r.Method != http.MethodPost || r.URL.RequestURI() != "/a/_close" {
				t.Errorf("%s %s", r.Method, r.URL)
			}
			body := answer
			for status, code := range map[string]int{"401": 401, "400": 400} {
				if rest, ok := strings.CutPrefix(body, status); ok {
					w.WriteHeader(code)
					body = rest
				}
			}
			_, _ = io.WriteString(w, body)
		})
		if err := client.Close(t.Context(), "a"); (err == nil) != (want == "") || err != nil && !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", answer, err)
		}
	}
}

func TestAutoCreateTellsWhatIsInForce(t *testing.T) {
	for answer, want := range map[string]string{
		`{"persistent":{},"transient":{}}`:                                                                      "",
		`{"persistent":{"action.auto_create_index":"false"},"transient":{}}`:                                    "false",
		`{"persistent":{"action.auto_create_index":"false"},"transient":{"action.auto_create_index":"+a*,-*"}}`: "+a*,-*",
		`{"persistent":{"action.auto_create_index":["+a*","-*"]}}`:                                              "+a*,-*",
	} {
		client := serve(t, func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, answer) })
		value, set, err := client.AutoCreate(t.Context())
		if err != nil || value != want || set != (want != "") {
			t.Errorf("%s: %q, %v, %v", answer, value, set, err)
		}
	}
}

func TestISMIsReadFromSettingsAndDefaults(t *testing.T) {
	const key = `"plugins.index_state_management.enabled"`
	for answer, want := range map[string]bool{
		`{"defaults":{` + key + `:"true"}}`:                                     true,
		`{"persistent":{` + key + `:"false"}}`:                                  false,
		`{"persistent":{` + key + `:"false"},"transient":{` + key + `:"true"}}`: true,
	} {
		client := serve(t, func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, answer) })
		if on, err := client.ISM(t.Context()); err != nil || on != want {
			t.Errorf("%s: %v, %v", answer, on, err)
		}
	}
}

func TestPolicyThatIsThereIsReplaced(t *testing.T) {
	var asked []string
	client := serve(t, func(w http.ResponseWriter, r *http.Request) {
		asked = append(asked, r.Method+" "+r.URL.RequestURI())
		body, _ := io.ReadAll(r.Body)
		if strings.Contains(string(body), "policy_id") || strings.Contains(string(body), "last_updated_time") {
			t.Errorf("stamps are sent back: %s", body)
		}
		switch {
		case r.Method == http.MethodGet:
			_, _ = io.WriteString(w, `{"_id":"keep","_seq_no":7,"_primary_term":2}`)
		case r.URL.RawQuery == "":
			w.WriteHeader(http.StatusConflict)
			_, _ = io.WriteString(w, `{"error":{"type":"version_conflict_engine_exception","reason":"document already exists"}}`)
		default:
			_, _ = io.WriteString(w, `{}`)
		}
	})
	policy := map[string]any{"policy_id": "keep", "last_updated_time": 1, "states": []any{}}
	notices, err := client.PutCapsule(t.Context(), opensearch.Capsule{ISMPolicies: map[string]map[string]any{"keep": policy}})
	const path = "/_plugins/_ism/policies/keep"
	want := []string{"PUT " + path, "GET " + path, "PUT " + path + "?if_primary_term=2&if_seq_no=7"}
	if err != nil || len(notices) != 0 || !slices.Equal(asked, want) {
		t.Errorf("%v, %v, asked %v", notices, err, asked)
	}
	if policy["policy_id"] != "keep" {
		t.Error("the caller's capsule was changed")
	}
}

func TestWritingIsNotToldByHalf(t *testing.T) {
	for answer, want := range map[string]string{
		`{"nodes":{}}`: "",
		`{"nodes":{"n":{"tasks":{"n:7":{"action":"indices:data/write/bulk"}}}}}`: "n:7 indices:data/write/bulk",
		`{"node_failures":[{"type":"failed_node_exception"}],"nodes":{}}`:        "error",
		`{"task_failures":[{"reason":{"type":"x"}}],"nodes":{}}`:                 "error",
	} {
		client := serve(t, func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, answer) })
		list, err := client.Writing(t.Context())
		if (err != nil) != (want == "error") || err == nil && strings.Join(list, ",") != want {
			t.Errorf("%s: %v, %v", answer, list, err)
		}
	}
}

func TestF6_F12_Refusals(t *testing.T) {
	for reason, is := range map[string]func(error) bool{
		"[r:s/u] the snapshot was created with OpenSearch version [3.4.0] which is higher than the version of this node [2.19.0]":                                opensearch.IsTooNew,
		"[r:s/u] cannot restore index [.kibana_1] because an open index with same name already exists in the cluster. Either close or delete the existing index": opensearch.IsIndexInTheWay,
	} {
		err := error(&opensearch.Error{Status: 500, Type: "snapshot_restore_exception", Reason: reason})
		if !is(err) || opensearch.IsTooNew(err) == opensearch.IsIndexInTheWay(err) {
			t.Errorf("%s", reason)
		}
	}
}

// The managed service takes only payloads that it knows, and an engine that was upgraded
// may refuse all: both are the same the next time.
func TestH75_ARefusedSettingIsToldFromAFailure(t *testing.T) {
	for answer, want := range map[string]error{
		`401{"Message":"Your request: '/_cluster/settings' payload is not allowed."}`:                                            opensearch.ErrNotOffered,
		`403{"Message":"Your request: '/_cluster/settings' payload is not allowed."}`:                                            opensearch.ErrNotOffered,
		`403{"error":{"type":"security_exception","reason":"no permissions for [cluster:admin/settings/update]"}}`:               nil,
		`400{"error":{"type":"settings_exception","reason":"unknown setting [archived.plugins.x] please check"}}`:                opensearch.ErrArchivedSettings,
		`400{"error":{"type":"illegal_argument_exception","reason":"unknown setting [archived.plugins.x] did you mean any of"}}`: opensearch.ErrArchivedSettings,
		`400{"error":{"type":"settings_exception","reason":"unknown setting [plugins.x]"}}`:                                      nil,
		`504{"message":"Gateway Time-out"}`: nil,
	} {
		client := serve(t, func(w http.ResponseWriter, r *http.Request) {
			if r.Method == http.MethodGet {
				_, _ = io.WriteString(w, `{"persistent":{},"transient":{}}`)
				return
			}
			code, err := strconv.Atoi(answer[:3])
			if err != nil {
				t.Error(err)
			}
			w.WriteHeader(code)
			_, _ = io.WriteString(w, answer[3:])
		})
		for _, err := range []error{client.SetAutoCreate(t.Context(), "-*", true), client.SetAutoCreate(t.Context(), "", false), client.SetISM(t.Context(), false)} {
			if err == nil || want != nil && !errors.Is(err, want) || opensearch.IsSettingRefused(err) != (want != nil) || opensearch.IsArchived(err) != errors.Is(want, opensearch.ErrArchivedSettings) {
				t.Errorf("%s: %v", answer, err)
			}
		}
	}
}

// A transient setting is named only where one is set, and a value that the service does
// not take away is set to the engine's default.
func TestH75_OnlyWhatIsNeededIsSent(t *testing.T) {
	for _, c := range []struct {
		name, have string
		refuses    string // a payload with this text
		set        bool
		want       []string
	}{
		{"no transient value", `{"persistent":{},"transient":{}}`, "", true, []string{`{"persistent":{"action.auto_create_index":"-*"}}`}},
		{"a transient value", `{"persistent":{},"transient":{"action.auto_create_index":"true"}}`, "", true,
			[]string{`{"persistent":{"action.auto_create_index":"-*"},"transient":{"action.auto_create_index":null}}`}},
		{"a removal", `{"persistent":{"action.auto_create_index":"-*"},"transient":{}}`, "", false, []string{`{"persistent":{"action.auto_create_index":null}}`}},
		{"a removal that is not taken", `{"persistent":{"action.auto_create_index":"-*"},"transient":{}}`, "null", false,
			[]string{`{"persistent":{"action.auto_create_index":null}}`, `{"persistent":{"action.auto_create_index":"true"}}`}},
	} {
		var sent []string
		client := serve(t, func(w http.ResponseWriter, r *http.Request) {
			if r.Method == http.MethodGet {
				_, _ = io.WriteString(w, c.have)
				return
			}
			body, _ := io.ReadAll(r.Body)
			sent = append(sent, string(body))
			if c.refuses != "" && strings.Contains(string(body), c.refuses) {
				w.WriteHeader(http.StatusUnauthorized)
				_, _ = io.WriteString(w, `{"Message":"Your request: '/_cluster/settings' payload is not allowed."}`)
			}
		})
		if err := client.SetAutoCreate(t.Context(), "-*", c.set); err != nil || !slices.Equal(sent, c.want) {
			t.Errorf("%s: %v, sent %v", c.name, err, sent)
		}
	}
}

func TestH75_ArchivedSettingsAreRead(t *testing.T) {
	client := serve(t, func(w http.ResponseWriter, _ *http.Request) {
		_, _ = io.WriteString(w, `{"persistent":{"archived.b":"1","cluster.x":"1"},"transient":{"archived.a":"1","archived.b":"1"}}`)
	})
	names, err := client.ArchivedSettings(t.Context())
	if err != nil || !slices.Equal(names, []string{"archived.a", "archived.b"}) {
		t.Errorf("%v, %v", names, err)
	}
}
