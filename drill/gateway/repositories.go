package gateway

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"sync"
)

// repositories remembers which role each domain's registrations named for each
// bucket. The engine keeps role_arn only as a setting that it ignores, so a
// node's S3 call does not say it; the managed service knows, and so must we,
// also after a restart of the gateway.
type repositories struct {
	mu    sync.Mutex
	path  string
	roles map[string]map[string]string // domain ARN -> bucket -> role ARN
}

func openRepositories(path string) (*repositories, error) {
	r := &repositories{path: path, roles: map[string]map[string]string{}}
	if path == "" {
		return r, nil
	}
	kept, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return r, nil
	}
	if err == nil {
		err = json.Unmarshal(kept, &r.roles)
	}
	if err != nil {
		return nil, fmt.Errorf("read the gateway's state %s (remove it to start anew): %w", path, err)
	}
	return r, nil
}

func (r *repositories) roleFor(domainARN, bucket string) (string, bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	role, ok := r.roles[domainARN][bucket]
	return role, ok
}

func (r *repositories) remember(domainARN, bucket, role string) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.roles[domainARN][bucket] == role {
		return nil
	}
	if r.roles[domainARN] == nil {
		r.roles[domainARN] = map[string]string{}
	}
	r.roles[domainARN][bucket] = role
	if r.path == "" {
		return nil
	}
	state, err := json.MarshalIndent(r.roles, "", " ")
	if err != nil {
		return fmt.Errorf("keep the gateway's state: %w", err)
	}
	// A crash in the middle must leave the old state.
	next := filepath.Join(filepath.Dir(r.path), "."+filepath.Base(r.path)+".new")
	if err := os.WriteFile(next, state, 0o600); err != nil {
		return fmt.Errorf("keep the gateway's state: %w", err)
	}
	if err := os.Rename(next, r.path); err != nil {
		return fmt.Errorf("keep the gateway's state: %w", err)
	}
	return nil
}
