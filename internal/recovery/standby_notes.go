package recovery

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/opensearch-dr/osdr/internal/contract"
	"github.com/opensearch-dr/osdr/internal/point"
	"github.com/opensearch-dr/osdr/internal/store"
)

// copied is the point that a warm standby is a copy of.
type copied struct {
	Point point.ID  `json:"point"`
	Start time.Time `json:"start"` // of the point
}

// standbyToken of the notes: of this domain, as the standby of the domain in force.
func (r *run) standbyToken(uuid string) string {
	return fmt.Sprintf("%s%d-%s", standbyFence, r.led.Generation, uuid)
}

// standbyNotes of this Region; nil: there are none. They say what is under way and
// what to tell. What may be destroyed the journal says, so notes that cannot be
// read count as none.
func (r *run) standbyNotes(ctx context.Context) (*state, store.Version, error) {
	o, err := r.Own.Get(ctx, standbyKey)
	if errors.Is(err, store.ErrAbsent) {
		return nil, store.Version{}, nil
	}
	if err != nil {
		return nil, store.Version{}, fmt.Errorf("read the notes of the standby: %w", err)
	}
	s := &state{}
	if err := json.Unmarshal(o.Body, s); err != nil {
		r.notice("the notes of the standby s3://%s/%s cannot be read and are begun anew: %v", r.Own.Name(), standbyKey, err)
		return &state{}, o.Version(), nil
	}
	return s, o.Version(), nil
}

// takeUpCopy goes on with the notes, or begins them: those of another generation,
// or of a domain that was made again, are over.
func (r *run) takeUpCopy(ctx context.Context) (err error) {
	if r.state, r.stateAt, err = r.standbyNotes(ctx); err != nil {
		return err
	}
	if r.state != nil && r.state.Token == r.standbyToken(r.uuidIs) {
		return nil
	}
	if r.state != nil {
		if err := r.unpin(ctx); err != nil {
			return err
		}
	}
	r.state = &state{Version: 1, Token: r.standbyToken(r.uuidIs), Generation: r.led.Generation, Source: r.led.ClusterUUID, From: r.led.ActiveRegion, Moved: r.now, Asked: r.now}
	return nil
}

// unpin the points that a standby restored from; they are in its own Region.
func (r *run) unpin(ctx context.Context) error {
	for _, id := range r.state.Pinned {
		if err := point.Unpin(ctx, r.Own, id, pinHolder+r.Region); err != nil {
			return err
		}
	}
	return nil
}

// unfollow ends what was noted of a standby that was promoted.
func (r *run) unfollow(ctx context.Context) error {
	notes, _, err := r.standbyNotes(ctx)
	if err != nil || notes == nil {
		return err
	}
	was := r.state
	defer func() { r.state = was }()
	r.state = notes
	if err := r.unpin(ctx); err != nil {
		return err
	}
	if err := r.Own.Delete(ctx, standbyKey); err != nil {
		return fmt.Errorf("remove the notes of the standby: %w", err)
	}
	return nil
}

// tellCopy what came of a run: a wait and a hindrance are no failures, and are
// noted for those who only look (G7).
func (r *run) tellCopy(ctx context.Context, err error) error {
	p := contract.Progress{Percent: r.status.Percent, BytesDone: r.status.BytesDone, BytesTotal: r.status.BytesTotal, At: r.now}
	hindrance := ""
	var w waiting
	var no refusal
	switch {
	case errors.As(err, &no):
		hindrance, err = no.sentence, nil
		r.notice("the standby in %s is not brought up to date: %s", r.Region, hindrance)
	case errors.As(err, &w):
		p.WaitingFor, err = w.reason, nil
		r.notice("the standby in %s waits for %s", r.Region, w.reason)
	case err != nil:
		p.WaitingFor = "the next try, after: " + err.Error()
	}
	if old := r.state.Progress; r.state.Hindrance != hindrance || old == nil || !sameProgress(*old, p) {
		r.state.Hindrance, r.state.Progress = hindrance, &p
		err = errors.Join(err, r.saveState(ctx))
	}
	r.status.Standby = r.standbyStatus(r.state)
	return err
}

// sameProgress, whenever it was noted.
func sameProgress(a, b contract.Progress) bool {
	a.At = b.At
	return a == b
}

// standsBy is what the notes say of a domain of the idle Region, for who only
// looks; nil: none are of it, as it is now.
func (r *run) standsBy(ctx context.Context, uuid string) (*contract.StandbyStatus, error) {
	notes, _, err := r.standbyNotes(ctx)
	if err != nil || notes == nil || notes.Token != r.standbyToken(uuid) {
		return nil, err
	}
	return r.standbyStatus(notes), nil
}

// standbyStatus of the notes, by what look has seen.
func (r *run) standbyStatus(s *state) *contract.StandbyStatus {
	out := &contract.StandbyStatus{Hindrance: s.Hindrance, Since: s.Asked}
	for _, f := range s.Fates {
		if f.Fate == contract.FateUnplaced || f.Fate == contract.FateOlder || f.Fate == contract.FateLost {
			out.Fates = append(out.Fates, f)
		}
	}
	newest, ok := r.newestHere()
	if ok {
		out.Newest = newest.ID.String()
	}
	if c := s.Copy; c != nil {
		out.Copy, out.AgeSeconds = c.Point.String(), seconds(r.now.Sub(c.Start))
		if ok {
			out.BehindSeconds = seconds(newest.Start.Sub(c.Start))
		}
	}
	if s.Target != nil {
		out.Restoring = s.Target.String()
	}
	if p := s.Progress; p != nil {
		out.Percent, out.BytesDone, out.BytesTotal, out.WaitingFor, out.At = p.Percent, p.BytesDone, p.BytesTotal, p.WaitingFor, p.At
	}
	return out
}

func seconds(d time.Duration) int64 { return int64(max(d, 0) / time.Second) }
