// Package checks is the register of what `osdr drift` looks at. A check compares
// what the templates, the configuration and the ledger say with what AWS answers;
// each names a command or an act that mends what it finds. None changes anything.
package checks

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"time"

	"github.com/opensearch-dr/osdr/internal/config"
	"github.com/opensearch-dr/osdr/internal/contract"
	"github.com/opensearch-dr/osdr/internal/drift"
	"github.com/opensearch-dr/osdr/internal/ledger"
	"github.com/opensearch-dr/osdr/internal/point"
	"github.com/opensearch-dr/osdr/internal/reader"
	"github.com/opensearch-dr/osdr/internal/route"
	"github.com/opensearch-dr/osdr/internal/store"
	"github.com/opensearch-dr/osdr/internal/template"
)

// Zone reads the record that clients use.
type Zone interface {
	Read(ctx context.Context, name string) (route.Record, error)
}

// Facts of one run: where to look, and what was seen already.
type Facts struct {
	App     *config.App
	Cloud   reader.Cloud
	Buckets map[string]store.Bucket // by Region, both
	Zone    Zone
	// Expected is what was synthesized; ExpectedErr says why nothing was.
	Expected    *template.Assembly
	ExpectedErr error
	// Built is the folder of this checkout's functions, <what>/bootstrap in it.
	Built string
	Memo  *drift.Memo
	// Slow is the time of what takes long by nature: CloudFormation's drift
	// detection, an inspection of a cluster, packages of functions.
	Slow time.Duration
}

func (f *Facts) names() contract.Names { return f.App.Names() }

// get a look-up once.
func get[T any](ctx context.Context, f *Facts, look func(context.Context) (T, error), key ...string) (T, error) {
	return drift.Get(ctx, f.Memo, strings.Join(key, "\x00"), look)
}

func (f *Facts) domain(ctx context.Context, region string) (*reader.Domain, error) {
	return get(ctx, f, func(ctx context.Context) (*reader.Domain, error) {
		return f.Cloud.Domain(ctx, region, f.names().Domain())
	}, "domain", region)
}

func (f *Facts) stack(ctx context.Context, region, name string) (*reader.Stack, error) {
	return get(ctx, f, func(ctx context.Context) (*reader.Stack, error) { return f.Cloud.Stack(ctx, region, name) }, "stack", region, name)
}

func (f *Facts) stackResources(ctx context.Context, region, name string) ([]reader.StackResource, error) {
	return get(ctx, f, func(ctx context.Context) ([]reader.StackResource, error) {
		return f.Cloud.StackResources(ctx, region, name)
	}, "stack resources", region, name)
}

func (f *Facts) function(ctx context.Context, region, name string) (*reader.Function, error) {
	return get(ctx, f, func(ctx context.Context) (*reader.Function, error) { return f.Cloud.Function(ctx, region, name) }, "function", region, name)
}

func (f *Facts) async(ctx context.Context, region, name string) (*reader.Resource, error) {
	return get(ctx, f, func(ctx context.Context) (*reader.Resource, error) { return f.Cloud.Async(ctx, region, name) }, "async", region, name)
}

// code of a deployed function.
func (f *Facts) code(ctx context.Context, region, name string) (map[string]string, error) {
	fn, err := f.function(ctx, region, name)
	if err != nil || fn == nil {
		return nil, err
	}
	return drift.GetWithin(ctx, f.Memo, "code\x00"+region+"\x00"+name, f.Slow, func(ctx context.Context) (map[string]string, error) {
		if fn.CodeURL == "" {
			return nil, fmt.Errorf("fetch the package of %s in %s: Lambda names no place", name, region)
		}
		return f.Cloud.Code(ctx, fn.CodeURL)
	})
}

func (f *Facts) schedule(ctx context.Context, region, group, name string) (*reader.Resource, error) {
	return get(ctx, f, func(ctx context.Context) (*reader.Resource, error) {
		return f.Cloud.Schedule(ctx, region, group, name)
	}, "schedule", region, group, name)
}

func (f *Facts) bucket(ctx context.Context, region string, part reader.BucketPart) (*reader.Resource, error) {
	return get(ctx, f, func(ctx context.Context) (*reader.Resource, error) {
		return f.Cloud.Bucket(ctx, region, f.names().Bucket(region), part)
	}, "bucket", region, string(part))
}

func (f *Facts) role(ctx context.Context, name string) (*reader.Resource, error) {
	return get(ctx, f, func(ctx context.Context) (*reader.Resource, error) { return f.Cloud.Role(ctx, name) }, "role", name)
}

func (f *Facts) key(ctx context.Context, region, alias string) (*reader.Key, error) {
	return get(ctx, f, func(ctx context.Context) (*reader.Key, error) { return f.Cloud.Key(ctx, region, alias) }, "key", region, alias)
}

