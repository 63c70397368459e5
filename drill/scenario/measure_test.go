package scenario

import (
	"testing"
	"time"

	"github.com/opensearch-dr/osdr/drill/report"
)

// The parts must add up to the whole, whatever was not seen.
func TestPartsOfACourseAddUp(t *testing.T) {
	zero := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	at := func(s int) time.Time { return zero.Add(time.Duration(s) * time.Second) }
	whole := course{begun: at(0), command: at(3), making: at(20), stands: at(40), restore: at(45), restored: at(55), claimed: at(57), record: at(58), writes: at(60)}
	unseen := whole
	unseen.restored, unseen.making = time.Time{}, time.Time{}
	planned := whole
	planned.fence, planned.again = at(47), at(50)
	early := whole // the client was served before the log of Route 53's answer ended
	early.record, early.writes = at(61), at(60)
	for name, c := range map[string]course{"whole": whole, "unseen": unseen, "early": early, "planned": planned} {
		split := report.Split{Parts: c.parts()}
		if want := 60 * time.Second; split.Total() != want {
			t.Errorf("%s: the parts %v add up to %s, not %s", name, split.Parts, split.Total(), want)
		}
	}
	if n := len(whole.parts()); n != 8 {
		t.Errorf("%d parts of 8", n)
	}
}

func TestCommandAsAPersonTypesIt(t *testing.T) {
	got := flags{"unreachableRegion": Primary, "activeRegion": Secondary, "dr.name": "movies"}.String()
	if want := " -c activeRegion=us-west-2 -c unreachableRegion=us-east-1"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}
