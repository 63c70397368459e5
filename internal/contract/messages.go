package contract

import "time"

// CustomResource types. Their properties are strings, as CloudFormation makes
// them; "true" and "false" stand for booleans.
const (
	TypeMeant     = "Custom::Meant"     // domain stack: may this flag make a domain here?
	TypeGate      = "Custom::Gate"      // domain stack: may the domain be removed?
	TypePromotion = "Custom::Promotion" // recovery stack: make this Region active
	TypeTraffic   = "Custom::Traffic"   // traffic stack: what the ledger says
)

// WishProperties state what a deployment wants. They are the properties of
// Meant, Gate and Promotion.
type WishProperties struct {
	Region            string `json:"Region"`       // the stack's own
	ActiveRegion      string `json:"ActiveRegion"` // the flag
	Explicit          string `json:"Explicit"`     // "true": given by -c and different from cdk.json
	SwitchFrom        string `json:"SwitchFrom,omitempty"`
	UnreachableRegion string `json:"UnreachableRegion,omitempty"`
	AbandonDomain     string `json:"AbandonDomain,omitempty"`
	AcceptUnverified  string `json:"AcceptUnverified,omitempty"`
	// Without names the indexes that a switch leaves behind, separated by commas.
	Without string `json:"Without,omitempty"`
	// ExtendPause is "true" where the write pause of a planned switch may exceed
	// dr.maxWritePause as long as the restore visibly advances.
	ExtendPause string `json:"ExtendPause,omitempty"`
	// DomainWanted of the Gate: "true" while the template has the domain.
	DomainWanted string `json:"DomainWanted,omitempty"`
	// AskedAt is set only when activeRegion is given by -c, so that asking again
	// always asks (H19) and a plain deploy changes nothing.
	AskedAt string `json:"AskedAt,omitempty"`
}

// TrafficProperties of the traffic stack's question.
type TrafficProperties struct {
	ActiveRegion string `json:"ActiveRegion"`
	AskedAt      string `json:"AskedAt,omitempty"`
}

// Attributes of the traffic answer, read by the record sets with GetAtt.
const (
	AttributeEndpoint = "Endpoint" // CNAME target
	AttributeActive   = "Active"   // TXT value, quoted
)

// AttributeAttention of the promotion's answer is an output of its stack, so that the
// deployment prints what a person must know.
const AttributeAttention = "Attention"

// Actions of the recovery function.
const (
	ActionTick    = "tick"    // the minute run
	ActionPromote = "promote" // one step towards Wish.ActiveRegion
	ActionRelease = "release" // may the domain of this Region go?
	ActionStatus  = "status"  // look, change nothing
	ActionRecheck = "recheck" // does the fence of Token stand as its final point saw it? changes nothing
	ActionAbort   = "abort"   // end the switch under way: its mark first, then the fence
)

// RecoveryRequest asks the recovery function.
type RecoveryRequest struct {
	Action    string         `json:"action"`
	Wish      WishProperties `json:"wish"`
	RequestID string         `json:"requestId,omitempty"` // CloudFormation's
	// RequestedAt is when the request began; of two requests for one switch the
	// newer one owns it, and the older one is told that it is over (H3, U2).
	RequestedAt time.Time `json:"requestedAt,omitzero"`
	// Token of the switch: of ActionRecheck; of ActionAbort too, which ends that
	// switch and no other. Empty, it ends whichever is under way.
	Token string `json:"token,omitempty"`
	// Final point that the caller has restored; of ActionRecheck.
	Final string `json:"final,omitempty"`
	// Standby is StandbyWarm where dr.standby is. A function must not change with it
	// (X4), so the schedule of the minute run tells it, and who wants to hear of it;
	// who does not tell it changes nothing about a standby.
	Standby string `json:"standby,omitempty"`
	// Health asks ActionStatus for the domain's, too. Who only asks what a switch
	// depends on makes no call for it.
	Health bool `json:"health,omitempty"`
	// Preflight asks ActionStatus of the active Region for that alone.
	Preflight bool `json:"preflight,omitempty"`
	// Point that the caller has restored; of a Preflight.
	Point string `json:"point,omitempty"`
}

// Domain of a RecoveryStatus.
const (
	DomainAbsent = "absent"
	DomainReady  = "ready"
)

