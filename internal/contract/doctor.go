package contract

import "time"

// ActionDoctor of the recovery function: try on this Region's domain what only the
// real service can tell, and take away what that made. Only `osdr doctor` asks it.
const ActionDoctor = "doctor"

// What the doctor makes bears these names, and nothing else does. TrialPrefix with
// TrialRandom characters more is as long as a cluster UUID, so that the product's
// own registration takes it for a path.
const (
	TrialPrefix     = "osdr-doctor-"
	TrialRandom     = 10
	TrialRepository = "osdr-doctor"
	TrialRole       = "osdr_doctor"
)

// Verdict of a probe.
type Verdict string

// Verdicts.
const (
	Works   Verdict = "works"
	DoesNot Verdict = "does-not"
	Untried Verdict = "not-tried"
)

// Probe is one thing that was tried.
type Probe struct {
	ID      string  `json:"id"`
	Title   string  `json:"title"`
	Verdict Verdict `json:"verdict"`
	Said    string  `json:"said,omitempty"`    // what was seen
	Follows string  `json:"follows,omitempty"` // what the product does on this account because of it
	Seconds float64 `json:"seconds"`
	// AsEverywhere marks a refusal that the managed service gives to everybody: no
	// person can change it, and nothing needs attention.
	AsEverywhere bool `json:"asEverywhere,omitempty"`
}

// Examination of a domain by the doctor.
type Examination struct {
	Region      string    `json:"region"`
	ClusterUUID string    `json:"clusterUuid"`
	Version     string    `json:"version"`
	Trial       string    `json:"trial"` // name of its index and its path in the bucket
	Started     time.Time `json:"started"`
	Probes      []Probe   `json:"probes"`
	// Left is what could not be taken away, and how to.
	Left []string `json:"left,omitempty"`
}
