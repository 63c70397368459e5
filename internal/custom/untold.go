package custom

import (
	"context"
	"fmt"

	"github.com/aws/aws-lambda-go/cfn"
)

// rollbackUnknown stands in Data when CloudFormation could not say, at the
// beginning, whether the event is part of a rollback.
const rollbackUnknown = "unknown"

// untold is a look at which CloudFormation does not say whether the stack rolls
// back (its API throttles, or is away). Nothing is asked of the controller: who
// cannot tell a step forward from a step back promotes nothing and lets nothing
// go. It asks again until the deadline, and then ends on the side that keeps
// everything: an event that was forward when it came fails; an update that nobody
// could ever tell from a rollback succeeds without having acted, as a rollback
// must never fail here (U1); a removal is refused, as the domain would go with it.
func (h Handler) untold(ctx context.Context, q question, cause error) (verdict, error) {
	if h.Now().Sub(q.started) <= deadline {
		h.Log.WarnContext(ctx, "waiting", "for", "CloudFormation to say whether the stack rolls back", "error", cause.Error())
		return verdict{}, nil
	}
	if q.event.Data[dataRollback] == rollbackUnknown && q.event.RequestType == cfn.RequestUpdate {
		h.Log.ErrorContext(ctx, "nobody knows whether this was a rollback: nothing was done and it ends as a success; if it was none, deploy again", "error", cause.Error())
		return verdict{done: true}, nil
	}
	return verdict{}, fmt.Errorf("after %d minutes CloudFormation still does not say whether the stack rolls back; nothing was changed, run the same command again: %w", int(deadline.Minutes()), cause)
}
