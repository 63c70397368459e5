package scenario

// unplayed are the checks that no change by hand is played for, and why. All
// others are: a test holds that.
var unplayed = map[string]string{
	"region.reach":              "a step of its own: each Region is taken away",
	"domain.exists":             "the domain that serves would go, and its documents with it",
	"domain.state":              "told beside domain.orphan, whose domain is being made and deleted",
	"domain.version":            "an upgrade cannot be taken back",
	"cluster.version":           "as domain.version",
	"bucket.exists":             "the recovery points would go",
	"certificate.expiry":        "the emulator gives each certificate a year, an imported one, too",
	"point.age":                 "the newest point must be older than the objective; nothing by hand makes it so at once",
	"point.removal":             "a mark must be an hour old by the bucket's own clock",
	"point.salvage":             "a note; scenario story leaves one",
	"leftover.pin":              "a note; each switch pins",
	"cluster.identity":          "scenario regular makes the domain again",
	"cluster.warm":              "the nodes have no warm tier",
	"standby.copy":              "the standby of these changes is cold; scenario warm holds a warm one against its points",
	"cluster.shard-size":        "it takes 140 GiB in one shard",
	"cluster.archived-settings": "an engine archives a setting only when it is upgraded past it",
	// --ready has a step of its own, on a system that is.
	"ready.independence": "the templates hold it",
	"ready.control":      "a note: the control Region of the drill is one of the pair",
	"ready.bootstrap":    "each deployment of the drill needs the bootstrap",
	"ready.quotas":       "the emulator has those of a new account, which nobody can use up here",
	"ready.concurrency":  "the emulator limits no account",
	"ready.code":         "the change of function.code, which --ready holds against the build, too",
	"ready.zone":         "the step of --ready mends it",
}
