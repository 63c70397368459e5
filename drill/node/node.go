// Package node runs real OpenSearch nodes, one single-node cluster for each
// domain. A node that Start gave back answers with its security index in
// place; Kill takes it away as a lost machine would; Start with the same folder
// brings it back on its data. It listens on loopback, in plain HTTP, and
// believes the proxy headers the gateway sets: nothing but the gateway may be
// told its address.
package node

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"time"

	"github.com/opensearch-dr/osdr/drill/certs"
	"github.com/opensearch-dr/osdr/drill/install"
	"github.com/opensearch-dr/osdr/drill/process"
)

// Headers the security plugin's proxy authenticator reads. It reads them only
// of a request that carries HeaderForwarded and comes from loopback.
const (
	HeaderUser      = "x-proxy-user"
	HeaderRoles     = "x-proxy-roles"
	HeaderForwarded = "x-forwarded-for"
)

// readyWithin bounds a start: 11 to 15 s are usual on two cores, several nodes
// starting at once share them.
const readyWithin = 3 * time.Minute

// Spec of one node.
type Spec struct {
	Name      string // cluster and node name
	Folder    string // config, data, logs; kept over Stop and Kill
	Tools     *install.Tools
	Certs     *certs.Files
	MasterARN string // has all_access; everybody else is mapped by it
	Region    string // signing Region of S3 requests without one
	S3Proxy   string // host:port of the proxy for every S3 request
	AccessKey string // the node's own, for the proxy to know it by
	SecretKey string
	Heap      string // "512m" where empty
	Options
}

// Options of a node beside what the drill needs: what one domain has and the
// other has not.
type Options struct {
	// Settings of opensearch.yml: node.attr.<name>, cluster.max_shards_per_node,
	// indices.recovery.max_bytes_per_sec.
	Settings map[string]string `json:"settings,omitempty"`
	// Files below the config folder by their path: analysis/synonyms.txt, as the
	// service puts a custom package.
	Files map[string]string `json:"files,omitempty"`
}

// Automated is the folder of the service's own snapshots of the node.
func (s Spec) Automated() string { return filepath.Join(s.Folder, "automated") }

// Node is a running node.
type Node struct {
	spec    Spec
	address string
	process *process.Process
	log     *os.File
}

// Start starts a node on the data in its folder and waits until it answers the
// master with security initialised.
func Start(ctx context.Context, spec Spec) (*Node, error) {
	if spec.Heap == "" {
		spec.Heap = "512m"
	}
	ports, err := process.FreePorts(2)
	if err != nil {
		return nil, fmt.Errorf("start node %s: %w", spec.Name, err)
	}
	if err := configure(ctx, spec, ports[0], ports[1]); err != nil {
		return nil, fmt.Errorf("start node %s: %w", spec.Name, err)
	}
	run := runAs()
	if err := run.own(spec.Folder); err != nil {
		return nil, fmt.Errorf("start node %s: %w", spec.Name, err)
	}
	log, err := os.OpenFile(logFile(spec), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o644)
	if err != nil {
		return nil, fmt.Errorf("start node %s: %w", spec.Name, err)
	}
	p, err := process.Start(process.Spec{
		Name: "node " + spec.Name,
		Path: spec.Tools.Java(),
		Args: arguments(spec),
		Env: []string{
			"PATH=" + os.Getenv("PATH"),
			"HOME=" + spec.Folder,
			"OPENSEARCH_PATH_CONF=" + filepath.Join(spec.Folder, "config"),
		},
		Dir:         spec.Folder,
		Out:         log,
		Credential:  run.credential,
		AmbientCaps: run.capabilities,
	})
	if err != nil {
		return nil, errors.Join(err, log.Close())
	}
	n := &Node{spec: spec, address: fmt.Sprintf("127.0.0.1:%d", ports[0]), process: p, log: log}
	ctx, cancel := context.WithTimeout(ctx, readyWithin)
	defer cancel()
	if err := n.awaitReady(ctx); err != nil {
		return nil, errors.Join(fmt.Errorf("start node %s: %w; its log is %s", spec.Name, err, logFile(spec)), n.Kill())
	}
	return n, nil
}

func logFile(spec Spec) string { return filepath.Join(spec.Folder, "node.log") }

// Address is host:port of the node's plain HTTP.
func (n *Node) Address() string { return n.address }

// PID of the node's process.
func (n *Node) PID() int { return n.process.PID() }

// Automated is the folder of the service's own snapshots of the node.
func (n *Node) Automated() string { return n.spec.Automated() }

// Exited is closed when the node is gone, wanted or not.
func (n *Node) Exited() <-chan struct{} { return n.process.Done() }

// Stop lets the node close its indexes.
func (n *Node) Stop() error {
	return errors.Join(n.process.Stop(30*time.Second), n.log.Close())
}

// Kill is SIGKILL: the node loses what it had not written.
func (n *Node) Kill() error { return errors.Join(n.process.Kill(), n.log.Close()) }

func (n *Node) awaitReady(ctx context.Context) error {
	tick := time.NewTicker(100 * time.Millisecond)
	defer tick.Stop()
	last := errors.New("no answer yet")
	for {
		select {
		case <-n.process.Done():
			return fmt.Errorf("it ended before it was ready: %w", n.process.Err())
		case <-ctx.Done():
			return fmt.Errorf("not ready: %w (last: %w)", ctx.Err(), last)
		case <-tick.C:
			if last = n.health(ctx); last == nil {
				return nil
			}
		}
	}
}

// health asks for the cluster's state as the master: 401 or 503 until the
// security index is there, 200 then.
func (n *Node) health(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+n.address+"/_cluster/health", nil)
	if err != nil {
		return err
	}
	request.Header.Set(HeaderUser, n.spec.MasterARN)
	request.Header.Set(HeaderRoles, n.spec.MasterARN)
	request.Header.Set(HeaderForwarded, "127.0.0.1")
	response, err := http.DefaultTransport.RoundTrip(request)
	if err != nil {
		return err
	}
	defer func() { _ = response.Body.Close() }()
	body, err := io.ReadAll(io.LimitReader(response.Body, 1<<16))
	if err != nil {
		return err
	}
	if response.StatusCode != http.StatusOK {
		return fmt.Errorf("%s: %.200s", response.Status, body)
	}
	var health struct{ Status string }
	if err := json.Unmarshal(body, &health); err != nil {
		return fmt.Errorf("cluster health: %w", err)
	}
	if health.Status == "red" {
		return errors.New("cluster is red") // its indexes are still coming back
	}
	return nil
}
