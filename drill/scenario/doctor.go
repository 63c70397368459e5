package scenario

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/opensearch-dr/osdr/drill/gateway"
	"github.com/opensearch-dr/osdr/internal/contract"
	"github.com/opensearch-dr/osdr/internal/operator"
)

// Doctor is docs/doctor.md followed on the domain that serves: each probe says what
// the local cloud is, good or bad, and nothing stays behind.
func Doctor(ctx context.Context, w *World) error {
	d := &doctors{World: w}
	all := []string{"region+endpoint", "region", "endpoint"}
	return w.play(ctx, []step{
		{"osdr is built; a recovery point is there", d.prepare},
		{"osdr doctor: a plan, and nothing is changed", d.plan},
		{"osdr doctor --yes: what works, what does not, what the product does, nothing left", d.first},
		{"the advice of the last one that does not work is followed: exit 0", d.advised},
		{"S3 refuses the first form: the product takes the next", func(ctx context.Context) (string, error) {
			return d.refusing(ctx, "the product registers by region,", contract.Works, all[0])
		}},
		{"S3 refuses the first two forms: the product takes the last", func(ctx context.Context) (string, error) {
			return d.refusing(ctx, "the product registers by endpoint,", contract.Works, all[:2]...)
		}},
		{"S3 refuses every form: no recovery point can be made, it says", func(ctx context.Context) (string, error) {
			return d.refusing(ctx, "no recovery point can be made on this account", contract.DoesNot, all...)
		}},
		{"recovery points go on", d.goesOn},
	})
}

// doctors is the scenario's state.
type doctors struct {
	*World
	osdr   *osdr
	before traces
}

func (d *doctors) prepare(ctx context.Context) (string, error) {
	var weight string
	var err error
	if d.osdr, weight, err = d.buildOsdr(ctx); err != nil {
		return "", err
	}
	points, err := d.onDemand(ctx, 1)
	if err != nil {
		return "", err
	}
	d.before, err = d.traces(ctx)
	return weight + "; " + points, err
}

func (d *doctors) plan(ctx context.Context) (string, error) {
	since := time.Now()
	out, code, err := d.osdr.command(ctx, "doctor")
	if err != nil {
		return "", err
	}
	if code != 2 || !strings.Contains(out, "to do it: osdr doctor --yes") {
		return "", fmt.Errorf("exit %d:\n%s", code, out)
	}
	asked := d.Cloud.Gateway.Calls(gateway.Filter{Since: since, Match: func(c gateway.Call) bool {
		return c.Function == "" && c.Service == "lambda"
	}})
	if len(asked) > 0 {
		return "", fmt.Errorf("the plan alone asks the controller: %+v", asked)
	}
	return fmt.Sprintf("exit 2, %d lines", strings.Count(out, "\n")), d.nothingLeft(ctx)
}

// run the doctor as an operator does, again while the controller is at work.
func (d *doctors) run(ctx context.Context) (operator.Doctor, int, error) {
	var out string
	var code int
	if err := d.await(ctx, 3*time.Minute, "the doctor's turn", func() (bool, error) {
		var err error
		if out, code, err = d.osdr.command(ctx, "doctor", "--yes", "-o", "json"); err != nil && strings.Contains(err.Error(), "run it again then") {
			return false, err
		}
		return true, err
	}); err != nil {
		return operator.Doctor{}, code, err
	}
	var found operator.Doctor
	if err := json.Unmarshal([]byte(out), &found); err != nil {
		return found, code, fmt.Errorf("read what the doctor found: %w\n%s", err, out)
	}
	if found.Found == nil || len(found.Found.Left) > 0 {
		return found, code, fmt.Errorf("it was not done, or it left something: %s", out)
	}
	return found, code, d.nothingLeft(ctx)
}

// probeOf an examination.
func probeOf(found operator.Doctor, id string) contract.Probe {
	for _, p := range found.Found.Probes {
		if p.ID == id {
			return p
		}
	}
	return contract.Probe{}
}

// recoveryRate is the probe that the service refuses to everybody.
const recoveryRate = "cluster.recovery-rate"

