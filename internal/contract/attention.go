package contract

// Codes of an Attention. A code is stable; the text beside it is for people and is
// never compared. docs/attention.md explains each.
const (
	AttentionRunFailed     = "run-failed"     // the controller's last run ended in an error
	AttentionWaiting       = "waiting"        // a step waits for something that a person may have to settle
	AttentionRefused       = "refused"        // a switch or a removal was refused
	AttentionIndexUnplaced = "index-unplaced" // an index of the recovery point cannot be restored here
	AttentionIndexOlder    = "index-older"    // an index comes from an older recovery point than the others
	AttentionIndexBlocked  = "index-blocked"  // an index does not take the writes that it took at the source
	AttentionReplay        = "replay"         // an alias, a template, a pipeline or a role was refused
	AttentionFence         = "fence"          // an index takes writes behind a fence, or cannot be blocked
	AttentionNoPoint       = "no-point"       // an index, or the domain, is in no recovery point
	AttentionNotCarried    = "not-carried"    // what plugins keep and no recovery point carries: to know, nothing is wrong
	AttentionLease         = "lease"          // a lease outlasts any that this version gives
	AttentionLedger        = "ledger"         // a ledger is malformed or cannot be read
	AttentionLeftover      = "leftover"       // what a switch that was given up leaves behind
	AttentionSetting       = "setting"        // the domain refuses a setting that the product wants
)

// Attention is one thing that a person must know. It reaches `osdr status`, the
// output of the deployment and the report of the drill.
type Attention struct {
	Code string `json:"code"`
	// Subject is the one index, alias or object that it is about; empty: the Region.
	Subject string `json:"subject,omitempty"`
	Text    string `json:"text"`           // what is wrong, and why
	Hint    string `json:"hint,omitempty"` // what to do
}

// String of it, for one line.
func (a Attention) String() string {
	s := a.Text
	if a.Subject != "" {
		s = a.Subject + ": " + s
	}
	if a.Hint != "" {
		s += ". " + a.Hint
	}
	return s
}

// Fates of an index in a switch.
const (
	FateRestored  = "restored"   // from the recovery point of the switch
	FateUnchanged = "unchanged"  // the copy was equal already
	FateOlder     = "from-older" // from an older recovery point: its own objects in the newest are missing or corrupt
	FateUnplaced  = "unplaced"   // this domain cannot hold it
	FateLeftOut   = "left-out"   // by configuration, or by -c without
	FateLost      = "lost"       // in no recovery point
)

// Fate of one index in a switch.
type Fate struct {
	Index string `json:"index"`
	Fate  string `json:"fate"`
	Point string `json:"point,omitempty"` // that it comes from, or stays in
	// Cause is why it is not restored from the switch's own recovery point.
	Cause     string `json:"cause,omitempty"`
	Hint      string `json:"hint,omitempty"`
	Documents int64  `json:"documents,omitempty"` // that the recovery point counted
}
