package scenario

import (
	"archive/zip"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

// leastChanges that the scenario must play.
const leastChanges = 40

// objective of the scenario in minutes. Below 5 the age of the newest point comes
// and goes over it (README.md, dr.rpoMinutes), which is a finding each time.
const objective = "5"

// retained recovery points, by their number, so that a few more are too many.
const retained = "5"

// DriftSetUp is SetUp with these, and somebody whom alarms reach.
func DriftSetUp(ctx context.Context, w *World) error {
	w.CDK.Context["dr.rpoMinutes"], w.CDK.Context["dr.retention.count"], w.CDK.Context["dr.alarmTarget"] = objective, retained, "operations@example.com"
	return SetUp(ctx, w)
}

// Drift is `osdr drift` on a system that lives: clean it finds nothing, and each
// change that is made by hand is found by its id, told in all formats, and gone
// after the mend that the finding names.
func Drift(ctx context.Context, w *World) error {
	d := &drifts{World: w}
	s := &story{World: w}
	if err := w.play(ctx, []step{
		{"osdr is built, with the drift role's credentials", d.prepare},
		{"a client writes, updates, deletes and searches through the name", s.startLoad},
		{"three recovery points, some on demand", d.threePoints},
		{"an index that its user made read-only: told until a recovery point knows it", d.usersBlock},
		{"a clean system, us-east-1 active: exit 0, no finding, four valid formats", d.cleanRun},
		{"osdr drift --ready: accelerated recovery is off, and ready when it is on", d.readyRun},
	}); err != nil {
		return err
	}
	refused := w.play(ctx, []step{{"the role of the printed policy suffices, and can change nothing", d.mayChangeNothing}})
	return errors.Join(refused, d.changes(ctx, d.all()), w.play(ctx, []step{
		{fmt.Sprintf("%d runs while snapshots are taken and writes served: no false finding", manyRuns), d.noFalseFinding},
		{"us-west-2 taken away: an answer in time, the other Region in full", func(ctx context.Context) (string, error) { return d.regionAway(ctx, Secondary) }},
		{"us-east-1 taken away: an answer in time, the other Region in full", func(ctx context.Context) (string, error) { return d.regionAway(ctx, Primary) }},
		{"a planned switch to us-west-2, committed", func(ctx context.Context) (string, error) {
			saw, err := s.planned(ctx, "Planned switch", Primary, Secondary)
			if err != nil {
				return "", err
			}
			if err := w.commit(Secondary); err != nil {
				return "", err
			}
			_, err = w.run(ctx, nil)
			return saw, err
		}},
		{"a clean system, us-west-2 active: exit 0, no finding, four valid formats", d.cleanRun},
		{"osdr status: the switch is the last drill", d.lastDrill},
		{"changes that need a switch", func(ctx context.Context) (string, error) { return "", d.changes(ctx, d.afterASwitch()) }},
		{"the table of changes and findings", d.report},
	}))
}

// prepare osdr, with the credentials of the drift role as an admin assumes it.
func (d *drifts) prepare(ctx context.Context) (string, error) {
	var weight string
	var err error
	if d.admin, weight, err = d.buildOsdr(ctx); err != nil {
		return "", err
	}
	role := d.Names.DriftRole(Secondary)
	if d.role, err = d.Cloud.Emulator.Assume(ctx, "arn:aws:iam::"+d.Names.Account+":role/"+role, "drill"); err != nil {
		return "", err
	}
	d.osdr = d.admin.as(d.role)
	if d.first, err = d.ledger(ctx, Primary); err != nil {
		return "", err
	}
	d.card("osdr", weight, "the whole command, without Node", false)
	return weight + ", as " + role, d.otherPackage()
}

// otherPackage is what somebody would deploy by hand.
func (d *drifts) otherPackage() error {
	f, err := os.Create(filepath.Join(d.admin.reports, "other.zip"))
	if err != nil {
		return err
	}
	z := zip.NewWriter(f)
	body, err := z.Create("bootstrap")
	if err == nil {
		_, err = body.Write([]byte("#!/bin/sh\nexit 1\n"))
	}
	return errors.Join(err, z.Close(), f.Close())
}

// threePoints, so that one in the middle can be missed.
func (d *drifts) threePoints(ctx context.Context) (string, error) { return d.onDemand(ctx, 3) }

// onDemand is so many recovery points, without the wait for a schedule.
func (w *World) onDemand(ctx context.Context, least int) (string, error) {
	n := 0
	err := w.await(ctx, 5*time.Minute, fmt.Sprintf("%d recovery points", least), func() (bool, error) {
		if _, err := w.snapshot(ctx, Primary); err != nil {
			return false, err
		}
		all, err := w.points(ctx, Primary)
		n = len(all)
		return n >= least, err
	})
	return fmt.Sprintf("%d points", n), err
}

// all changes that need no switch.
func (d *drifts) all() []change {
	return slices.Concat(d.inRecords(), d.inStacks(), d.inDomains(), d.inFunctions(), d.inBuckets(), d.inRoles(), d.inSignals(), d.inClusters(), d.inPoints())
}

// changes one after the other. One that fails does not keep the others from being
// played: a run tells all.
func (d *drifts) changes(ctx context.Context, all []change) error {
	failures := 0
	for n, c := range all {
		d.Report.Begin("changes by hand")
		if err := d.Report.Do(fmt.Sprintf("%d of %d: %s", n+1, len(all), c.does), func() (string, error) { return d.one(ctx, c) }); err != nil {
			failures++
			if ctx.Err() != nil {
				return err
			}
			d.remember(ctx)
		}
	}
	if failures > 0 {
		return fmt.Errorf("%d of %d changes are not found, not told rightly, or not gone after their mend", failures, len(all))
	}
	return nil
}

// remember what a change that failed left behind, so that the next one is judged
// by itself.
func (d *drifts) remember(ctx context.Context) {
	d.left = map[string]bool{}
	if now, err := d.osdr.drift(ctx); err == nil {
		for _, f := range now.Findings {
			d.left[f.Check+f.Where+f.Resource] = true
		}
	}
}

// report the table, in a file of its own and on the page.
func (d *drifts) report(context.Context) (string, error) {
	if len(d.table) < leastChanges {
		return "", fmt.Errorf("%d changes were found and mended, want %d at least", len(d.table), leastChanges)
	}
	text := "| change by hand | found as | where | mended by |\n|---|---|---|---|\n" + strings.Join(d.table, "\n") + "\n"
	path := filepath.Join(d.Cloud.Folder(), "drift.md")
	d.card("Changes found and mended", fmt.Sprint(len(d.table)), "by hand, one at a time", false)
	return fmt.Sprintf("%d changes, in %s", len(d.table), relative(d.CDK.Dir, path)), os.WriteFile(path, []byte(text), 0o644)
}
