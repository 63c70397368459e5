package repository

import (
	"context"
	"errors"
	"fmt"

	"github.com/opensearch-dr/osdr/internal/opensearch"
)

// Stands tells whether the registration is there and names the place that w
// wishes, without proving that it works. Who looks for a snapshot must know it:
// through another registration, or none, every snapshot is missing.
func Stands(ctx context.Context, d opensearch.Domain, w Wish) (bool, error) {
	have, err := d.Repository(ctx, w.Name)
	switch {
	case errors.Is(err, opensearch.ErrNotFound):
		return false, nil
	case err != nil:
		return false, fmt.Errorf("read repository %s: %w", w.Name, err)
	}
	return w.matches(have), nil
}
