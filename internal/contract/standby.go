package contract

import (
	"fmt"
	"time"
)

// StandbyWarm is the value of dr.standby by which a read-only copy stands in the
// other Region.
const StandbyWarm = "warm"

// StandbyStatus of a warm standby: which recovery point it is a copy of, or what
// stands in the way of its being one.
type StandbyStatus struct {
	// Copy is the recovery point that the domain holds, as last verified; empty: it
	// holds none whole.
	Copy string `json:"copy,omitempty"`
	// AgeSeconds since that point began: what the active domain took after is not
	// in the copy.
	AgeSeconds int64 `json:"ageSeconds,omitempty"`
	// Newest recovery point of the active domain in this Region's bucket, and how
	// long after the copy's it began.
	Newest        string `json:"newest,omitempty"`
	BehindSeconds int64  `json:"behindSeconds,omitempty"`
	// Restoring is the point that is being restored.
	Restoring  string `json:"restoring,omitempty"`
	Percent    int    `json:"percent,omitempty"`
	BytesDone  int64  `json:"bytesDone,omitempty"`
	BytesTotal int64  `json:"bytesTotal,omitempty"`
	// WaitingFor is the next thing to come by itself; Hindrance is what people must
	// settle.
	WaitingFor string `json:"waitingFor,omitempty"`
	Hindrance  string `json:"hindrance,omitempty"`
	// Fates of the indexes that the copy lacks, or has from an older point. They are no
	// hindrance: all others are current.
	Fates []Fate `json:"fates,omitempty"`
	// Since is when the controller began to make the domain a copy.
	Since time.Time `json:"since,omitzero"`
	// At is since when it reads so.
	At time.Time `json:"at,omitzero"`
}

// Doing is what goes on, for a line of a report.
func (s StandbyStatus) Doing() string {
	switch {
	case s.Restoring == "" && s.WaitingFor == "":
		return "the next run looks again"
	case s.Restoring == "":
		return "it waits for " + s.WaitingFor
	case s.WaitingFor == "":
		return "restoring " + s.Restoring
	}
	return fmt.Sprintf("restoring %s, %d %%; it waits for %s", s.Restoring, s.Percent, s.WaitingFor)
}
