package operator

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/opensearch-dr/osdr/internal/config"
)

// settings read cdk.json as the CDK CLI would, without a synth: its context, and
// what -c gave over it. account is asked only when neither names one.
func settings(ctx context.Context, path string, overrides map[string]string, account func(ctx context.Context, regions []string) (string, error), now time.Time) (app *config.App, committed string, err error) {
	raw, err := os.ReadFile(path)
	if err != nil {
		return nil, "", fmt.Errorf("read the configuration: %w; run in the app's folder, or give --cdk-json", err)
	}
	var file struct {
		Context map[string]any `json:"context"`
	}
	if err := json.Unmarshal(raw, &file); err != nil {
		return nil, "", fmt.Errorf("read the configuration %s: %w", path, err)
	}
	committed, _ = file.Context["activeRegion"].(string)
	merged := map[string]any{}
	maps.Copy(merged, file.Context)
	for k, v := range overrides {
		merged[k] = v
	}
	src := config.Source{Context: merged, CDKJSON: raw, DefaultAccount: os.Getenv("CDK_DEFAULT_ACCOUNT"), Now: now}
	if src.DefaultAccount == "" && text(merged, "account") == "" {
		regions := []string{text(merged, "secondaryRegion"), text(merged, "primaryRegion")}
		if src.DefaultAccount, err = account(ctx, slices.DeleteFunc(regions, func(r string) bool { return r == "" })); err != nil {
			return nil, "", err
		}
	}
	if app, err = config.Load(src); err != nil {
		return nil, "", fmt.Errorf("configuration %s:\n%w", path, err)
	}
	return app, committed, nil
}

// text of one field of dr, an override first.
func text(merged map[string]any, field string) string {
	if s, ok := merged["dr."+field].(string); ok {
		return s
	}
	dr, _ := merged["dr"].(map[string]any)
	s, _ := dr[field].(string)
	return s
}

// parseOverrides of -c, as the CDK CLI does: the last one of a key holds.
func parseOverrides(given []string) (map[string]string, error) {
	out := map[string]string{}
	for _, g := range given {
		k, v, ok := strings.Cut(g, "=")
		if !ok || k == "" {
			return nil, fmt.Errorf("-c %s: want <key>=<value>", g)
		}
		out[k] = v
	}
	return out, nil
}

// findConfiguration upwards from the working directory.
func findConfiguration() (string, error) {
	dir, err := os.Getwd()
	if err != nil {
		return "", fmt.Errorf("find cdk.json: %w", err)
	}
	for at := dir; ; at = filepath.Dir(at) {
		path := filepath.Join(at, "cdk.json")
		if _, err := os.Stat(path); err == nil {
			return path, nil
		}
		if at == filepath.Dir(at) {
			return "", errors.New("find cdk.json: neither " + dir + " nor a folder above has one; give --cdk-json")
		}
	}
}
