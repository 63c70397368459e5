package emulator

import (
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/opensearch-dr/osdr/drill/gateway"
)

// What the side door answers is tested on the real emulator (drill/cloud); here
// only what the client makes of an answer.
func TestSideDoorErrors(t *testing.T) {
	for _, row := range []struct {
		name   string
		status int
		body   string
		want   error
	}{
		{"a key that is nobody's", http.StatusNotFound, `{"error":"no such key"}`, gateway.ErrUnknownKey},
		{"a broken side door is no unknown key", http.StatusInternalServerError, `{"error":"KeyError: x"}`, nil},
		{"no JSON", http.StatusOK, `<html>`, nil},
	} {
		t.Run(row.name, func(t *testing.T) {
			server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
				w.WriteHeader(row.status)
				_, _ = w.Write([]byte(row.body))
			}))
			defer server.Close()
			_, err := NewSideDoor(server.URL).Identify(t.Context(), "AKIAEXAMPLE")
			if err == nil {
				t.Fatal("no error")
			}
			if errors.Is(err, gateway.ErrUnknownKey) != (row.want != nil) {
				t.Errorf("got %v, want %v", err, row.want)
			}
		})
	}
}

func TestSideDoorAsksAsAService(t *testing.T) {
	var asked map[string]string
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if err := json.NewDecoder(r.Body).Decode(&asked); err != nil {
			t.Error(err)
		}
		w.WriteHeader(http.StatusForbidden)
		_, _ = w.Write([]byte(`{"error":"the trust policy does not let it"}`))
	}))
	defer server.Close()
	_, err := NewSideDoor(server.URL).AssumeForService(t.Context(), "arn:aws:iam::000000000000:role/x", "s", "es.amazonaws.com", "arn:source", "000000000000")
	if !errors.Is(err, ErrRefused) {
		t.Errorf("got %v, want ErrRefused", err)
	}
	if asked["service"] != "es.amazonaws.com" || asked["sourceArn"] != "arn:source" || asked["sourceAccount"] != "000000000000" {
		t.Errorf("asked %v", asked)
	}
}
