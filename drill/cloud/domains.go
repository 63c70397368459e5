package cloud

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/opensearch-dr/osdr/drill/gateway"
	"github.com/opensearch-dr/osdr/drill/node"
)

// States of a domain's node.
const (
	creating = "creating"
	running  = "running"
	lost     = "lost" // killed, or ended by itself; its data is there
	deleting = "deleting"
)

type key struct{ region, name string }

// domain and its node. Guarded by domains.mu, but spec, which only one life
// cycle call at a time reads (busy).
type domain struct {
	gateway.Domain
	state  string
	node   *node.Node
	spec   node.Spec
	user   string             // access key of the node
	cancel context.CancelFunc // of its creation
	leave  context.CancelFunc // ends the service's own work in it
	busy   sync.Mutex

	searched bool // since Query Insights exported
}

// domains that exist, with their nodes: the gateway's directory.
type domains struct {
	cloud *Cloud
	ctx   context.Context // the cloud's

	mu       sync.Mutex
	creation time.Duration
	all      map[key]*domain
	made     int // folders are never used again
	outages  map[string]gateway.Mode
	links    map[string]bool
	options  map[key]node.Options // of the nodes that are started next

	pace      pace
	attending sync.WaitGroup
}

// Lookup takes an endpoint or a custom endpoint.
func (d *domains) Lookup(host string) (gateway.Domain, bool) {
	host = strings.TrimSuffix(strings.ToLower(host), ".")
	for _, domain := range d.List() {
		if host != "" && (host == domain.Endpoint || host == domain.CustomEndpoint) {
			return domain, true
		}
	}
	return gateway.Domain{}, false
}

// List is in the order of Regions and names.
func (d *domains) List() []gateway.Domain {
	d.mu.Lock()
	defer d.mu.Unlock()
	var list []gateway.Domain
	for _, domain := range d.all {
		list = append(list, domain.Domain)
	}
	slices.SortFunc(list, func(a, b gateway.Domain) int { return strings.Compare(a.ARN, b.ARN) })
	return list
}

func (d *domains) byKey(accessKeyID string) (gateway.Domain, bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	for _, domain := range d.all {
		if domain.user == accessKeyID && accessKeyID != "" {
			return domain.Domain, true
		}
	}
	return gateway.Domain{}, false
}

// request is what the emulator says about a domain (launch/domains.py).
type request struct {
	Name           string `json:"name"`
	Region         string `json:"region"`
	Account        string `json:"account"`
	ARN            string `json:"arn"`
	Endpoint       string `json:"endpoint"`
	MasterUserARN  string `json:"masterUserArn"`
	CustomEndpoint string `json:"customEndpoint"`
	EngineVersion  string `json:"engineVersion"`
}

