// Package opensearchtest holds an in-memory OpenSearch cluster and the contract
// suite that holds it and a real node to the same behaviour: whatever the
// product relies on is a case of Contract, and passes on both.
//
// A Cluster is deterministic: time comes from its clock, ids from its seed, and
// the order of maps never shows. Its repositories are real ones in a
// store.Bucket, with the engine's own layout of keys, so another Cluster reads
// what this one wrote, and a missing object is missed.
package opensearchtest

import (
	"context"
	"encoding/base64"
	"fmt"
	"math/rand/v2"
	"slices"
	"sync"
	"syscall"
	"time"

	"github.com/opensearch-dr/osdr/internal/opensearch"
	"github.com/opensearch-dr/osdr/internal/store"
)

// Options of a Cluster.
type Options struct {
	Seed    uint64
	Clock   func() time.Time // required
	Version string           // default 3.4.0
	// Bucket answers the bucket of a name as the nodes reach it, or nil when
	// there is none. An error of its calls is an error of S3.
	Bucket func(name string) store.Bucket
	// Master is the ARN mapped to all_access from the start; others are nobody
	// until somebody maps them. The Cluster itself acts as an administrator.
	Master string
}

// Cluster is one in-memory domain. Its zero value is not usable; see New.
type Cluster struct {
	*Caller // the administrator

	mu       sync.Mutex
	options  Options
	random   *rand.Rand
	uuid     string
	down     bool
	indices  map[string]*index
	streams  map[string]*stream
	repos    map[string]opensearch.Repository
	running  []*running
	capsule  opensearch.Capsule
	roles    map[string]opensearch.Role
	groups   map[string]map[string]any // action groups that a user made
	mappings map[string]opensearch.RoleMapping
	grants   map[grant]bool     // worked out of the two
	secured  opensearch.Capsule // made of the two; empty: not yet
	audit    bool
	faults   faults
	recovery recovery
}

// New makes an empty cluster: no index but the security one, no repository.
func New(o Options) *Cluster {
	if o.Version == "" {
		o.Version = "3.4.0"
	}
	c := &Cluster{
		options: o, random: rand.New(rand.NewPCG(o.Seed, 0x6f736472)),
		indices: map[string]*index{}, streams: map[string]*stream{}, repos: map[string]opensearch.Repository{},
		roles: builtinRoles(), mappings: map[string]opensearch.RoleMapping{}, grants: map[grant]bool{},
	}
	c.Caller = &Caller{cluster: c, admin: true}
	c.uuid = c.newUUID()
	if o.Master != "" {
		c.mappings["all_access"] = opensearch.RoleMapping{BackendRoles: []string{o.Master}}
	}
	c.addIndex(".opendistro_security", IndexOptions{Hidden: true})
	return c
}

// newUUID is 22 characters of URL-safe base64, the engine's shape.
func (c *Cluster) newUUID() string {
	var b [16]byte
	for i := range b {
		b[i] = byte(c.random.UintN(256))
	}
	return base64.RawURLEncoding.EncodeToString(b[:])
}

// UUID of the cluster, whatever GET / says at the moment.
func (c *Cluster) UUID() string { return c.uuid }

// Caller is the cluster as one IAM principal sees it: opensearch.Domain and
// opensearch.Security with that principal's rights.
type Caller struct {
	cluster *Cluster
	arn     string
	admin   bool
}

// As answers the cluster as the principal of arn sees it.
func (c *Cluster) As(arn string) *Caller { return &Caller{cluster: c, arn: arn} }

var (
	_ opensearch.Domain   = (*Caller)(nil)
	_ opensearch.Security = (*Caller)(nil)
	_ opensearch.Domain   = (*Cluster)(nil)
	_ opensearch.Recovery = (*Cluster)(nil)
	_ opensearch.Recovery = (*Caller)(nil)

	_ opensearch.SecurityRecovery = (*Caller)(nil)
)

// do is the one door of every call: network, faults, rights, and time.
func (v *Caller) do(ctx context.Context, call, step string, actions []string, f func(*Cluster) error) error {
	return v.doOn(ctx, call, step, "", actions, f)
}

// doOn is do for rights on one index.
func (v *Caller) doOn(ctx context.Context, call, step, index string, actions []string, f func(*Cluster) error) error {
	c := v.cluster
	if err := ctx.Err(); err != nil {
		return fmt.Errorf("%s: %w", step, err)
	}
	verdict := c.intercepted(call)
	if verdict.Before != nil {
		return verdict.Before
	}
	err := c.locked(step, func() error {
		if err := v.authorize(step, index, actions); err != nil {
			return err
		}
		return f(c)
	})
	if verdict.After != nil {
		return verdict.After
	}
	return err
}

