package scenario

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"
)

// staleFlag names the scenario.
const staleFlag = "stale-flag"

// StaleFlag is the pipeline that knows nothing of the failover: it deploys the
// old flag of cdk.json, once before the old domain is stood down and once after
// (H2). Both are refused, nothing is made and nothing moves.
func StaleFlag(ctx context.Context, w *World) error {
	s := &story{World: w}
	return w.play(ctx, slices.Concat(s.loss()[:5], s.comesBack(), s.staleWhileItStands(), s.stoodDown()[:1], s.staleWhenItIsGone(),
		[]step{{"no orphan is left", s.noOrphans}}))
}

// staleWhileItStands: the old domain is there, and the flag would give it back the
// name.
func (s *story) staleWhileItStands() []step {
	return []step{{"a pipeline deploys cdk.json's old flag: refused, nothing moves", s.staleDeploy}}
}

// staleWhenItIsGone: the flag would make a domain, and move to it.
func (s *story) staleWhenItIsGone() []step {
	return []step{
		{"a pipeline deploys the old flag once more: refused, no domain is made", s.staleDeploy},
		{"cdk deploy --all with us-west-2 committed goes on as if nothing had been", func(ctx context.Context) (string, error) {
			since := time.Now()
			if _, err := s.run(ctx, nil); err != nil {
				return "", err
			}
			return s.undisturbed(since)
		}},
	}
}

// staleDeploy with the cdk.json of the project, which still says us-east-1.
func (s *story) staleDeploy(ctx context.Context) (string, error) {
	before, err := s.ledger(ctx, Secondary)
	if err != nil {
		return "", err
	}
	_, had := s.domain(Primary)
	since := time.Now()
	pipeline := *s.World
	pipeline.CDK = s.deployment(nil)
	delete(pipeline.CDK.Context, "activeRegion")
	pipeline.CDK.Env = slices.DeleteFunc(slices.Clone(pipeline.CDK.Env), func(e string) bool { return strings.HasPrefix(e, "OSDR_CDK_JSON=") })
	out, err := pipeline.run(ctx, nil)
	if err == nil {
		return "", errors.New("the old flag was deployed")
	}
	for _, want := range []string{"cdk.json says " + Primary, "the ledger says " + Secondary} {
		if !strings.Contains(out.Text, want) {
			return "", fmt.Errorf("the refusal does not say %q:\n%w", want, err)
		}
	}
	if _, has := s.domain(Primary); has != had || !had && !s.watch.first(Primary, domainMaking, since).IsZero() {
		return "", fmt.Errorf("a domain in %s: %t before, %t now", Primary, had, has)
	}
	after, err := s.ledger(ctx, Secondary)
	if err != nil {
		return "", err
	}
	if !after.Same(before) || after.Intent != nil {
		return "", fmt.Errorf("the ledger went from %+v to %+v", before, after)
	}
	if err := s.moved(ctx, Secondary, since); err != nil {
		return "", err
	}
	calm, err := s.undisturbed(since)
	return fmt.Sprintf("exit code %d; %s", out.Code, calm), err
}
