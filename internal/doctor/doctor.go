// Package doctor tries on one domain what no emulator can settle, and takes away
// what that made, whatever happens. It touches nothing of anybody else: it works on
// an index, a registration and a path of its own, and a setting of the cluster gets
// a value that means the same to everybody else, so that even a doctor that dies in
// the middle has changed nothing for the domain's users.
//
// Each probe stands for itself: one that fails says so, what was seen, and what the
// product does on this account because of it.
package doctor

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/opensearch-dr/osdr/internal/contract"
	"github.com/opensearch-dr/osdr/internal/domain"
	"github.com/opensearch-dr/osdr/internal/opensearch"
	"github.com/opensearch-dr/osdr/internal/repository"
	"github.com/opensearch-dr/osdr/internal/store"
)

// Deps of an examination.
type Deps struct {
	Domain   domain.Trial
	Security opensearch.Security // the master role, to map what the trial may do
	Bucket   store.Bucket        // the other Region's, where the domain writes
	Signer   string              // ARN that Domain signs as
	// Wish of the registration; its name and path are the doctor's own.
	Wish repository.Wish
	// Trial is the name of the index and of the path: TrialPrefix and TrialRandom
	// characters of a-z and 0-9.
	Trial            string
	Endpoint, Record string // of the domain itself, and the name that clients use
	// Certificate that an endpoint shows for a name; see awsclients.Certificate.
	Certificate func(ctx context.Context, endpoint, name string) (time.Time, error)
	// Stop says why no further probe may begin; empty: go on.
	Stop   func(ctx context.Context) string
	Budget repository.Budget
	Wait   func(context.Context, time.Duration) error
	Clock  func() time.Time
}

// Limits. All of them together, with the clean-up, are less than the function's own.
const (
	limit      = 30 * time.Second // of a probe
	limitForms = 130 * time.Second
	limitTidy  = 60 * time.Second
	pause      = 2 * time.Second
	// reserve of a deadline for the clean-up.
	reserve = limitTidy + 10*time.Second
)

// examination under way.
type examination struct {
	Deps
	out   contract.Examination
	ready error // why there is no index of its own; nil: it is there
	form  string
	noISM bool // the domain has no index state management
}

type probe struct {
	id, title string
	limit     time.Duration
	index     bool // it needs the index
	// try answers what was seen; an error is a thing that does not work.
	try func(ctx context.Context) (said string, err error)
	// follows tells what the product does because of it.
	follows func(err error) string
	// everywhere marks what the managed service refuses to everybody.
	everywhere bool
}

// ErrUntried says that a probe had nothing to try.
var ErrUntried = errors.New("not tried")

func untried(format string, a ...any) error {
	return fmt.Errorf("%w: %s", ErrUntried, fmt.Sprintf(format, a...))
}

// Examine the domain. What is wrong is in the answer, never an error.
func Examine(ctx context.Context, d Deps) (out contract.Examination) {
	x := &examination{Deps: d}
	x.out.Trial, x.out.Started = d.Trial, d.Clock().UTC()
	x.out.Probes = []contract.Probe{}
	// The clean-up has time of its own, even when the caller's is over.
	defer func() {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), limitTidy)
		defer cancel()
		x.out.Left = x.tidy(ctx)
		out = x.out
	}()
	work, cancel := ctx, context.CancelFunc(func() {})
	if end, ok := ctx.Deadline(); ok {
		work, cancel = context.WithDeadline(ctx, end.Add(-reserve))
	}
	defer cancel()
	x.begin(work)
	for _, p := range x.probes() {
		x.out.Probes = append(x.out.Probes, x.one(work, p))
	}
	return out
}

// begin with what an earlier doctor left behind, then make the index.
func (x *examination) begin(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	if info, err := x.Domain.Info(ctx); err == nil {
		x.out.ClusterUUID, x.out.Version = info.ClusterUUID, info.Version
	}
	x.ready = x.make(ctx)
}

func (x *examination) make(ctx context.Context) error {
	if left := x.tidy(ctx); len(left) > 0 {
		return fmt.Errorf("take away what an earlier run left: %s", strings.Join(left, "; "))
	}
	if err := x.Security.PutRole(ctx, contract.TrialRole, opensearch.TrialPermissions(contract.TrialPrefix+"*")); err != nil {
		return fmt.Errorf("write the role %s: %w", contract.TrialRole, err)
	}
	if err := x.Security.PutRoleMapping(ctx, contract.TrialRole, opensearch.RoleMapping{BackendRoles: []string{x.Signer}}); err != nil {
		return fmt.Errorf("map the role %s: %w", contract.TrialRole, err)
	}
	if err := x.Domain.CreateTrial(ctx, x.Trial); err != nil {
		return err
	}
	return x.Domain.WriteTrial(ctx, x.Trial, "1")
}

func (x *examination) one(ctx context.Context, p probe) contract.Probe {
	begun := x.Clock()
	ctx, cancel := context.WithTimeout(ctx, p.limit)
	defer cancel()
	out := contract.Probe{ID: p.id, Title: p.title, Verdict: contract.Works}
	said, err := x.attempt(ctx, p)
	out.Said = said
	switch {
	case errors.Is(err, ErrUntried):
		out.Verdict, out.Said = contract.Untried, strings.TrimPrefix(err.Error(), ErrUntried.Error()+": ")
	case err != nil:
		out.Verdict, out.Said = contract.DoesNot, join(said, err.Error())
		out.Follows = p.follows(err)
		out.AsEverywhere = p.everywhere && errors.Is(err, opensearch.ErrNotOffered)
	default:
		out.Follows = p.follows(nil)
	}
	out.Seconds = x.Clock().Sub(begun).Seconds()
	return out
}

func (x *examination) attempt(ctx context.Context, p probe) (said string, err error) {
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("the probe broke: %v; please report it", r)
		}
	}()
	if ctx.Err() != nil {
		return "", untried("the time was over")
	}
	if why := x.Stop(ctx); why != "" {
		return "", untried("%s", why)
	}
	if p.index && x.ready != nil {
		return "", untried("no index of its own: %v", x.ready)
	}
	return p.try(ctx)
}

func join(parts ...string) string {
	var out []string
	for _, p := range parts {
		if p != "" {
			out = append(out, p)
		}
	}
	return strings.Join(out, "; ")
}
