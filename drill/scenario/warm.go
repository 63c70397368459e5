package scenario

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/opensearch-dr/osdr/drill/client"
	"github.com/opensearch-dr/osdr/internal/contract"
	"github.com/opensearch-dr/osdr/internal/operator"
	"github.com/opensearch-dr/osdr/internal/point"
)

// standby is the configuration's field.
const standby = "dr.standby"

// WarmSetUp is DriftSetUp with a warm standby.
func WarmSetUp(ctx context.Context, w *World) error {
	w.CDK.Context[standby] = contract.StandbyWarm
	return DriftSetUp(ctx, w)
}

// Warm is a standby that follows the recovery points: a planned switch to it
// restores only what changed, and the old domain becomes the copy, after what it
// holds was saved.
func Warm(ctx context.Context, w *World) error {
	d := &drifts{World: w}
	s := &story{World: w}
	v := &warmth{drifts: d, story: s}
	return w.play(ctx, []step{
		{"osdr is built, with the drift role's credentials", d.prepare},
		{"a client writes, updates, deletes and searches through the name", s.startLoad},
		{"recovery points while it writes", s.pointsWhileWriting},
		{"the standby in us-west-2 becomes a copy, and takes no writes", func(ctx context.Context) (string, error) { return v.becomesCopy(ctx, Secondary) }},
		{"it follows the next recovery point", func(ctx context.Context) (string, error) { return v.follows(ctx, Secondary) }},
		{"a clean system, us-east-1 active: exit 0, no finding, four valid formats", d.cleanRun},
		{"switch: cdk deploy --all -c activeRegion=us-west-2 -c switchFrom=<generation>", v.switches},
		{"the old domain stands by: fenced, what it held in a point, then a copy", v.oldStandsBy},
		{"a clean system, us-west-2 active: exit 0, no finding, four valid formats", d.cleanRun},
		{"back to dr.standby=cold: cdk deploy --all takes the copy away", v.backToCold},
		{"no orphan is left", s.noOrphans},
	})
}

// warmth of a standby: what its steps tell each other.
type warmth struct {
	drifts *drifts
	*story
}

// says what osdr status tells of the standby in a Region.
func (v *warmth) says(ctx context.Context, region string) (contract.StandbyStatus, error) {
	out, _, err := v.drifts.admin.command(ctx, "status", "-o", "json")
	if err != nil {
		return contract.StandbyStatus{}, err
	}
	var s operator.Status
	if err := json.Unmarshal([]byte(out), &s); err != nil {
		return contract.StandbyStatus{}, fmt.Errorf("read the status: %w", err)
	}
	for _, r := range s.Regions {
		if r.Region == region && r.Standby != nil {
			return *r.Standby, nil
		}
	}
	return contract.StandbyStatus{}, fmt.Errorf("osdr status tells nothing of a standby in %s", region)
}

// copyOf a point that began after since; the standby's own domain is asked whether
// it has the point's indexes and the films, and whether it refuses writes.
func (v *warmth) copyOf(ctx context.Context, region string, since time.Time) (point.Point, error) {
	var p point.Point
	if err := v.await(ctx, 6*time.Minute, "the standby in "+region+" to be a copy", func() (bool, error) {
		said, err := v.says(ctx, region)
		if err != nil {
			return false, err
		}
		if said.Copy == "" || said.Restoring != "" {
			return false, fmt.Errorf("%+v", said)
		}
		id, err := point.ParseID(said.Copy)
		if err != nil {
			return false, err
		}
		if p, err = point.Load(ctx, v.bucket(region), id); err != nil {
			return false, err
		}
		return p.Start.After(since), fmt.Errorf("a copy of %s", p.ID)
	}); err != nil {
		return p, err
	}
	c, err := v.direct(region)
	if err != nil {
		return p, err
	}
	for _, i := range p.Indices {
		if _, err := c.Count(ctx, i.Name); err != nil {
			return p, fmt.Errorf("the copy of %s has no index %s: %w", p.ID, i.Name, err)
		}
	}
	if err := v.sameFilms(ctx, region); err != nil {
		return p, err
	}
	for _, index := range []string{movies, "made-by-hand"} {
		_, err := c.Do(ctx, http.MethodPut, "/"+index+"/_doc/0?timeout=1s", map[string]any{"v": -1}, nil)
		if err == nil {
			return p, fmt.Errorf("the standby took a write to %s", index)
		}
		if index == movies && (client.Status(err) != http.StatusForbidden || !strings.Contains(err.Error(), "cluster_block_exception")) {
			return p, fmt.Errorf("a write to the standby: %w", err)
		}
	}
	return p, nil
}

func (v *warmth) becomesCopy(ctx context.Context, region string) (string, error) {
	since := time.Now()
	p, err := v.copyOf(ctx, region, v.point.Start.Add(-time.Second))
	if err != nil {
		return "", err
	}
	return fmt.Sprintf("after %s more: %s", time.Since(since).Round(time.Second), describe(p)), nil
}

