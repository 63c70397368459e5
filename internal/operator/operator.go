// Package operator is what the osdr command does: it looks at both Regions and
// says in one page who is active, what would be lost now and what to type next.
//
// Everything here only reads, but Abort and Examine, and these only ask the
// Regions' controllers: nothing but they changes a ledger or a domain. Each look is
// bounded in time and in calls, so that it works while a Region is away, which is
// when it is needed; what did not answer is said, never guessed (G5, H14).
package operator

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/opensearch-dr/osdr/internal/config"
	"github.com/opensearch-dr/osdr/internal/contract"
	"github.com/opensearch-dr/osdr/internal/domain"
	"github.com/opensearch-dr/osdr/internal/ledger"
	"github.com/opensearch-dr/osdr/internal/route"
	"github.com/opensearch-dr/osdr/internal/store"
)

// Domains asks the OpenSearch Service API of a Region.
type Domains interface {
	Describe(ctx context.Context, region string) (domain.Description, error)
}

// Controllers asks a Region's recovery function and waits for its answer.
type Controllers interface {
	Recovery(ctx context.Context, region string, req contract.RecoveryRequest) (contract.RecoveryStatus, error)
}

// Zone reads the record that clients use.
type Zone interface {
	Read(ctx context.Context, name string) (route.Record, error)
}

// World is all that an operator can look at.
type World struct {
	Buckets     map[string]store.Bucket // by Region, both
	Domains     Domains
	Controllers Controllers
	Zone        Zone
	// Features of the record's hosted zone.
	Features func(ctx context.Context) (ZoneFeatures, error)
	// Knock at a domain's endpoint, unsigned; any answer of HTTP is nil.
	Knock func(ctx context.Context, endpoint string) error
}

// Operator of one installation. Timeout bounds each of the two rounds of
// questions that a command asks (ledgers first, then all else).
type Operator struct {
	App       *config.App
	Committed string // activeRegion of cdk.json itself
	Folder    string // of cdk.json
	World     World
	Timeout   time.Duration
	Clock     func() time.Time // used only where no bucket tells S3's time
	Wait      func(context.Context, time.Duration) error
}

// ledgers of both Regions, at once. A Region whose answer is Unreachable is away.
func (o *Operator) ledgers(ctx context.Context) (map[string]ledger.Reading, time.Time) {
	type timed struct {
		r   ledger.Reading
		now time.Time
	}
	got := inEach(o.App.Regions(), func(region string) timed {
		ctx, cancel := context.WithTimeout(ctx, o.Timeout)
		defer cancel()
		b := o.World.Buckets[region]
		t := timed{r: ledger.ReadOne(ctx, b)}
		if t.now = t.r.Date; t.now.IsZero() && !away(t.r) {
			t.now, _ = b.Now(ctx) // an absent bucket tells no time
		}
		return t
	})
	readings, now := map[string]ledger.Reading{}, time.Time{}
	for region, t := range got {
		t.r.Region = region
		readings[region] = t.r
		if t.now.After(now) {
			now = t.now
		}
	}
	if now.IsZero() {
		now = o.Clock()
	}
	return readings, now.UTC()
}

func away(r ledger.Reading) bool {
	return r.Answer == ledger.Unreachable
}

// inForce decides from the ledgers and the copies in recovery points.
func (o *Operator) inForce(readings map[string]ledger.Reading, copies []ledger.Ledger) (ledger.Ledger, bool, error) {
	v := ledger.View{Own: readings[o.App.SecondaryRegion], Other: readings[o.App.PrimaryRegion]}.With(copies)
	return v.InForce()
}

// brief is an error for a line of a table: what did not come in time says so and
// no more.
func (o *Operator) brief(err error) string {
	if errors.Is(err, context.DeadlineExceeded) {
		return fmt.Sprintf("no answer within %s", o.Timeout)
	}
	return requestIDs.ReplaceAllString(strings.Join(strings.Fields(err.Error()), " "), "")
}

// requestIDs of the SDK's errors are for a support case, not for a table.
var requestIDs = regexp.MustCompile(`, (RequestID|HostID): [^,]*`)

// refused tells whether the answer was that these credentials may not ask: that
// is an answer, and no sign of a lost Region.
func refused(err error) bool {
	var coded interface{ ErrorCode() string }
	return errors.As(err, &coded) && slices.Contains([]string{
		"AccessDenied", "AccessDeniedException", "ExpiredToken", "ExpiredTokenException", "InvalidAccessKeyId",
		"InvalidClientTokenId", "SignatureDoesNotMatch", "UnrecognizedClientException",
	}, coded.ErrorCode())
}

// inEach asks all at once.
func inEach[K comparable, V any](keys []K, ask func(K) V) map[K]V {
	type pair struct {
		k K
		v V
	}
	answers := make(chan pair, len(keys))
	for _, k := range keys {
		go func() { answers <- pair{k, ask(k)} }()
	}
	out := make(map[K]V, len(keys))
	for range keys {
		p := <-answers
		out[p.k] = p.v
	}
	return out
}
