package opensearch

import (
	"net/http"
	"strings"
)

// Refused is one part of a capsule that the engine did not take. It stops none of
// the others.
type Refused struct {
	Part   string // "index template"
	Name   string
	Reason string
	// Unknown says that the outcome is unknown: there was no answer, or only a proxy's. The
	// same call, made again, tells.
	Unknown bool
}

// IsRefusal tells a definite answer of the engine: the same call meets the same
// answer. No answer, a proxy's page, a node that is busy and one without a manager
// are none.
func IsRefusal(err error) bool {
	e, ok := asError(err)
	if !ok {
		return false
	}
	switch e.Status {
	case http.StatusRequestTimeout, http.StatusBadGateway, http.StatusServiceUnavailable, http.StatusGatewayTimeout:
		return false
	case http.StatusTooManyRequests:
		return IsDiskBlocked(err)
	case http.StatusInternalServerError:
		return e.Type != "" && e.Type != typeOf(e.Status)
	}
	return e.Status >= 400 && e.Status < 500
}

// typeOf an answer that names none.
func typeOf(status int) string {
	return strings.ReplaceAll(strings.ToLower(http.StatusText(status)), " ", "_")
}