// RecoveryStatus is its answer. A refusal is an answer, not an error.
type RecoveryStatus struct {
	Region       string `json:"region"`
	ActiveRegion string `json:"activeRegion,omitempty"` // what the ledger says
	Generation   int64  `json:"generation,omitempty"`
	ClusterUUID  string `json:"clusterUuid,omitempty"`
	Endpoint     string `json:"endpoint,omitempty"`
	// OwnGeneration is what this Region's own ledger says; 0 when it has none.
	OwnGeneration int64 `json:"ownGeneration,omitempty"`
	// LedgerError is why nobody can say who is active; Generation is 0 then and
	// does not mean that nobody is. LedgerUnknown: it passes when a Region answers
	// again; else (a dispute, a malformed ledger) only a person ends it.
	LedgerError   string `json:"ledgerError,omitempty"`
	LedgerUnknown bool   `json:"ledgerUnknown,omitempty"`
	// Domain of this Region: DomainAbsent, DomainReady, or why it is busy.
	Domain string `json:"domain,omitempty"`
	// Health of its shards: green, yellow or red; only where ActionStatus was asked
	// for it.
	Health string `json:"health,omitempty"`
	// Documents in it that a removal would lose or a first claim elsewhere would
	// strand, with those of indexes nobody can save; only ActionStatus counts.
	Documents  int64  `json:"documents,omitempty"`
	Phase      string `json:"phase"`
	Done       bool   `json:"done"`
	Percent    int    `json:"percent,omitempty"`
	BytesDone  int64  `json:"bytesDone,omitempty"`
	BytesTotal int64  `json:"bytesTotal,omitempty"`
	WaitingFor string `json:"waitingFor,omitempty"`
	// Refusal says what would be lost and which command goes on; the request
	// that got it is over.
	Refusal string `json:"refusal,omitempty"`
	// Looked is when ActionRecheck found the fence as it should be, by the clock of
	// this Region's bucket: before it looked.
	Looked time.Time `json:"looked,omitzero"`
	// Commit is the line of cdk.json to commit after a switch.
	Commit string `json:"commit,omitempty"`
	// Loss is what a switch of now would lose, or has lost.
	Loss *Loss `json:"loss,omitempty"`
	// LastSwitch that made this Region the active one; only ActionStatus of the active
	// Region tells it.
	LastSwitch *LastSwitch `json:"lastSwitch,omitempty"`
	// Switch under way, as seen from here.
	Switch *SwitchStatus `json:"switch,omitempty"`
	Fence  *FenceStatus  `json:"fence,omitempty"` // of this Region's domain
	// Points in this Region's bucket, newest first; only ActionStatus lists them.
	Points []PointStatus `json:"points,omitempty"`
	// Standby is what this Region's domain is while it is a warm one; nil: it is
	// none, or nothing is known of it yet.
	Standby *StandbyStatus `json:"standby,omitempty"`
	// Notices of the run, for people.
	Notices []string `json:"notices,omitempty"`
	// Attention is what a person must know. ActionStatus answers what the last run
	// that acted noted, beside what it sees itself.
	Attention []Attention `json:"attention,omitempty"`
	// Fates of the indexes, while a switch to this Region is under way and after it.
	Fates []Fate `json:"fates,omitempty"`
	// Preflight is what a fence of this Region's domain would meet, and how long the
	// write pause of a planned switch would be; ActionStatus answers it when it is asked
	// for, and while a switch to this Region is before its fence.
	Preflight *Preflight `json:"preflight,omitempty"`
	// Examination of the domain; only ActionDoctor makes one.
	Examination *Examination `json:"examination,omitempty"`
	// Inspection of the domain; only ActionInspect makes one.
	Inspection *Inspection `json:"inspection,omitempty"`
}

// Loss window of an unplanned switch: what the lost domain acknowledged after
// Since is not in the point (H33). It may come back by the salvage.
type Loss struct {
	Point   string    `json:"point"` // empty: the domain's own content goes on (H11)
	Since   time.Time `json:"since"`
	Seconds int64     `json:"seconds"`
}

// Kinds of a switch that was made.
const (
	SwitchPlanned  = "planned"
	SwitchFailover = "failover"
	SwitchRebuild  = "rebuild" // the active Region's own domain, made again (H13)
)

// LastSwitch is how one went.
type LastSwitch struct {
	Kind       string    `json:"kind"`
	From       string    `json:"from"`
	To         string    `json:"to"`
	Generation int64     `json:"generation"`  // that it made
	At         time.Time `json:"at,omitzero"` // of its claim; zero: it was not noted
	// Seconds from the command, or else from the mark, until writes were let in; 0
	// where that was not noted.
	Seconds int64 `json:"seconds,omitempty"`
	Loss    *Loss `json:"loss,omitempty"`
}

// SwitchStatus of the intent in force.
type SwitchStatus struct {
	Token     string    `json:"token"`
	To        string    `json:"to"`
	Phase     string    `json:"phase"`
	RequestID string    `json:"requestId"`
	Expires   time.Time `json:"expires"`
	// Progress as the target's controller last noted it; nil in the other Region.
	Progress *Progress `json:"progress,omitempty"`
}

// Progress of a switch at the end of one run.
type Progress struct {
	Step       string    `json:"step"`
	Percent    int       `json:"percent"`
	BytesDone  int64     `json:"bytesDone,omitempty"`
	BytesTotal int64     `json:"bytesTotal,omitempty"`
	WaitingFor string    `json:"waitingFor,omitempty"`
	At         time.Time `json:"at"` // since when it reads so
}

// FenceStatus of a domain.
type FenceStatus struct {
	Token   string `json:"token"`
	State   string `json:"state"`
	Indices int    `json:"indices"` // blocked
	Final   string `json:"final,omitempty"`
	// Refused are the indexes that cannot be blocked.
	Refused []string `json:"refused,omitempty"`
}

// PointStatus of one recovery point.
type PointStatus struct {
	ID          string    `json:"id"`
	Kind        string    `json:"kind,omitempty"` // "", "final", "salvage"
	ClusterUUID string    `json:"clusterUuid"`
	Start       time.Time `json:"start"`
	AgeSeconds  int64     `json:"ageSeconds"`
	Documents   int64     `json:"documents"`
	Bytes       int64     `json:"bytes"`
}

// SnapshotRequest asks the snapshot function for one run.
type SnapshotRequest struct {
	Reason string `json:"reason"` // "schedule", "due", "demand", "gate"
}

// SnapshotResult is what one run did. Skipped is a reason, not an error.
type SnapshotResult struct {
	Started string   `json:"started,omitempty"` // snapshot name
	Settled string   `json:"settled,omitempty"` // point written this run: <generation>-<sequence>
	Running string   `json:"running,omitempty"` // snapshot still under way
	Due     bool     `json:"due,omitempty"`     // the next snapshot should begin now, and the domain is calm
	Skipped string   `json:"skipped,omitempty"`
	Pruned  []string `json:"pruned,omitempty"` // points removed
	LeftOut []string `json:"leftOut,omitempty"`
	Notices []string `json:"notices,omitempty"`
}
