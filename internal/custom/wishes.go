package custom

import (
	"context"
	"fmt"
	"strings"

	"github.com/aws/aws-lambda-go/cfn"

	"github.com/opensearch-dr/osdr/internal/contract"
)

// meant is asked before a domain is made: a stale flag makes nothing, not even
// that (H2). Deleting the question asks nothing.
func (h Handler) meant(ctx context.Context, q question) (verdict, error) {
	if q.event.RequestType == cfn.RequestDelete || q.wish.ActiveRegion != h.Region {
		return verdict{done: true}, nil
	}
	_, v, err := h.recovery(ctx, q, contract.ActionStatus)
	return v, err
}

// promotion states the wish and waits for the controller, which alone acts. In
// the other Region's stack, and when it is deleted, there is nothing to ask.
func (h Handler) promotion(ctx context.Context, q question) (verdict, error) {
	if q.event.RequestType == cfn.RequestDelete || q.wish.ActiveRegion != h.Region {
		return verdict{done: true}, nil
	}
	s, v, err := h.recovery(ctx, q, contract.ActionPromote)
	if v.done {
		v.data = map[string]string{contract.AttributeEndpoint: s.Endpoint, "Generation": fmt.Sprint(s.Generation), contract.AttributeAttention: attention(s)}
		if q.wish.AskedAt != "" { // by -c: cdk.json may say something else
			v.data["Commit"] = fmt.Sprintf("%q: %q", "activeRegion", s.ActiveRegion)
			h.Log.InfoContext(ctx, "commit this line of cdk.json now", "line", v.data["Commit"])
		}
	}
	return v, err
}

// gate guards the removal of this Region's domain. When nothing is to be removed
// it makes sure that this Region's bucket holds the ledger (H14), starts a
// snapshot, and blocks nothing (H27).
func (h Handler) gate(ctx context.Context, q question) (verdict, error) {
	if q.event.RequestType == cfn.RequestDelete {
		_, v, err := h.recovery(ctx, q, contract.ActionRelease)
		return v, err
	}
	if q.wish.ActiveRegion == h.Region {
		return verdict{done: true}, nil // U3: it never fails the domain it stands beside
	}
	if q.wish.DomainWanted != "true" {
		if _, v, err := h.recovery(ctx, q, contract.ActionRelease); err != nil || !v.done {
			return v, err
		}
	}
	if v, err := h.ledgerHere(ctx, q); err != nil || !v.done {
		return v, err
	}
	if err := h.Functions.Snapshot(ctx, q.wish.ActiveRegion, contract.SnapshotRequest{Reason: "gate"}); err != nil {
		h.Log.WarnContext(ctx, "no snapshot was started; the schedule takes one", "error", err.Error())
	}
	return verdict{done: true}, nil
}

// ledgerHere waits until this Region's own bucket knows who is active: without
// that copy a later disaster would look like a first set-up (H14).
func (h Handler) ledgerHere(ctx context.Context, q question) (verdict, error) {
	look := q
	look.wish = contract.WishProperties{}
	s, v, err := h.recovery(ctx, look, contract.ActionStatus)
	if err != nil || !v.done {
		return v, err
	}
	switch {
	case s.LedgerError != "" && s.LedgerUnknown:
		return verdict{waiting: "it to be known who is active: " + s.LedgerError}, nil
	case s.LedgerError != "":
		return verdict{}, refused(s.LedgerError)
	case s.Generation == 0:
		h.Log.WarnContext(ctx, "no Region was promoted yet; the recovery stack of the active Region does it")
		return v, nil
	case s.OwnGeneration >= s.Generation:
		return v, nil
	}
	if _, err := h.Functions.Recovery(ctx, h.Region, contract.RecoveryRequest{Action: contract.ActionTick, RequestID: q.event.RequestID}); err != nil {
		return verdict{}, fmt.Errorf("copy the ledger to %s: %w", h.Region, err)
	}
	return verdict{waiting: fmt.Sprintf("the ledger of generation %d in the bucket of %s", s.Generation, h.Region)}, nil
}

// attentionBytes bounds the text of the output: CloudFormation takes 4 KB for all
// attributes of one answer
// (https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/crpg-ref-responses.html).
const attentionBytes = 2000

// attention is what the deployment prints of a promotion that is done: the indexes
// that are not as they were at the source, then all else that a person must know.
func attention(s contract.RecoveryStatus) string {
	var lines []string
	for _, f := range s.Fates {
		if f.Fate != contract.FateRestored && f.Fate != contract.FateUnchanged {
			lines = append(lines, fmt.Sprintf("index %s is %s", f.Index, f.Fate))
		}
	}
	for _, a := range s.Attention {
		lines = append(lines, a.String())
	}
	if len(lines) == 0 {
		return fmt.Sprintf("generation %d in %s: nothing needs attention", s.Generation, s.ActiveRegion)
	}
	text := fmt.Sprintf("generation %d in %s, %d to look at (`osdr status` has them all): %s", s.Generation, s.ActiveRegion, len(lines), strings.Join(lines, "; "))
	if len(text) > attentionBytes {
		text = strings.ToValidUTF8(text[:attentionBytes], "") + "..."
	}
	return text
}
