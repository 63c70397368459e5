package command_test

import (
	"bytes"
	"context"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/opensearch-dr/osdr/internal/config"
	"github.com/opensearch-dr/osdr/internal/drift/command"
	"github.com/opensearch-dr/osdr/internal/operator"
	"github.com/opensearch-dr/osdr/internal/reader"
	"github.com/opensearch-dr/osdr/internal/route/routetest"
	"github.com/opensearch-dr/osdr/internal/store"
	"github.com/opensearch-dr/osdr/internal/store/storetest"
)

// nobody answers of AWS; only the buckets are there.
type nobody struct{ reader.Cloud }

type cloud struct{}

func (cloud) Account(context.Context, []string) (string, error) { return "123456789012", nil }
func (cloud) World(context.Context, *config.App) (operator.World, error) {
	return operator.World{}, nil
}

// osdr in an app's folder.
func osdr(t *testing.T, folder string, lease time.Duration, args ...string) (code int, out, errs string) {
	t.Helper()
	now := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	open := func(ctx context.Context, app *config.App) (command.Sources, error) {
		s := command.Sources{Cloud: nobody{}, Zone: routetest.New(), Buckets: map[string]store.Bucket{}}
		for _, region := range app.Regions() {
			b := storetest.NewMemory(app.Names().Bucket(region), region, func() time.Time { return now })
			body, err := json.Marshal(map[string]any{"holder": "h", "since": now.Add(-lease), "expires": now.Add(time.Minute)})
			if err == nil {
				_, err = b.Put(ctx, "_dr/lease/domain.json", body, store.Condition{})
			}
			if err != nil {
				return s, err
			}
			s.Buckets[region] = b
		}
		return s, nil
	}
	var stdout, stderr bytes.Buffer
	args = append([]string{"--cdk-json", filepath.Join(folder, "cdk.json")}, args...)
	code = operator.Main(t.Context(), args, operator.Streams{Out: &stdout, Err: &stderr}, cloud{}, command.Extras(open)...)
	return code, stdout.String(), stderr.String()
}

func folder(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	raw, err := os.ReadFile("../../../cdk.json")
	if err == nil {
		err = os.WriteFile(filepath.Join(dir, "cdk.json"), raw, 0o600)
	}
	if err != nil {
		t.Fatal(err)
	}
	return dir
}

func TestExitCodes(t *testing.T) {
	dir := folder(t)
	broken := filepath.Join(dir, "broken.json")
	if err := os.WriteFile(broken, []byte(`{"version":1,"ignore":[{"id":"leftover.lease","reason":"","expires":"2027-01-31"}]}`), 0o600); err != nil {
		t.Fatal(err)
	}
	only := []string{"drift", "--only", "leftover.lease", "--cdk", "none"}
	for name, c := range map[string]struct {
		lease time.Duration
		args  []string
		code  int
	}{
		"in sync":                    {time.Minute, only, 0},
		"drift":                      {2 * time.Hour, only, 1},
		"could not check":            {time.Minute, []string{"drift", "--only", "leftover.lease", "--only", "stack", "--cdk", "none"}, 2},
		"drift wins":                 {2 * time.Hour, []string{"drift", "--only", "leftover.lease", "--only", "stack", "--cdk", "none"}, 1},
		"strict":                     {time.Minute, []string{"drift", "--only", "stack", "--strict", "--cdk", "none"}, 1},
		"an unknown flag":            {time.Minute, []string{"drift", "--bogus"}, 2},
		"an unknown id":              {time.Minute, []string{"drift", "--only", "bucket.colour"}, 2},
		"exceptions without reasons": {time.Minute, append([]string{"--ignore-file", broken}, only...), 2},
		"a wrong configuration":      {time.Minute, append(only, "-c", "dr.rpoMinutes=0"), 2},
		"a report of no format":      {time.Minute, append(only, "--report", "html=x"), 2},
		"a list":                     {time.Minute, []string{"drift", "--list"}, 0},
	} {
		args := c.args
		if args[0] == "--ignore-file" {
			args = append(append([]string{}, args[2:]...), args[:2]...)
		}
		if code, out, errs := osdr(t, dir, c.lease, args...); code != c.code {
			t.Errorf("%s: exit %d, want %d\n%s%s", name, code, c.code, out, errs)
		}
	}
}

