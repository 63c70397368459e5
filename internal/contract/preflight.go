package contract

import "time"

// Preflight is what the active Region's controller sees before a fence, and what the
// write pause of a planned switch is estimated from.
type Preflight struct {
	// EstimateSeconds of the write pause: the three parts below and what a switch
	// always takes.
	EstimateSeconds int64 `json:"estimateSeconds"`
	BlockSeconds    int64 `json:"blockSeconds"`    // to block every index
	SnapshotSeconds int64 `json:"snapshotSeconds"` // of the final snapshot
	RestoreSeconds  int64 `json:"restoreSeconds"`  // of the second pass
	// LimitSeconds is dr.maxWritePause.
	LimitSeconds int64 `json:"limitSeconds"`
	Indices      int   `json:"indices"` // to block
	// Changed indexes since the point that the target has restored. A second pass
	// restores each of them whole.
	Changed      int   `json:"changed"`
	ChangedBytes int64 `json:"changedBytes"`
	// IncrementBytes is about what the next snapshot adds to the newest point.
	IncrementBytes int64 `json:"incrementBytes"`
	// Point is the newest one of the active domain; empty: there is none.
	Point     string    `json:"point,omitempty"`
	PointAt   time.Time `json:"pointAt,omitzero"`
	DataNodes int       `json:"dataNodes"`
	// Blockers are why no fence is raised now. One of AttentionWaiting ends by itself;
	// any other is for a person to settle.
	Blockers []Attention `json:"blockers,omitempty"`
}
