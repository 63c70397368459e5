package scenario

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/opensearch-dr/osdr/drill/client"
	"github.com/opensearch-dr/osdr/drill/report"
	"github.com/opensearch-dr/osdr/drill/workload"
	"github.com/opensearch-dr/osdr/internal/contract"
	"github.com/opensearch-dr/osdr/internal/point"
)

// story of one loss of us-east-1: what its steps tell each other.
type story struct {
	*World
	firstUUID, secondUUID string // of us-east-1's domain, then us-west-2's
	generation            int64  // when the story begins
	point                 point.Point
	away, back            time.Time
	failover              course
	lost                  workload.Comparison
	kept                  workload.Contents // of us-west-2 after the failover
	salvage               point.Point
}

// Story is the mission from end to end: the primary Region is lost in mid-write,
// the secondary takes over, the primary comes back and is stood down, and the
// domain moves home without loss. It ends as it began, so that it can be told
// again on the same cloud.
func Story(ctx context.Context, w *World) error {
	s := &story{World: w}
	return w.play(ctx, slices.Concat(s.loss(), s.comesBack(), s.stoodDown(), s.home()))
}

// StoryWithPipeline is the story in which a pipeline that knows nothing of it
// deploys the old flag, at both moments when that could do harm: what StaleFlag
// plays alone, without another loss of the Region.
func StoryWithPipeline(ctx context.Context, w *World) error {
	s := &story{World: w}
	return w.play(ctx, slices.Concat(s.loss(), s.comesBack(), w.within(staleFlag, s.staleWhileItStands()),
		s.stoodDown(), w.within(staleFlag, s.staleWhenItIsGone()), s.home()))
}

// loss of us-east-1 and failover.
func (s *story) loss() []step {
	return []step{
		{"a client writes, updates, deletes and searches through the name", s.startLoad},
		{"recovery points while it writes", s.pointsWhileWriting},
		{"us-east-1 is taken away in mid-write: API, domain, bucket, silent", s.takePrimary},
		{"make failover, with the cdk.json that names us-east-1", s.failOver},
		{"reads and writes go on by the name, in us-west-2", s.servesAgain},
		{"exactly the announced window is missing", s.windowIsMissing},
		{"before DNS moved the lost Region was asked for the ledger, the probes and one fence only", s.askedLittle},
	}
}

// comesBack: us-east-1 answers again.
func (s *story) comesBack() []step {
	return []step{
		{"us-east-1 is back: the old domain fences itself", s.fencesItself},
	}
}

// stoodDown: its domain goes, and what it alone held is saved.
func (s *story) stoodDown() []step {
	return []step{
		{"stand-down: cdk deploy --all, with us-west-2 committed in cdk.json", s.standDown},
		{"the salvage holds exactly the acknowledged documents that the failover lost", s.salvageHolds},
		{"points of us-west-2 stand in the bucket of us-east-1", s.pointsOfSecondary},
	}
}

// home again.
func (s *story) home() []step {
	return []step{
		{"make failback, with us-west-2 committed in cdk.json", s.failBack},
		{"a new UUID and a new prefix in us-east-1, nothing left in us-west-2", s.newPrefix},
		{"cdk deploy --all with us-east-1 committed changes nothing more", s.settlesDown},
		{"no orphan is left", s.noOrphans},
	}
}

func (s *story) pointsWhileWriting(ctx context.Context) (string, error) {
	led, err := s.ledger(ctx, Primary)
	if err != nil {
		return "", err
	}
	s.generation = led.Generation
	if s.firstUUID, err = s.uuid(ctx, Primary); err != nil {
		return "", err
	}
	since := time.Now().UTC().Truncate(time.Second)
	if s.point, err = s.fullPoint(ctx, Primary, since); err != nil {
		return "", err
	}
	return describe(s.point), nil
}

func (s *story) takePrimary(ctx context.Context) (string, error) {
	// Some seconds of writes that no point has. The controller's run that settled
	// the point ends meanwhile: one that the loss meets keeps its lease for minutes.
	before := s.work.Acknowledged()
	if err := s.await(ctx, time.Minute, "150 writes after the newest point", func() (bool, error) {
		return s.work.Acknowledged()-before >= 150, nil
	}); err != nil {
		return "", err
	}
	if err := s.takeAway(Primary); err != nil {
		return "", err
	}
	s.away = time.Now()
	if err := s.await(ctx, time.Minute, "the client to notice", func() (bool, error) {
		gone := map[workload.Kind]bool{}
		for _, o := range s.work.Ops() {
			if o.Start.After(s.away) && !o.OK {
				gone[o.Kind] = true
			}
		}
		return len(gone) == 2, nil
	}); err != nil {
		return "", err
	}
	return fmt.Sprintf("the client noticed after %s", time.Since(s.away).Round(100*time.Millisecond)), nil
}

