package recovery_test

import (
	"testing"

	"github.com/opensearch-dr/osdr/internal/opensearch"
	"github.com/opensearch-dr/osdr/internal/opensearch/opensearchtest"
)

// small gives the standby's domain so many bytes: volumes and disks.
func (w *world) small(volumes, disks int64) {
	d := w.descs[west]
	d.Volumes = volumes
	w.descs[west] = d
	w.clusters[west].SetDisks(disks)
}

func TestATargetThatIsTooSmallIsRefusedBeforeTheFirstRestore(t *testing.T) {
	for name, room := range map[string][2]int64{"volumes": {1, 1 << 40}, "statistics": {1 << 40, 1}} {
		t.Run(name, func(t *testing.T) {
			w := pair(t)
			w.small(room[0], room[1])
			s := w.until(explicit(west), "one")
			wantRefusal(t, s, "too small", "primaries do not fit", "volumes have", "disks have", "dr.domain.volume.sizeGiB", "-c without=")
			if _, there := w.clusters[west].Describe("movies"); there {
				t.Error("movies was restored")
			}
			if !w.writes(east, "movies", "3") {
				t.Error("the active domain takes no writes")
			}
			if i := w.ledger(east).Ledger.Intent; i != nil {
				t.Errorf("the switch is still marked: %+v", i)
			}
			w.small(1<<40, 1<<40) // what it advises
			w.done(w.until(explicit(west), "two"))
			w.holds(west, "movies", "1", "2", "3")
		})
	}
}

func TestATargetThatIsTooSmallTakesWhatIsLeft(t *testing.T) {
	w := pair(t)
	w.small(1, 1)
	p := explicit(west)
	p.Without = "movies"
	w.done(w.until(p, "one"))
	if _, there := w.clusters[west].Describe("movies"); there {
		t.Error("movies was restored")
	}
}

// What nobody can say refuses nothing.
func TestATargetThatDoesNotSayHowLargeItIsIsTried(t *testing.T) {
	w := pair(t)
	w.clusters[west].Intercept(func(call string) (v opensearchtest.Verdict) {
		if call == "Disks" {
			v.Before = &opensearch.Error{Step: "read the nodes' disks", Status: 403, Type: "security_exception"}
		}
		return v
	})
	w.done(w.until(explicit(west), "one"))
	w.holds(west, "movies", "1", "2")
}
