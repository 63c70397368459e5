package scenario

import (
	"context"
	"fmt"
	"maps"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation"
	"github.com/aws/aws-sdk-go-v2/service/ssm"

	"github.com/opensearch-dr/osdr/drill/cloud"
	"github.com/opensearch-dr/osdr/drill/gateway"
	"github.com/opensearch-dr/osdr/internal/contract"
	"github.com/opensearch-dr/osdr/internal/ledger"
)

// parameters of the Regions that are not away name the active one (F16).
func (w *World) parameters(ctx context.Context, active string) error {
	for _, region := range []string{Primary, Secondary} {
		if w.watch.isAway(region) {
			continue
		}
		if err := w.await(ctx, 2*time.Minute, "the parameter of "+region+" to name "+active, func() (bool, error) {
			out, err := ssm.NewFromConfig(w.in(region)).GetParameter(ctx, &ssm.GetParameterInput{Name: new(w.Names.ActiveParameter())})
			if err != nil {
				return false, fmt.Errorf("read the parameter: %w", err)
			}
			if got := aws.ToString(out.Parameter.Value); got != active {
				return false, fmt.Errorf("it says %s", got)
			}
			return true, nil
		}); err != nil {
			return err
		}
	}
	return nil
}

// askedLittle: G5, from the gateway's log. Between the loss and the change of DNS
// nobody but the controller and its probes asked anything of the lost Region.
func (s *story) askedLittle(context.Context) (string, error) {
	if s.failover.record.IsZero() {
		return "", fmt.Errorf("no change of the record was seen")
	}
	type ask struct{ who, what string }
	asked := map[ask]int{}
	bucket := "/" + s.Names.Bucket(Primary)
	for _, c := range s.Cloud.Gateway.Calls(gateway.Filter{TargetRegion: Primary, Since: s.away}) {
		switch {
		case c.Time.After(s.failover.record), c.CallerRegion == Primary, c.Function == "" && c.Front != "aws":
			continue // afterwards; what runs in the lost Region itself; the client
		case c.Front == "connect":
			continue // a tunnel; what goes through it is in the log as well
		}
		what := c.Service + " " + c.Method + " " + c.Path
		switch {
		case c.Service == "s3" && strings.HasPrefix(c.Path, bucket):
			what = "s3 " + c.Method + " " + strings.TrimPrefix(c.Path, bucket)
		case c.Service == "lambda" && c.Caller == s.Cloud.Admin.PrincipalARN:
			what = "look at the controller"
		case c.Service == "lambda":
			what = "fence"
		case c.Service == "es" && c.Front == "aws":
			what = "probe of the OpenSearch API"
		case c.Front == "domain":
			what = "probe of the domain"
		}
		who := strings.TrimPrefix(c.Function, s.Names.App+"-")
		if c.Function == "" {
			who = c.Caller
		}
		asked[ask{who, what}]++
	}
	limits := map[string]int{"fence": 1, "probe of the OpenSearch API": 60, "probe of the domain": 60}
	var said []string
	for _, a := range slices.SortedFunc(maps.Keys(asked), func(a, b ask) int { return strings.Compare(a.who+a.what, b.who+b.what) }) {
		n := asked[a]
		limit, known := limits[a.what]
		reading := a.what == "s3 GET /"+ledger.Key || a.what == "s3 GET " || a.what == "s3 GET /"
		switch {
		case a.who == contract.Recovery && reading, a.who == contract.Recovery && known && n <= limit:
		// The plan of make failover: three bounded questions and the ledger.
		case a.who == s.Cloud.Admin.PrincipalARN && (reading || strings.HasPrefix(a.what, "probe of") && n <= 2 || a.what == "look at the controller" && n <= 4):
		case a.who == contract.Traffic && reading: // the record's stack, which agrees afterwards
		default:
			return "", fmt.Errorf("before DNS moved %s asked the lost Region %d times for: %s", a.who, n, a.what)
		}
		said = append(said, fmt.Sprintf("%s: %d x %s", a.who, n, a.what))
	}
	return strings.Join(said, ", "), nil
}