// follows a point that is still to come.
func (v *warmth) follows(ctx context.Context, region string) (string, error) {
	now := time.Now()
	p, err := v.copyOf(ctx, region, now)
	if err != nil {
		return "", err
	}
	return fmt.Sprintf("%s began %s later, and was copied %s after that", p.ID, p.Start.Sub(now).Round(time.Second), time.Since(p.Start).Round(time.Second)), nil
}

// shelf is an index by what tells a restored one from one that was left alone.
type shelf struct {
	uuid  string
	bytes int64
}

// shelves of a Region's domain, but for the engine's own.
func (v *warmth) shelves(ctx context.Context, region string) (map[string]shelf, error) {
	c, err := v.direct(region)
	if err != nil {
		return nil, err
	}
	var all []struct {
		Index string `json:"index"`
		UUID  string `json:"uuid"`
		Bytes string `json:"pri.store.size"`
	}
	if _, err := c.Do(ctx, http.MethodGet, "/_cat/indices?format=json&bytes=b&h=index,uuid,pri.store.size&expand_wildcards=all", nil, &all); err != nil {
		return nil, err
	}
	out := map[string]shelf{}
	for _, i := range all {
		if strings.HasPrefix(i.Index, ".") && !strings.HasPrefix(i.Index, ".ds-") {
			continue
		}
		n, _ := strconv.ParseInt(i.Bytes, 10, 64) // of an index that has not come yet there is none
		out[i.Index] = shelf{i.UUID, n}
	}
	return out, nil
}

// switches to the copy: nothing is lost, and only what changed is restored.
func (v *warmth) switches(ctx context.Context) (string, error) {
	before, err := v.shelves(ctx, Secondary)
	if err != nil {
		return "", err
	}
	command := time.Now()
	saw, err := v.planned(ctx, "Planned switch to a warm standby", Primary, Secondary)
	if err != nil {
		return "", err
	}
	took := v.course(Secondary, command, command).writes.Sub(command).Round(time.Second)
	after, err := v.shelves(ctx, Secondary)
	if err != nil {
		return "", err
	}
	var kept, restored int
	var bytes, total int64
	for name, i := range after {
		total += i.bytes
		if before[name].uuid == i.uuid {
			kept++
			continue
		}
		restored++
		bytes += i.bytes
	}
	v.card("Warm standby: recovery time", took.String(), "from the command to the first write by the name", false)
	v.card("Warm standby: restored by the switch", size(bytes), fmt.Sprintf("%d of %d indexes, of %s", restored, restored+kept, size(total)), kept == 0)
	for _, name := range []string{movies, flights} {
		if before[name].uuid != after[name].uuid {
			return "", fmt.Errorf("%s, which did not change, was restored again", name)
		}
	}
	return fmt.Sprintf("%s; served after %s; %s of %s restored, %d of %d indexes", saw, took, size(bytes), size(total), restored, restored+kept), nil
}

// oldStandsBy: the old domain is wanted as the standby, so no gate saves it; its
// controller does (H5).
func (v *warmth) oldStandsBy(ctx context.Context) (string, error) {
	if err := v.commit(Secondary); err != nil {
		return "", err
	}
	since := time.Now()
	if _, err := v.run(ctx, nil); err != nil {
		return "", err
	}
	p, err := v.copyOf(ctx, Primary, time.Time{})
	if err != nil {
		return "", err
	}
	led, err := v.ledger(ctx, Secondary)
	if err != nil {
		return "", err
	}
	if p.ID.Generation != led.Generation || p.ClusterUUID != led.ClusterUUID {
		return "", fmt.Errorf("the standby is a copy of %s, of cluster %s: not of the active domain", p.ID, p.ClusterUUID)
	}
	if uuid, err := v.uuid(ctx, Primary); err != nil || uuid != v.firstUUID {
		return "", fmt.Errorf("the domain in %s is cluster %s (%v), not the old one %s", Primary, uuid, err, v.firstUUID) //nolint:errorlint // err may be nil
	}
	saved, err := v.points(ctx, Primary)
	if err != nil {
		return "", err
	}
	for _, x := range saved {
		if x.ClusterUUID == v.firstUUID && x.Kind != point.KindRegular { // the final one saves all, if nothing came after it
			calm, err := v.undisturbed(since)
			return fmt.Sprintf("%s point %s, then a copy of %s after %s; %s", x.Kind, x.ID, p.ID, time.Since(since).Round(time.Second), calm), err
		}
	}
	return "", fmt.Errorf("neither a final point nor a salvage of the old domain %s is left", v.firstUUID)
}

func (v *warmth) backToCold(ctx context.Context) (string, error) {
	v.CDK.Context[standby] = "cold"
	since := time.Now()
	out, err := v.run(ctx, nil)
	if err != nil {
		return "", err
	}
	if _, there := v.domain(Primary); there {
		return "", errors.New("the copy is still there")
	}
	calm, err := v.undisturbed(since)
	return fmt.Sprintf("%d stacks in %s; %s", strings.Count(out.Text, "Stack ARN:"), out.Took.Round(time.Second), calm), err
}
