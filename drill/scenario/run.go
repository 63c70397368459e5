package scenario

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/opensearch-dr/osdr/drill/cloud"
	"github.com/opensearch-dr/osdr/drill/report"
)

// Default is the scenario that is played when none is named: all that must be true
// before anything lands, on one cloud.
const Default = "everything"

// part of a scenario: a suite of its own in the report.
type part struct {
	name string
	play func(context.Context, *World) error
}

var (
	setUp   = part{"set-up", SetUp}
	regular = part{"regular", Regular}
	faults  = part{"faults", Faults}
	remade  = part{"re-created", ReCreated}
	doctor  = part{"doctor", Doctor}

	fullDisk  = part{"full-disk", FullDisk}
	reverse   = part{"reverse", Reverse}
	partition = part{"partition", Partition}
	badPoint  = part{"bad-point", BadPoint}
)

// scenarios by name.
var scenarios = map[string][]part{
	Default:      {setUp, regular, doctor, faults, {"story", StoryWithPipeline}, remade},
	"regular":    {setUp, regular, faults, remade},
	"faults":     {setUp, faults, remade},
	"story":      {setUp, {"story", Story}},
	"stories":    {setUp, {"story 1", Story}, {"story 2", Story}, {"story 3", Story}}, // in a row on one cloud: no orphan
	"planned":    {setUp, {"planned", Planned}},
	"cut":        {setUp, {"cut", Cut}},
	"drift":      {{"set-up", DriftSetUp}, {"drift", Drift}},
	"pipelines":  {{"set-up", DriftSetUp}, {"pipelines", Pipelines}},
	"doctor":     {setUp, doctor},
	"warm":       {{"set-up", WarmSetUp}, {"warm", Warm}},
	"zoo":        {setUp, {"zoo", Zoo}},
	"stale-flag": {setUp, {staleFlag, StaleFlag}},
	"full-disk":  {setUp, fullDisk},
	"reverse":    {setUp, reverse},
	"partition":  {setUp, partition},
	"bad-point":  {setUp, badPoint},
	"hard":       {setUp, fullDisk, reverse, partition, badPoint}, // the four, on one cloud
	"soak":       {setUp, {"soak", Soak}},
}

// theCloud is the suite of the machinery itself.
const theCloud = "local cloud"

// Run starts a local cloud from the installation in dir (empty: the default), plays a scenario and ends with a table on out. The
// error is nil only if every step was as promised. What cdk printed, the calls
// and the nodes' logs stay in the run's folder; junit.xml and report.html lie
// beside them.
func Run(ctx context.Context, name, dir string, out io.Writer) error {
	parts, ok := scenarios[name]
	if !ok {
		return fmt.Errorf("play scenario %q: there is only %s", name, strings.Join(slices.Sorted(maps.Keys(scenarios)), ", "))
	}
	root, err := os.Getwd()
	if err != nil {
		return fmt.Errorf("find the project: %w", err)
	}
	r := report.New(name, out)
	r.Begin(theCloud)
	var c *cloud.Cloud
	if err := r.Do("the local cloud starts", func() (string, error) {
		var err error
		if c, err = cloud.Start(ctx, cloud.Options{Dir: dir, Log: out}); err != nil {
			return "", err
		}
		return "logs in " + relative(root, c.Folder()), nil
	}); err != nil {
		return err
	}
	defer func() { _ = c.Stop() }() // a second Stop; the first one's error is reported
	log, err := os.Create(filepath.Join(c.Folder(), "cdk.log"))
	if err != nil {
		return fmt.Errorf("open the log of cdk: %w", err)
	}
	defer func() { _ = log.Close() }()
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	go func() {
		select {
		case err := <-c.Failed():
			cancel(fmt.Errorf("the local cloud broke: %w", err))
		case <-ctx.Done():
		}
	}()
	w := NewWorld(c, r, root, log)
	w.watch = startWatch(ctx, w)
	failed := w.playAll(ctx, parts)
	if cause := context.Cause(ctx); cause != nil {
		failed = errors.Join(failed, cause)
	}
	failed = errors.Join(failed, w.finish())
	r.Begin(theCloud)
	failed = errors.Join(failed, r.Do("the local cloud stops, and no process of it is left", func() (string, error) { return w.noProcess(c.Stop()) }))
	_, _ = fmt.Fprint(out, r.Table())
	failed = errors.Join(failed, r.WriteJUnit(filepath.Join(c.Folder(), "junit.xml")), r.WritePage(filepath.Join(c.Folder(), "report.html")))
	_, _ = fmt.Fprintf(out, "the page: %s\n", relative(root, filepath.Join(c.Folder(), "report.html")))
	if failed == nil && r.Failed() {
		failed = errors.New("a step failed")
	}
	return failed
}

// playAll parts until one fails; the report names those that were not played.
func (w *World) playAll(ctx context.Context, parts []part) error {
	for n, p := range parts {
		w.suite = p.name
		if err := p.play(ctx, w); err != nil {
			for _, rest := range parts[n+1:] {
				w.Report.Skip(rest.name)
			}
			return err
		}
	}
	return nil
}

// step is one promise: it answers what it saw.
type step struct {
	name string
	run  func(context.Context) (string, error)
}

// within another suite than that of the part which plays them.
func (w *World) within(suite string, steps []step) []step {
	out := make([]step, len(steps))
	for i, s := range steps {
		out[i] = step{s.name, func(ctx context.Context) (string, error) {
			w.Report.Begin(suite)
			return s.run(ctx)
		}}
	}
	return out
}

// play the steps until one fails.
func (w *World) play(ctx context.Context, steps []step) error {
	for _, s := range steps {
		w.Report.Begin(w.suite)
		if err := w.Report.Do(s.name, func() (string, error) { return s.run(ctx) }); err != nil {
			return err
		}
	}
	return nil
}

func relative(root, path string) string {
	if short, err := filepath.Rel(root, path); err == nil {
		return short
	}
	return path
}
