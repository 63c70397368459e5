package drift

import (
	"errors"
	"fmt"
	"path"
	"slices"
	"strings"
)

// Validate the options by themselves, before anything is looked at.
func (o Options) Validate(checks []Check) error {
	if _, err := choose(checks, o); err != nil {
		return err
	}
	return known(o.Exceptions, checks)
}

// choose the checks of a run. A pattern that names none is an error: a pipeline
// that skips a check which was renamed would go on believing that it does.
func choose(checks []Check, o Options) ([]Check, error) {
	for _, pattern := range slices.Concat(o.Only, o.Skip) {
		if !slices.ContainsFunc(checks, func(c Check) bool { return matches(pattern, c) }) {
			return nil, fmt.Errorf("choose checks: %q names none; `osdr drift --list` shows the ids", pattern)
		}
	}
	if !o.Ready {
		for _, pattern := range o.Only {
			of := slices.DeleteFunc(slices.Clone(checks), func(c Check) bool { return !matches(pattern, c) })
			if !slices.ContainsFunc(of, func(c Check) bool { return !c.Ready || c.ID == pattern }) {
				return nil, fmt.Errorf("choose checks: %q names checks of readiness only; give --ready with it, or one of them by its id", pattern)
			}
		}
	}
	var out []Check
	for _, c := range checks {
		wanted := len(o.Only) == 0 || slices.ContainsFunc(o.Only, func(p string) bool { return matches(p, c) })
		named := slices.Contains(o.Only, c.ID)
		skipped := slices.ContainsFunc(o.Skip, func(p string) bool { return matches(p, c) })
		if wanted && !skipped && (!c.Ready || o.Ready || named) {
			out = append(out, c)
		}
	}
	if len(out) == 0 {
		return nil, errors.New("choose checks: none is left; give fewer --skip")
	}
	return out, nil
}

// matches an id, a family or a pattern of either.
func matches(pattern string, c Check) bool {
	if !strings.Contains(pattern, ".") && glob(pattern, c.Family()) {
		return true
	}
	return glob(pattern, c.ID)
}

func glob(pattern, s string) bool {
	if pattern == "" {
		return false
	}
	ok, err := path.Match(pattern, s)
	return err == nil && ok
}
