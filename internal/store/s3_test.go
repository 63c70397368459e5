package store_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"

	"github.com/opensearch-dr/osdr/internal/store"
)

const etag = `"0123"`

var date = time.Date(2021, 2, 3, 4, 5, 6, 0, time.UTC)

// answer of S3.
type answer struct {
	status int
	code   string // of the error; empty with a status of 300 or more: no XML
}

var done = answer{status: http.StatusOK}

// server answers one after the other, the last one for ever, and keeps what it
// was asked.
type server struct {
	mu       sync.Mutex
	answers  []answer
	requests []*http.Request
	noDate   bool
}

func (s *server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.requests = append(s.requests, r)
	a := s.answers[0]
	if len(s.answers) > 1 {
		s.answers = s.answers[1:]
	}
	w.Header().Set("Date", date.Format(http.TimeFormat))
	if s.noDate {
		w.Header()["Date"] = nil
	}
	switch {
	case a.code != "":
		w.WriteHeader(a.status)
		_, _ = fmt.Fprintf(w, "<Error><Code>%s</Code><Message>as told</Message></Error>", a.code)
	case a.status >= 300:
		w.WriteHeader(a.status)
		_, _ = fmt.Fprint(w, "<html>a proxy's own page</html>")
	case r.Method == http.MethodGet && r.URL.Query().Has("list-type"):
		_, _ = fmt.Fprint(w, "<ListBucketResult></ListBucketResult>")
	case r.Method == http.MethodGet, r.Method == http.MethodPut:
		w.Header().Set("ETag", etag)
	}
}

func (s *server) count() int { s.mu.Lock(); defer s.mu.Unlock(); return len(s.requests) }

func configured() aws.Config {
	return aws.Config{Region: "us-west-2", Credentials: credentials.NewStaticCredentialsProvider("AKIDEXAMPLE", "secret", "")}
}

func serve(t *testing.T, answers ...answer) (*server, store.Bucket) {
	t.Helper()
	s := &server{answers: answers}
	h := httptest.NewServer(s)
	t.Cleanup(h.Close)
	cfg := configured()
	cfg.BaseEndpoint = &h.URL
	return s, store.New(store.NewClient(cfg, "us-west-2"), "the-bucket", "us-west-2")
}

// calls are all requests that a bucket can make.
var calls = map[string]func(context.Context, store.Bucket) error{
	"get":    func(ctx context.Context, b store.Bucket) error { _, err := b.Get(ctx, "the/key"); return err },
	"put":    func(ctx context.Context, b store.Bucket) error { return put(ctx, b, store.Condition{}) },
	"delete": func(ctx context.Context, b store.Bucket) error { return b.Delete(ctx, "the/key") },
	"list":   func(ctx context.Context, b store.Bucket) error { _, err := b.List(ctx, "the/key"); return err },
	"ask":    func(ctx context.Context, b store.Bucket) error { _, err := b.Now(ctx); return err },
}

func put(ctx context.Context, b store.Bucket, c store.Condition) error {
	_, err := b.Put(ctx, "the/key", []byte("{}"), c)
	return err
}

func TestD11_AnUndecidedConditionalPutIsSentAgain(t *testing.T) {
	undecided := answer{http.StatusConflict, "ConditionalRequestConflict"}
	s, b := serve(t, undecided, undecided, done)
	o, err := b.Put(t.Context(), "the/key", []byte("{}"), store.Condition{IfMatch: etag})
	if err != nil || o.ETag != etag || s.count() != 3 {
		t.Fatalf("%+v, %v after %d requests", o, err, s.count())
	}
	for _, r := range s.requests {
		if r.Header.Get("If-Match") != etag || r.ContentLength == 0 {
			t.Errorf("a repeat without its condition or its body: %v", r.Header)
		}
	}
	s, b = serve(t, undecided)
	err = put(t.Context(), b, store.Condition{IfAbsent: true})
	if err == nil || errors.Is(err, store.ErrConflict) || s.count() != 5 {
		t.Fatalf("undecided for ever: %v after %d requests", err, s.count())
	}
	if got := s.requests[0].Header.Get("If-None-Match"); got != "*" {
		t.Errorf("If-None-Match is %q", got)
	}
	lost := answer{http.StatusPreconditionFailed, "PreconditionFailed"}
	s, b = serve(t, undecided, lost)
	if err := put(t.Context(), b, store.Condition{IfAbsent: true}); !errors.Is(err, store.ErrConflict) || s.count() != 2 {
		t.Fatalf("undecided, then lost: %v after %d requests", err, s.count())
	}
}

