package doctor

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/opensearch-dr/osdr/internal/contract"
	"github.com/opensearch-dr/osdr/internal/opensearch"
	"github.com/opensearch-dr/osdr/internal/repository"
)

// wish of the doctor's own registration.
func (x *examination) wish() repository.Wish {
	w := x.Wish
	w.Name, w.BasePath, w.ReadOnly = contract.TrialRepository, x.Trial, false
	return w
}

// forms of a registration, each with a verification and a snapshot of the one
// document: what settles X8 and F15 on this account.
func (x *examination) forms() probe {
	return probe{
		id: "repository.forms", title: "a repository in the other Region takes snapshots", limit: limitForms, index: true,
		try: func(ctx context.Context) (string, error) {
			var said []string
			budget := x.Budget
			for n, form := range repository.Forms(x.wish()) {
				err := x.write(ctx, form, fmt.Sprintf("form-%d", n+1), budget)
				// IAM has had its time by the first one (F13).
				budget = repository.Budget{}
				if err != nil {
					said = append(said, form+": "+err.Error())
					continue
				}
				if x.form == "" {
					x.form = form
				}
				said = append(said, form+": works")
			}
			if x.form == "" {
				return strings.Join(said, "; "), errors.New("no form works")
			}
			return strings.Join(said, "; "), nil
		},
		follows: func(err error) string {
			if err != nil {
				return "no recovery point can be made on this account: the snapshot function fails and recovery-point-age alarms. See docs/runbooks/snapshot-errors.md"
			}
			return "the product registers by " + x.form + ", the first of its order that works (X8)"
		},
	}
}

// write a snapshot through a registration of one form.
func (x *examination) write(ctx context.Context, form, name string, b repository.Budget) error {
	w := x.wish()
	if _, err := repository.Register(ctx, x.Domain, w, form, b); err != nil {
		return err
	}
	if err := x.Domain.CreateSnapshot(ctx, w.Name, name, opensearch.SnapshotRequest{Indices: []string{x.Trial}}); err != nil {
		return err
	}
	for {
		s, err := x.Domain.Snapshot(ctx, w.Name, name)
		switch {
		case err != nil:
			return err
		case s.State == opensearch.Success:
			return nil
		case s.State != opensearch.InProgress:
			return fmt.Errorf("snapshot %s ended %s: %s", name, s.State, strings.Join(s.Failures, "; "))
		}
		if err := x.Wait(ctx, pause); err != nil {
			return fmt.Errorf("wait for snapshot %s: %w", name, err)
		}
	}
}

// paths: what was written really lies under the base path, shards too (G1, H30).
func (x *examination) paths() probe {
	return probe{
		id: "repository.paths", title: "all that a repository writes lies under its own path", index: true,
		try: func(ctx context.Context) (string, error) {
			if x.form == "" {
				return "", untried("no registration works")
			}
			have, err := x.Domain.Repository(ctx, contract.TrialRepository)
			if err != nil {
				return "", err
			}
			said := fmt.Sprintf("base_path is read back as %q, shard_path_type as %q", have.BasePath, have.ShardPathType)
			if have.BasePath != x.Trial {
				return said, fmt.Errorf("base_path was %q", x.Trial)
			}
			objects, err := x.Bucket.List(ctx, x.Trial+"/")
			if err != nil {
				return said, err
			}
			root, shards := 0, 0
			for _, o := range objects {
				rest := strings.TrimPrefix(o.Key, x.Trial+"/")
				switch {
				case strings.HasPrefix(rest, "index-"):
					root++
				case strings.HasPrefix(rest, "indices/") && strings.Count(rest, "/") >= 3: // indices/<id>/<shard>/<file>
					shards++
				}
			}
			said += fmt.Sprintf("; %d objects lie there, %d of shards", len(objects), shards)
			switch {
			case root == 0:
				return said, errors.New("the repository's own index is not among them")
			case shards == 0:
				return said, errors.New("shards lie elsewhere")
			}
			return said, nil
		},
		follows: says("one writer a path holds (G1), and recovery points count their objects there (H30)",
			"the product refuses to snapshot here: one writer a path cannot hold (G1), or no recovery point finds its shards (H30). Ask AWS Support for the setting"),
	}
}
