package opensearch

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"sort"
	"time"
)

func repositoryPath(name string) string { return "/_snapshot/" + url.PathEscape(name) }

func snapshotPath(repository, name string) string {
	return repositoryPath(repository) + "/" + url.PathEscape(name)
}

// registered is one registration as the engine shows it.
type registered struct {
	Type     string         `json:"type"`
	Settings map[string]any `json:"settings"`
}

func (r registered) repository() Repository {
	text := func(key string) string {
		if v, ok := r.Settings[key]; ok {
			return fmt.Sprint(v)
		}
		return ""
	}
	return Repository{
		Bucket: text("bucket"), BasePath: text("base_path"), Region: text("region"), Endpoint: text("endpoint"), RoleARN: text("role_arn"),
		ReadOnly: text("readonly") == "true", ShardPathType: text("shard_path_type"), MaxSnapshotBytesPerSec: text("max_snapshot_bytes_per_sec"),
	}
}

// Repository reads a registration back.
func (c *Client) Repository(ctx context.Context, name string) (Repository, error) {
	step := "read repository " + name
	var answer map[string]registered
	if err := c.get(ctx, step, repositoryPath(name), &answer); err != nil {
		return Repository{}, err
	}
	found, ok := answer[name]
	if !ok || found.Type != "s3" {
		return Repository{}, fmt.Errorf("%s: it is of type %q, not s3; give the repository another name or remove that one", step, found.Type)
	}
	return found.repository(), nil
}

// Repositories passes over what is not of type s3: no bucket is behind it.
func (c *Client) Repositories(ctx context.Context) (map[string]Repository, error) {
	var answer map[string]registered
	if err := c.get(ctx, "list repositories", "/_snapshot", &answer); err != nil {
		return nil, err
	}
	out := map[string]Repository{}
	for name, r := range answer {
		if r.Type == "s3" {
			out[name] = r.repository()
		}
	}
	return out, nil
}

// PutRepository replaces all settings (an empty one is not sent). It asks the
// engine not to verify, so that a form can be registered and verified apart (X8).
func (c *Client) PutRepository(ctx context.Context, name string, r Repository) error {
	settings := map[string]any{"bucket": r.Bucket}
	for key, value := range map[string]string{
		"base_path": r.BasePath, "region": r.Region, "endpoint": r.Endpoint, "role_arn": r.RoleARN,
		"shard_path_type": r.ShardPathType, "max_snapshot_bytes_per_sec": r.MaxSnapshotBytesPerSec,
	} {
		if value != "" {
			settings[key] = value
		}
	}
	if r.ReadOnly {
		settings["readonly"] = true
	}
	body := map[string]any{"type": "s3", "settings": settings}
	return c.change(ctx, "register repository "+name, http.MethodPut, repositoryPath(name)+"?verify=false", body)
}

// VerifyRepository lets every node write to it, or read it where it is read-only.
func (c *Client) VerifyRepository(ctx context.Context, name string) error {
	return c.change(ctx, "verify repository "+name, http.MethodPost, repositoryPath(name)+"/_verify", nil)
}

// snapshotStatus of the _status API.
type snapshotStatus struct {
	Snapshot   string        `json:"snapshot"`
	Repository string        `json:"repository"`
	State      SnapshotState `json:"state"`
	Shards     struct {
		Done  int `json:"done"`
		Total int `json:"total"`
	} `json:"shards_stats"`
	Stats struct {
		Incremental, Processed, Total struct {
			Size int64 `json:"size_in_bytes"`
		}
	} `json:"stats"`
}

// RunningSnapshots of all repositories.
func (c *Client) RunningSnapshots(ctx context.Context) ([]string, error) {
	var answer struct {
		Snapshots []snapshotStatus `json:"snapshots"`
	}
	path := "/_snapshot/_status?filter_path=snapshots.snapshot,snapshots.repository"
	if err := c.get(ctx, "list running snapshots", path, &answer); err != nil {
		return nil, err
	}
	var list []string
	for _, s := range answer.Snapshots {
		list = append(list, s.Repository+"/"+s.Snapshot)
	}
	sort.Strings(list)
	return list, nil
}

// nothing is the list that selects no index at all; an empty one means every
// index to the engine.
const nothing = "-*"

// CreateSnapshot starts one.
func (c *Client) CreateSnapshot(ctx context.Context, repository, name string, r SnapshotRequest) error {
	indices := r.Indices
	if len(indices) == 0 {
		indices = []string{nothing}
	}
	body := map[string]any{
		"indices": indices, "include_global_state": false, "ignore_unavailable": false, "partial": false,
	}
	step := fmt.Sprintf("create snapshot %s/%s", repository, name)
	return c.change(ctx, step, http.MethodPut, snapshotPath(repository, name)+"?wait_for_completion=false", body)
}

