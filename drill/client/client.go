// Package client is an application of the drilled domain: it knows the record's
// DNS name and an IAM role, nothing else. It signs with SigV4 for the Region
// that `_active.<record>` names, because a signature for the old Region fails
// after a switch (F16), and connects to whatever the name resolves to.
package client

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/opensearch-project/opensearch-go/v4/opensearchtransport"
	"github.com/opensearch-project/opensearch-go/v4/signer/awsv2"
)

// Config of a client.
type Config struct {
	Record      string // search.example.com
	Credentials aws.CredentialsProvider
	// Region to sign for, asked before each call; the drill reads the TXT record.
	Region func(ctx context.Context) (string, error)
	// Transport resolves through the drill's DNS and trusts its CA.
	Transport http.RoundTripper
}

// Client of one record. Safe for use by several goroutines.
type Client struct {
	cfg Config

	mu     sync.Mutex
	region string
	api    *opensearchtransport.Client
}

// New client; nothing is called yet.
func New(cfg Config) *Client { return &Client{cfg: cfg} }

// Transport over a dialer and a CA pool, with short deadlines: a client of a
// lost Region must notice.
func Transport(dial func(ctx context.Context, network, address string) (net.Conn, error), base *http.Transport) *http.Transport {
	t := base.Clone()
	t.DialContext = dial
	t.ResponseHeaderTimeout = 60 * time.Second
	t.IdleConnTimeout = 5 * time.Second
	return t
}

func (c *Client) client(ctx context.Context) (*opensearchtransport.Client, error) {
	region, err := c.cfg.Region(ctx)
	if err != nil {
		return nil, fmt.Errorf("find the Region to sign for: %w", err)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.api != nil && c.region == region {
		return c.api, nil
	}
	signer, err := awsv2.NewSignerWithService(aws.Config{Region: region, Credentials: c.cfg.Credentials}, "es")
	if err != nil {
		return nil, fmt.Errorf("make a signer for %s: %w", region, err)
	}
	api, err := opensearchtransport.New(opensearchtransport.Config{
		URLs:         []*url.URL{{Scheme: "https", Host: c.cfg.Record}},
		Signer:       signer,
		Transport:    c.cfg.Transport,
		DisableRetry: true,
		// No calls of the library's own: a scenario counts what a client does.
		HealthCheckMaxRetries: -1, MaxRetryClusterHealth: -1, NodeStatsInterval: -1,
	})
	if err != nil {
		return nil, fmt.Errorf("make a client of %s: %w", c.cfg.Record, err)
	}
	c.api, c.region = api, region
	return api, nil
}

// Document with its id.
type Document struct {
	ID   string
	Body json.RawMessage
}

// Bulk indexes documents (a nil body deletes) in requests of at most batch and
// answers the ids that were acknowledged.
func (c *Client) Bulk(ctx context.Context, index string, docs []Document, batch int) (acknowledged []string, err error) {
	for len(docs) > 0 {
		part := docs[:min(batch, len(docs))]
		docs = docs[len(part):]
		ids, err := c.bulk(ctx, index, part)
		acknowledged = append(acknowledged, ids...)
		if err != nil {
			return acknowledged, err
		}
	}
	return acknowledged, nil
}

func (c *Client) bulk(ctx context.Context, index string, docs []Document) ([]string, error) {
	var body bytes.Buffer
	enc := json.NewEncoder(&body)
	for _, d := range docs {
		action := map[string]any{"index": map[string]string{"_id": d.ID}}
		if d.Body == nil {
			action = map[string]any{"delete": map[string]string{"_id": d.ID}}
		}
		if err := enc.Encode(action); err != nil {
			return nil, fmt.Errorf("write documents to %s: %w", index, err)
		}
		if d.Body != nil {
			body.Write(d.Body)
			body.WriteByte('\n')
		}
	}
	var answer struct {
		Items []map[string]struct {
			ID     string `json:"_id"`
			Status int    `json:"status"`
		} `json:"items"`
	}
	if _, err := c.send(ctx, http.MethodPost, "/"+index+"/_bulk", "application/x-ndjson", &body, &answer); err != nil {
		return nil, err
	}
	var ids []string
	var failed error
	for _, item := range answer.Items {
		for _, result := range item {
			if result.Status < 300 {
				ids = append(ids, result.ID)
			} else if failed == nil {
				failed = fmt.Errorf("write document %s to %s: %w", result.ID, index, &StatusError{Status: result.Status})
			}
		}
	}
	return ids, failed
}

// Lines sends one JSON value a line, as _bulk and _msearch want it.
func (c *Client) Lines(ctx context.Context, path string, lines []any, out any) error {
	var body bytes.Buffer
	enc := json.NewEncoder(&body)
	for _, l := range lines {
		if err := enc.Encode(l); err != nil {
			return fmt.Errorf("POST %s: %w", path, err)
		}
	}
	_, err := c.send(ctx, http.MethodPost, path, "application/x-ndjson", &body, out)
	return err
}

// Count of an index after a refresh.
func (c *Client) Count(ctx context.Context, index string) (int, error) {
	var none, answer struct {
		Count int `json:"count"`
	}
	if _, err := c.Do(ctx, http.MethodPost, "/"+index+"/_refresh", nil, &none); err != nil {
		return 0, err
	}
	_, err := c.Do(ctx, http.MethodGet, "/"+index+"/_count", nil, &answer)
	return answer.Count, err
}

// StatusError is an answer that is not a success.
type StatusError struct {
	Status int
	Body   string
}

func (e *StatusError) Error() string { return fmt.Sprintf("status %d: %.300s", e.Status, e.Body) }

// Status of the answer inside err, 0 when there was none.
func Status(err error) int {
	var s *StatusError
	if errors.As(err, &s) {
		return s.Status
	}
	return 0
}

// Do sends any request; in is encoded as JSON, out decoded from it, either may
// be nil. An answer of 300 and more is a *StatusError.
func (c *Client) Do(ctx context.Context, method, path string, in, out any) (status int, err error) {
	if in == nil {
		return c.send(ctx, method, path, "", nil, out)
	}
	raw, err := json.Marshal(in)
	if err != nil {
		return 0, fmt.Errorf("%s %s: %w", method, path, err)
	}
	return c.send(ctx, method, path, "application/json", bytes.NewReader(raw), out)
}

func (c *Client) send(ctx context.Context, method, path, kind string, body io.Reader, out any) (status int, err error) {
	api, err := c.client(ctx)
	if err != nil {
		return 0, err
	}
	req, err := http.NewRequestWithContext(ctx, method, path, body)
	if err != nil {
		return 0, fmt.Errorf("%s %s: %w", method, path, err)
	}
	if kind != "" {
		req.Header.Set("Content-Type", kind)
	}
	answer, err := api.Perform(req) //nolint:staticcheck // deprecated for v5, go.mod pins v4; Stream leaves a body open where an error comes with an answer
	if err != nil {
		return 0, fmt.Errorf("%s %s: %w", method, path, err)
	}
	defer func() { _ = answer.Body.Close() }()
	raw, err := io.ReadAll(answer.Body)
	if err != nil {
		return answer.StatusCode, fmt.Errorf("%s %s: read the answer: %w", method, path, err)
	}
	if answer.StatusCode >= 300 {
		return answer.StatusCode, fmt.Errorf("%s %s: %w", method, path, &StatusError{answer.StatusCode, string(raw)})
	}
	if out != nil {
		if err := json.Unmarshal(raw, out); err != nil {
			return answer.StatusCode, fmt.Errorf("%s %s: %w", method, path, err)
		}
	}
	return answer.StatusCode, nil
}
