package recovery_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/opensearch-dr/osdr/internal/contract"
	"github.com/opensearch-dr/osdr/internal/fence"
	"github.com/opensearch-dr/osdr/internal/opensearch"
	"github.com/opensearch-dr/osdr/internal/opensearch/opensearchtest"
)

var refusals = map[string]opensearchtest.SettingsRefusal{
	"the service does not take the payload": opensearchtest.SettingsNotAllowed,
	"archived settings are in the way":      opensearchtest.SettingsArchived,
}

// refusing: both domains refuse every change of settings.
func (w *world) refusing(how opensearchtest.SettingsRefusal) {
	for _, c := range w.clusters {
		c.RefuseSettings(how)
	}
}

func TestH75_AFailoverAndAStandDownDoWithoutSettings(t *testing.T) {
	for name, how := range refusals {
		t.Run(name, func(t *testing.T) {
			w := pair(t)
			w.refusing(how)
			w.lose(east, true)
			p := explicit(west)
			p.UnreachableRegion = east
			w.done(w.until(p, "one"))
			w.holds(west, "movies", "1", "2")
			if !w.writes(west, "movies", "3") {
				t.Error("it takes no writes")
			}
			w.lose(east, false)
			w.ticks()
			w.pass(time.Minute)
			w.pointOf(west)
			w.done(w.letGo(wish(east)))
			w.salvage(west, w.clusters[east].UUID())
		})
	}
}

// A planned switch fences without the settings, lists again what clients make meanwhile,
// and tells what follows, and what mends it.
func TestH75_APlannedSwitchDoesWithoutSettingsAndSaysSo(t *testing.T) {
	for name, how := range refusals {
		t.Run(name, func(t *testing.T) {
			w := pair(t)
			w.refusing(how)
			made, told := false, false
			w.clusters[east].Intercept(func(call string) opensearchtest.Verdict {
				if call == "Block" && !made { // behind the fence's back
					made = true
					if err := w.clusters[east].Index(t.Context(), "late", "1", "{}"); err != nil {
						t.Error(err)
					}
				}
				return opensearchtest.Verdict{}
			})
			at := w.clock()
			var s contract.RecoveryStatus
			for range 40 {
				s = w.askFor(explicit(west), "one", at)
				if s.Done || s.Refusal != "" {
					break
				}
				for _, a := range w.tick(east).Attention {
					told = told || a.Code == contract.AttentionSetting && a.Subject == fence.SettingAutoCreate &&
						strings.Contains(a.Hint, opensearch.RemoveArchived) == (how == opensearchtest.SettingsArchived)
				}
				w.pass(time.Minute)
				w.ticks()
			}
			w.clusters[east].Intercept(nil)
			w.done(s)
			w.holds(west, "movies", "1", "2")
			w.holds(west, "late", "1")
			if !told {
				t.Error("nobody is told that the setting is refused")
			}
		})
	}
}

func TestH75_AWarmStandbyDoesWithoutSettings(t *testing.T) {
	for name, how := range refusals {
		t.Run(name, func(t *testing.T) {
			w := pair(t)
			w.refusing(how)
			w.copied(west)
			w.holds(west, "movies", "1", "2")
			if len(attended(w.warmly(west), contract.AttentionSetting)) == 0 {
				t.Error("nobody is told")
			}
		})
	}
}

// A domain that takes the setting at first and refuses to give it back serves all the
// same. The controller tries again until it is given back.
func TestH75_WhatCannotBeGivenBackIsTriedAgain(t *testing.T) {
	w := pair(t)
	w.check(w.clusters[east].SetAutoCreate(t.Context(), "-app*,+*", true))
	w.tick(east)
	w.pointOf(east)
	w.clusters[west].RestoresTake(90 * time.Second)
	at := w.clock()
	wantWaiting(t, w.askFor(explicit(west), "one", at), "restore")
	w.clusters[west].RefuseSettings(opensearchtest.SettingsArchived)
	w.done(w.until(explicit(west), "one"))
	if !w.writes(west, "movies", "3") {
		t.Error("it takes no writes")
	}
	if v, _, _ := w.clusters[west].AutoCreate(t.Context()); v != fence.NoAutoCreate {
		t.Fatalf("%q", v)
	}
	if said := attended(w.tick(west), contract.AttentionSetting); len(said) != 1 || !strings.Contains(said[0], opensearch.RemoveArchived) {
		t.Errorf("%v", said)
	}
	s, err := w.ask(west, contract.RecoveryRequest{Action: contract.ActionStatus})
	w.check(err)
	if len(attended(s, contract.AttentionSetting)) != 1 {
		t.Errorf("%v", s.Attention)
	}
	w.clusters[west].RefuseSettings(opensearchtest.SettingsTaken)
	s = w.tick(west)
	if v, _, _ := w.clusters[west].AutoCreate(t.Context()); v != "-app*,+*" || len(attended(s, contract.AttentionSetting)) > 0 {
		t.Errorf("%q, %v", v, s.Attention)
	}
}

func TestH75_AnInspectionReadsArchivedSettings(t *testing.T) {
	w := pair(t)
	w.clusters[east].RefuseSettings(opensearchtest.SettingsArchived)
	s, err := w.ask(east, contract.RecoveryRequest{Action: contract.ActionInspect})
	w.check(err)
	if !slices.Equal(s.Inspection.ArchivedSettings, []string{"archived.plugins.index_state_management.template_migration.control"}) || len(s.Inspection.Failed) > 0 {
		t.Errorf("%+v", s.Inspection)
	}
}
