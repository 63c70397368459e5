package doctor_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/opensearch-dr/osdr/internal/contract"
	"github.com/opensearch-dr/osdr/internal/doctor"
	"github.com/opensearch-dr/osdr/internal/opensearch/opensearchtest"
)

// A doctor that died is tidied up by the next one.
func TestWhatADeadDoctorLeft(t *testing.T) {
	p := newPatient(t)
	died := false
	p.Intercept(func(call string) opensearchtest.Verdict {
		died = died || call == "SetISM" || call == "Block"
		if died {
			return opensearchtest.Verdict{Before: errors.New("gone")}
		}
		return opensearchtest.Verdict{}
	})
	first := doctor.Examine(t.Context(), p.deps)
	if len(first.Left) < 3 {
		t.Errorf("what is left is not told: %v", first.Left)
	}
	p.Intercept(nil)
	if err := p.SetAutoCreate(t.Context(), "-osdr-doctor-*,+*", true); err != nil {
		t.Fatal(err)
	}
	p.deps.Trial = "osdr-doctor-klmnopqrst"
	e := doctor.Examine(t.Context(), p.deps)
	for id, v := range verdicts(e) {
		if v != contract.Works {
			t.Errorf("%s: %s", id, v)
		}
	}
	p.clean(t, e)
}

// A snapshot of somebody else holds the index for a while.
func TestTheCleanUpWaitsForASnapshot(t *testing.T) {
	p := newPatient(t)
	held := 3
	p.Intercept(func(call string) opensearchtest.Verdict {
		if call == "RemoveIndex" && held > 0 {
			held--
			return opensearchtest.Verdict{Before: refusal(400, "snapshot_in_progress_exception", "Cannot delete indices that are being snapshotted")}
		}
		return opensearchtest.Verdict{}
	})
	p.clean(t, doctor.Examine(t.Context(), p.deps))
}

func TestItStopsWhenItIsTold(t *testing.T) {
	p := newPatient(t)
	n := 0
	p.deps.Stop = func(context.Context) string {
		if n++; n > 2 {
			return "a switch has begun"
		}
		return ""
	}
	e := doctor.Examine(t.Context(), p.deps)
	tried := 0
	for _, x := range e.Probes {
		if x.Verdict != contract.Untried {
			tried++
		} else if x.Said != "a switch has begun" {
			t.Errorf("%+v", x)
		}
	}
	if tried != 2 {
		t.Errorf("%d tried", tried)
	}
	p.clean(t, e)
}

// A deadline leaves time for the clean-up.
func TestTimeIsOver(t *testing.T) {
	p := newPatient(t)
	ctx, cancel := context.WithTimeout(t.Context(), time.Second)
	defer cancel()
	e := doctor.Examine(ctx, p.deps)
	for _, x := range e.Probes {
		if x.Verdict != contract.Untried {
			t.Errorf("%+v", x)
		}
	}
	p.clean(t, e)
}