func (s *story) failOver(ctx context.Context) (string, error) {
	command := time.Now()
	out, err := s.make(ctx, makeFailover)
	s.failover = s.course(Secondary, s.away, command)
	if err != nil {
		return "", err
	}
	return fmt.Sprintf("%d stacks, the command took %s", strings.Count(out.Text, "Stack ARN:"), out.Took.Round(time.Second)), nil
}

func (s *story) servesAgain(ctx context.Context) (string, error) {
	if err := s.moved(ctx, Secondary, s.away); err != nil {
		return "", err
	}
	s.failover = s.course(Secondary, s.away, s.failover.command)
	s.watch.moment(s.failover.writes, colour(Secondary), Secondary+" serves")
	said := s.reportCourse("Failover, recovery time (RTO)", "from the loss of us-east-1 to the client's first acknowledged write by the name in us-west-2. Local nodes come up in seconds; on AWS a domain takes 15 to 40 minutes.", s.failover)
	s.card("recovery time (RTO)", s.failover.writes.Sub(s.away).Round(time.Second).String(), "from the loss to the first write", false)
	return said, s.sameFilms(ctx, Secondary)
}

// windowIsMissing: what was acknowledged before the point is there, what came
// after may be lost, and the product said from when on.
func (s *story) windowIsMissing(ctx context.Context) (string, error) {
	loss, err := s.announcedLoss(s.away)
	if err != nil {
		return "", err
	}
	all, err := s.settledContents(ctx, Secondary)
	if err != nil {
		return "", err
	}
	s.lost, s.kept = s.work.Compare(all, Primary), all
	if len(s.lost.Lost) == 0 {
		return "", fmt.Errorf("nothing was lost (%s): the Region was not taken away in mid-write", s.lost)
	}
	if len(s.lost.Unexpected) > 0 {
		return "", fmt.Errorf("%s: unexpected %v", s.lost, s.lost.Unexpected[:min(10, len(s.lost.Unexpected))])
	}
	for _, key := range s.lost.Lost {
		if at := s.work.AcknowledgedAt(key); at.Before(loss.Since) {
			return "", fmt.Errorf("%s was acknowledged at %s and is lost; the window began at %s", key, at.Format(time.TimeOnly), loss.Since.Format(time.TimeOnly))
		}
	}
	window := s.away.Sub(loss.Since)
	s.watch.lost(loss.Since, s.away, fmt.Sprintf("%d lost", len(s.lost.Lost)))
	s.card(fmt.Sprintf("data loss window (RPO %d min)", rpo), window.Round(time.Second).String(), "from the point's start to the loss", window > rpo*time.Minute)
	s.card("acknowledged documents", fmt.Sprint(s.lost.Acknowledged), fmt.Sprintf("in us-east-1, by %d writes in all", s.work.Acknowledged()), false)
	s.card("lost by the failover", fmt.Sprint(len(s.lost.Lost)), "all of them after the point's start", false)
	if window > rpo*time.Minute {
		return "", fmt.Errorf("the window of %s is longer than the RPO of %d min", window.Round(time.Second), rpo)
	}
	return fmt.Sprintf("window %s (point %s), RPO %d min; %s", window.Round(time.Second), loss.Point, rpo, s.lost), nil
}

// announcedLoss is what the last promotion that spoke of one said.
func (w *World) announcedLoss(since time.Time) (contract.Loss, error) {
	runs, err := w.controllerRuns()
	if err != nil {
		return contract.Loss{}, err
	}
	for _, r := range slices.Backward(runs) {
		if r.Time.After(since) && r.Status.Loss != nil && r.Status.Loss.Point != "" {
			return *r.Status.Loss, nil
		}
	}
	return contract.Loss{}, errors.New("no run of the controller announced what would be lost")
}

// settledContents reads a Region's domain while the client holds its breath.
func (w *World) settledContents(ctx context.Context, region string) (workload.Contents, error) {
	resume := w.work.Hold()
	defer resume()
	return w.contents(ctx, region)
}