// noOrphans: what one switch leaves behind would be in the way of the next.
func (w *World) noOrphans(ctx context.Context) (string, error) {
	var led ledger.Ledger
	if err := w.await(ctx, 3*time.Minute, "both ledgers to agree without an intent, no pin, no fence, no lease that is held, nothing half restored", func() (bool, error) {
		one, err := w.ledger(ctx, Primary)
		if err != nil {
			return false, err
		}
		two, err := w.ledger(ctx, Secondary)
		if err != nil {
			return false, err
		}
		if !one.Same(two) || one.Intent != nil || two.Intent != nil {
			return false, fmt.Errorf("%+v and %+v", one, two)
		}
		led = one
		for _, region := range []string{Primary, Secondary} {
			for _, prefix := range []string{"pins/", "fence/", "journal/restore"} {
				left, err := w.bucket(region).List(ctx, contract.OwnPrefix+prefix)
				if err != nil {
					return false, err
				}
				if len(left) > 0 {
					return false, fmt.Errorf("%s in the bucket of %s", left[0].Key, region)
				}
			}
			held, err := w.leases(ctx, region)
			if err != nil {
				return false, err
			}
			if len(held) > 0 {
				return false, fmt.Errorf("lease %s", held[0])
			}
		}
		return true, nil
	}); err != nil {
		return "", err
	}
	if n := len(w.Cloud.Status().Domains); n != 1 {
		return "", fmt.Errorf("%d domains are there", n)
	}
	nodes, err := os.ReadDir(filepath.Join(w.Cloud.Folder(), "nodes"))
	if err != nil || len(nodes) != 1 {
		return "", fmt.Errorf("%d nodes have data: %v", len(nodes), err) //nolint:errorlint // err may be nil
	}
	active, err := w.direct(led.ActiveRegion)
	if err != nil {
		return "", err
	}
	var repositories map[string]any
	if _, err := active.Do(ctx, http.MethodGet, "/_snapshot/_all", nil, &repositories); err != nil {
		return "", err
	}
	for name := range repositories {
		if name != contract.Repository && name != contract.InboundRepository && name != cloud.AutomatedRepository {
			return "", fmt.Errorf("repository %s is registered in %s", name, led.ActiveRegion)
		}
	}
	if err := w.schedulesFit(ctx, led.ActiveRegion); err != nil {
		return "", err
	}
	stacks, err := w.stacks(ctx)
	if err != nil {
		return "", err
	}
	return fmt.Sprintf("generation %d in both Regions, 1 domain, 1 node, repositories %v, %d stacks", led.Generation, slices.Sorted(maps.Keys(repositories)), stacks), nil
}

// stacks of the app: each one of its seven, no other, none half-way.
func (w *World) stacks(ctx context.Context) (int, error) {
	n := w.Names
	want := map[string][]string{
		Primary:   {n.DomainStack(Primary), n.FoundationStack(Primary), n.RecoveryStack(Primary)},
		Secondary: {n.DomainStack(Secondary), n.FoundationStack(Secondary), n.RecoveryStack(Secondary), n.TrafficStack()},
	}
	total := 0
	for region, names := range want {
		out, err := cloudformation.NewFromConfig(w.in(region)).DescribeStacks(ctx, &cloudformation.DescribeStacksInput{})
		if err != nil {
			return 0, fmt.Errorf("list the stacks of %s: %w", region, err)
		}
		var have []string
		for _, s := range out.Stacks {
			name := aws.ToString(s.StackName)
			if name == "CDKToolkit" || strings.HasPrefix(string(s.StackStatus), "DELETE_COMPLETE") {
				continue
			}
			if strings.HasSuffix(string(s.StackStatus), "IN_PROGRESS") || strings.Contains(string(s.StackStatus), "FAILED") {
				return 0, fmt.Errorf("stack %s is %s", name, s.StackStatus)
			}
			have = append(have, name)
		}
		slices.Sort(have)
		if !slices.Equal(have, names) {
			return 0, fmt.Errorf("%s has the stacks %v, not %v", region, have, names)
		}
		total += len(have)
	}
	return total, nil
}