func (f *Facts) topic(ctx context.Context, region, arn string) (*reader.Resource, error) {
	return get(ctx, f, func(ctx context.Context) (*reader.Resource, error) { return f.Cloud.Topic(ctx, region, arn) }, "topic", arn)
}

func (f *Facts) subscriptions(ctx context.Context, region, arn string) ([]reader.Subscription, error) {
	return get(ctx, f, func(ctx context.Context) ([]reader.Subscription, error) {
		return f.Cloud.Subscriptions(ctx, region, arn)
	}, "subscriptions", arn)
}

// alarms of a Region that the templates hold, in one look-up.
func (f *Facts) alarms(ctx context.Context, region string) (map[string]reader.Resource, error) {
	return get(ctx, f, func(ctx context.Context) (map[string]reader.Resource, error) {
		var names []string
		for _, r := range f.Expected.In(region, alarmType) {
			names = append(names, r.Text("AlarmName"))
		}
		if len(names) == 0 {
			return nil, nil
		}
		return f.Cloud.Alarms(ctx, region, names)
	}, "alarms", region)
}

type parameter struct {
	value string
	there bool
}

func (f *Facts) parameter(ctx context.Context, region, name string) (string, bool, error) {
	p, err := get(ctx, f, func(ctx context.Context) (parameter, error) {
		v, ok, err := f.Cloud.Parameter(ctx, region, name)
		return parameter{v, ok}, err
	}, "parameter", region, name)
	return p.value, p.there, err
}

func (f *Facts) record(ctx context.Context) (route.Record, error) {
	return get(ctx, f, func(ctx context.Context) (route.Record, error) { return f.Zone.Read(ctx, f.App.DNS.Record) }, "record")
}

func (f *Facts) inspection(ctx context.Context, region string) (*contract.Inspection, error) {
	return drift.GetWithin(ctx, f.Memo, "inspection\x00"+region, f.Slow, func(ctx context.Context) (*contract.Inspection, error) {
		return f.Cloud.Inspect(ctx, region, f.names().LookARN(region))
	})
}

// reading of one Region's ledger.
func (f *Facts) reading(ctx context.Context, region string) (ledger.Reading, error) {
	return get(ctx, f, func(ctx context.Context) (ledger.Reading, error) {
		r := ledger.ReadOne(ctx, f.Buckets[region])
		r.Region = region
		return r, r.Err
	}, "ledger", region)
}

// now is S3's clock in a Region (H10).
func (f *Facts) now(ctx context.Context, region string) (time.Time, error) {
	return get(ctx, f, f.Buckets[region].Now, "clock", region)
}

// newest points of a Region's bucket, the newest first, as many as a report needs.
func (f *Facts) newest(ctx context.Context, region string) ([]point.Point, error) {
	return get(ctx, f, func(ctx context.Context) ([]point.Point, error) { return newestPoints(ctx, f.Buckets[region]) }, "points", region)
}

func (f *Facts) pointIDs(ctx context.Context, region string) ([]point.ID, error) {
	return get(ctx, f, func(ctx context.Context) ([]point.ID, error) { return point.List(ctx, f.Buckets[region]) }, "point ids", region)
}

// InForce is the ledger of the highest generation in any readable ledger or point;
// ok is false when nothing was ever set up. A Region that the operator called
// unreachable is not asked.
func (f *Facts) InForce(ctx context.Context) (led ledger.Ledger, ok bool, err error) {
	var v ledger.View
	var copies []ledger.Ledger
	var mu sync.Mutex
	var all sync.WaitGroup
	for _, region := range f.App.Regions() {
		at := &v.Own
		if region == f.App.PrimaryRegion {
			at = &v.Other
		}
		if region == f.App.UnreachableRegion {
			*at = ledger.Reading{Region: region, Answer: ledger.Unreachable, Err: errors.New("not asked")}
			continue
		}
		all.Go(func() {
			r, err := f.reading(ctx, region)
			if err != nil && r.Answer != ledger.Unreachable && r.Answer != ledger.Malformed {
				r = ledger.Reading{Region: region, Answer: ledger.Unreachable, Err: err}
			}
			*at = r
			if r.Answer == ledger.Unreachable {
				return
			}
			points, err := f.newest(ctx, region)
			if err != nil {
				return // the ledgers decide then; the point checks say it
			}
			mu.Lock()
			defer mu.Unlock()
			for _, p := range points {
				copies = append(copies, p.Ledger)
			}
		})
	}
	all.Wait()
	return v.With(copies).InForce()
}

// inForce or an error: for checks that need somebody to be active.
func (f *Facts) inForce(ctx context.Context) (ledger.Ledger, error) {
	led, ok, err := f.InForce(ctx)
	if err == nil && !ok {
		err = errors.New("find who is active: nothing was set up yet; deploy")
	}
	return led, err
}

// Active Region, "" when nobody knows.
func (f *Facts) Active(ctx context.Context) string {
	led, _, err := f.InForce(ctx)
	if err != nil {
		return ""
	}
	return led.ActiveRegion
}
