package recovery

import (
	"context"
	"errors"
	"net"
	"net/http"

	"github.com/opensearch-dr/osdr/internal/contract"
	"github.com/opensearch-dr/osdr/internal/opensearch"
)

// patiently turns a failure that passes by itself into a wait, for those who ask
// again every few seconds: one look-up that times out must not fail a deployment
// that has run for half an hour. What only a person can mend stays an error.
func (r *run) patiently(err error) error {
	asked := r.req.Action == contract.ActionPromote || r.req.Action == contract.ActionRelease
	if !asked || !passing(err) || errors.As(err, new(refusal)) || errors.As(err, new(waiting)) {
		return err
	}
	return wait("the next try, after: %v", err)
}

// passing: nobody answered in time, or the service said that it is its own fault
// or that it is asked too often.
func passing(err error) bool {
	var answered interface{ HTTPStatusCode() int } // the SDK's; 0 when nothing came
	var engine *opensearch.Error
	var network net.Error
	switch {
	case errors.As(err, &answered):
		status := answered.HTTPStatusCode()
		return status == 0 || status >= http.StatusInternalServerError || status == http.StatusTooManyRequests
	case errors.As(err, &engine):
		// Not 500: the engine says it of a registration that will never work, too.
		return engine.Status > http.StatusInternalServerError || engine.Status == http.StatusTooManyRequests
	}
	return errors.Is(err, context.DeadlineExceeded) || errors.As(err, &network)
}
