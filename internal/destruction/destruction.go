// Package destruction is the rule of destruction (G3): nobody closes, deletes or
// overwrites an index, for a switch, a warm standby or a stand-down alike, that
// holds a document which is only there. One function decides it, from what was
// written down and what the domain says now; who asks must have read the ledger
// and the index directly before (H1, H5, H6).
package destruction

import (
	"fmt"
	"regexp"
	"slices"

	"github.com/opensearch-dr/osdr/internal/opensearch"
	"github.com/opensearch-dr/osdr/internal/point"
)

// Restored is what the controller's own journal knows of an index.
type Restored struct {
	UUID   string             // of the copy, in this domain
	Done   bool               // all of its shards have come
	Shards []opensearch.Shard // right after; of one that is not done, none
	// Settings is the version of the copy's settings when it was first seen, blocked;
	// 0: it was not noted.
	Settings int64
}

// Reason why an index may go.
type Reason string

// The reasons that there are.
const (
	OurCopy      Reason = "it is our copy, and no client wrote to it"
	Saved        Reason = "a recovery point has it as it is now"
	Empty        Reason = "it never took an operation"
	OfTheService Reason = "the service made it in a domain that no user was given access to"
)

// Allowed answers nil when the index may go, see Why.
func Allowed(i opensearch.Index, mine *Restored, saved []point.Point, untenured bool) error {
	_, err := Why(i, mine, saved, untenured)
	return err
}

// Why an index may go:
//
//   - our journal says that we restored this index UUID, and its sequence numbers
//     have not moved since, under the same primary terms or behind the block that it
//     came with: a term moves when a node restarts, too. One whose restore never ended was blocked from its
//     first moment and must be so still, by the same settings: a block that was
//     lifted and set again has let writes in;
//   - or a whole recovery point covers its present sequence numbers and primary
//     terms, exactly;
//   - or it never took an operation: it holds no document;
//   - or it is one that the service makes by itself (OwnOfTheService), and no ledger, no
//     recovery point, no fence and no capsule says that this domain was ever active:
//     untenured. Until a claim the product maps no user but itself, so no other one
//     could have written to it (H61, decision 0013).
//
// The error names the index and says what would be lost.
func Why(i opensearch.Index, mine *Restored, saved []point.Point, untenured bool) (Reason, error) {
	if mine != nil && mine.UUID != "" && mine.UUID == i.UUID {
		if !mine.Done && slices.Contains(i.Blocks, "write") && (mine.Settings == 0 || mine.Settings == i.SettingsVersion) {
			return OurCopy, nil
		}
		blocked := slices.Contains(i.Blocks, "write") && mine.Settings != 0 && mine.Settings == i.SettingsVersion
		if mine.Done && complete(i) && (opensearch.Same(mine.Shards, i.Shards) || blocked && opensearch.SameNumbers(mine.Shards, i.Shards)) {
			return OurCopy, nil
		}
	}
	switch {
	case Untouched(i):
		return Empty, nil
	case slices.ContainsFunc(saved, func(p point.Point) bool { return Covers(p, i) }):
		return Saved, nil
	case untenured && OwnOfTheService(i):
		return OfTheService, nil
	}
	return "", fmt.Errorf("index %s (%s) holds %d documents that no verified recovery point has", i.Name, i.UUID, i.Documents)
}

// Untouched tells whether every primary says that it has seen no operation.
func Untouched(i opensearch.Index) bool {
	return complete(i) && !slices.ContainsFunc(i.Shards, func(s opensearch.Shard) bool { return s.MaxSeqNo >= 0 })
}

// Covers reports whether the point holds the index as it is now: equal numbers under
// equal terms, as a promoted replica gives the number of an operation that is lost
// to another one (H64). A point that knows no terms is held to its numbers. Of a closed one,
// which tells no numbers, the version of its settings says that nobody opened it
// since.
func Covers(p point.Point, i opensearch.Index) bool {
	at := slices.IndexFunc(p.Indices, func(o point.Index) bool { return o.Name == i.Name && o.UUID == i.UUID && i.UUID != "" })
	if at < 0 {
		return false
	}
	o := p.Indices[at]
	if !i.Open && !o.Open && o.SettingsVersion == i.SettingsVersion {
		return true
	}
	if !complete(i) || len(o.Shards) != len(i.Shards) {
		return false
	}
	return !slices.ContainsFunc(i.Shards, func(s opensearch.Shard) bool {
		c, ok := o.Shard(s.ID)
		return !ok || !c.At(s)
	})
}

// complete: every primary told its number.
func complete(i opensearch.Index) bool { return i.Primaries > 0 && len(i.Shards) == i.Primaries }

// handful of documents that Dashboards writes by itself when it starts: its
// configuration, and the state of its migrations. Whoever works in it makes more.
const handful = 10

// dashboards are the indexes that Dashboards makes when it starts. Those of a tenant,
// .kibana_<hash>_<name>_<n>, it makes for a person.
var dashboards = regexp.MustCompile(`^\.kibana(_[0-9]+)?$`)

// OwnOfTheService reports whether an index is what Dashboards makes by itself when it
// starts, and holds no more than it writes by itself.
func OwnOfTheService(i opensearch.Index) bool {
	return dashboards.MatchString(i.Name) && i.Open && complete(i) && i.Documents <= handful
}
