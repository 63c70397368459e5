// Package route keeps the record that clients use: one CNAME to the active
// domain and, beside it, one TXT `_active.<record>` that says whose it is and
// where it points. Both change in one batch or not at all, and a CNAME that does
// not carry our mark is never touched unless the operator said adopt (U4).
//
// Route 53 answers changes from us-east-1 only (aws-review X4). While that Region
// is away a promotion stands claimed and the record stays as it is: every error
// of a change names the endpoint, so that clients can be pointed by hand (H19).
package route

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
)

// ErrForeign says that a record of that name exists and is not ours.
var ErrForeign = errors.New("foreign record")

// Mark is the meaning of the TXT record.
type Mark struct {
	Name       string // of the installation, dr.name
	Region     string // the active one
	Generation int64
}

// String is the TXT value, without the quotes that Route 53 wants around it.
func (m Mark) String() string {
	return fmt.Sprintf("osdr name=%s region=%s generation=%d", m.Name, m.Region, m.Generation)
}

// ParseMark reads a TXT value, quoted or not; ok is false for anybody else's.
func ParseMark(value string) (m Mark, ok bool) {
	fields := strings.Fields(strings.Trim(value, `"`))
	if len(fields) != 4 || fields[0] != "osdr" {
		return Mark{}, false
	}
	for _, f := range fields[1:] {
		k, v, _ := strings.Cut(f, "=")
		switch k {
		case "name":
			m.Name = v
		case "region":
			m.Region = v
		case "generation":
			m.Generation, _ = strconv.ParseInt(v, 10, 64)
		}
	}
	return m, m.Name != "" && m.Region != "" && m.Generation > 0
}

// MarkName of the TXT record that belongs to a record.
func MarkName(record string) string { return "_active." + record }

// Record is what stands in the zone under the name and the mark's name.
type Record struct {
	Type    string // of the name: CNAME, or what else stands there; empty: nothing
	Target  string // of a CNAME, without the final dot
	TTL     int64  // seconds
	Mark    string // TXT value as it stands, without quotes; empty: none
	MarkTTL int64
}

// Wish of the ledger in force.
type Wish struct {
	Endpoint string // CNAME target, without a scheme
	TTL      int64  // seconds
	Mark     Mark
}

// Zone reads and changes the two records of one name. The name is fully
// qualified, without a final dot.
type Zone interface {
	Read(ctx context.Context, name string) (Record, error)
	// Upsert CNAME and TXT in one batch.
	Upsert(ctx context.Context, name string, w Wish) error
}

// State of the record against a wish.
type State string

// The four states.
const (
	Right   State = "right"
	Stale   State = "stale" // ours, and not as it should be
	Absent  State = "absent"
	Foreign State = "foreign"
)

// Decide what the record is. It is ours when its mark names our installation; a
// mark alone, whose CNAME is gone, is ours too.
func Decide(r Record, w Wish) State {
	m, ok := ParseMark(r.Mark)
	ours := ok && m.Name == w.Mark.Name
	switch {
	case r.Type == "" && (r.Mark == "" || ours):
		return Absent
	case !ours, r.Type != "CNAME" && r.Type != "":
		return Foreign
	case strings.EqualFold(r.Target, w.Endpoint) && r.TTL == w.TTL && m == w.Mark && r.MarkTTL == w.TTL:
		return Right
	}
	return Stale
}

// Errors of a record that knows more than the wish. Compare with errors.Is.
var (
	// ErrNewer: the mark in the zone is of a higher generation than the wish.
	ErrNewer = errors.New("the record is of a newer generation")
	// ErrDispute: the mark is of the same generation and names the other Region, so
	// that two domains claim it (D12).
	ErrDispute = errors.New("the record names the other Region in the same generation")
)

// Stands tells whether m stands against a wish of w: it is of the same
// installation, and its generation is higher, or the same with another Region.
func (m Mark) Stands(w Mark) bool {
	return m.Name == w.Name && (m.Generation > w.Generation || m.Generation == w.Generation && m.Region != w.Region)
}

// Ensure the record is as wished, and answer what it was before. A foreign CNAME
// is ErrForeign unless adopt; a record of another type is it always, since
// Route 53 would refuse a CNAME beside it. A mark of a higher generation is
// ErrNewer, one of this generation for the other Region ErrDispute; both are left
// alone: somebody knows more than this ledger.
func Ensure(ctx context.Context, z Zone, name string, w Wish, adopt bool) (State, error) {
	r, err := z.Read(ctx, name)
	if err != nil {
		return "", fmt.Errorf("read record %s: %w", name, err)
	}
	s := Decide(r, w)
	if m, ok := ParseMark(r.Mark); ok && m.Stands(w.Mark) {
		more := ErrNewer
		if m.Generation == w.Mark.Generation {
			more = ErrDispute
		}
		return s, fmt.Errorf("set record %s: %w: it says generation %d in %s, the ledger here generation %d in %s", name, more, m.Generation, m.Region, w.Mark.Generation, w.Mark.Region)
	}
	switch {
	case s == Right:
		return s, nil
	case s == Foreign && r.Type != "CNAME" && r.Type != "":
		return s, fmt.Errorf("set record %s: %w: a record of type %s stands there; remove it, or choose another dr.dns.record", name, ErrForeign, r.Type)
	case s == Foreign && !adopt:
		return s, fmt.Errorf("set record %s: %w: a CNAME to %q without the mark of %s (TXT %s is %q); set dr.dns.adopt to take it over, or choose another dr.dns.record; the domain answers at %s",
			name, ErrForeign, r.Target, w.Mark.Name, MarkName(name), r.Mark, w.Endpoint)
	}
	if err := z.Upsert(ctx, name, w); err != nil {
		return s, fmt.Errorf("set record %s: %w; Route 53 takes changes in us-east-1 only, the next run tries again; until then clients can be pointed at %s by hand", name, err, w.Endpoint)
	}
	return s, nil
}
