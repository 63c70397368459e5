package scenario

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"

	"github.com/opensearch-dr/osdr/internal/contract"
	"github.com/opensearch-dr/osdr/internal/lease"
)

// leases of a Region that are held now. A run holds one for seconds.
func (w *World) leases(ctx context.Context, region string) ([]string, error) {
	b := w.bucket(region)
	entries, err := b.List(ctx, lease.Prefix)
	if err != nil {
		return nil, err
	}
	var held []string
	for _, e := range entries {
		name := strings.TrimSuffix(strings.TrimPrefix(e.Key, lease.Prefix), ".json")
		if name != contract.Recovery && name != contract.Snapshot {
			return nil, fmt.Errorf("%s in the bucket of %s is no lease of a function", e.Key, region)
		}
		o, err := b.Get(ctx, e.Key)
		if err != nil {
			return nil, err
		}
		var l struct{ Since, Expires time.Time }
		if err := json.Unmarshal(o.Body, &l); err != nil {
			return nil, fmt.Errorf("read %s: %w", e.Key, err)
		}
		if l.Expires.After(o.Date) {
			held = append(held, fmt.Sprintf("%s in %s, until %s", name, region, l.Expires.Format(time.TimeOnly)))
		}
	}
	return held, nil
}

// schedules of a Region that are on.
func (w *World) schedules(ctx context.Context, region string) ([]string, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, w.Cloud.Gateway.AWSURL()+"/schedules?ScheduleGroup="+w.Names.ScheduleGroup(), nil)
	if err != nil {
		return nil, err
	}
	key, err := w.admin.Credentials.Retrieve(ctx)
	if err != nil {
		return nil, err
	}
	nothing := sha256.Sum256(nil)
	if err := v4.NewSigner().SignHTTP(ctx, key, req, hex.EncodeToString(nothing[:]), "scheduler", region, time.Now()); err != nil {
		return nil, err
	}
	res, err := w.admin.HTTPClient.Do(req)
	if err != nil {
		return nil, fmt.Errorf("list the schedules of %s: %w", region, err)
	}
	defer func() { _ = res.Body.Close() }()
	var out struct {
		Schedules []struct{ Name, State string }
	}
	if err := json.NewDecoder(res.Body).Decode(&out); err != nil || res.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("list the schedules of %s: %s: %v", region, res.Status, err) //nolint:errorlint // err may be nil
	}
	var on []string
	for _, s := range out.Schedules {
		if s.State != "DISABLED" {
			on = append(on, s.Name)
		}
	}
	slices.Sort(on)
	return on, nil
}

// schedulesFit: snapshots in the active Region alone, a controller in both.
func (w *World) schedulesFit(ctx context.Context, active string) error {
	for _, region := range []string{Primary, Secondary} {
		want := []string{w.Names.Schedule(contract.Recovery)}
		if region == active {
			want = append(want, w.Names.Schedule(contract.Snapshot))
		}
		have, err := w.schedules(ctx, region)
		if err != nil {
			return err
		}
		if !slices.Equal(have, want) {
			return fmt.Errorf("the schedules %v are on in %s, not %v", have, region, want)
		}
	}
	return nil
}

// noProcess that knows this run's gateway or folder is left behind.
func (w *World) noProcess(stopped error) (string, error) {
	if stopped != nil {
		return "", stopped
	}
	var left []string
	for range 20 { // what was killed takes a moment to go
		var err error
		if left, err = processes(w.Cloud.Gateway.AWSURL(), w.Cloud.Folder()); err != nil || len(left) == 0 {
			return "", err
		}
		time.Sleep(250 * time.Millisecond)
	}
	return "", fmt.Errorf("%d processes are left: %s", len(left), strings.Join(left, ", "))
}

// processes other than this one whose environment has one of the words.
func processes(words ...string) ([]string, error) {
	all, err := filepath.Glob("/proc/[0-9]*/environ")
	if err != nil {
		return nil, err
	}
	var found []string
	for _, path := range all {
		folder := filepath.Dir(path)
		if pid, err := strconv.Atoi(filepath.Base(folder)); err != nil || pid == os.Getpid() {
			continue
		}
		environ, err := os.ReadFile(path)
		if err != nil {
			continue // somebody else's, or gone meanwhile
		}
		if !slices.ContainsFunc(words, func(word string) bool { return bytes.Contains(environ, []byte(word)) }) {
			continue
		}
		command, err := os.ReadFile(filepath.Join(folder, "cmdline"))
		if err != nil || len(command) == 0 {
			continue // a zombie, which its parent has not asked for yet
		}
		found = append(found, filepath.Base(folder)+" "+firstSentence(string(bytes.ReplaceAll(command, []byte{0}, []byte{' '}))))
	}
	return found, nil
}
