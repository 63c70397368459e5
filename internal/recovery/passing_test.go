package recovery_test

import (
	"context"
	"errors"
	"fmt"
	"testing"

	"github.com/opensearch-dr/osdr/internal/contract"
	"github.com/opensearch-dr/osdr/internal/opensearch"
	"github.com/opensearch-dr/osdr/internal/opensearch/opensearchtest"
)

// One look-up that times out must not fail a deployment that has run for half an
// hour; what only a person can mend is said at once.
func TestG7_AFailureThatPassesIsWaitedFor(t *testing.T) {
	for name, c := range map[string]struct {
		err  error
		wait bool
	}{
		"no answer in time": {fmt.Errorf("read: %w", context.DeadlineExceeded), true},
		"overloaded":        {&opensearch.Error{Step: "read", Status: 429, Type: "rejected_execution_exception"}, true},
		"no node":           {&opensearch.Error{Step: "read", Status: 503, Type: "process_cluster_event_timeout_exception"}, true},
		"not allowed":       {&opensearch.Error{Step: "read", Status: 400, Type: "illegal_argument_exception"}, false},
		"will never work":   {&opensearch.Error{Step: "read", Status: 500, Type: "repository_exception"}, false},
		"anything else":     {errors.New("malformed"), false},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			w.domain(east, 1)
			w.clusters[east].Intercept(func(call string) opensearchtest.Verdict {
				if call == "Role" {
					return opensearchtest.Verdict{Before: c.err}
				}
				return opensearchtest.Verdict{}
			})
			s, err := w.ask(east, contract.RecoveryRequest{Action: contract.ActionPromote, Wish: wish(east)})
			switch {
			case c.wait && (err != nil || s.WaitingFor == ""):
				t.Errorf("it is not waited for: %+v %v", s, err)
			case !c.wait && err == nil:
				t.Errorf("it is not said: %+v", s)
			}
		})
	}
}
