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

// scenarios by name.
var scenarios = map[string][]func(context.Context, *World) error{
	"regular":    {SetUp, Regular, Faults},
	"faults":     {SetUp, Faults},
	"story":      {SetUp, Story},
	"stories":    {SetUp, Story, Story, Story}, // in a row on one cloud: no orphan
	"planned":    {SetUp, Planned},
	"cut":        {SetUp, Cut},
	"stale-flag": {SetUp, StaleFlag},
}

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
	var c *cloud.Cloud
	if err := r.Do("local cloud", func() (string, error) {
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
	var failed error
	for _, part := range parts {
		if failed = part(ctx, w); failed != nil {
			break
		}
	}
	if cause := context.Cause(ctx); cause != nil {
		failed = errors.Join(failed, cause)
	}
	failed = errors.Join(failed, w.finish())
	failed = errors.Join(failed, r.Do("the local cloud stops", func() (string, error) { return "", c.Stop() }))
	_, _ = fmt.Fprint(out, r.Table())
	failed = errors.Join(failed, r.WriteJUnit(filepath.Join(c.Folder(), "junit.xml")), r.WritePage(filepath.Join(c.Folder(), "report.html")))
	_, _ = fmt.Fprintf(out, "the page: %s\n", relative(root, filepath.Join(c.Folder(), "report.html")))
	if failed == nil && r.Failed() {
		failed = errors.New("a step failed")
	}
	return failed
}

// step is one promise: it answers what it saw.
type step struct {
	name string
	run  func(context.Context) (string, error)
}

// play the steps until one fails.
func (w *World) play(ctx context.Context, steps []step) error {
	for _, s := range steps {
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
