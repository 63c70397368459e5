package opensearch

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/opensearch-project/opensearch-go/v4/opensearchtransport"
	"github.com/opensearch-project/opensearch-go/v4/signer/awsv2"
)

// Config of a Client.
type Config struct {
	// Endpoint with its scheme, such as https://search-x.us-east-1.es.amazonaws.com.
	Endpoint string
	// Region that requests are signed for: the domain's, always given, never taken
	// from the host name, which may be a CNAME of another Region (B4, F16).
	Region string
	// Credentials to sign with. Nil signs nothing, for a bare node with Header.
	Credentials aws.CredentialsProvider
	// Header of every request.
	Header http.Header
	// Transport is http.DefaultTransport when nil.
	Transport http.RoundTripper
}

// requestTimeout of one attempt: the service's own proxy answers 504 after 60 s
// (F34), which says more than a timeout here would.
const requestTimeout = 65 * time.Second

// maxAnswer bounds what is read of one answer, bytes.
const maxAnswer = 256 << 20

// Client speaks to one domain or node. Reads are tried again, at most twice, when
// the network or a proxy fails; changes never are: after a lost answer the
// caller looks at the state again (F17, F34).
type Client struct {
	reads, changes *opensearchtransport.Client
}

var (
	_ Domain   = (*Client)(nil)
	_ Security = (*Client)(nil)
)

// New makes a Client; it asks nothing yet.
func New(c Config) (*Client, error) {
	endpoint, err := url.Parse(c.Endpoint)
	if err != nil || endpoint.Host == "" {
		return nil, fmt.Errorf("make opensearch client: endpoint %q is not a URL with scheme and host", c.Endpoint)
	}
	base := opensearchtransport.Config{
		URLs: []*url.URL{endpoint}, Header: c.Header, Transport: c.Transport, RequestTimeout: requestTimeout,
		// One address stands for the whole domain: nothing to discover, to probe or to
		// balance by load, and each would be a call that nobody gave rights for. The
		// library's own client has no switch for the last, which asks for the nodes'
		// statistics every few seconds, so this is the transport below it.
		HealthCheckMaxRetries: -1, MaxRetryClusterHealth: -1, NodeStatsInterval: -1,
	}
	if c.Credentials != nil {
		if c.Region == "" {
			return nil, errors.New("make opensearch client: region is empty; give the domain's own")
		}
		signer, err := awsv2.NewSigner(aws.Config{Region: c.Region, Credentials: aws.NewCredentialsCache(c.Credentials)})
		if err != nil {
			return nil, fmt.Errorf("make opensearch client: %w", err)
		}
		base.Signer = signer
	}
	reads, changes := base, base
	reads.MaxRetries, reads.RetryBackoff = 2, func(attempt int) time.Duration { return time.Duration(attempt) * 300 * time.Millisecond }
	changes.DisableRetry = true
	var client Client
	if client.reads, err = opensearchtransport.New(reads); err != nil {
		return nil, fmt.Errorf("make opensearch client: %w", err)
	}
	if client.changes, err = opensearchtransport.New(changes); err != nil {
		return nil, fmt.Errorf("make opensearch client: %w", err)
	}
	return &client, nil
}

func (c *Client) get(ctx context.Context, step, path string, into any) error {
	return c.call(ctx, c.reads, step, http.MethodGet, path, nil, into)
}

// change asks for a change. An answer that says acknowledged: false is
// ErrNotAcknowledged: the manager has taken the change, and some node has not
// applied it in time (H69).
func (c *Client) change(ctx context.Context, step, method, path string, body any) error {
	answer, err := c.send(ctx, c.changes, step, method, path, body)
	if err != nil {
		return err
	}
	var said struct {
		Acknowledged *bool `json:"acknowledged"`
	}
	// Some answers of the security plugin and of proxies are no object; they
	// acknowledge nothing and deny nothing.
	if json.Unmarshal(answer, &said) == nil && said.Acknowledged != nil && !*said.Acknowledged {
		return fmt.Errorf("%s: %w", step, ErrNotAcknowledged)
	}
	return nil
}

// call sends one request and decodes a 2xx into into; anything else is *Error.
func (c *Client) call(ctx context.Context, via *opensearchtransport.Client, step, method, path string, body, into any) error {
	answer, err := c.send(ctx, via, step, method, path, body)
	if err != nil || into == nil {
		return err
	}
	if err := json.Unmarshal(answer, into); err != nil {
		return fmt.Errorf("%s: decode answer: %w", step, err)
	}
	return nil
}

// send one request and answer the body of a 2xx.
func (c *Client) send(ctx context.Context, via *opensearchtransport.Client, step, method, path string, body any) ([]byte, error) {
	var reader io.Reader
	if body != nil {
		encoded, err := json.Marshal(body)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", step, err)
		}
		reader = bytes.NewReader(encoded)
	}
	// The path is relative: the transport puts the endpoint before it.
	request, err := http.NewRequestWithContext(ctx, method, path, reader)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", step, err)
	}
	if body != nil {
		request.Header.Set("Content-Type", "application/json")
	}
	response, err := via.Perform(request) //nolint:staticcheck // deprecated for v5, go.mod pins v4; Stream leaves a body open where an error comes with an answer
	if err != nil {
		return nil, fmt.Errorf("%s: %w", step, err)
	}
	defer func() { _ = response.Body.Close() }()
	answer, err := io.ReadAll(io.LimitReader(response.Body, maxAnswer))
	if err != nil {
		return nil, fmt.Errorf("%s: read answer: %w", step, err)
	}
	if response.StatusCode < 200 || response.StatusCode > 299 {
		return nil, decodeError(step, response.StatusCode, answer)
	}
	return answer, nil
}
