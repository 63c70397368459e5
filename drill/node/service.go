package node

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
)

// service is the managed service's own user inside the engine: hidden, and with
// every right. On AWS it belongs to Dashboards, Query Insights, the automated
// snapshots and the service's staff.
const service = "drill-service"

// serviceRole is beside the plugin's own roles; hidden: no API shows it.
const serviceRole = `
drill_service:
  reserved: true
  hidden: true
  cluster_permissions: ["*"]
  index_permissions:
    - index_patterns: ["*"]
      allowed_actions: ["*"]
  tenant_permissions:
    - tenant_patterns: ["*"]
      allowed_actions: ["kibana_all_write"]
`

const serviceMapping = `drill_service:
  reserved: true
  hidden: true
  backend_roles: ["` + service + `"]
`

// Service asks the node as the service's own user, past the gateway: no list of
// operations, no signature. A body is JSON, or bytes that go as they are. The answer is the status and the body;
// an error says that there was none.
func (n *Node) Service(ctx context.Context, method, path string, body any) (int, []byte, error) {
	var sent io.Reader
	switch b := body.(type) {
	case nil:
	case []byte:
		sent = bytes.NewReader(b)
	default:
		raw, err := json.Marshal(body)
		if err != nil {
			return 0, nil, fmt.Errorf("ask node %s: %w", n.spec.Name, err)
		}
		sent = bytes.NewReader(raw)
	}
	request, err := http.NewRequestWithContext(ctx, method, "http://"+n.address+path, sent)
	if err != nil {
		return 0, nil, fmt.Errorf("ask node %s: %w", n.spec.Name, err)
	}
	if sent != nil {
		request.Header.Set("Content-Type", "application/json")
	}
	request.Header.Set(HeaderUser, service)
	request.Header.Set(HeaderRoles, service)
	request.Header.Set(HeaderForwarded, "127.0.0.1")
	response, err := http.DefaultTransport.RoundTrip(request)
	if err != nil {
		return 0, nil, fmt.Errorf("ask node %s: %w", n.spec.Name, err)
	}
	defer func() { _ = response.Body.Close() }()
	answer, err := io.ReadAll(response.Body)
	if err != nil {
		return 0, nil, fmt.Errorf("ask node %s: %w", n.spec.Name, err)
	}
	return response.StatusCode, answer, nil
}
