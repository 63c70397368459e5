package scenario

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/opensearch-dr/osdr/drill/cdk"
	"github.com/opensearch-dr/osdr/drill/client"
	"github.com/opensearch-dr/osdr/drill/report"
	"github.com/opensearch-dr/osdr/drill/workload"
	"github.com/opensearch-dr/osdr/internal/ledger"
	"github.com/opensearch-dr/osdr/internal/point"
)

const (
	orders    = "orders" // indexes orders-000001 and so on, written by the load
	ordersAll = orders + "-*"
	// clientTTL stands for the record's 60 s: an application's resolver that a
	// drill has not the patience for.
	clientTTL = time.Second
)

// flags of one command, beside the installation's own context.
type flags map[string]string

func (f flags) String() string {
	var b strings.Builder
	for _, key := range []string{"activeRegion", "unreachableRegion", "switchFrom"} {
		if f[key] != "" {
			fmt.Fprintf(&b, " -c %s=%s", key, f[key])
		}
	}
	return b.String()
}

// meaning of a deployment, in a word.
func (f flags) meaning() string {
	switch {
	case f["unreachableRegion"] != "":
		return "failover"
	case f["switchFrom"] != "":
		return "switch"
	}
	return "deploy"
}

// deployment is `cdk deploy --all` with flags as an operator types it.
func (w *World) deployment(f flags) cdk.CLI {
	c := w.CDK
	c.Context = maps.Clone(w.CDK.Context)
	maps.Copy(c.Context, f)
	return c
}

func (w *World) run(ctx context.Context, f flags) (cdk.Result, error) {
	end := w.watch.event(f.meaning(), "cdk deploy --all"+f.String(), report.Quiet)
	defer end()
	return w.deployment(f).Run(ctx, "deploy", "--all")
}

// Commands that an operator types for a switch, as the README names them first.
// Each plans before it deploys.
const (
	makeFailover = "failover"
	makeFailback = "failback"
)

// make is `make failover` or `make failback` in the project's folder, with the
// installation's own values where cdk.json has none of them.
// More options of osdr and cdk go with ARGS.
func (w *World) make(ctx context.Context, target string, options ...string) (cdk.Result, error) {
	end := w.watch.event(map[string]string{makeFailover: makeFailover, makeFailback: "switch"}[target], "make "+target, report.Quiet)
	defer end()
	return w.maker(options...).Run(ctx, target)
}

// maker runs make as cdk.CLI runs cdk.
func (w *World) maker(options ...string) cdk.CLI {
	var args []string
	for _, key := range slices.Sorted(maps.Keys(w.CDK.Context)) {
		if key != "activeRegion" { // the committed cdk.json says it, and the plan what follows
			args = append(args, "-c", key+"="+w.CDK.Context[key])
		}
	}
	args = append(args, options...)
	c := w.CDK
	c.Name, c.Command, c.Context, c.Output = "make", []string{"make", "-s"}, nil, ""
	c.Env = append(slices.Clone(w.CDK.Env),
		"CDK="+strings.Join(w.CDK.Command, " "),
		"ARGS="+strings.Join(args, " "),
		"CDK_ARGS=--output "+w.CDK.Output+" --progress events")
	return c
}

// commit activeRegion to the cdk.json of the next commands, as the switch's last
// line says.
func (w *World) commit(region string) error {
	raw, err := os.ReadFile(filepath.Join(w.CDK.Dir, "cdk.json"))
	if err != nil {
		return fmt.Errorf("commit %s: %w", region, err)
	}
	var file map[string]any
	if err := json.Unmarshal(raw, &file); err != nil {
		return fmt.Errorf("commit %s: %w", region, err)
	}
	file["context"].(map[string]any)["activeRegion"] = region
	if raw, err = json.Marshal(file); err != nil {
		return err
	}
	path := filepath.Join(w.Cloud.Folder(), "cdk."+region+".json")
	if err := os.WriteFile(path, raw, 0o644); err != nil {
		return fmt.Errorf("commit %s: %w", region, err)
	}
	// cdk itself reads the project's cdk.json; what the other one says goes by -c,
	// and is no override because the app compares it with the committed file.
	const variable = "OSDR_CDK_JSON="
	env := []string{variable + path}
	for _, e := range w.CDK.Env {
		if !strings.HasPrefix(e, variable) {
			env = append(env, e)
		}
	}
	w.CDK.Env = env
	w.CDK.Context["activeRegion"] = region
	return nil
}

