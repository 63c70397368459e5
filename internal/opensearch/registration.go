package opensearch

import (
	"regexp"
	"strings"
)

// Why a registration or a verification failed. The texts are the engine's,
// S3's and the service's own, as issues and AWS's pages have them (F13, F14,
// F15, X8); the table tests hold them with their sources.

// wrongForm is what S3 and the SDK inside the engine say when bucket, region and
// endpoint do not fit, and the engine when it does not know a setting.
var wrongForm = []string{
	"permanentredirect", "temporaryredirect", "authorizationheadermalformed",
	"status code: 301", "status code: 307",
	"please use this region", "is wrong; expecting",
	"re-send this request to the specified temporary endpoint",
	"must be addressed using the specified endpoint",
	"unknown setting",
}

// IsWrongForm tells that another form of the same registration may work (X8), a repetition
// of this one will not.
func IsWrongForm(err error) bool {
	e, ok := asError(err)
	return ok && contains(e, wrongForm...)
}

// refusedByS3 is what a role says that S3 or STS does not know well enough yet.
var refusedByS3 = []string{
	"not authorized to perform: sts:assumerole", "not authorized to perform: s3:",
	"access denied", "accessdenied", "status code: 403",
	"invalidaccesskeyid", "invalidclienttokenid", "unable to assume role",
}

// bareVerification is all that the service shows of a failed verification
// (opensearch-project/terraform-provider-opensearch#133): no cause behind it.
var bareVerification = regexp.MustCompile(`^\[[^\]]*\] path ?(\[[^\]]*\])? is not accessible on (cluster-manager|master) node$`)

// IsIAMPropagation tells the class that a role made a moment ago gives, the only one
// that is worth a retry as it is (F13). It cannot be told from rights that are
// missing for good, so the caller bounds its retries.
func IsIAMPropagation(err error) bool {
	e, ok := asError(err)
	if !ok || e.Type != "repository_verification_exception" || IsWrongForm(err) {
		return false
	}
	return bareVerification.MatchString(e.Reason) || contains(e, refusedByS3...)
}

func contains(e *Error, texts ...string) bool {
	reason := strings.ToLower(e.Type + " " + e.Reason)
	for _, t := range texts {
		if strings.Contains(reason, t) {
			return true
		}
	}
	return false
}

// Diagnosis of a refused registration: which of the four checks failed (F14).
type Diagnosis string

// Diagnoses.
const (
	NotDiagnosed   Diagnosis = ""
	UnmappedRole   Diagnosis = "the signing role is not mapped to manage_snapshots in the domain; run the access step with the master role"
	NoPassRole     Diagnosis = "the signing role may not pass TheSnapshotRole; give it iam:PassRole on exactly that role"
	NotSigned      Diagnosis = "the request was not signed with SigV4 by an IAM role (basic authentication cannot pass a role)"
	WrongSignature Diagnosis = "the signature does not fit the request: wrong Region, clock, or a proxy that changed body or host"
)

// Diagnose names the check that failed, with what to do; NotDiagnosed for any
// other error.
func Diagnose(err error) Diagnosis {
	e, ok := asError(err)
	switch {
	case !ok:
		return NotDiagnosed
	case contains(e, "user: anonymous is not authorized", "missing equal-sign", "missing authentication token") ||
		e.Status == 401 && !contains(e, "signature"):
		return NotSigned
	case contains(e, "iam:passrole"):
		return NoPassRole
	case contains(e, "request signature we calculated does not match", "x-amz-content-sha256",
		"credential should be scoped to a valid region", "signature expired", "signature not yet current"):
		return WrongSignature
	case IsForbidden(err) && contains(e, "no permissions for ["):
		return UnmappedRole
	}
	return NotDiagnosed
}
