package contract

// CertificateParameter is the SSM parameter that holds the ARN of a
// certificate which the foundation made: an ACM ARN is random, so it is the one
// thing that cannot be agreed on by name. The domain stack of the same Region
// reads it when it is deployed.
func (n Names) CertificateParameter() string { return "/" + n.App + "/certificate" }

// BucketKeyAlias is of the snapshot bucket's key, when there is one. A key's id
// is random and the writer lives in the other Region, so policies name this
// alias by condition (X7).
func (n Names) BucketKeyAlias() string { return "alias/" + n.App + "-snapshots" }

// TopicKeyAlias is of the alarm topic's key.
func (n Names) TopicKeyAlias() string { return "alias/" + n.App + "-alarms" }

// Alarm names one alarm of a Region.
func (n Names) Alarm(what string) string { return n.App + "-" + what }

// Kinds of DomainLogGroup.
const (
	LogSearchSlow  = "search-slow"
	LogIndexSlow   = "index-slow"
	LogApplication = "application"
	LogAudit       = "audit"
)
