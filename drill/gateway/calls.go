package gateway

import (
	"encoding/json"
	"io"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"
)

// Call that went through the gateway: no body, no query string and no
// credential is ever in it.
type Call struct {
	Time         time.Time `json:"time"`
	Front        string    `json:"front"` // aws, domain, s3 or connect
	Caller       string    `json:"caller,omitempty"`
	Function     string    `json:"function,omitempty"`
	CallerRegion string    `json:"callerRegion,omitempty"`
	TargetRegion string    `json:"targetRegion,omitempty"` // a global service's name for iam, sts, route53
	Service      string    `json:"service,omitempty"`
	Action       string    `json:"action,omitempty"` // the API's action, where the protocol names it
	Method       string    `json:"method"`
	Host         string    `json:"host,omitempty"`
	Path         string    `json:"path"`
	Status       int       `json:"status,omitempty"` // 0: no answer was given
	Effect       string    `json:"effect,omitempty"` // what an outage or the gateway did to it
	BytesIn      int64     `json:"bytesIn"`
	BytesOut     int64     `json:"bytesOut"`
	Millis       int64     `json:"millis"`
}

// Filter of calls: every field that is set must be equal, Since is inclusive,
// Match has the last word.
type Filter struct {
	Front, Caller, Function, CallerRegion, TargetRegion, Service, Action, Method string
	PathPrefix                                                                   string
	Since                                                                        time.Time
	Match                                                                        func(Call) bool
}

func (f Filter) fits(c Call) bool {
	for _, p := range [][2]string{{f.Front, c.Front}, {f.Caller, c.Caller}, {f.Function, c.Function},
		{f.CallerRegion, c.CallerRegion}, {f.TargetRegion, c.TargetRegion}, {f.Service, c.Service},
		{f.Action, c.Action}, {f.Method, c.Method}} {
		if p[0] != "" && p[0] != p[1] {
			return false
		}
	}
	return strings.HasPrefix(c.Path, f.PathPrefix) && !c.Time.Before(f.Since) && (f.Match == nil || f.Match(c))
}

// keptCalls bounds the memory of a long drill; the log on disk has them all.
const keptCalls = 200_000

type callLog struct {
	mu    sync.Mutex
	out   io.Writer
	calls []Call
}

func (l *callLog) add(c Call) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(l.calls) >= keptCalls {
		l.calls = slices.Clone(l.calls[keptCalls/2:]) // whoever reads the old ones goes on
	}
	l.calls = append(l.calls, c)
	if l.out != nil {
		// A full disk must not stop the drill; the calls in memory are what is asserted.
		_ = json.NewEncoder(l.out).Encode(c)
	}
}

// Calls that fit, in the order in which they ended. A call that is held by a
// silent outage is there when it ends.
func (g *Gateway) Calls(f Filter) []Call {
	g.log.mu.Lock()
	calls := g.log.calls // nothing in it is ever changed
	g.log.mu.Unlock()
	var found []Call
	for _, c := range calls { // without the lock: a Match may call through the gateway itself
		if f.fits(c) {
			found = append(found, c)
		}
	}
	return found
}

// begin a call; end writes it down.
func (g *Gateway) begin(front string, r *http.Request) *Call {
	return &Call{Time: g.now(), Front: front, Method: r.Method, Host: hostOnly(r.Host), Path: r.URL.Path}
}

func (g *Gateway) end(c *Call, w *recorder, body *countingBody) {
	c.Status, c.BytesOut = w.status, w.bytes
	if body != nil {
		c.BytesIn = body.count()
	}
	c.Millis = g.now().Sub(c.Time).Milliseconds()
	g.log.add(*c)
}

// recorder notes status and size of an answer. Unwrap lets the server's own
// abilities (flush, hijack, 1xx) through.
type recorder struct {
	http.ResponseWriter
	status int
	bytes  int64
}

func (w *recorder) Unwrap() http.ResponseWriter { return w.ResponseWriter }

func (w *recorder) WriteHeader(status int) {
	if status >= 200 {
		w.status = status
	}
	w.ResponseWriter.WriteHeader(status)
}

func (w *recorder) Write(p []byte) (int, error) {
	if w.status == 0 {
		w.status = http.StatusOK
	}
	n, err := w.ResponseWriter.Write(p)
	w.bytes += int64(n)
	return n, err
}

// countingBody counts what was read of a request's body. It ends where
// Content-Length says so and asks the server's body no more: net/http closes that
// when an answer begins, and the transport, which asks once more whether there is
// a byte too many, would take the error for a broken request and cut the answer.
type countingBody struct {
	io.ReadCloser
	length int64 // -1: not known
	mu     sync.Mutex
	n      int64
}

func (b *countingBody) Read(p []byte) (int, error) {
	if b.length >= 0 && b.count() >= b.length {
		return 0, io.EOF
	}
	n, err := b.ReadCloser.Read(p)
	b.mu.Lock()
	b.n += int64(n)
	b.mu.Unlock()
	return n, err
}

func (b *countingBody) count() int64 {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.n
}

func countBody(r *http.Request) *countingBody {
	if r.Body == nil || r.Body == http.NoBody {
		return nil // kept as it is, so that an empty body stays known as empty
	}
	b := &countingBody{ReadCloser: r.Body, length: r.ContentLength}
	r.Body = b
	return b
}