func TestD11_TheKeyThatShouldMatchIsGone(t *testing.T) {
	gone := answer{http.StatusNotFound, "NoSuchKey"}
	_, b := serve(t, gone)
	if err := put(t.Context(), b, store.Condition{IfMatch: etag}); !errors.Is(err, store.ErrConflict) || errors.Is(err, store.ErrAbsent) {
		t.Fatal(err)
	}
	// The bucket's absence is another thing.
	_, b = serve(t, answer{http.StatusNotFound, "NoSuchBucket"})
	if err := put(t.Context(), b, store.Condition{IfMatch: etag}); !errors.Is(err, store.ErrBucketAbsent) {
		t.Fatal(err)
	}
}

// The SDK repeats a put after a 500; what it then meets may be its own write.
// The bucket says conflict, and the caller reads back.
func TestH25_ARepeatOfTheSDKMeetsItsOwnWrite(t *testing.T) {
	s, b := serve(t, answer{http.StatusInternalServerError, "InternalError"}, answer{http.StatusPreconditionFailed, "PreconditionFailed"})
	if err := put(t.Context(), b, store.Condition{IfAbsent: true}); !errors.Is(err, store.ErrConflict) || s.count() != 2 {
		t.Fatalf("%v after %d requests", err, s.count())
	}
}

func TestF8_NoRequestNamesAnEncryption(t *testing.T) {
	s, b := serve(t, done)
	for what, call := range calls {
		if err := call(t.Context(), b); err != nil {
			t.Fatalf("%s: %v", what, err)
		}
	}
	for _, c := range []store.Condition{{IfAbsent: true}, {IfMatch: etag}} {
		if err := put(t.Context(), b, c); err != nil {
			t.Fatal(err)
		}
	}
	for _, r := range s.requests {
		for name := range r.Header {
			if n := strings.ToLower(name); strings.Contains(n, "encryption") || strings.Contains(n, "kms") {
				t.Errorf("%s %s carries %s", r.Method, r.URL, name)
			}
		}
	}
	if s.count() != len(calls)+2 {
		t.Fatalf("%d requests", s.count())
	}
}

func TestH10_TheTimeIsS3s(t *testing.T) {
	s, b := serve(t, done)
	now, err := b.Now(t.Context())
	if err != nil || !now.Equal(date) {
		t.Fatal(now, err)
	}
	o, err := b.Get(t.Context(), "k")
	if err != nil || !o.Date.Equal(date) || o.ETag != etag {
		t.Fatal(o, err)
	}
	if o, err = b.Put(t.Context(), "k", nil, store.Condition{}); err != nil || !o.Date.Equal(date) {
		t.Fatal(o, err)
	}
	s.noDate = true
	for _, what := range []string{"ask", "get", "put"} {
		if err := calls[what](t.Context(), b); err == nil || !strings.Contains(err.Error(), "Date") {
			t.Errorf("%s without a Date: %v", what, err)
		}
	}
}

