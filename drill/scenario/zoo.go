package scenario

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/opensearch-dr/osdr/drill/cdk"
	"github.com/opensearch-dr/osdr/drill/gateway"
	"github.com/opensearch-dr/osdr/internal/contract"
	"github.com/opensearch-dr/osdr/internal/point"
)

// zoo is one play of it: many odd things at once, and what is known of each.
type zoo struct {
	*World
	things []thing
	want   written // what clients were told is written, and must survive
	maybe  written // acknowledged while the last recovery point was taken, or later
	seeded time.Time
	point  point.Point

	unplaced []string                 // that the first command named
	fates    map[string]contract.Fate // of the failover, by index or stream
	told     []string                 // what people were told, line by line
	away     time.Time
	first    cdk.Result // the failover that asks
	oldUUID  string
	rows     []row
}

// Zoo is a cluster of odd things that lives through a failover with the Region
// silent, the stand-down and the failback. Every document that can be restored is
// there, compared by content; every index that can take writes takes them; each
// other thing is named with its cause.
func Zoo(ctx context.Context, w *World) error {
	z := &zoo{World: w, things: things(), want: written{}, maybe: written{}}
	err := w.play(ctx, []step{
		{fmt.Sprintf("%d odd things, through the name", len(z.things)), z.seed},
		{"a recovery point of them, though a data stream rolls over while a snapshot runs", z.rolled},
		{"osdr status names what no recovery point holds", z.foretold},
		{"another recovery point; an alias moves while its snapshot runs", z.moves},
		{"us-east-1 is taken away, silent", z.takePrimary},
		{"make failover restores all others, and ends with an error that names each index that us-west-2 cannot hold", z.failOver},
		{"make failover with -c without=... goes on in seconds", z.goOn},
		{"each document, by content; each write; the fate of each thing", z.afterFailover},
		{"us-east-1 is back: the old domain fences itself", z.fencesItself},
		{"stand-down is refused while the old domain holds what no snapshot takes", z.refused},
		{"a person settles it; stand-down: cdk deploy --all", z.standDown},
		{"make failback", z.failBack},
		{"each document once more, by content, in us-east-1", z.afterFailback},
		{"a person removes the pin of what was left behind; no orphan is left", z.tidy},
	})
	z.report()
	return err
}

func (z *zoo) seed(ctx context.Context) (string, error) {
	var faults []error
	for _, t := range z.things {
		if t.seed == nil {
			continue
		}
		if err := t.seed(ctx, z); err != nil {
			faults = append(faults, fmt.Errorf("%s: %w", t.name, err))
		}
	}
	z.seeded = time.Now().UTC().Truncate(time.Second)
	return fmt.Sprintf("%d documents in %d names", z.want.documents(), len(z.want)), errors.Join(faults...)
}

// rolled: the stream rolls over while a snapshot of it runs, which the engine throws
// away. The recovery point comes all the same.
func (z *zoo) rolled(ctx context.Context) (string, error) {
	if err := z.started(ctx); err != nil {
		return "", err
	}
	if err := z.rollOver(ctx); err != nil {
		return "", err
	}
	return z.caught(ctx)
}

// moves: an alias moves while a snapshot runs, which is the last before the loss.
func (z *zoo) moves(ctx context.Context) (string, error) {
	z.seeded = time.Now().UTC().Truncate(time.Second)
	if err := z.started(ctx); err != nil {
		return "", err
	}
	if err := z.moveAlias(ctx); err != nil {
		return "", err
	}
	return z.caught(ctx)
}

// started: a snapshot runs that begins now.
func (z *zoo) started(ctx context.Context) error {
	return z.await(ctx, 3*time.Minute, "a snapshot on demand", func() (bool, error) {
		got, err := z.snapshot(ctx, Primary)
		return got.Started != "", err
	})
}

// caught by a recovery point that begins after all was written.
func (z *zoo) caught(ctx context.Context) (string, error) {
	var err error
	z.point, err = z.awaitPoint(ctx, Primary, z.seeded, func(p point.Point) bool {
		return slices.ContainsFunc(p.Indices, func(i point.Index) bool { return i.Name == lastSeeded })
	})
	return describe(z.point), err
}

// foretold: what is in no recovery point is reported before the disaster.
func (z *zoo) foretold(ctx context.Context) (string, error) {
	var named []string
	if err := z.await(ctx, 3*time.Minute, "osdr status to name what no recovery point holds", func() (bool, error) {
		told, _, err := z.status(ctx)
		if err != nil {
			return false, err
		}
		named = nil
		for _, t := range z.things {
			if t.fate == nowhere && !tells(told, t.index) {
				return false, fmt.Errorf("%s (%s) is not named", t.name, t.index)
			} else if t.fate == nowhere {
				named = append(named, t.index)
			}
		}
		z.told = append(z.told, told...)
		return true, nil
	}); err != nil {
		return "", err
	}
	return strings.Join(named, ", "), nil
}

