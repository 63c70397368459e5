package scenario

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/opensearch-dr/osdr/drill/workload"
	"github.com/opensearch-dr/osdr/internal/contract"
	"github.com/opensearch-dr/osdr/internal/point"
)

// Planned is a switch under load while both Regions are well: it must lose
// nothing, and the write pause is what it costs.
func Planned(ctx context.Context, w *World) error {
	s := &story{World: w}
	return w.play(ctx, []step{
		{"a client writes, updates, deletes and searches through the name", s.startLoad},
		{"recovery points while it writes", s.pointsWhileWriting},
		{"make failback: a planned switch to us-west-2", func(ctx context.Context) (string, error) {
			return s.planned(ctx, "Planned switch", Primary, Secondary)
		}},
		{"what the old domain held is in a final point and in a salvage", s.finalPoint},
		{"cdk deploy --all with us-west-2 committed leaves it so", func(ctx context.Context) (string, error) {
			if err := w.commit(Secondary); err != nil {
				return "", err
			}
			since := time.Now()
			if _, err := w.run(ctx, nil); err != nil {
				return "", err
			}
			return w.undisturbed(since)
		}},
		{"no orphan is left", s.noOrphans},
	})
}

// planned switch between two Regions that both answer: each acknowledged document
// is in the new domain, and the old domain is gone with the same command, or stands
// by where the standby is warm.
func (s *story) planned(ctx context.Context, title, from, to string) (string, error) {
	led, err := s.ledger(ctx, from)
	if err != nil {
		return "", err
	}
	command := time.Now()
	_, err = s.make(ctx, makeFailback)
	if err != nil {
		return "", err
	}
	if err := s.moved(ctx, to, command); err != nil {
		return "", err
	}
	c := s.course(to, command, command)
	s.watch.moment(c.writes, colour(to), to+" serves")
	writes, reads := workload.LongestGap(s.work.Ops(), workload.Write, command), workload.LongestGap(s.work.Ops(), workload.Read, command)
	s.reportCourse(title, "from the command to the client's first write by the name in "+to+", both Regions well; the client writes until the fence.", c)
	s.card(title+": write pause", writes.Length().Round(100*time.Millisecond).String(), "longest time without an acknowledged write", false)
	if _, there := s.domain(from); there != (s.CDK.Context["dr.standby"] == contract.StandbyWarm) {
		return "", fmt.Errorf("a domain in %s after the command: %v, with dr.standby %q", from, there, s.CDK.Context["dr.standby"])
	}
	if err := s.sameFilms(ctx, to); err != nil {
		return "", err
	}
	all, err := s.settledContents(ctx, to)
	if err != nil {
		return "", err
	}
	got := s.work.Compare(all, "")
	s.card(title+": lost", fmt.Sprint(len(got.Lost)), fmt.Sprintf("of %d acknowledged documents", got.Acknowledged), len(got.Lost) > 0)
	if len(got.Lost) > 0 || len(got.Unexpected) > 0 {
		return "", fmt.Errorf("a planned switch lost acknowledged documents: %s, such as %v", got, got.Lost[:min(5, len(got.Lost))])
	}
	after, err := s.ledger(ctx, to)
	if err != nil {
		return "", err
	}
	if after.Generation != led.Generation+1 || after.ActiveRegion != to || after.Intent != nil {
		return "", fmt.Errorf("the ledger says generation %d, %s, intent %v", after.Generation, after.ActiveRegion, after.Intent)
	}
	return fmt.Sprintf("0 lost of %d acknowledged, write pause %s, read pause %s", got.Acknowledged,
		writes.Length().Round(100*time.Millisecond), reads.Length().Round(100*time.Millisecond)), nil
}

// finalPoint: the fenced domain's last state stands in the new active Region's
// bucket.
func (s *story) finalPoint(ctx context.Context) (string, error) {
	all, err := s.points(ctx, Primary)
	if err != nil {
		return "", err
	}
	var said []string
	final := false
	for _, p := range all {
		if p.ClusterUUID == s.firstUUID && p.Kind != point.KindRegular {
			final = final || p.Kind == point.KindFinal
			said = append(said, p.Kind+" "+p.ID.String())
		}
	}
	if !final {
		return "", errors.New("there is no final point of the old domain")
	}
	return strings.Join(said, ", "), nil
}
