package emulator

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"time"

	"github.com/opensearch-dr/osdr/drill/gateway"
)

// SideDoor asks the emulator's process what IAM and STS in it know. It is the
// gateway's authority.
type SideDoor struct {
	base string
	http *http.Client
}

var (
	_ gateway.Authority        = (*SideDoor)(nil)
	_ gateway.ServiceAuthority = (*SideDoor)(nil)
)

// NewSideDoor at base, http://127.0.0.1:port.
func NewSideDoor(base string) *SideDoor {
	// Loopback, whatever proxy the environment names.
	return &SideDoor{base: base, http: &http.Client{Timeout: 30 * time.Second, Transport: &http.Transport{Proxy: nil, MaxIdleConnsPerHost: 8}}}
}

// ErrNotThere says that the side door knows no such key, role, user or principal.
var ErrNotThere = errors.New("not there")

// ErrRefused says that a trust policy does not let the service assume the role.
var ErrRefused = errors.New("refused")

// identity is the side door's answer.
type identity struct {
	AccessKeyID  string `json:"accessKeyId"`
	Secret       string `json:"secret"`
	Token        string `json:"token"`
	PrincipalARN string `json:"principalArn"`
	RoleARN      string `json:"roleArn"`
	Account      string `json:"account"`
	Region       string `json:"region"`
	Function     string `json:"function"`
}

// Identify says whose key it is. A role's session that a function assumed has
// that function and its Region. The emulator's root key is nobody's.
func (s *SideDoor) Identify(ctx context.Context, accessKeyID string) (gateway.Identity, error) {
	var answer identity
	err := s.ask(ctx, "/identify", map[string]string{"accessKeyId": accessKeyID}, &answer)
	if errors.Is(err, ErrNotThere) {
		return gateway.Identity{}, gateway.ErrUnknownKey
	}
	return gateway.Identity(answer), err
}

// Assume makes a session of a role whatever its trust policy says, good for
// half an hour at least.
func (s *SideDoor) Assume(ctx context.Context, roleARN, session string) (gateway.Identity, error) {
	var answer identity
	err := s.ask(ctx, "/assume", map[string]string{"roleArn": roleARN, "sessionName": session}, &answer)
	return gateway.Identity(answer), err
}

// AssumeForService makes one as a service would: ErrRefused where the role's
// trust policy does not name the service, the account or the source.
func (s *SideDoor) AssumeForService(ctx context.Context, roleARN, session, service, sourceARN, sourceAccount string) (gateway.Identity, error) {
	var answer identity
	err := s.ask(ctx, "/assume", map[string]string{
		"roleArn": roleARN, "sessionName": session,
		"service": service, "sourceArn": sourceARN, "sourceAccount": sourceAccount,
	}, &answer)
	return gateway.Identity(answer), err
}

// Allowed asks IAM: the principal's policies and boundary, and the resource's
// own policy (for es:ESHttp* the domain's access policy).
func (s *SideDoor) Allowed(ctx context.Context, q gateway.Question) (gateway.Decision, error) {
	var answer struct {
		Allowed bool   `json:"allowed"`
		Reason  string `json:"reason"`
	}
	err := s.ask(ctx, "/allowed", map[string]any{
		"principalArn": q.PrincipalARN, "roleArn": q.RoleARN, "action": q.Action, "resource": q.Resource, "context": q.Context,
	}, &answer)
	return gateway.Decision(answer), err
}

// Policy is an IAM policy document.
type Policy = map[string]any

// CreateUser makes an IAM user (or takes the one of that name) and a new key of
// it. A nil policy allows nothing.
func (s *SideDoor) CreateUser(ctx context.Context, name string, policy Policy) (gateway.Identity, error) {
	var answer identity
	err := s.ask(ctx, "/user", map[string]any{"name": name, "policy": policy}, &answer)
	return gateway.Identity(answer), err
}

// CreateRole makes an IAM role, or takes the one of that name and replaces the
// policy it was given here.
func (s *SideDoor) CreateRole(ctx context.Context, name string, trust, policy Policy) (arn string, err error) {
	var answer struct {
		RoleARN string `json:"roleArn"`
	}
	err = s.ask(ctx, "/role", map[string]any{"name": name, "trust": trust, "policy": policy}, &answer)
	return answer.RoleARN, err
}

// States of a domain that only the service brings about.
const (
	Active         = "active"
	Processing     = "processing"
	Upgrading      = "upgrading"
	Isolated       = "isolated" // its key is away
	Updating       = "updating" // of the service software
	UpdateRequired = "update-required"
)

// SetDomain puts a domain into one of the states until it is set to another.
func (s *SideDoor) SetDomain(ctx context.Context, account, region, name, state string) error {
	var answer struct{}
	return s.ask(ctx, "/domain", map[string]string{"account": account, "region": region, "name": name, "state": state}, &answer)
}

func (s *SideDoor) ask(ctx context.Context, path string, question, answer any) error {
	body, err := json.Marshal(question)
	if err != nil {
		return err
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, s.base+path, bytes.NewReader(body))
	if err != nil {
		return err
	}
	request.Header.Set("Content-Type", "application/json")
	response, err := s.http.Do(request)
	if err != nil {
		return fmt.Errorf("ask the emulator %s: %w", path, err)
	}
	defer func() { _ = response.Body.Close() }()
	got, err := io.ReadAll(response.Body)
	if err != nil {
		return fmt.Errorf("ask the emulator %s: %w", path, err)
	}
	if response.StatusCode != http.StatusOK {
		var failed struct{ Error string }
		if err := json.Unmarshal(got, &failed); err != nil {
			failed.Error = string(got)
		}
		switch response.StatusCode {
		case http.StatusNotFound:
			return fmt.Errorf("ask the emulator %s: %w: %s", path, ErrNotThere, failed.Error)
		case http.StatusForbidden:
			return fmt.Errorf("ask the emulator %s: %w: %s", path, ErrRefused, failed.Error)
		}
		return fmt.Errorf("ask the emulator %s: %s: %s", path, response.Status, failed.Error)
	}
	if err := json.Unmarshal(got, answer); err != nil {
		return fmt.Errorf("ask the emulator %s: %w", path, err)
	}
	return nil
}