// locked runs f with what time has done until now.
func (c *Cluster) locked(step string, f func() error) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.down {
		return fmt.Errorf("%s: %w", step, syscall.ECONNREFUSED)
	}
	c.tick()
	return f()
}

func fail(step string, status int, kind, format string, a ...any) error {
	return &opensearch.Error{Step: step, Status: status, Type: kind, Reason: fmt.Sprintf(format, a...)}
}

func sortedKeys[V any](m map[string]V) []string {
	keys := make([]string, 0, len(m))
	for k := range m {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	return keys
}

// Info of the cluster.
func (v *Caller) Info(ctx context.Context) (i opensearch.Info, err error) {
	err = v.do(ctx, "Info", "read cluster info", []string{"cluster:monitor/main"}, func(c *Cluster) error {
		i = opensearch.Info{ClusterUUID: c.uuid, Version: c.options.Version, Distribution: "opensearch"}
		if c.faults.noManager {
			i.ClusterUUID = ""
		}
		return nil
	})
	return i, err
}

// Health is the worst of all indexes.
func (v *Caller) Health(ctx context.Context) (h opensearch.Health, err error) {
	err = v.do(ctx, "Health", "read cluster health", []string{"cluster:monitor/health"}, func(c *Cluster) error {
		h = opensearch.Green
		for _, i := range c.indices {
			if i.health == opensearch.Red || h == opensearch.Green {
				h = i.health
			}
		}
		return nil
	})
	return h, err
}

// Indices lists all there are, by name.
func (v *Caller) Indices(ctx context.Context) (list []opensearch.Index, err error) {
	actions := []string{"cluster:monitor/state", "cluster:monitor/health", "indices:monitor/stats"}
	err = v.do(ctx, "Indices", "list indexes", actions, func(c *Cluster) error {
		list = make([]opensearch.Index, 0, len(c.indices))
		for _, name := range sortedKeys(c.indices) {
			list = append(list, c.describe(c.indices[name]))
		}
		return nil
	})
	return list, err
}

// Describe the index of that name, or the write index of a data stream of that
// name; ok is false when there is neither.
func (c *Cluster) Describe(name string) (out opensearch.Index, ok bool) {
	_ = c.locked("describe index "+name, func() error {
		if s := c.streams[name]; s != nil {
			name = s.Indices[len(s.Indices)-1]
		}
		i := c.indices[name]
		if ok = i != nil; ok {
			out = c.describe(i)
		}
		return nil
	})
	return out, ok
}

// Behind is the index that a write to an alias reaches; of any other name it is the name.
func (c *Cluster) Behind(name string) string {
	_ = c.locked("find the index behind "+name, func() error {
		if c.streams[name] == nil && c.indices[name] == nil {
			if to := c.aliased(name); to != "" {
				name = to
			}
		}
		return nil
	})
	return name
}

// DataStreams by name.
func (v *Caller) DataStreams(ctx context.Context) (list []opensearch.DataStream, err error) {
	err = v.do(ctx, "DataStreams", "list data streams", []string{"cluster:monitor/state"}, func(c *Cluster) error {
		for _, name := range sortedKeys(c.streams) {
			list = append(list, opensearch.DataStream{Name: name, Indices: append([]string(nil), c.streams[name].Indices...)})
		}
		return nil
	})
	return list, err
}

// Refresh changes nothing here: counts are always true.
func (v *Caller) Refresh(ctx context.Context, indices []string) error {
	return v.do(ctx, "Refresh", "refresh indexes", []string{"indices:admin/refresh", "indices:admin/refresh[s]"}, func(c *Cluster) error {
		_, err := c.resolve("refresh indexes", indices)
		return err
	})
}

// PutParts makes one of each part of the capsule under that name.
func (c *Cluster) PutParts(ctx context.Context, name string) error {
	return c.change(ctx, "PutParts", "put templates of "+name, func() error {
		put := func(m *map[string]map[string]any, part map[string]any) {
			if *m == nil {
				*m = map[string]map[string]any{}
			}
			(*m)[name] = part
		}
		put(&c.capsule.ComponentTemplates, map[string]any{"template": map[string]any{}})
		put(&c.capsule.IndexTemplates, map[string]any{"index_patterns": []any{name + "-parts-*"}, "composed_of": []any{name}})
		put(&c.capsule.LegacyTemplates, map[string]any{"index_patterns": []any{name + "-legacy-*"}})
		put(&c.capsule.IngestPipelines, map[string]any{"processors": []any{}})
		return nil
	})
}

// SetCapsule replaces all templates, pipelines and policies. Without policies
// the cluster has no index state management.
func (c *Cluster) SetCapsule(capsule opensearch.Capsule) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.capsule = capsule
}

func copyMap(m map[string]any) map[string]any {
	out := make(map[string]any, len(m))
	for k, v := range m {
		out[k] = v
	}
	return out
}