func TestH14_OnlyS3ItselfSaysThatSomethingIsAbsent(t *testing.T) {
	for _, c := range []struct {
		answer answer
		absent bool
	}{
		{answer{http.StatusNotFound, "NoSuchKey"}, true},
		{answer{http.StatusNotFound, "NoSuchBucket"}, true},
		{answer{http.StatusNotFound, ""}, false},
		{answer{http.StatusForbidden, "AccessDenied"}, false},
		{answer{http.StatusMovedPermanently, "PermanentRedirect"}, false},
		{answer{http.StatusBadRequest, "ExpiredToken"}, false},
	} {
		_, b := serve(t, c.answer)
		_, err := b.Get(t.Context(), "the/key")
		if err == nil || errors.Is(err, store.ErrAbsent) != c.absent || errors.Is(err, store.ErrConflict) {
			t.Errorf("%+v: %v", c.answer, err)
		}
	}
}

func TestErrorsNameBucketAndKey(t *testing.T) {
	for _, a := range []answer{
		{http.StatusForbidden, "AccessDenied"}, {http.StatusNotFound, "NoSuchBucket"}, {http.StatusPreconditionFailed, "PreconditionFailed"}, {http.StatusBadRequest, "InvalidRequest"},
	} {
		_, b := serve(t, a)
		for what, call := range calls {
			err := call(t.Context(), b)
			if err == nil || !strings.HasPrefix(err.Error(), what) || !strings.Contains(err.Error(), "s3://the-bucket/") {
				t.Errorf("%s, %+v: %v", what, a, err)
				continue
			}
			if what != "ask" && !strings.Contains(err.Error(), "s3://the-bucket/the/key") {
				t.Errorf("%s, %+v names no key: %v", what, a, err)
			}
			if a.status == http.StatusForbidden && !strings.Contains(err.Error(), "policy") {
				t.Errorf("%s, %+v gives no hint: %v", what, a, err)
			}
		}
	}
}

// silent is an S3 that never answers.
type silent struct{}

func (silent) Do(r *http.Request) (*http.Response, error) {
	<-r.Context().Done()
	return nil, r.Context().Err()
}

func TestACallEndsByItself(t *testing.T) {
	for what, call := range calls {
		for _, c := range []struct{ asked, want time.Duration }{{time.Hour, 10 * time.Second}, {3 * time.Second, 3 * time.Second}} {
			synctest.Test(t, func(t *testing.T) {
				cfg := configured()
				cfg.HTTPClient = silent{}
				b := store.New(store.NewClient(cfg, "us-west-2"), "the-bucket", "us-west-2")
				ctx, cancel := context.WithTimeout(t.Context(), c.asked)
				defer cancel()
				start := time.Now()
				err := call(ctx, b)
				if took := time.Since(start); took != c.want || !errors.Is(err, context.DeadlineExceeded) || !strings.Contains(err.Error(), "s3://the-bucket/") {
					t.Errorf("%s: %v after %s, want %s", what, err, took, c.want)
				}
			})
		}
	}
}

// recorder keeps the address that was called.
type recorder struct{ url string }

func (r *recorder) Do(q *http.Request) (*http.Response, error) {
	r.url = q.URL.String()
	return nil, errors.New("not sent")
}

func TestAddresses(t *testing.T) {
	for _, c := range []struct{ endpoint, want string }{
		{"", "https://the-bucket.s3.us-west-2.amazonaws.com/the/key"},
		{"https://127.0.0.1:4566", "https://127.0.0.1:4566/the-bucket/the/key"},
		{"http://localhost:4566", "http://localhost:4566/the-bucket/the/key"},
		{"https://bucket.vpce-1.s3.us-west-2.vpce.amazonaws.com", "https://the-bucket.bucket.vpce-1.s3.us-west-2.vpce.amazonaws.com/the/key"},
	} {
		r := &recorder{}
		cfg := configured()
		cfg.HTTPClient, cfg.RetryMaxAttempts = r, 1
		if c.endpoint != "" {
			cfg.BaseEndpoint = &c.endpoint
		}
		_, err := store.New(store.NewClient(cfg, "us-west-2"), "the-bucket", "us-west-2").Get(t.Context(), "the/key")
		if got, _, _ := strings.Cut(r.url, "?"); err == nil || got != c.want {
			t.Errorf("%s: called %s, want %s", c.endpoint, got, c.want)
		}
	}
}
