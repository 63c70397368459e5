package recovery

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/opensearch-dr/osdr/internal/contract"
	"github.com/opensearch-dr/osdr/internal/ledger"
	"github.com/opensearch-dr/osdr/internal/route"
	"github.com/opensearch-dr/osdr/internal/store"
)

const malformedHint = "docs/runbooks/ledger-malformed.md"

// witness of a higher generation than what can be read: a malformed ledger may have
// carried it (H80).
func (r *run) witness(ctx context.Context) {
	have, err := r.Zone.Read(ctx, r.Settings.DNS.Record)
	if err != nil {
		return // mend asks again, and writes over nothing without it
	}
	if m, ok := route.ParseMark(have.Mark); ok && m.Name == r.Settings.Name {
		r.view.Witness = &ledger.Witness{Generation: m.Generation, ActiveRegion: m.Region}
	}
}

// malformed ledgers are reported.
func (r *run) malformed() {
	for _, v := range []ledger.Reading{r.view.Own, r.view.Other} {
		if v.Answer == ledger.Malformed {
			r.attend(contract.AttentionLedger, "the ledger of "+v.Region, malformedHint, "%v", v.Err)
		}
	}
}

// mend a malformed ledger with the good copy that is in force. One that may have said
// more is left to a person: nothing that is read may witness a higher generation.
func (r *run) mend(ctx context.Context) error {
	if !r.view.Malformed() {
		return nil
	}
	r.malformed()
	if r.ledErr != nil || !r.claimed || r.lease == nil {
		return nil //nolint:nilerr // the run tells it; one without the lease only looks
	}
	var failed []error
	for _, x := range []struct {
		v    *ledger.Reading
		b    store.Bucket
		good ledger.Reading
	}{{&r.view.Own, r.Own, r.view.Other}, {&r.view.Other, r.Other, r.view.Own}} {
		if x.v.Answer != ledger.Malformed {
			continue
		}
		err := r.unwitnessed(ctx, x.b, *x.v, x.good)
		if err == nil {
			var l ledger.Ledger
			if l, err = ledger.Mend(ctx, x.b, r.led, *x.v); err == nil {
				*x.v = ledger.Reading{Region: x.v.Region, Answer: ledger.Present, Ledger: l, Date: x.v.Date}
				r.attend(contract.AttentionLedger, "the ledger of "+x.v.Region, "Find out what wrote the malformed one, an earlier version of the object; "+malformedHint,
					"it was malformed, and generation %d was written over it from the other Region's", l.Generation)
				continue
			}
		}
		r.attend(contract.AttentionLedger, "the ledger of "+x.v.Region, malformedHint, "it is malformed and is not written over: %v", err)
		failed = append(failed, fmt.Errorf("the ledger of %s is malformed and is not written over: %w; see %s", x.v.Region, err, malformedHint))
	}
	return errors.Join(failed...)
}

// unwitnessed: nothing says that the malformed ledger carried a higher generation than
// the one in force, which is the other ledger's. What cannot be asked may say so.
func (r *run) unwitnessed(ctx context.Context, b store.Bucket, was, good ledger.Reading) error {
	switch {
	case errors.Is(was.Err, ledger.ErrNewerFormat):
		return was.Err
	case good.Answer != ledger.Present || !good.Ledger.Same(r.led):
		return fmt.Errorf("generation %d is in force, and the other ledger does not say so", r.led.Generation)
	case len(r.unread) > 0:
		return fmt.Errorf("the recovery points, which may name a newer generation, cannot be read: %w", errors.Join(r.unread...))
	}
	have, err := r.Zone.Read(ctx, r.Settings.DNS.Record)
	if err != nil {
		return fmt.Errorf("the DNS record, which may name a newer generation, cannot be read: %w", err)
	}
	if m, ok := route.ParseMark(have.Mark); ok && m.Stands(r.mark(r.led)) {
		return fmt.Errorf("the DNS record names generation %d in %s", m.Generation, m.Region)
	}
	// A claim that was made there, and that nothing else knows of yet, was tried by
	// the notes of its switch.
	o, err := b.Get(ctx, stateKey)
	if errors.Is(err, store.ErrAbsent) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("the notes of the last switch to %s: %w", was.Region, err)
	}
	var s state
	if err := json.Unmarshal(o.Body, &s); err != nil {
		return fmt.Errorf("the notes of the last switch to %s: %w", was.Region, err)
	}
	if !s.ClaimAt.IsZero() && s.Generation >= r.led.Generation {
		return fmt.Errorf("a switch to %s tried to claim generation %d at %s, and may have", was.Region, s.Generation+1, s.ClaimAt.UTC().Format("15:04:05Z"))
	}
	return nil
}
