package recovery_test

import (
	"strings"
	"testing"
	"time"

	"github.com/opensearch-dr/osdr/internal/contract"
	"github.com/opensearch-dr/osdr/internal/domain"
	"github.com/opensearch-dr/osdr/internal/fence"
	"github.com/opensearch-dr/osdr/internal/ledger"
	"github.com/opensearch-dr/osdr/internal/opensearch/opensearchtest"
	"github.com/opensearch-dr/osdr/internal/restore"
	"github.com/opensearch-dr/osdr/internal/snapshot"
)

// notes in a Region's bucket that are of a cluster.
func (w *world) notes(region, uuid string) []string {
	w.t.Helper()
	var out []string
	ctx, b := w.t.Context(), w.buckets[region]
	fences, err := fence.Clusters(ctx, b)
	w.check(err)
	snapshots, err := snapshot.Clusters(ctx, b)
	w.check(err)
	restored, err := restore.Cluster(ctx, b)
	w.check(err)
	for what, uuids := range map[string][]string{"fence": fences, "snapshot": snapshots, "restore": {restored}} {
		for _, u := range uuids {
			if u == uuid {
				out = append(out, what)
			}
		}
	}
	return out
}

// superseded is a world whose east was lost, came back and is fenced; west is
// active. It answers the UUID of the east's cluster.
func superseded(t *testing.T) (*world, string) {
	w := pair(t)
	uuid := w.clusters[east].UUID()
	w.lose(east, true)
	p := explicit(west)
	p.UnreachableRegion = east
	w.done(w.until(p, "failover"))
	w.lose(east, false)
	w.ticks()
	if len(w.notes(east, uuid)) < 2 {
		t.Fatalf("the old domain is not fenced: %v", w.notes(east, uuid))
	}
	return w, uuid
}

func TestNotesOfARemovedDomainAreForgotten(t *testing.T) {
	w, uuid := superseded(t)
	j := restore.Journal{ClusterUUID: uuid, Items: map[string]restore.Item{}}
	w.check(j.Save(t.Context(), w.buckets[east])) // of an older switch that came to nothing
	w.done(w.letGo(wish(east)))
	w.ticks()
	if len(w.notes(east, uuid)) == 0 {
		t.Fatal("the notes of a domain that stands are gone")
	}
	w.remove(east)
	s := w.tick(east)
	if left := w.notes(east, uuid); len(left) > 0 {
		t.Errorf("left: %v", left)
	}
	if !strings.Contains(strings.Join(s.Notices, "\n"), uuid+" is gone") {
		t.Errorf("not said: %v", s.Notices)
	}
}

func TestNotesOfADomainThatWasMadeAgainAreForgotten(t *testing.T) {
	w, uuid := superseded(t)
	w.done(w.letGo(wish(east)))
	w.remove(east)
	w.domain(east, 7)
	w.ticks()
	if left := w.notes(east, uuid); len(left) > 0 {
		t.Errorf("left: %v", left)
	}
	if len(w.notes(east, w.clusters[east].UUID())) == 0 {
		t.Error("the roles of the new cluster are not noted")
	}
}

// As long as anybody may need a note, it stays.
func TestNotesAreKeptWhileTheyMayBeNeeded(t *testing.T) {
	for what, change := range map[string]func(*world){
		"nothing is known of the domain": func(w *world) {
			w.away[east] = true // its OpenSearch API
		},
		"the domain does not answer": func(w *world) {
			w.clusters[east].Intercept(func(string) opensearchtest.Verdict { return opensearchtest.Verdict{Before: errAway} })
		},
		"the domain is being removed": func(w *world) {
			w.descs[east] = domain.Description{Region: east, Exists: true, Created: true, Deleted: true, Endpoint: w.descs[east].Endpoint}
		},
		"a ledger cannot be read": func(w *world) {
			w.remove(east)
			w.buckets[west].SetUnreachable(true)
		},
		"a switch is under way": func(w *world) {
			w.remove(east)
			_, err := ledger.PutIntent(w.t.Context(), w.buckets[west], w.ledger(west).Ledger, ledger.Intent{Token: "x", To: east, RequestID: "r"}, time.Hour)
			w.check(err)
		},
	} {
		t.Run(what, func(t *testing.T) {
			w, uuid := superseded(t)
			before := w.notes(east, uuid)
			change(w)
			for range 2 { // it may well end in an error
				_, _ = w.ask(east, contract.RecoveryRequest{Action: contract.ActionTick})
			}
			if left := w.notes(east, uuid); len(left) != len(before) {
				t.Errorf("left: %v of %v", left, before)
			}
		})
	}
	t.Run("the ledger names the cluster (H13)", func(t *testing.T) {
		w := pair(t)
		uuid := w.clusters[east].UUID()
		w.check((&fence.Record{ClusterUUID: uuid, State: fence.Quiet}).Save(t.Context(), w.buckets[east]))
		w.remove(east)
		w.ticks()
		if len(w.notes(east, uuid)) == 0 {
			t.Error("gone")
		}
	})
}
