package stacks

import (
	"github.com/aws/aws-cdk-go/awscdk/v2"

	"github.com/opensearch-dr/osdr/constructs/alarm"
	"github.com/opensearch-dr/osdr/constructs/question"
	"github.com/opensearch-dr/osdr/internal/contract"
)

// newRecovery holds the promotion in the active Region only, so that taking it
// out of a template is a Delete, which does nothing, and never an Update with
// old properties (U1). It is apart from the domain, so that its failure never
// deletes one. What stays in either Region is the alarm that a promotion
// answers: the domain here is not the one the ledger names.
func newRecovery(app awscdk.App, v Variables, region string) (awscdk.Stack, error) {
	n, c := v.Names, v.Config
	stack := v.stack(app, n.RecoveryStack(region), region, "osdr: the wish that "+region+" serves, while it is the active Region", false)
	v.own(stack, region, "AlarmIdentity", "domain-identity", alarm.Config{
		Description: "The ledger names " + region + ", and the domain there is not the one it names: it was made again, or the service rebuilt it. Nothing is snapshotted or pruned (H13). First: who made this domain, and does it hold your indexes.",
		Metric:      contract.MetricIdentityChanged, Comparison: alarm.AtLeast, Threshold: 1, PeriodSec: 300, Periods: 1,
	})
	v.own(stack, region, "AlarmAttention", "needs-attention", alarm.Config{
		Description: "The controller of " + region + " notes something that a person must know, and goes on without it. `osdr status` names each.",
		Metric:      contract.MetricAttention, Comparison: alarm.AtLeast, Threshold: 1, PeriodSec: 300, Periods: 2,
	})
	if region != c.ActiveRegion {
		return stack, nil
	}
	wish := v.wish(region)
	wish.AcceptUnverified, wish.AbandonDomain, wish.Without, wish.ExtendPause, wish.AskedAt = c.AcceptUnverified, c.AbandonDomain, c.Without, c.ExtendPause, c.AskedAt
	asked, err := question.New(stack, "Promotion", question.Config{
		Type: contract.TypePromotion, Asked: n.ProviderARN(contract.Promotion, region), Properties: wish, TimeoutSec: askTimeout,
	})
	if err != nil {
		return nil, err
	}
	attention := asked.Attribute(contract.AttributeAttention)
	awscdk.NewCfnOutput(stack, new("Attention"), &awscdk.CfnOutputProps{
		Description: new("What a person must know after the last promotion that was asked for"),
		Value:       &attention,
	})
	return stack, nil
}
