package snapshot

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"regexp"
	"strings"
	"time"

	"github.com/opensearch-dr/osdr/internal/ledger"
	"github.com/opensearch-dr/osdr/internal/opensearch"
	"github.com/opensearch-dr/osdr/internal/point"
	"github.com/opensearch-dr/osdr/internal/store"
)

// JournalPrefix of the snapshots under way, in the domain's own Region's bucket.
const JournalPrefix = "_dr/journal/snapshot-"

// Journal is what a snapshot's point will need and only the moment before it
// knows. It is written before the snapshot is asked for, so that no crash leaves
// a snapshot that nobody settles.
type Journal struct {
	Version       int                     `json:"version"` // of this format: 1
	Name          string                  `json:"name"`    // of the snapshot
	Reason        string                  `json:"reason"`
	Kind          string                  `json:"kind,omitempty"`   // of the point
	Switch        string                  `json:"switch,omitempty"` // token of a special one
	ClusterUUID   string                  `json:"clusterUuid"`
	EngineVersion string                  `json:"engineVersion"`
	Asked         time.Time               `json:"asked"`  // S3's clock
	Taken         bool                    `json:"taken"`  // the engine has answered that it began
	Names         []string                `json:"names"`  // asked for
	Before        []opensearch.Index      `json:"before"` // without our blocks (H24)
	Streams       []opensearch.DataStream `json:"streams,omitempty"`
	LeftOut       []point.LeftOut         `json:"leftOut,omitempty"`
	Apart         []string                `json:"apart,omitempty"` // streams that are named by their backing indexes (H77)
	Ledger        ledger.Ledger           `json:"ledger"`          // without an intent
	// Capsule of the asking; nil: it was not known, or an older version asked.
	Capsule *opensearch.Capsule `json:"capsule,omitempty"`
}

func (j Journal) key() string { return JournalPrefix + j.Name + ".json" }

// ours recognises the names this product gives; other snapshots in the path are
// never touched.
var ours = regexp.MustCompile(`^g[0-9]+-[0-9]{8}t[0-9]{6}z-[0-9a-f]{8}(-[a-z0-9]+)?$`)

// snapshotName is unique and lower case, as the engine demands; the constant
// name of a schedule is how backups fail every few months (F17).
func snapshotName(generation int64, now time.Time, random uint32) string {
	return fmt.Sprintf("g%d-%s-%08x", generation, strings.ToLower(now.UTC().Format("20060102T150405Z")), random)
}

func putJSON(ctx context.Context, b store.Bucket, key string, v any, cond store.Condition) error {
	body, err := json.Marshal(v)
	if err != nil {
		return fmt.Errorf("encode %s: %w", key, err)
	}
	_, err = b.Put(ctx, key, body, cond)
	return err
}

// journals reads all snapshots under way. One that cannot be read is an error: a
// snapshot nobody settles would be a silent gap.
func journals(ctx context.Context, b store.Bucket) ([]Journal, error) {
	entries, err := b.List(ctx, JournalPrefix)
	if err != nil {
		if errors.Is(err, store.ErrAbsent) {
			return nil, nil
		}
		return nil, fmt.Errorf("list the snapshots under way: %w", err)
	}
	var all []Journal
	for _, e := range entries {
		o, err := b.Get(ctx, e.Key)
		if errors.Is(err, store.ErrAbsent) {
			continue
		}
		if err != nil {
			return nil, fmt.Errorf("read journal: %w", err)
		}
		j, err := store.Parse(o, store.JSON[Journal])
		if err != nil {
			return nil, fmt.Errorf("read journal %s: %w; look at it, then delete it to let snapshots go on", e.Key, err)
		}
		all = append(all, j)
	}
	return all, nil
}

// securityKey holds the security part of the capsule, of one cluster.
const securityKey = "_dr/journal/security.json"

type security struct {
	ClusterUUID string             `json:"clusterUuid"`
	Capsule     opensearch.Capsule `json:"capsule"`
}

// ReadSecurity part of the capsule; store.ErrAbsent when there is none of this
// cluster.
func ReadSecurity(ctx context.Context, b store.Bucket, clusterUUID string) (opensearch.Capsule, error) {
	s, err := readSecurity(ctx, b)
	if err != nil {
		return opensearch.Capsule{}, err
	}
	if s.ClusterUUID != clusterUUID {
		return opensearch.Capsule{}, fmt.Errorf("roles of cluster %s: %w", clusterUUID, store.ErrAbsent)
	}
	return s.Capsule, nil
}

// WriteSecurity part, if it differs from what is there.
func WriteSecurity(ctx context.Context, b store.Bucket, clusterUUID string, c opensearch.Capsule) error {
	old, err := ReadSecurity(ctx, b, clusterUUID)
	if err == nil && same(old, c) {
		return nil
	}
	return putJSON(ctx, b, securityKey, security{clusterUUID, c}, store.Condition{})
}

// same as it stands, or in JSON, in which maps are ordered and one kind of number
// is.
func same(a, b opensearch.Capsule) bool {
	if reflect.DeepEqual(a, b) {
		return true
	}
	x, _ := json.Marshal(a) // maps, strings and numbers only
	y, _ := json.Marshal(b)
	return bytes.Equal(x, y)
}