func (z *zoo) takePrimary(ctx context.Context) (string, error) {
	var err error
	if z.oldUUID, err = z.uuid(ctx, Primary); err != nil {
		return "", err
	}
	// A newer recovery point may have come meanwhile; the failover says which it took.
	z.away = time.Now()
	return "", z.takeAway(Primary)
}

// advice of the refusal, as a person copies it.
var advice = regexp.MustCompile(`-c without=(\S+)`)

// failOver as the README names it first: it ends with an error, and with the command
// that goes on.
func (z *zoo) failOver(ctx context.Context) (string, error) {
	var err error
	z.first, err = z.make(ctx, makeFailover)
	if err == nil {
		return "", errors.New("the command ended with 0, though us-west-2 cannot hold everything: no person was asked")
	}
	found := advice.FindStringSubmatch(z.first.Text)
	if found == nil {
		return "", fmt.Errorf("the error does not say how to go on: %w", err)
	}
	z.unplaced = strings.Split(strings.Trim(found[1], `".,;)`), ",")
	slices.Sort(z.unplaced)
	z.told = append(z.told, strings.Split(z.first.Text, "\n")...)
	told, fates, err := z.status(ctx)
	if err != nil {
		return "", err
	}
	z.told, z.fates = append(z.told, told...), fates
	var want []string
	for _, t := range z.things {
		if t.fate == unplaced {
			want = append(want, t.index)
		}
	}
	slices.Sort(want)
	if !slices.Equal(z.unplaced, want) {
		return "", fmt.Errorf("us-west-2 cannot hold %v by the command; %v by what it is", z.unplaced, want)
	}
	return fmt.Sprintf("exit %d after %s: %s", z.first.Code, z.first.Took.Round(time.Second), strings.Join(z.unplaced, ", ")), nil
}

// goOn with the person's word: nothing is restored a second time.
func (z *zoo) goOn(ctx context.Context) (string, error) {
	begun := time.Now()
	out, err := z.make(ctx, makeFailover, "-c", "without="+strings.Join(z.unplaced, ","))
	z.told = append(z.told, strings.Split(out.Text, "\n")...)
	if err != nil {
		return "", err
	}
	for _, c := range z.Cloud.Gateway.Calls(gateway.Filter{TargetRegion: Secondary, Since: begun}) {
		if c.Front == "domain" && strings.HasSuffix(c.Path, "/_restore") {
			return "", fmt.Errorf("%s restores a second time: %s %s", c.Function, c.Method, c.Path)
		}
	}
	return fmt.Sprintf("exit 0 after %s", out.Took.Round(time.Second)), nil
}

// afterFailover looks at each thing. What is wrong with one is in its row, and stops
// nothing.
func (z *zoo) afterFailover(ctx context.Context) (string, error) {
	c, err := z.direct(Secondary)
	if err != nil {
		return "", err
	}
	// A hand-over may go on for some minutes; what takes no writes then is named.
	if err := z.await(ctx, 3*time.Minute, "the hand-over", func() (bool, error) { return z.handedOver(ctx, c) }); err != nil {
		z.told = append(z.told, err.Error())
	}
	told, fates, err := z.status(ctx)
	if err != nil {
		return "", err
	}
	z.told = append(z.told, told...)
	for name, f := range fates {
		if z.fates == nil {
			z.fates = map[string]contract.Fate{}
		}
		if old, ok := z.fates[name]; !ok || f.Cause != "" && old.Cause == "" {
			z.fates[name] = f
		}
	}
	z.look(ctx, c, Secondary)
	return z.verdict()
}

func (z *zoo) fencesItself(ctx context.Context) (string, error) {
	if err := z.giveBack(Primary); err != nil {
		return "", err
	}
	since := time.Now()
	old, err := z.direct(Primary)
	if err != nil {
		return "", err
	}
	// Each index that took writes refuses them: a create of what exists is a conflict,
	// and writes nothing.
	if err := z.await(ctx, 4*time.Minute, "the old domain to refuse writes, in each index", func() (bool, error) {
		names, err := z.takers(ctx, old)
		if err == nil && len(names) > 0 {
			err = fmt.Errorf("%s take writes", strings.Join(names[:min(5, len(names))], ", "))
		}
		return err == nil, err
	}); err != nil {
		return "", err
	}
	return fmt.Sprintf("after %s", time.Since(since).Round(time.Second)), nil
}

