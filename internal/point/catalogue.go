package point

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/opensearch-dr/osdr/internal/opensearch"
	"github.com/opensearch-dr/osdr/internal/store"
)

// FormatVersion of a point that this program reads and writes.
const FormatVersion = 1

// ErrMalformed says that an object stands where a point should and is none.
var ErrMalformed = errors.New("malformed recovery point")

// Kinds of keys of one point, by the end of the key.
const (
	endPoint    = ".json"
	endObjects  = ".objects.json"
	endCapsule  = ".capsule.json"
	endRemoving = ".removing.json"
)

// ParseID reads 0000000002-0000000014.
func ParseID(s string) (ID, error) {
	g, q, ok := strings.Cut(s, "-")
	gen, err1 := strconv.ParseInt(g, 10, 64)
	seq, err2 := strconv.ParseInt(q, 10, 64)
	id := ID{gen, seq}
	if !ok || err1 != nil || err2 != nil || gen < 1 || seq < 1 || id.String() != s {
		return ID{}, fmt.Errorf("recovery point %q: want <generation>-<sequence>, ten digits each", s)
	}
	return id, nil
}

// parseKey splits a key under Prefix; ok is false for anything else.
func parseKey(key string) (id ID, end string, ok bool) {
	name, found := strings.CutPrefix(key, Prefix)
	dot := strings.IndexByte(name, '.')
	if !found || dot < 0 {
		return ID{}, "", false
	}
	id, err := ParseID(name[:dot])
	return id, name[dot:], err == nil
}

// IsKey tells the keys of points, and of what belongs to one, from all others under
// Prefix.
func IsKey(key string) bool {
	_, end, ok := parseKey(key)
	return ok && slices.Contains([]string{endPoint, endObjects, endCapsule, endRemoving}, end)
}

// standing is what there is of one point.
type standing struct {
	id       ID
	point    bool // the point object
	removing bool // the mark of its removal
}

// keys of all points of a bucket, oldest first.
func keys(ctx context.Context, b store.Bucket) ([]standing, error) {
	entries, err := b.List(ctx, Prefix)
	if errors.Is(err, store.ErrAbsent) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("list recovery points: %w", err)
	}
	var out []standing // a listing is ordered, so those of one point come together
	for _, e := range entries {
		id, end, ok := parseKey(e.Key)
		if !ok {
			continue
		}
		if n := len(out); n == 0 || out[n-1].id != id {
			out = append(out, standing{id: id})
		}
		last := &out[len(out)-1]
		last.point = last.point || end == endPoint
		last.removing = last.removing || end == endRemoving
	}
	slices.SortFunc(out, func(a, b standing) int { return Compare(a.id, b.id) })
	return out, nil
}

// List answers the points of a bucket, oldest first. A bucket that does not
// exist has none. One that is being removed is none any more.
func List(ctx context.Context, b store.Bucket) ([]ID, error) {
	all, err := keys(ctx, b)
	if err != nil {
		return nil, err
	}
	var out []ID
	for _, s := range all {
		if s.point && !s.removing {
			out = append(out, s.id)
		}
	}
	return out, nil
}

// Compare for slices.SortFunc, oldest first.
func Compare(a, b ID) int {
	switch {
	case a.Less(b):
		return -1
	case b.Less(a):
		return 1
	}
	return 0
}

// Load one point, strictly.
func Load(ctx context.Context, b store.Bucket, id ID) (Point, error) {
	p, err := load[Point](ctx, b, id.Key())
	if err != nil {
		return Point{}, fmt.Errorf("read recovery point %s: %w", id, err)
	}
	if p.ID != id {
		return Point{}, fmt.Errorf("read recovery point %s: %w: it says it is %s", id, ErrMalformed, p.ID)
	}
	if err := p.Validate(); err != nil {
		return Point{}, fmt.Errorf("read recovery point %s: %w", id, err)
	}
	for n := range p.LeftOut {
		p.LeftOut[n].Code = codeOf(p.LeftOut[n])
	}
	return p, nil
}

// LoadNewest point by order; ok is false when there is none.
func LoadNewest(ctx context.Context, b store.Bucket) (p Point, ok bool, err error) {
	ids, err := List(ctx, b)
	if err != nil || len(ids) == 0 {
		return Point{}, false, err
	}
	id := ids[len(ids)-1]
	if p, err = Load(ctx, b, id); err != nil {
		return Point{}, false, fmt.Errorf("s3://%s/%s: %w", b.Name(), id.Key(), err)
	}
	return p, true, nil
}

// Unreadable is an object that stands where a point should and cannot be read.
type Unreadable struct {
	ID  ID
	Err error
}

