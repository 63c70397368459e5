package custom

import (
	"context"
	"errors"
	"fmt"
	"log/slog"

	"github.com/aws/aws-lambda-go/cfn"

	"github.com/opensearch-dr/osdr/internal/contract"
	"github.com/opensearch-dr/osdr/internal/ledger"
	"github.com/opensearch-dr/osdr/internal/point"
	"github.com/opensearch-dr/osdr/internal/route"
	"github.com/opensearch-dr/osdr/internal/store"
)

// Traffic answers what the ledger says, for the record sets of the traffic
// stack: forward and in a rollback alike, so that CloudFormation can only ever
// agree with the ledger (G2, U1).
type Traffic struct {
	Settings           contract.Settings
	Primary, Secondary store.Bucket
	Zone               route.Zone
	Stacks             Stacks
	Log                *slog.Logger
}

// Handle is a cfn.CustomResourceFunction.
func (t Traffic) Handle(ctx context.Context, e cfn.Event) (string, map[string]any, error) {
	id := t.Settings.Name + "-traffic" // constant (H47)
	if e.RequestType == cfn.RequestDelete {
		return id, nil, nil
	}
	endpoint, mark, err := t.inForce(ctx)
	if err != nil {
		back := false
		if e.RequestType == cfn.RequestUpdate {
			var serr error
			if back, serr = t.Stacks.RollingBack(ctx, e.StackID); serr != nil {
				// It may be a rollback, which must not fail (U1), and the record as it
				// stands moves nobody.
				t.Log.WarnContext(ctx, "CloudFormation does not say whether this is a rollback", "error", serr.Error())
				back = true
			}
		}
		if !back {
			return id, nil, err
		}
		t.Log.WarnContext(ctx, "rollback: the record stays as it is", "error", err.Error())
		if endpoint, mark, err = t.standing(ctx, err); err != nil {
			return id, nil, err
		}
	}
	t.Log.InfoContext(ctx, "traffic", "endpoint", endpoint, "active", mark)
	return id, map[string]any{contract.AttributeEndpoint: endpoint, contract.AttributeActive: `"` + mark + `"`}, nil
}

// inForce of the ledgers and points that can be read. The record itself may know
// more: a mark of a higher generation stands for a ledger that cannot be read now
// (H15).
func (t Traffic) inForce(ctx context.Context) (endpoint, mark string, err error) {
	var copies []ledger.Ledger
	for _, b := range []store.Bucket{t.Primary, t.Secondary} {
		if p, ok, err := point.LoadNewest(ctx, b); err == nil && ok { // unreadable: its ledger's answer says it
			copies = append(copies, p.Ledger)
		}
	}
	l, ok, err := ledger.Read(ctx, t.Primary, t.Secondary, copies).InForce()
	if err != nil {
		return "", "", fmt.Errorf("ask the ledgers who is active: %w", err)
	}
	if !ok {
		return "", "", fmt.Errorf("ask the ledgers who is active: nobody was ever promoted; deploy %s first", t.Settings.Names().RecoveryStack(t.Settings.PrimaryRegion))
	}
	wish := route.Mark{Name: t.Settings.Name, Region: l.ActiveRegion, Generation: l.Generation}
	r, err := t.Zone.Read(ctx, t.Settings.DNS.Record)
	if err != nil { // CloudFormation's own change says it, if it makes one
		t.Log.WarnContext(ctx, "the record cannot be read", "error", err.Error())
		return l.Endpoint, wish.String(), nil
	}
	if m, ours := route.ParseMark(r.Mark); ours && m.Stands(wish) && r.Type == "CNAME" {
		if m.Generation == l.Generation {
			return "", "", fmt.Errorf("ask the ledgers who is active: %w: it says generation %d in %s, the ledger that can be read %s; see docs/runbooks/ledger-dispute.md", route.ErrDispute, m.Generation, m.Region, l.ActiveRegion)
		}
		t.Log.WarnContext(ctx, "the record knows a newer generation than any ledger that can be read", "record", m.Generation, "ledger", l.Generation)
		return r.Target, m.String(), nil
	}
	return l.Endpoint, wish.String(), nil
}

// standing answers the record as it is.
func (t Traffic) standing(ctx context.Context, cause error) (endpoint, mark string, err error) {
	r, err := t.Zone.Read(ctx, t.Settings.DNS.Record)
	if err != nil {
		return "", "", errors.Join(cause, err)
	}
	if _, ours := route.ParseMark(r.Mark); r.Type != "CNAME" || !ours {
		return "", "", cause
	}
	return r.Target, r.Mark, nil
}