// listed is one snapshot as the engine lists it.
type listed struct {
	Name        string        `json:"snapshot"`
	UUID        string        `json:"uuid"`
	State       SnapshotState `json:"state"`
	Version     string        `json:"version"`
	Indices     []string      `json:"indices"`
	DataStreams []string      `json:"data_streams"`
	Start       int64         `json:"start_time_in_millis"`
	End         int64         `json:"end_time_in_millis"`
	Reason      string        `json:"reason"`
	Failures    []struct {
		Index  string `json:"index"`
		Shard  int    `json:"shard_id"`
		Reason string `json:"reason"`
	} `json:"failures"`
	Shards struct {
		Total  int `json:"total"`
		Failed int `json:"failed"`
	} `json:"shards"`
}

func (l listed) snapshot() Snapshot {
	s := Snapshot{
		Name: l.Name, UUID: l.UUID, State: l.State, Version: l.Version, Indices: l.Indices, DataStreams: l.DataStreams,
		Start: time.UnixMilli(l.Start).UTC(), ShardsTotal: l.Shards.Total, ShardsFailed: l.Shards.Failed,
	}
	if l.End > 0 {
		s.End = time.UnixMilli(l.End).UTC()
	}
	sort.Strings(s.Indices)
	sort.Strings(s.DataStreams)
	for _, f := range l.Failures {
		s.Failures = append(s.Failures, redact(fmt.Sprintf("%s[%d]: %s", f.Index, f.Shard, f.Reason)))
		if f.Index != "" && !slices.Contains(s.FailedIndices, f.Index) {
			s.FailedIndices = append(s.FailedIndices, f.Index)
		}
	}
	if l.Reason != "" {
		s.Failures = append(s.Failures, redact(l.Reason))
	}
	return s
}

func (c *Client) list(ctx context.Context, step, path string) ([]Snapshot, error) {
	var answer struct {
		Snapshots []listed `json:"snapshots"`
	}
	if err := c.get(ctx, step, path, &answer); err != nil {
		return nil, err
	}
	list := make([]Snapshot, 0, len(answer.Snapshots))
	for _, l := range answer.Snapshots {
		list = append(list, l.snapshot())
	}
	sort.SliceStable(list, func(a, b int) bool { return list[a].Start.Before(list[b].Start) })
	return list, nil
}

// Snapshot of that name, under way or over.
func (c *Client) Snapshot(ctx context.Context, repository, name string) (Snapshot, error) {
	step := fmt.Sprintf("read snapshot %s/%s", repository, name)
	list, err := c.list(ctx, step, snapshotPath(repository, name))
	if err != nil {
		return Snapshot{}, err
	}
	if len(list) != 1 {
		return Snapshot{}, fmt.Errorf("%s: the engine answered %d snapshots", step, len(list))
	}
	return list[0], nil
}

// Snapshots of a repository, oldest first.
func (c *Client) Snapshots(ctx context.Context, repository string) ([]Snapshot, error) {
	return c.list(ctx, "list snapshots of "+repository, repositoryPath(repository)+"/_all")
}

// SnapshotStatus of one, under way or over.
func (c *Client) SnapshotStatus(ctx context.Context, repository, name string) (SnapshotStatus, error) {
	step := fmt.Sprintf("read status of snapshot %s/%s", repository, name)
	var answer struct {
		Snapshots []snapshotStatus `json:"snapshots"`
	}
	path := snapshotPath(repository, name) + "/_status?filter_path=snapshots.state,snapshots.shards_stats,snapshots.stats"
	if err := c.get(ctx, step, path, &answer); err != nil {
		return SnapshotStatus{}, err
	}
	if len(answer.Snapshots) != 1 {
		return SnapshotStatus{}, fmt.Errorf("%s: the engine answered %d snapshots", step, len(answer.Snapshots))
	}
	s := answer.Snapshots[0]
	out := SnapshotStatus{
		State: s.State, ShardsDone: s.Shards.Done, ShardsTotal: s.Shards.Total,
		IncrementalBytes: s.Stats.Incremental.Size, TotalBytes: s.Stats.Total.Size, ProcessedBytes: s.Stats.Processed.Size,
	}
	if s.State == "STARTED" || s.State == "INIT" { // this API's words for it
		out.State = InProgress
	}
	if out.State == Success {
		out.ProcessedBytes = out.IncrementalBytes // only told while it runs
	}
	return out, nil
}

// DeleteSnapshot and what only it needed; the engine answers when that is done.
func (c *Client) DeleteSnapshot(ctx context.Context, repository, name string) error {
	step := fmt.Sprintf("delete snapshot %s/%s", repository, name)
	return c.change(ctx, step, http.MethodDelete, snapshotPath(repository, name), nil)
}
