package repository

import (
	"context"
	"fmt"
	"strconv"
	"strings"

	"github.com/opensearch-dr/osdr/internal/opensearch"
)

// hashesByDefault tells whether an engine spreads shards over hashed prefixes of
// the bucket unless FIXED is asked for: OpenSearch 3.2 and newer, where the
// recovery points' own account of a snapshot would find none of them (H30). A
// version that cannot be read counts as one. 7.10.2 is what OpenSearch 1 and 2
// answer in their compatibility mode.
func hashesByDefault(version string) bool {
	first, rest, _ := strings.Cut(version, ".")
	second, _, _ := strings.Cut(rest, ".")
	major, err1 := strconv.Atoi(first)
	minor, err2 := strconv.Atoi(second)
	switch {
	case err1 != nil || err2 != nil:
		return true
	case version == "7.10.2":
		return false
	}
	return major > 3 || major == 3 && minor >= 2
}

// hashed tells whether what is written through r may lie outside of its base
// path. A reader writes nothing, and finds by the repository's own index where
// the shards are.
func (w Wish) hashed(ctx context.Context, d opensearch.Domain, r opensearch.Repository) (bool, error) {
	if w.ReadOnly || r.ShardPathType == FixedPaths {
		return false, nil
	}
	if r.ShardPathType != "" {
		return true, nil
	}
	info, err := d.Info(ctx)
	if err != nil {
		return false, fmt.Errorf("ask the domain for its version: %w", err)
	}
	return hashesByDefault(info.Version), nil
}

// fixed holds what was registered against the demand for FIXED paths (H30).
// Where the engine would hash without it that is an error: every snapshot would
// end SUCCESS and none would make a recovery point.
func (w Wish) fixed(ctx context.Context, d opensearch.Domain, have opensearch.Repository, notice string, r Result) (Result, error) {
	if w.ReadOnly || have.ShardPathType == FixedPaths {
		return r, nil
	}
	hashed, err := w.hashed(ctx, d, have)
	if err != nil {
		return r, err
	}
	if hashed {
		return r, fmt.Errorf("read repository %s back: the domain does not keep shard_path_type FIXED, and its engine then spreads shards outside of %s/, where no recovery point finds them (H30); no snapshot is taken. Ask AWS Support for the setting, or run an engine before 3.2",
			w.Name, w.BasePath)
	}
	if notice == "" {
		r.Notices = append(r.Notices, "the domain drops shard_path_type; its engine keeps paths FIXED without it, one from 3.2 on would not (H30)")
	}
	return r, nil
}
