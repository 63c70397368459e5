package cloud

import (
	"fmt"
	"slices"
	"strings"
	"time"
)

// Unkindness is what the managed service does and a bare engine does not. A cloud
// has all of them but those that Options.Kind names.
type Unkindness string

// Unkindnesses.
const (
	// Dashboards makes .kibana_1 in every new domain, aliased .kibana, with one
	// document, and searches it from time to time.
	Dashboards Unkindness = "dashboards"
	// QueryInsights makes top_queries-<day>-<hash> once a domain was searched.
	QueryInsights Unkindness = "query-insights"
	// Automated snapshots go to cs-automated-enc by themselves.
	Automated Unkindness = "automated-snapshots"
	// Operations and settings that are not on the service's list are refused by
	// its front, and what shows the service's internals is left out of answers.
	Operations Unkindness = "operations"
	// Requests for a domain are checked: volume, instance types, engine version.
	Requests Unkindness = "requests"
)

// Unkindnesses that there are.
func Unkindnesses() []Unkindness {
	return []Unkindness{Dashboards, QueryInsights, Automated, Operations, Requests}
}

// pace of the service, of which Options.Hour is an hour.
type pace struct {
	insights  time.Duration // from a search to its export; 5 min on AWS
	automated time.Duration // between two automated snapshots
}

func paceOf(hour time.Duration) pace { return pace{insights: hour / 4, automated: hour} }

// unkind says whether the cloud is.
func (o Options) unkind(u Unkindness) bool { return !slices.Contains(o.Kind, u) }

func checkKind(kind []Unkindness) error {
	for _, k := range kind {
		if !slices.Contains(Unkindnesses(), k) {
			return fmt.Errorf("kind %q is none of %s", k, Names(Unkindnesses()))
		}
	}
	return nil
}

// Names of unkindnesses, for people.
func Names(all []Unkindness) string {
	var names []string
	for _, u := range all {
		names = append(names, string(u))
	}
	return strings.Join(names, ", ")
}
