// Package ledger decides who is active: one small object in each Region's
// bucket, changed by conditional puts only. At most one claim can win a
// generation in a bucket, and a claim consumes exactly the intent it belongs to.
//
// A read has four answers: present, absent, unreachable, malformed. The generation
// in force is the highest in any readable ledger or recovery point; equal
// generations with different content are a dispute, in which nobody claims,
// lifts or prunes (H14, H15).
package ledger

import "time"

// Key of the ledger in each bucket.
const Key = "_dr/ledger.json"

// Ledger is the object. Times are S3's, not a local clock's (H10).
type Ledger struct {
	Version      int       `json:"version"` // of this format: 1
	Generation   int64     `json:"generation"`
	ActiveRegion string    `json:"activeRegion"`
	ClusterUUID  string    `json:"clusterUuid"`
	Endpoint     string    `json:"endpoint"` // of the domain, without a scheme
	Since        time.Time `json:"since"`
	PromotedFrom string    `json:"promotedFrom,omitempty"` // cluster UUID; empty at first set-up
	Token        string    `json:"token"`                  // of the claim that wrote it (H25)
	Intent       *Intent   `json:"intent,omitempty"`
}

// Intent of a switch under way.
type Intent struct {
	Token          string `json:"token"`
	FromGeneration int64  `json:"fromGeneration"`
	To             string `json:"to"` // Region
	RequestID      string `json:"requestId"`
	// RequestedAt orders requests: the newest owns the switch, an older waiter is
	// told that it is over (H3).
	RequestedAt time.Time `json:"requestedAt,omitzero"`
	Phase       Phase     `json:"phase,omitempty"`
	// Alone: only the target's ledger carries it, since the active Region did not
	// answer when it was marked.
	Alone   bool      `json:"alone,omitempty"`
	Expires time.Time `json:"expires"`
}

// LongestIntent that any version of the product gives, with a margin. One that
// outlasts it was not written by a controller, so no run drives it: it counts as
// expired (H86).
const LongestIntent = time.Hour

// Phase of a switch.
type Phase string

// Phases. In PhasePrepare the active side works as ever; in PhaseFence its
// controller fences it, and takes no other snapshots than the final one.
const (
	PhasePrepare Phase = "prepare"
	PhaseFence   Phase = "fence"
)

// Answer of one Region's ledger.
type Answer string

// The four answers.
const (
	Present     Answer = "present"
	Absent      Answer = "absent"
	Unreachable Answer = "unreachable"
	// Malformed: an object exists and is no ledger. Like one that does not answer it
	// may have carried a higher generation, while its bucket answers (H80).
	Malformed Answer = "malformed"
)

// Reading of one Region.
type Reading struct {
	Region string
	Answer Answer
	Ledger Ledger // when present
	ETag   string // when present or malformed
	Date   time.Time
	Err    error // when unreachable or malformed
}

// View of both Regions, and of the copies in their newest points.
type View struct {
	Own, Other Reading
	// FromPoints is the highest ledger copy that a readable recovery point
	// carries, nil when there is none.
	FromPoints *Ledger
	// Conflicting is another point's copy of that generation with different
	// content: a dispute.
	Conflicting *Ledger
	// Witness is what the DNS record's mark names; nil when it was not asked, or
	// names nothing. It is asked for where a ledger is malformed.
	Witness *Witness
}

// Witness of a generation.
type Witness struct {
	Generation   int64
	ActiveRegion string
}
