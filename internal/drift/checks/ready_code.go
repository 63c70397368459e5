package checks

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"

	"github.com/opensearch-dr/osdr/internal/contract"
	"github.com/opensearch-dr/osdr/internal/drift"
)

// functionsOf a Region: the four of each of the pair, and the record's where the
// traffic stack stands.
func (f *Facts) functionsOf(region string) (out []string) {
	if slices.Contains(f.App.Regions(), region) {
		out = append(out, contract.Snapshot, contract.Recovery, contract.Promotion, contract.Gate)
	}
	if region == f.App.ControlRegion {
		out = append(out, contract.Traffic)
	}
	return out
}

func (f *Facts) builtCode(ctx context.Context, region string) ([]drift.Finding, error) {
	return all(f.functionsOf(region), func(what string) ([]drift.Finding, error) {
		path := filepath.Join(f.Built, what, "bootstrap")
		body, err := os.ReadFile(path)
		if errors.Is(err, fs.ErrNotExist) {
			return nil, fmt.Errorf("read this checkout's function %s: %s is not built; run make lambdas", what, path)
		}
		if err != nil {
			return nil, fmt.Errorf("read this checkout's function %s: %w", what, err)
		}
		name, stack := f.names().Function(what), f.names().FoundationStack(region)
		if what == contract.Traffic {
			stack = f.names().TrafficStack()
		}
		have, err := f.code(ctx, region, name)
		if err != nil || have == nil {
			return nil, err
		}
		sum := sha256.Sum256(body)
		if want := hex.EncodeToString(sum[:]); have["bootstrap"] != want {
			return []drift.Finding{{
				Resource: name, Expected: "bootstrap " + want[:16], Found: "bootstrap " + clip16(have["bootstrap"]),
				Mend: "check out what is deployed, or " + redeploy(stack),
			}}, nil
		}
		return nil, nil
	})
}

func clip16(s string) string { return s[:min(16, len(s))] }