// expected of the local cloud: the engine has no index state management, the record's
// zone is new, the rate of restores is the service's alone, and the rest is as on AWS,
// by a real engine and a real certificate.
var expected = []struct{ id, said string }{
	{"repository.forms", "region and endpoint: works; region: works; endpoint: works"},
	{"repository.paths", `shard_path_type as "FIXED"`},
	{"index.block", "a write behind it is refused"},
	{"index.close", "_close and _open are taken"},
	{"cluster.auto-create", "holds, and goes back"},
	{"cluster.ism", "this domain has none"},
	{recoveryRate, "payload is not allowed"},
	{"cluster.state", "all that a recovery point holds"},
	{"domain.certificate", "shows a certificate of " + record + " that is valid until"},
}

func (d *doctors) first(ctx context.Context) (string, error) {
	found, code, err := d.run(ctx)
	if err != nil {
		return "", err
	}
	if len(found.Found.Probes) != len(expected)+1 {
		return "", fmt.Errorf("%d probes: %+v", len(found.Found.Probes), found.Found.Probes)
	}
	for _, e := range expected {
		p := probeOf(found, e.id)
		if refused := p.Verdict == contract.DoesNot && p.AsEverywhere; p.Verdict != contract.Works && !refused || refused != (e.id == recoveryRate) || !strings.Contains(p.Said, e.said) || p.Follows == "" {
			return "", fmt.Errorf("%s is %s: %s; so %s", e.id, p.Verdict, p.Said, p.Follows)
		}
	}
	if via := d.Cloud.Gateway.Calls(gateway.Filter{Since: found.Found.Started, Match: func(c gateway.Call) bool { return c.Front == "domain" && c.Method == http.MethodHead && c.Caller == "" }}); len(via) == 0 {
		return "", errors.New("the certificate did not come through the gateway")
	}
	zone := probeOf(found, "zone.recovery")
	if on := zone.Verdict == contract.Works; code != map[bool]int{true: 0, false: 2}[on] || len(found.Attention) != map[bool]int{true: 0, false: 1}[on] {
		return "", fmt.Errorf("exit %d, attention %v", code, found.Attention)
	}
	return fmt.Sprintf("exit %d; %d probes in %.1f s; %s", code, len(found.Found.Probes), seconds(found), zone.Said), nil
}

func seconds(found operator.Doctor) (all float64) {
	for _, p := range found.Found.Probes {
		all += p.Seconds
	}
	return all
}

// advised: the zone's probe names the command that mends it.
func (d *doctors) advised(ctx context.Context) (string, error) {
	found, _, err := d.run(ctx)
	if err != nil {
		return "", err
	}
	advice := "it is on already"
	if p := probeOf(found, "zone.recovery"); p.Verdict != contract.Works {
		_, after, _ := strings.Cut(p.Follows, "turn it on: ")
		advice = strings.TrimSuffix(after, " (X4)")
		if err := d.carryOut(ctx, d.osdr, Primary, advice); err != nil {
			return "", err
		}
	}
	out, code, err := d.osdr.command(ctx, "doctor", "--yes")
	if err != nil {
		return "", err
	}
	if code != 0 || !strings.Contains(out, "nothing needs attention, and nothing is left behind") {
		return "", fmt.Errorf("exit %d:\n%s", code, out)
	}
	return advice, d.nothingLeft(ctx)
}

// refusing forms of a registration, as S3 would redirect.
func (d *doctors) refusing(ctx context.Context, follows string, verdict contract.Verdict, forms ...string) (string, error) {
	d.Cloud.Gateway.RefuseRegistrations(forms...)
	defer d.Cloud.Gateway.RefuseRegistrations()
	found, code, err := d.run(ctx)
	if err != nil {
		return "", err
	}
	p := probeOf(found, "repository.forms")
	if p.Verdict != verdict || !strings.Contains(p.Follows, follows) || (code == 0) != (verdict == contract.Works) {
		return "", fmt.Errorf("exit %d; %s: %s; so %s", code, p.Verdict, p.Said, p.Follows)
	}
	return fmt.Sprintf("exit %d; %s", code, firstSentence(p.Follows)), nil
}

// goesOn: the snapshots' own registration is untouched.
func (d *doctors) goesOn(ctx context.Context) (string, error) {
	all, err := d.points(ctx, Primary)
	if err != nil {
		return "", err
	}
	return d.onDemand(ctx, len(all)+1)
}
