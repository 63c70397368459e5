package client

import (
	"bytes"
	"errors"
	"io"
	"net/http"
)

// Buffered sends bodies from memory. The SDK closes a request's body as soon as
// an answer begins; net/http, which looks then whether a byte is left over, takes
// its EOF for a broken request and cuts the answer ("unexpected EOF"). Seen here
// once in some hundred calls, since the cloud answers within a millisecond.
type Buffered struct{ http.RoundTripper }

// RoundTrip implements http.RoundTripper.
func (b Buffered) RoundTrip(r *http.Request) (*http.Response, error) {
	if r.Body == nil || r.Body == http.NoBody {
		return b.RoundTripper.RoundTrip(r)
	}
	body, err := io.ReadAll(r.Body)
	if err := errors.Join(err, r.Body.Close()); err != nil {
		return nil, err
	}
	r = r.Clone(r.Context())
	r.Body = io.NopCloser(bytes.NewReader(body))
	return b.RoundTripper.RoundTrip(r)
}
