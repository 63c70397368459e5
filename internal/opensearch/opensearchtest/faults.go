package opensearchtest

import (
	"slices"
	"time"

	"github.com/opensearch-dr/osdr/internal/opensearch"
)

// Verdict on one call: an error Before is a call that did nothing; After is one
// whose effect stands and whose answer was lost.
type Verdict struct{ Before, After error }

// faults are set by the methods below, and last until they are unset. A bucket
// that cannot be reached is a fault of the store.Bucket.
type faults struct {
	intercept   func(call string) Verdict
	refuse      func(action string, r opensearch.Repository) error
	propagation int
	noManager   bool
	noAudit     bool
	automated   string
	takes       time.Duration
	hold        bool
	ends        opensearch.SnapshotState
	refusal     func(part, name string) error
	processors  []string
	settings    SettingsRefusal
	failing     map[string]bool
}

func (c *Cluster) set(f func(*faults)) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.tick() // what is over by now was not under the new rule
	f(&c.faults)
}

// Intercept asks f about each call by its method's name, such as
// "CreateSnapshot" or "Index"; nil asks nobody. f runs before the cluster is
// locked, so it may call the cluster itself.
func (c *Cluster) Intercept(f func(call string) Verdict) {
	c.set(func(x *faults) { x.intercept = f })
}

func (c *Cluster) intercepted(call string) Verdict {
	c.mu.Lock()
	f := c.faults.intercept
	c.mu.Unlock()
	if f == nil {
		return Verdict{}
	}
	return f(call)
}

// GatewayTimeout is the service's 504 for a step (F34).
func GatewayTimeout(step string) error {
	return fail(step, 504, "", "504 Gateway Time-out")
}

// RefuseRepositories asks f at each registration ("put") and verification
// ("verify"): the place for forms that the service refuses (X8). Nil: none.
func (c *Cluster) RefuseRepositories(f func(action string, r opensearch.Repository) error) {
	c.set(func(x *faults) { x.refuse = f })
}

// RefuseParts asks f about each part of a capsule, each role and each alias by
// itself: the place for what a plugin, or the service, refuses (403, 500 with the
// plugin's own type) or does not answer (504). Nil: none.
func (c *Cluster) RefuseParts(f func(part, name string) error) {
	c.set(func(x *faults) { x.refusal = f })
}

func (c *Cluster) refused(part, name string) error {
	if c.faults.refusal == nil {
		return nil
	}
	return c.faults.refusal(part, name)
}

// Processors that ingest pipelines of this cluster may have.
func (c *Cluster) Processors(names ...string) { c.set(func(x *faults) { x.processors = names }) }

// FailVerifications makes the next n verifications fail as those of a role that
// IAM has not spread yet (F13).
func (c *Cluster) FailVerifications(n int) { c.set(func(x *faults) { x.propagation = n }) }

// LoseManager makes GET / say "_na_", as before an election (H31).
func (c *Cluster) LoseManager(lost bool) { c.set(func(x *faults) { x.noManager = lost }) }

// ForgetRepository takes a registration away, as DELETE _snapshot/<name> of
// somebody does; what it wrote stays in the bucket.
func (c *Cluster) ForgetRepository(name string) { c.set(func(*faults) { delete(c.repos, name) }) }

// HideAudit makes the cluster one without the audit API.
func (c *Cluster) HideAudit() { c.set(func(x *faults) { x.noAudit = true }) }

// RunAutomatedSnapshot makes the service's own snapshot "repository/name" run;
// empty ends it.
func (c *Cluster) RunAutomatedSnapshot(name string) { c.set(func(x *faults) { x.automated = name }) }

// SnapshotsTake sets how long those that start from now on take; 0, the
// default, is over at once.
func (c *Cluster) SnapshotsTake(d time.Duration) { c.set(func(x *faults) { x.takes = d }) }

// HoldSnapshots keeps those that start from now on in progress until
// ReleaseSnapshots.
func (c *Cluster) HoldSnapshots() { c.set(func(x *faults) { x.hold = true }) }

// ReleaseSnapshots lets held ones end when their time is over.
func (c *Cluster) ReleaseSnapshots() {
	c.set(func(x *faults) {
		x.hold = false
		for _, s := range c.running {
			s.held = false
		}
	})
}

// NextSnapshotEnds gives the next snapshot's end: PARTIAL or FAILED.
func (c *Cluster) NextSnapshotEnds(state opensearch.SnapshotState) {
	c.set(func(x *faults) { x.ends = state })
}

// SettingsRefusal of every change of cluster settings.
type SettingsRefusal int

const (
	// SettingsTaken is a domain that takes them.
	SettingsTaken SettingsRefusal = iota
	// SettingsNotAllowed is the managed service, which does not let the payload through, with a
	// 401 (opensearch-project/documentation-website#317).
	SettingsNotAllowed
	// SettingsArchived is a domain that was upgraded and keeps a setting that the engine does
	// not know, which every change is refused for, with a 400
	// (opensearch-project/OpenSearch#20835). A node of one version cannot be brought there.
	SettingsArchived
)

// RefuseSettings sets whether changes of cluster settings are refused.
func (c *Cluster) RefuseSettings(s SettingsRefusal) { c.set(func(x *faults) { x.settings = s }) }

// SetHealth of one index.
func (c *Cluster) SetHealth(index string, h opensearch.Health) {
	c.set(func(*faults) { c.indices[index].health = h })
}

// Silence the shards of the index whose node does not answer the question for
// statistics: the engine tells it by _shards.failed and leaves them out (H57). A
// single node cannot show that; the broadcast of the engine is
// TransportBroadcastByNodeAction. None: all answer again.
func (c *Cluster) Silence(index string, shards ...int) {
	c.set(func(*faults) {
		for n, s := range c.indices[index].shards {
			s.silent = slices.Contains(shards, n)
		}
	})
}

// PromoteReplica of a shard that lacks the newest operation of its primary, which was
// on document id and not acknowledged: the next operation gets its number, under the
// next term (H64). A single node has no replica.
func (c *Cluster) PromoteReplica(index string, shard int, id string) {
	c.set(func(*faults) {
		s := c.indices[index].shards[shard]
		delete(s.documents, id)
		s.maxSeqNo--
		s.term++
		s.segments, s.pending = nil, nil // its files are its own
		for _, d := range sortedKeys(s.documents) {
			s.pending = append(s.pending, s.documents[d])
		}
	})
}

// FailShards of the index in each snapshot until a later call ends it: the snapshot
// ends PARTIAL. A broken file of a shard does that.
func (c *Cluster) FailShards(index string, fail bool) {
	c.set(func(x *faults) {
		if x.failing == nil {
			x.failing = map[string]bool{}
		}
		x.failing[index] = fail
	})
}

// Kill takes the node away at once: calls find nobody, and a snapshot under way
// is gone, its blobs left behind, as a node that comes back knows nothing of it.
func (c *Cluster) Kill() {
	c.set(func(*faults) {
		c.down, c.running = true, nil
		c.forgetRestores()
	})
}

// Start brings it back on its data.
func (c *Cluster) Start() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.down = false
}

// ReplaceUUID gives the cluster another UUID on the same data, as a forced
// quorum recovery does (H13).
func (c *Cluster) ReplaceUUID() string {
	c.set(func(*faults) { c.uuid = c.newUUID() })
	return c.uuid
}

// Size is how many indexes there are.
func (c *Cluster) Size() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return len(c.indices)
}
