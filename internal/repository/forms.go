package repository

import (
	"fmt"
	"strings"

	"github.com/opensearch-dr/osdr/internal/opensearch"
)

// triesNext tells that another form may do better. The service shows a wrong form
// and a role that IAM still spreads by the same sentence, without a cause; when
// that outlasts the patience for IAM, a wrong form is the likelier of the two (X8).
func triesNext(err error) bool {
	return opensearch.IsWrongForm(err) || opensearch.IsBareVerification(err)
}

// afterBare ends all waiting once it was in vain: the remaining forms get one try
// each.
func afterBare(b Budget, bare bool, err error) (Budget, bool) {
	if opensearch.IsBareVerification(err) {
		return Budget{}, true
	}
	return b, bare
}

// silent is the error when no form passed and the service said no cause.
func silent(w Wish, refused []string) error {
	return fmt.Errorf("register repository %s: no form passed the verification, and the service names no cause. If %s was made minutes ago IAM is still spreading it and the next run goes on (F13); else check its policy and trust, and which Region bucket %s is in (X8). Tried: %s",
		w.Name, w.RoleARN, w.Bucket, strings.Join(refused, "; "))
}