// The ids are told anywhere: without a configuration and without credentials.
func TestAListNeedsNothing(t *testing.T) {
	t.Chdir(t.TempDir())
	var out, errs bytes.Buffer
	code := operator.Main(t.Context(), []string{"drift", "--list"}, operator.Streams{Out: &out, Err: &errs}, nil, command.Extras(nil)...)
	if code != 0 || !strings.Contains(out.String(), "bucket.versioning") {
		t.Errorf("exit %d\n%s%s", code, out.String(), errs.String())
	}
}

func TestOneRunInAllFormats(t *testing.T) {
	dir := folder(t)
	args := []string{"drift", "--only", "leftover.lease", "--cdk", "none", "--format", "json"}
	for _, format := range []string{"text", "junit", "sarif"} {
		args = append(args, "--report", format+"="+filepath.Join(dir, format))
	}
	code, out, errs := osdr(t, dir, 2*time.Hour, args...)
	var r struct {
		ExitCode int
		Findings []struct{ ID, Where string }
	}
	if err := json.Unmarshal([]byte(out), &r); err != nil || code != 1 || r.ExitCode != 1 || len(r.Findings) != 2 || r.Findings[0].ID != "leftover.lease" {
		t.Errorf("exit %d, %+v, %v %s", code, r, err, errs)
	}
	for _, format := range []string{"text", "junit", "sarif"} {
		raw, err := os.ReadFile(filepath.Join(dir, format))
		if err != nil || !strings.Contains(string(raw), "leftover.lease") {
			t.Errorf("%s: %v %s", format, err, raw)
		}
	}
}

func TestAnExceptionBesideCDKJSON(t *testing.T) {
	dir := folder(t)
	err := os.WriteFile(filepath.Join(dir, ".osdr-drift-ignore.json"), []byte(`{"version":1,"ignore":[{"id":"leftover.lease","reason":"known","expires":"2999-01-31"}]}`), 0o600)
	if err != nil {
		t.Fatal(err)
	}
	if code, out, _ := osdr(t, dir, 2*time.Hour, "drift", "--only", "leftover.lease", "--cdk", "none"); code != 0 || !strings.Contains(out, "known (until 2999-01-31)") {
		t.Errorf("exit %d\n%s", code, out)
	}
}

func TestTemplatesOfAnotherFlagAreRefused(t *testing.T) {
	dir := folder(t)
	out := filepath.Join(dir, "cdk.out")
	write := func(active string) {
		t.Helper()
		err := os.MkdirAll(out, 0o755)
		for name, body := range map[string]string{
			"manifest.json": `{"artifacts":{"osdr-domain-us-east-1":{"type":"aws:cloudformation:stack","environment":"aws://123456789012/us-east-1","properties":{"templateFile":"d.json"}}}}`,
			"d.json":        `{"Resources":{"Gate":{"Type":"Custom::Gate","Properties":{"ActiveRegion":"` + active + `"}}}}`,
		} {
			if err == nil {
				err = os.WriteFile(filepath.Join(out, name), []byte(body), 0o600)
			}
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	write("us-west-2")
	if code, text, _ := osdr(t, dir, time.Minute, "drift", "--only", "stack.template"); code != 2 || !strings.Contains(text, "synthesized with activeRegion us-west-2") {
		t.Errorf("exit %d\n%s", code, text)
	}
	write("us-east-1")
	if _, text, _ := osdr(t, dir, time.Minute, "drift", "--only", "stack.template"); strings.Contains(text, "cdk synth again") {
		t.Error(text)
	}
}

func TestIAMPolicy(t *testing.T) {
	code, out, errs := osdr(t, folder(t), 0, "iam-policy")
	var doc struct {
		Statement []struct{ Action, Resource []string }
	}
	if err := json.Unmarshal([]byte(out), &doc); err != nil || code != 0 || len(doc.Statement) < 10 {
		t.Errorf("exit %d, %v %s", code, err, errs)
	}
}