func (s *story) fencesItself(ctx context.Context) (string, error) {
	s.back = time.Now()
	if err := s.giveBack(Primary); err != nil {
		return "", err
	}
	old, err := s.direct(Primary)
	if err != nil {
		return "", err
	}
	// At the next minute's run, or when the run that the loss met has come to its end.
	try := map[string]any{"v": -1}
	if err := s.await(ctx, 3*time.Minute, "the old domain to refuse writes, in each index", func() (bool, error) {
		_, first := old.Do(ctx, http.MethodPut, "/"+movies+"/_doc/0?timeout=1s&if_seq_no=999999999&if_primary_term=1", try, nil)
		if client.Status(first) != http.StatusForbidden || !strings.Contains(first.Error(), "cluster_block_exception") {
			return false, first // a conflict, which writes nothing, while there is no fence
		}
		err := s.allBlocked(ctx, old)
		return err == nil, err
	}); err != nil {
		return "", err
	}
	took := time.Since(s.back)
	said, err := s.undisturbed(s.back)
	return fmt.Sprintf("after %s; meanwhile %s", took.Round(time.Second), said), err
}

// allBlocked: each index of a superseded domain refuses writes.
func (w *World) allBlocked(ctx context.Context, c *client.Client) error {
	var settings map[string]struct {
		Settings struct {
			Index struct {
				Blocks struct {
					Write string `json:"write"`
				} `json:"blocks"`
			} `json:"index"`
		} `json:"settings"`
	}
	for _, pattern := range []string{ordersAll, movies, flights} {
		if _, err := c.Do(ctx, http.MethodGet, "/"+pattern+"/_settings", nil, &settings); err != nil {
			return err
		}
	}
	for name, s := range settings {
		if s.Settings.Index.Blocks.Write != "true" {
			return fmt.Errorf("index %s of the superseded domain takes writes", name)
		}
	}
	return nil
}

func (s *story) standDown(ctx context.Context) (string, error) {
	if err := s.commit(Secondary); err != nil {
		return "", err
	}
	since := time.Now()
	out, err := s.run(ctx, nil)
	if err != nil {
		return "", err
	}
	if _, there := s.domain(Primary); there {
		return "", errors.New("the old domain is still there")
	}
	said, err := s.undisturbed(since)
	return fmt.Sprintf("%d stacks in %s, the old domain is gone; %s", strings.Count(out.Text, "Stack ARN:"), out.Took.Round(time.Second), said), err
}

// salvageHolds restores the salvage under other names, as a person would who wants
// the lost documents back.
func (s *story) salvageHolds(ctx context.Context) (string, error) {
	saved, err := s.points(ctx, Primary)
	if err != nil {
		return "", err
	}
	for _, p := range saved {
		if p.Kind == point.KindSalvage && p.ClusterUUID == s.firstUUID {
			s.salvage = p
		}
	}
	if s.salvage.Snapshot == "" {
		return "", fmt.Errorf("there is no salvage point of %s", s.firstUUID)
	}
	got, err := s.restored(ctx, Secondary, s.salvage, ordersAll)
	if err != nil {
		return "", err
	}
	c := s.work.Compare(got, Primary)
	if len(c.Lost) > 0 || len(c.Unexpected) > 0 {
		return "", fmt.Errorf("the salvage %s does not hold what us-east-1 acknowledged: %s", s.salvage.ID, c)
	}
	for _, key := range s.lost.Lost {
		if !s.work.Promised(key, got[key]) {
			return "", fmt.Errorf("%s was lost, and the salvage has it as %d, which nobody was promised", key, got[key])
		}
	}
	s.work.Accept(s.kept, Primary)
	s.card("salvaged", fmt.Sprint(len(s.lost.Lost)), "of those that the failover lost", false)
	s.Report.Add(func(f *report.Findings) {
		f.Tables = append(f.Tables, report.Table{Title: "Documents that us-east-1 had acknowledged", Head: []string{"", "acknowledged", "kept", "lost", "without an answer"}, Rows: [][]string{
			{"after the failover, in us-west-2", fmt.Sprint(s.lost.Acknowledged), fmt.Sprint(s.lost.Kept), fmt.Sprint(len(s.lost.Lost)), fmt.Sprint(s.lost.Doubtful)},
			{"in the salvage", fmt.Sprint(c.Acknowledged), fmt.Sprint(c.Kept), fmt.Sprint(len(c.Lost)), fmt.Sprint(c.Doubtful)},
		}})
	})
	return fmt.Sprintf("%s: %d of %d lost documents; %s", s.salvage.ID, len(s.lost.Lost), len(s.lost.Lost), c), nil
}

