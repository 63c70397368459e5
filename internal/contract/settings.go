package contract

import (
	"encoding/json"
	"fmt"
	"os"
)

// SettingsVariable is the environment variable that carries Settings as JSON.
const SettingsVariable = "OSDR_SETTINGS"

// Settings is what each function starts with. It holds no secret, and nothing
// that a flip of activeRegion changes: a flip must not touch a function (X4).
type Settings struct {
	Name            string    `json:"name"`
	Account         string    `json:"account"`
	PrimaryRegion   string    `json:"primaryRegion"`
	SecondaryRegion string    `json:"secondaryRegion"`
	ControlRegion   string    `json:"controlRegion"`
	RPOMinutes      int       `json:"rpoMinutes"`
	Retention       Retention `json:"retention"`
	LostAfter       int       `json:"lostAfterSeconds"` // how long silence must last
	// MaxWritePause bounds the time in seconds that a planned switch refuses writes.
	MaxWritePause int      `json:"maxWritePauseSeconds"`
	Restore       Restore  `json:"restore"`
	DNS           DNS      `json:"dns"`
	Admins        []string `json:"admins,omitempty"` // IAM ARNs mapped to all_access
}

// Retention keeps a recovery point while it is among the newest Count or
// younger than Days.
type Retention struct {
	Count int `json:"count"`
	Days  int `json:"days"`
}

// Restore selects indexes by pattern, the article's "recent or relevant logs".
type Restore struct {
	Indices []string `json:"indices,omitempty"` // empty: all
	Exclude []string `json:"exclude,omitempty"`
	// Unplaced says what a switch does about an index that the target cannot hold:
	// UnplacedAsk or UnplacedContinue.
	Unplaced string `json:"unplaced,omitempty"`
}

// Values of Restore.Unplaced. Empty is UnplacedAsk.
const (
	UnplacedAsk      = "ask"      // the switch waits for -c without=<index,...>
	UnplacedContinue = "continue" // it goes on and names the index
)

// DNS of the record clients use.
type DNS struct {
	ZoneName string `json:"zoneName"`
	ZoneID   string `json:"zoneId"`
	Record   string `json:"record"` // fully qualified, no final dot
	TTL      int    `json:"ttl"`    // seconds
	Adopt    bool   `json:"adopt"`  // take over a record that is not ours (U4)
}

// Names of this installation.
func (s Settings) Names() Names { return Names{App: s.Name, Account: s.Account} }

// Other Region of the pair.
func (s Settings) Other(region string) string {
	if region == s.PrimaryRegion {
		return s.SecondaryRegion
	}
	return s.PrimaryRegion
}

// Encode for the environment of a function.
func (s Settings) Encode() (string, error) {
	b, err := json.Marshal(s)
	if err != nil {
		return "", fmt.Errorf("encode settings: %w", err)
	}
	return string(b), nil
}

// FromEnvironment reads the Settings of this function.
func FromEnvironment() (Settings, error) {
	var s Settings
	raw := os.Getenv(SettingsVariable)
	if raw == "" {
		return s, fmt.Errorf("read settings: %s is empty; deploy the foundation stack again", SettingsVariable)
	}
	if err := json.Unmarshal([]byte(raw), &s); err != nil {
		return s, fmt.Errorf("read settings from %s: %w", SettingsVariable, err)
	}
	return s, nil
}