// create starts the domain's node on no data and answers when it is ready and
// the time of creation is over.
func (d *domains) create(ctx context.Context, r request) error {
	if r.MasterUserARN == "" {
		return fmt.Errorf("domain %s: the local cloud serves domains with fine-grained access control and an IAM master user only", r.Name)
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	defer context.AfterFunc(d.ctx, cancel)()
	domain := &domain{state: creating, cancel: cancel, Domain: gateway.Domain{
		Name: r.Name, Region: r.Region, Account: r.Account, ARN: r.ARN, Endpoint: r.Endpoint, CustomEndpoint: r.CustomEndpoint,
		Version: shownVersion(r.EngineVersion),
	}}
	domain.busy.Lock()
	defer domain.busy.Unlock()

	d.mu.Lock()
	id := key{r.Region, r.Name}
	if d.all[id] != nil {
		d.mu.Unlock()
		return fmt.Errorf("domain %s exists already in %s", r.Name, r.Region)
	}
	d.all[id] = domain
	d.made++
	over := time.After(d.creation)
	folder := filepath.Join(d.cloud.options.Folder, "nodes", fmt.Sprintf("%s-%s-%d", r.Region, r.Name, d.made))
	d.mu.Unlock()

	err := func() error {
		// A user with no policy: the S3 proxy knows the node by its key and
		// replaces it with the repository's role.
		user, err := d.cloud.Emulator.CreateUser(ctx, "drill-node-"+r.Region+"-"+r.Name, nil)
		if err != nil {
			return err
		}
		domain.spec = node.Spec{
			Name:      r.Region + "-" + r.Name,
			Folder:    folder,
			Tools:     d.cloud.Tools,
			Certs:     d.cloud.Certs,
			MasterARN: r.MasterUserARN,
			Region:    r.Region,
			S3Proxy:   d.cloud.Gateway.S3ProxyAddr(),
			AccessKey: user.AccessKeyID,
			SecretKey: user.Secret,
			Heap:      d.cloud.options.Heap,
		}
		d.mu.Lock()
		domain.user = user.AccessKeyID
		d.mu.Unlock()
		if err := d.run(ctx, domain); err != nil {
			return err
		}
		d.mu.Lock()
		n := domain.node
		d.mu.Unlock()
		if n == nil {
			return fmt.Errorf("the node of domain %s in %s ended at once", r.Name, r.Region)
		}
		if err := d.furnish(ctx, n); err != nil {
			return err
		}
		select {
		case <-over:
		case <-ctx.Done():
			return fmt.Errorf("create domain %s: %w", r.Name, ctx.Err())
		}
		return nil
	}()
	if err != nil {
		return errors.Join(err, d.remove(id, domain))
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	if domain.node == nil {
		return fmt.Errorf("the node of domain %s in %s ended at once", r.Name, r.Region)
	}
	domain.Address, domain.state = domain.node.Address(), running
	attended, leave := context.WithCancel(d.ctx)
	domain.leave = leave
	d.attending.Go(func() { d.attend(attended, domain) })
	return nil
}

// shownVersion is what GET / of a domain says: the service answers as the version
// that was asked for, and so does the local cloud, whose nodes are all of one.
func shownVersion(asked string) string {
	number, ok := strings.CutPrefix(asked, "OpenSearch_")
	if !ok {
		return ""
	}
	return number + ".0"
}

// run starts the node and watches it. Holds busy.
func (d *domains) run(ctx context.Context, domain *domain) error {
	if err := os.MkdirAll(domain.spec.Folder, 0o755); err != nil {
		return err
	}
	d.mu.Lock()
	domain.spec.Options = d.options[key{domain.Region, domain.Name}]
	d.mu.Unlock()
	started, err := node.Start(ctx, domain.spec)
	if err != nil {
		return err
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	domain.node = started
	go func() {
		<-started.Exited()
		d.mu.Lock()
		defer d.mu.Unlock()
		if domain.node == started {
			domain.Address, domain.node = "", nil
			if domain.state == running {
				domain.state = lost
			}
		}
	}()
	return nil
}

// remove stops the node and forgets the domain. Holds busy.
func (d *domains) remove(id key, domain *domain) error {
	d.mu.Lock()
	n := domain.node
	domain.state, domain.Address, domain.node = deleting, "", nil
	if domain.leave != nil {
		domain.leave()
	}
	d.mu.Unlock()
	var faults []error
	if n != nil {
		faults = append(faults, n.Kill()) // nobody reads its data again
	}
	if domain.spec.Folder != "" {
		faults = append(faults, os.RemoveAll(domain.spec.Folder))
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.all[id] == domain {
		delete(d.all, id)
	}
	return errors.Join(faults...)
}

// delete is no error for a domain that is not there.
func (d *domains) delete(id key) error {
	domain := d.find(id)
	if domain == nil {
		return nil
	}
	domain.cancel()
	domain.busy.Lock()
	defer domain.busy.Unlock()
	return d.remove(id, domain)
}

// update takes what may change on a domain that stays.
func (d *domains) update(r request) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	domain := d.all[key{r.Region, r.Name}]
	if domain == nil {
		return fmt.Errorf("no domain %s in %s", r.Name, r.Region)
	}
	domain.CustomEndpoint, domain.Version = r.CustomEndpoint, shownVersion(r.EngineVersion)
	return nil
}

// kill takes the node away by SIGKILL; the domain stays.
func (d *domains) kill(id key) error {
	domain := d.find(id)
	if domain == nil {
		return fmt.Errorf("no domain %s in %s", id.name, id.region)
	}
	domain.busy.Lock()
	defer domain.busy.Unlock()
	d.mu.Lock()
	n := domain.node
	domain.state, domain.Address, domain.node = lost, "", nil
	d.mu.Unlock()
	if n == nil {
		return nil
	}
	return n.Kill()
}

// start brings a lost node back on its data.
func (d *domains) start(ctx context.Context, id key) error {
	domain := d.find(id)
	if domain == nil {
		return fmt.Errorf("no domain %s in %s", id.name, id.region)
	}
	domain.busy.Lock()
	defer domain.busy.Unlock()
	d.mu.Lock()
	there, state := domain.node, domain.state
	d.mu.Unlock()
	if there != nil {
		return nil
	}
	if state != lost {
		return fmt.Errorf("the node of domain %s in %s is %s", id.name, id.region, state)
	}
	if err := d.run(ctx, domain); err != nil {
		return err
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	if domain.node == nil {
		return fmt.Errorf("the node of domain %s in %s ended at once", id.name, id.region)
	}
	domain.Address, domain.state = domain.node.Address(), running
	return nil
}

func (d *domains) find(id key) *domain {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.all[id]
}

// stop ends all nodes at once.
func (d *domains) stop() error {
	d.mu.Lock()
	var all []*domain
	for _, domain := range d.all {
		all = append(all, domain)
	}
	d.mu.Unlock()
	faults := make([]error, len(all))
	var group sync.WaitGroup
	for i, domain := range all {
		group.Go(func() {
			domain.cancel()
			domain.busy.Lock()
			defer domain.busy.Unlock()
			d.mu.Lock()
			n := domain.node
			domain.state, domain.Address, domain.node = lost, "", nil
			d.mu.Unlock()
			if n != nil {
				faults[i] = n.Stop()
			}
		})
	}
	group.Wait()
	return errors.Join(faults...)
}
