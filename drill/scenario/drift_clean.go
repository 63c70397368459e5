package scenario

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/opensearch-dr/osdr/internal/contract"
	"github.com/opensearch-dr/osdr/internal/drift"
	"github.com/opensearch-dr/osdr/internal/operator"
)

// usersBlock stays, so that all that follows shows that nobody takes it for the
// product's: after the switch, too.
func (d *drifts) usersBlock(ctx context.Context) (string, error) {
	const archive = "archive"
	if err := d.carryOut(ctx, d.admin, Primary, `PUT `+archive+` {"settings":{"number_of_replicas":0}}`, `PUT `+archive+`/_doc/1?refresh=true {"title":"kept"}`,
		`PUT `+archive+`/_settings {"index.blocks.write":true}`); err != nil {
		return "", err
	}
	told := func() (bool, error) {
		got, err := d.osdr.drift(ctx, "--only", "cluster.blocks")
		if err == nil {
			err = got.clean()
		}
		return err == nil && got.find("cluster.blocks", Primary, "index "+archive) != nil, err
	}
	if is, err := told(); err != nil || !is {
		return "", errors.Join(err, fmt.Errorf("a block that no recovery point knows: told %v", is))
	}
	return "a note, then none", d.await(ctx, 3*time.Minute, "a recovery point that knows the block", func() (bool, error) {
		if _, err := d.snapshot(ctx, Primary); err != nil {
			return false, err
		}
		is, err := told()
		return err == nil && !is, err
	})
}

// cleanRun as the switch leaves the system within the minutes that controllers
// need, which a pipeline would not see either.
func (d *drifts) cleanRun(ctx context.Context) (string, error) {
	var got drifted
	if err := d.await(ctx, 5*time.Minute, "a clean run", func() (bool, error) {
		var err error
		if got, err = d.osdr.drift(ctx); err == nil {
			err = got.clean()
		}
		return err == nil, err
	}); err != nil {
		return "", err
	}
	valid, err := d.valid(ctx, got)
	return fmt.Sprintf("%s active, %d checks in %.1f s, %d notes; %s", got.ActiveRegion, got.Counts.Checks, got.took.Seconds(), got.Counts.Notes, valid), err
}

func (d *drifts) lastDrill(ctx context.Context) (string, error) {
	out, code, err := d.admin.command(ctx, "status", "-o", "json")
	if err != nil {
		return "", err
	}
	var s operator.Status
	if err := json.Unmarshal([]byte(out), &s); err != nil {
		return "", fmt.Errorf("read the status: %w\n%.400s", err, out)
	}
	l := s.LastSwitch
	if code == operator.ExitError || l == nil || l.Kind != contract.SwitchPlanned || l.From != Primary || l.To != Secondary || l.Seconds <= 0 {
		return "", fmt.Errorf("exit %d, last switch %+v, attention %v", code, l, s.Attention)
	}
	return fmt.Sprintf("%s to %s, %d s", l.Kind, l.To, l.Seconds), nil
}

// readyRun: a new zone has no accelerated recovery, which is found, and mended as it
// says.
func (d *drifts) readyRun(ctx context.Context) (string, error) {
	got, err := d.osdr.drift(ctx, "--ready")
	if err != nil {
		return "", err
	}
	f := got.find("ready.zone", drift.Global, d.CDK.Context["dr.dns.zoneId"])
	if f == nil || len(got.told()) != 1 {
		return "", fmt.Errorf("not ready.zone alone is found: %s", strings.Join(got.told(), "; "))
	}
	if err := d.carryOut(ctx, d.admin, Primary, commands(f.Mend)...); err != nil {
		return "", err
	}
	if got, err = d.osdr.drift(ctx, "--ready"); err == nil {
		err = got.clean()
	}
	return fmt.Sprintf("%d checks in %.1f s", got.Counts.Checks, got.took.Seconds()), err
}
