package point_test

import (
	"strings"
	"testing"

	"github.com/opensearch-dr/osdr/internal/point"
)

// TestH53_WhatATargetCannotHoldIsForeseen from the recovery point alone.
func TestH53_WhatATargetCannotHoldIsForeseen(t *testing.T) {
	p := point.Point{Indices: []point.Index{
		{Name: "plain"},
		{Name: "sorted", Sorted: true},
		{Name: ".ds-logs-000001", DataStream: "logs", Sorted: true},
		{Name: ".ds-logs-000002", DataStream: "logs", Sorted: true},
		{Name: "words", Files: []string{"analyzers/F1"}},
	}}
	for engine, want := range map[string]string{
		"3.4.0": "sorted logs words", "3.3": "sorted logs words", "3.5.0": "words", "2.19.0": "words", "": "words",
	} {
		var got []string
		for _, f := range point.Foresee(p, engine) {
			got = append(got, f.Unit)
			if f.Cause == "" || f.Hint == "" {
				t.Errorf("%+v", f)
			}
		}
		if strings.Join(got, " ") != want {
			t.Errorf("engine %q: %q, want %q", engine, got, want)
		}
	}
}
