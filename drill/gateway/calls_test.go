package gateway

import (
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"
)

// closing is a server's body: not to be read after an answer has begun.
type closing struct {
	io.Reader
	closed bool
}

func (c *closing) Read(p []byte) (int, error) {
	if c.closed {
		return 0, errors.New("invalid Read on closed Body")
	}
	return c.Reader.Read(p)
}

func (c *closing) Close() error { c.closed = true; return nil }

// An answer that begins while the transport looks for the body's end must not
// be cut.
func TestTheEndOfABodyIsKnownWithoutAsking(t *testing.T) {
	body := &closing{Reader: strings.NewReader("12345")}
	r := &http.Request{Body: body, ContentLength: 5}
	counted := countBody(r)
	if _, err := io.ReadFull(r.Body, make([]byte, 5)); err != nil {
		t.Fatal(err)
	}
	if err := body.Close(); err != nil {
		t.Fatal(err)
	}
	if n, err := r.Body.Read(make([]byte, 1)); n != 0 || err != io.EOF || counted.count() != 5 {
		t.Fatal(n, err, counted.count())
	}
	// A body that was cut off stays an error.
	short := &closing{Reader: strings.NewReader("123")}
	r = &http.Request{Body: short, ContentLength: 5}
	countBody(r)
	if _, err := io.ReadFull(r.Body, make([]byte, 3)); err != nil {
		t.Fatal(err)
	}
	_ = short.Close() // always nil
	if _, err := r.Body.Read(make([]byte, 1)); err == nil || errors.Is(err, io.EOF) {
		t.Fatal(err)
	}
}

// A Match may call through the gateway itself, whose log it is asked about.
func TestAMatchMayCallTheGateway(t *testing.T) {
	g := &Gateway{log: &callLog{calls: []Call{{Method: "GET"}, {Method: "PUT"}}}}
	got := g.Calls(Filter{Match: func(c Call) bool {
		g.log.add(Call{Method: "HEAD"})
		return c.Method == http.MethodPut
	}})
	if len(got) != 1 || got[0].Method != http.MethodPut || len(g.log.calls) != 4 {
		t.Errorf("%+v, log %+v", got, g.log.calls)
	}
}