// refused: the old domain is the only one that has them (G3).
func (z *zoo) refused(ctx context.Context) (string, error) {
	if err := z.commit(Secondary); err != nil {
		return "", err
	}
	out, err := z.run(ctx, nil)
	if err == nil {
		return "", errors.New("the domain went, with indexes that no snapshot takes")
	}
	if _, there := z.domain(Primary); !there {
		return "", errors.New("the domain is gone although the command failed")
	}
	var named []string
	for _, t := range z.things {
		if t.fate != nowhere {
			continue
		}
		if !strings.Contains(out.Text, t.index) {
			return "", fmt.Errorf("the refusal does not name %s: %w", t.index, err)
		}
		named = append(named, t.index)
	}
	// Its list of all that the domain holds reports none of them.
	return fmt.Sprintf("exit %d after %s, it names %s", out.Code, out.Took.Round(time.Second), strings.Join(named, ", ")), nil
}

// standDown after a person has settled what nothing else can: the red index goes, the
// block of metadata is lifted, so that the salvage has that index.
func (z *zoo) standDown(ctx context.Context) (string, error) {
	old, err := z.direct(Primary)
	if err != nil {
		return "", err
	}
	if _, err := old.Do(ctx, http.MethodDelete, "/"+redIndex, nil, nil); err != nil {
		return "", err
	}
	if _, err := old.Do(ctx, http.MethodPut, "/"+metadataIndex+"/_settings", js{"index.blocks.metadata": nil}, nil); err != nil {
		return "", err
	}
	out, err := z.run(ctx, nil)
	if err != nil {
		return "", err
	}
	if _, there := z.domain(Primary); there {
		return "", errors.New("the old domain is still there")
	}
	saved, err := z.points(ctx, Primary)
	if err != nil {
		return "", err
	}
	for _, p := range slices.Backward(saved) {
		if p.Kind == point.KindSalvage && p.ClusterUUID == z.oldUUID {
			var lacks []string
			for _, name := range append([]string{metadataIndex, laterShop}, z.unplaced...) {
				if !slices.ContainsFunc(p.Indices, func(i point.Index) bool { return i.Name == name }) {
					lacks = append(lacks, name)
				}
			}
			if len(lacks) > 0 {
				return "", fmt.Errorf("the salvage %s lacks %v", p.ID, lacks)
			}
			return fmt.Sprintf("after %s; the salvage has what the failover left behind: %s", out.Took.Round(time.Second), describe(p)), nil
		}
	}
	return "", fmt.Errorf("there is no salvage of %s", z.oldUUID)
}

func (z *zoo) failBack(ctx context.Context) (string, error) {
	out, err := z.make(ctx, makeFailback)
	if err != nil {
		return "", err
	}
	if _, there := z.domain(Secondary); there {
		return "", errors.New("the domain in us-west-2 is still there")
	}
	if err := z.commit(Primary); err != nil {
		return "", err
	}
	return fmt.Sprintf("exit 0 after %s", out.Took.Round(time.Second)), nil
}

func (z *zoo) afterFailback(ctx context.Context) (string, error) {
	c, err := z.direct(Primary)
	if err != nil {
		return "", err
	}
	if err := z.await(ctx, 3*time.Minute, "the hand-over", func() (bool, error) { return z.handedOver(ctx, c) }); err != nil {
		z.told = append(z.told, err.Error())
	}
	told, _, err := z.status(ctx)
	if err != nil {
		return "", err
	}
	z.told = append(z.told, told...)
	z.look(ctx, c, Primary)
	return z.verdict()
}

// tidy: what a switch leaves behind on purpose is one object, which a person deletes.
func (z *zoo) tidy(ctx context.Context) (string, error) {
	b := z.bucket(Secondary)
	pins, err := point.Pinned(ctx, b)
	if err != nil {
		return "", err
	}
	kept := 0
	for _, p := range pins {
		if !strings.HasPrefix(p.Holder, point.KeptBehind) {
			continue
		}
		kept++
	}
	if kept != 1 {
		return "", fmt.Errorf("%d recovery points are kept for what was left behind, not 1", kept)
	}
	left, err := b.List(ctx, point.PinsPrefix)
	if err != nil {
		return "", err
	}
	for _, e := range left {
		if err := b.Delete(ctx, e.Key); err != nil {
			return "", err
		}
	}
	return z.noOrphans(ctx)
}
