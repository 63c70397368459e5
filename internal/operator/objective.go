package operator

import (
	"fmt"
	"time"

	"github.com/opensearch-dr/osdr/internal/contract"
)

// Objective says what a failover now would lose, and about how long it would take.
type Objective struct {
	RPOSeconds int64 `json:"rpoSeconds"` // dr.rpoMinutes
	// LossSeconds is the age of the newest whole recovery point of the active
	// domain, as the other Region's bucket has it; nil when there is none.
	LossSeconds *int64 `json:"lossSeconds,omitempty"`
	// RestoreSeconds and RecordSeconds are estimates: the engine restores about 40
	// MB/s on each data node, and Route 53 needs up to a minute before the TTL counts.
	RestoreSeconds int64 `json:"restoreSeconds"`
	RecordSeconds  int64 `json:"recordSeconds"`
	// MakesDomain: a domain has to be made first, 15 to 60 minutes.
	MakesDomain bool `json:"makesDomain"`
}

// propagation is how long it takes until all of Route 53's servers know a change.
const propagation = 60

// objective of now; nil while nobody is known to be active.
func (o *Operator) objective(s Status) *Objective {
	if s.InForce == nil {
		return nil
	}
	out := &Objective{RPOSeconds: int64(o.App.RPOMinutes) * 60, RecordSeconds: propagation + int64(o.App.DNS.TTL)}
	for _, r := range s.Regions {
		if r.Active {
			continue
		}
		out.MakesDomain = r.Domain == contract.DomainAbsent
		for _, p := range r.Points {
			if p.ClusterUUID != s.InForce.ClusterUUID || !p.Whole {
				continue
			}
			out.LossSeconds = new(p.AgeSeconds)
			out.RestoreSeconds = p.Bytes/(restoreRate*int64(max(1, o.App.Domain.DataNodes))) + 1
			if c := r.Standby; c != nil && c.Copy == p.ID && c.Restoring == "" {
				out.RestoreSeconds = 1 // a copy of that very point; what an older one lacks nobody knows
			}
			break
		}
	}
	return out
}

// line for people.
func (x Objective) line() string {
	seconds := func(n int64) string { return short(time.Duration(n) * time.Second) }
	out := "a failover now restores nothing: there is no recovery point"
	if x.LossSeconds != nil {
		out = fmt.Sprintf("a failover now loses what came in the last %s (objective %s)", seconds(*x.LossSeconds), seconds(x.RPOSeconds))
	}
	out += fmt.Sprintf(", and takes about %s: restore %s, record %s", seconds(x.RestoreSeconds+x.RecordSeconds), seconds(x.RestoreSeconds), seconds(x.RecordSeconds))
	if x.MakesDomain {
		out += "; and before that 15 to 60 minutes, since the domain is made first"
	}
	return out
}