// restored reads a point's indexes of a pattern through a registration of its own in the
// Region's domain, and leaves nothing behind.
func (w *World) restored(ctx context.Context, region string, p point.Point, pattern string) (got workload.Contents, err error) {
	const repository, mark = "drill-look", "looked-"
	c, err := w.direct(region)
	if err != nil {
		return nil, err
	}
	if _, err := c.Do(ctx, http.MethodPut, "/_snapshot/"+repository, map[string]any{"type": "s3", "settings": map[string]any{
		"bucket": p.Bucket, "base_path": p.BasePath, "region": otherRegion(p.Region),
		"endpoint": "https://s3." + otherRegion(p.Region) + ".amazonaws.com",
		"role_arn": w.Names.SnapshotRoleARN(region), "readonly": true, "shard_path_type": "FIXED"}}, nil); err != nil {
		return nil, err
	}
	defer func() {
		_, first := c.Do(ctx, http.MethodDelete, "/"+mark+pattern, nil, nil)
		_, second := c.Do(ctx, http.MethodDelete, "/_snapshot/"+repository, nil, nil)
		err = errors.Join(err, first, second)
	}()
	if _, err := c.Do(ctx, http.MethodPost, "/_snapshot/"+repository+"/"+p.Snapshot+"/_restore?wait_for_completion=true", map[string]any{
		"indices": pattern, "rename_pattern": "(.+)", "rename_replacement": mark + "$1", "include_aliases": false,
		"index_settings": map[string]any{"index.number_of_replicas": 0}, "ignore_index_settings": []string{"index.blocks.write"},
	}, nil); err != nil {
		return nil, err
	}
	return workload.ReadAll(ctx, c, mark+pattern, func(name string) string { return strings.TrimPrefix(name, mark) })
}

func (s *story) pointsOfSecondary(ctx context.Context) (string, error) {
	var err error
	if s.secondUUID, err = s.uuid(ctx, Secondary); err != nil {
		return "", err
	}
	p, err := s.fullPoint(ctx, Secondary, s.back)
	if err != nil {
		return "", err
	}
	if p.ClusterUUID != s.secondUUID || p.BasePath != s.secondUUID || s.secondUUID == s.firstUUID || p.ID.Generation != s.generation+1 {
		return "", fmt.Errorf("point %s is of %s under %s, generation %d; the domain in %s is %s", p.ID, p.ClusterUUID, p.BasePath, p.ID.Generation, Secondary, s.secondUUID)
	}
	return describe(p), nil
}

func (s *story) failBack(ctx context.Context) (string, error) {
	return s.planned(ctx, "Failback", Secondary, Primary)
}

func (s *story) newPrefix(ctx context.Context) (string, error) {
	uuid, err := s.uuid(ctx, Primary)
	if err != nil {
		return "", err
	}
	if uuid == s.firstUUID || uuid == s.secondUUID {
		return "", fmt.Errorf("the new domain's UUID %s is not new", uuid)
	}
	if _, there := s.domain(Secondary); there {
		return "", fmt.Errorf("the domain in %s is still there", Secondary)
	}
	p, err := s.fullPoint(ctx, Primary, time.Now().UTC().Add(-time.Minute))
	if err != nil {
		return "", err
	}
	if p.BasePath != uuid || p.ClusterUUID != uuid {
		return "", fmt.Errorf("point %s is of %s under %s, not of %s", p.ID, p.ClusterUUID, p.BasePath, uuid)
	}
	return fmt.Sprintf("%s, then %s, now %s; %s", s.firstUUID, s.secondUUID, uuid, describe(p)), nil
}

// settlesDown: the flag in cdk.json is the one in force again.
func (s *story) settlesDown(ctx context.Context) (string, error) {
	if err := s.commit(Primary); err != nil {
		return "", err
	}
	since := time.Now()
	if _, err := s.run(ctx, nil); err != nil {
		return "", err
	}
	said, err := s.deployAgain(ctx)
	if err != nil {
		return "", err
	}
	calm, err := s.undisturbed(since)
	return said + "; " + calm, err
}