// startLoad once; the scenarios of a row go on with it.
func (w *World) startLoad(ctx context.Context) (string, error) {
	if w.work == nil {
		dialer := w.Cloud.Gateway.Dialer()
		dialer.TTL = clientTTL
		w.work = workload.Start(ctx, workload.Config{
			Record: record, Credentials: w.appKey, Dialer: dialer, TLS: w.transport().TLSClientConfig, Prefix: orders, Roll: 25 * time.Second,
			Limit: 5 * time.Second, // a loaded machine is no outage
		})
	}
	before := w.work.Acknowledged()
	if err := w.await(ctx, time.Minute, "100 acknowledged writes", func() (bool, error) {
		ops := w.work.Ops()
		if n := len(ops) - 1; n >= 0 && !ops[n].OK {
			return false, errors.New(ops[n].Reason)
		}
		return w.work.Acknowledged()-before >= 100, nil
	}); err != nil {
		return "", err
	}
	led, err := w.ledger(ctx, Primary)
	if err != nil {
		return "", err
	}
	if w.films, err = w.still(ctx, led.ActiveRegion); err != nil {
		return "", err
	}
	return fmt.Sprintf("%d writes acknowledged", w.work.Acknowledged()), nil
}

// direct client of a Region's domain, by its own endpoint.
func (w *World) direct(region string) (*client.Client, error) {
	d, ok := w.domain(region)
	if !ok {
		return nil, fmt.Errorf("there is no domain in %s", region)
	}
	return client.New(client.Config{
		Record: d.Endpoint, Credentials: w.appKey, Transport: client.Transport(w.dialer.DialContext, w.transport()),
		Region: func(context.Context) (string, error) { return region, nil },
	}), nil
}

// uuid of a Region's domain, as it says itself.
func (w *World) uuid(ctx context.Context, region string) (string, error) {
	c, err := w.direct(region)
	if err != nil {
		return "", err
	}
	var info struct {
		UUID string `json:"cluster_uuid"`
	}
	_, err = c.Do(ctx, http.MethodGet, "/", nil, &info)
	return info.UUID, err
}

// ledger of a Region's bucket.
func (w *World) ledger(ctx context.Context, region string) (ledger.Ledger, error) {
	v := ledger.ReadOne(ctx, w.bucket(region))
	if v.Answer != ledger.Present {
		return ledger.Ledger{}, fmt.Errorf("the ledger of %s is %s: %v", region, v.Answer, v.Err) //nolint:errorlint // Err may be nil
	}
	return v.Ledger, nil
}

// fullPoint of a Region that began after since and holds the load's newest index.
func (w *World) fullPoint(ctx context.Context, region string, since time.Time) (point.Point, error) {
	return w.awaitPoint(ctx, region, since, func(p point.Point) bool {
		for _, i := range p.Indices {
			if strings.HasPrefix(i.Name, orders+"-") && i.Documents > 0 {
				return true
			}
		}
		return false
	})
}

// moved: the name leads to the Region's domain, and its client reads and writes
// there.
func (w *World) moved(ctx context.Context, region string, since time.Time) error {
	if err := w.await(ctx, time.Minute, "reads and writes in "+region, func() (bool, error) {
		ops := w.work.Ops()
		if n := len(ops) - 1; n >= 0 && !ops[n].OK {
			return false, errors.New(ops[n].Reason)
		}
		return !workload.FirstOK(ops, workload.Read, region, since).IsZero() && !workload.FirstOK(ops, workload.Write, region, since).IsZero(), nil
	}); err != nil {
		return err
	}
	to, err := w.dialer.Resolve(ctx, record)
	if err != nil {
		return err
	}
	if d, ok := w.domain(region); !ok || d.Endpoint != to.Host {
		return fmt.Errorf("%s leads to %s, which is no domain of %s", record, to.Host, region)
	}
	if signing, err := w.signingRegion(ctx); err != nil || signing != region {
		return fmt.Errorf("_active.%s says %s (%v)", record, signing, err) //nolint:errorlint // err may be nil
	}
	return w.parameters(ctx, region)
}

// still is what the load does not write: counts, by index.
func (w *World) still(ctx context.Context, region string) (map[string]int, error) {
	c, err := w.direct(region)
	if err != nil {
		return nil, err
	}
	counts := map[string]int{}
	for _, index := range []string{movies, flights, stream} {
		if counts[index], err = c.Count(ctx, index); err != nil {
			return nil, err
		}
	}
	return counts, nil
}

// sameFilms as before the switch.
func (w *World) sameFilms(ctx context.Context, region string) error {
	have, err := w.still(ctx, region)
	if err != nil {
		return err
	}
	if w.films == nil || !maps.Equal(have, w.films) {
		return fmt.Errorf("%s holds %v documents, not %v", region, have, w.films)
	}
	return nil
}

// contents of the load's indexes in a Region's domain.
func (w *World) contents(ctx context.Context, region string) (workload.Contents, error) {
	c, err := w.direct(region)
	if err != nil {
		return nil, err
	}
	return workload.ReadAll(ctx, c, ordersAll, nil)
}

// undisturbed: each operation since then succeeded.
func (w *World) undisturbed(since time.Time) (string, error) {
	n := 0
	for _, o := range w.work.Ops() {
		if o.Start.Before(since) {
			continue
		}
		if !o.OK {
			return "", fmt.Errorf("the client's %s at %s failed: %s", o.Kind, o.Start.Format(time.TimeOnly), o.Reason)
		}
		n++
	}
	return fmt.Sprintf("%d operations of the client, none failed", n), nil
}