// NewestReadable point by order, and the malformed ones that are newer: one bad
// object must not hide all that is good (H88). Their generation is in their key. ok
// is false when there is no point that can be read.
func NewestReadable(ctx context.Context, b store.Bucket) (p Point, ok bool, newer []Unreadable, err error) {
	ids, err := List(ctx, b)
	if err != nil {
		return Point{}, false, nil, err
	}
	for _, id := range slices.Backward(ids) {
		p, err := Load(ctx, b, id)
		switch {
		case errors.Is(err, store.ErrAbsent): // pruned meanwhile
		case errors.Is(err, ErrMalformed):
			newer = append(newer, Unreadable{id, fmt.Errorf("s3://%s/%s: %w", b.Name(), id.Key(), err)})
		case err != nil:
			return Point{}, false, newer, fmt.Errorf("s3://%s/%s: %w", b.Name(), id.Key(), err)
		default:
			return p, true, newer, nil
		}
	}
	return Point{}, false, newer, nil
}

// Objects that the point needs, as the list beside it has them.
func Objects(ctx context.Context, b store.Bucket, p Point) ([]Object, error) {
	s, err := load[objectList](ctx, b, p.ID.ObjectsKey())
	if err != nil {
		return nil, fmt.Errorf("read object list of recovery point %s: %w", p.ID, err)
	}
	if s.SnapshotUUID != p.SnapshotUUID || len(s.Objects) != p.Objects {
		return nil, fmt.Errorf("read object list of recovery point %s: %w: it has %d objects of snapshot %s, the point %d of %s",
			p.ID, ErrMalformed, len(s.Objects), s.SnapshotUUID, p.Objects, p.SnapshotUUID)
	}
	return s.Objects, nil
}

// LoadCapsule of a point.
func LoadCapsule(ctx context.Context, b store.Bucket, id ID) (opensearch.Capsule, error) {
	s, err := load[capsuleFile](ctx, b, id.CapsuleKey())
	if err != nil {
		return opensearch.Capsule{}, fmt.Errorf("read capsule of recovery point %s: %w", id, err)
	}
	return s.Capsule, nil
}

// Validate the shape, as read and before a write.
func (p Point) Validate() error {
	switch {
	case p.Version != FormatVersion:
		return fmt.Errorf("%w: format version %d, this program knows %d; use the release that wrote it", ErrMalformed, p.Version, FormatVersion)
	case p.ID.Generation < 1 || p.ID.Sequence < 1:
		return fmt.Errorf("%w: id %s", ErrMalformed, p.ID)
	case p.ClusterUUID == "" || p.BasePath != p.ClusterUUID:
		return fmt.Errorf("%w: cluster %q writes under %q, want its own UUID", ErrMalformed, p.ClusterUUID, p.BasePath)
	case p.Snapshot == "" || p.SnapshotUUID == "" || p.Token == "" || p.Start.IsZero() || p.End.Before(p.Start):
		return fmt.Errorf("%w: snapshot, its uuid, token, start and end must all be set", ErrMalformed)
	}
	if err := p.Ledger.Validate(); err != nil {
		return fmt.Errorf("%w: its ledger copy: %w", ErrMalformed, err)
	}
	for _, i := range p.Indices {
		for n, s := range i.Shards {
			if i.Primaries > 0 && s.ID != n {
				return fmt.Errorf("%w: index %s has shard %d in place %d", ErrMalformed, i.Name, s.ID, n)
			}
			if s.Before > s.After {
				return fmt.Errorf("%w: index %s shard %d went from sequence number %d back to %d", ErrMalformed, i.Name, s.ID, s.Before, s.After)
			}
		}
		if i.Primaries > 0 && len(i.Shards) != i.Primaries {
			return fmt.Errorf("%w: index %s has %d of %d shards", ErrMalformed, i.Name, len(i.Shards), i.Primaries)
		}
	}
	return nil
}

type objectList struct {
	Version      int      `json:"version"`
	Token        string   `json:"token"`
	SnapshotUUID string   `json:"snapshotUuid"`
	Objects      []Object `json:"objects"`
}

type capsuleFile struct {
	Version int                `json:"version"`
	Token   string             `json:"token"`
	Capsule opensearch.Capsule `json:"capsule"`
}

// load what stands under key. Others may have been given the same value: its
// slices and maps are not to be changed.
func load[T any](ctx context.Context, b store.Bucket, key string) (T, error) {
	var none T
	o, err := b.Get(ctx, key)
	if err != nil {
		return none, err
	}
	v, err := store.Parse(o, strictly[T])
	var version errVersion
	switch {
	case errors.As(err, &version):
		return none, fmt.Errorf("%w: format version %d in s3://%s/%s, this program knows %d; use the release that wrote it", ErrMalformed, int(version), b.Name(), key, FormatVersion)
	case err != nil:
		return none, fmt.Errorf("%w: s3://%s/%s: %w", ErrMalformed, b.Name(), key, err)
	}
	return v, nil
}

// errVersion is another format's.
type errVersion int

func (v errVersion) Error() string { return fmt.Sprintf("format version %d", int(v)) }

func strictly[T any](body []byte) (out T, err error) {
	var v struct {
		Version int `json:"version"`
	}
	if err := json.Unmarshal(body, &v); err == nil && v.Version != FormatVersion {
		return out, errVersion(v.Version)
	}
	d := json.NewDecoder(bytes.NewReader(body))
	d.DisallowUnknownFields()
	err = d.Decode(&out)
	return out, err
}
