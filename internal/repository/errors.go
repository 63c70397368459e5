package repository

import (
	"errors"
	"fmt"
	"strings"

	"github.com/opensearch-dr/osdr/internal/opensearch"
)

// unknownSetting tells one refused setting from a refused form.
func unknownSetting(err error, setting string) bool {
	t := strings.ToLower(err.Error())
	return strings.Contains(t, "unknown setting") && strings.Contains(t, setting)
}

func bucketMissing(err error) bool {
	t := strings.ToLower(err.Error())
	return strings.Contains(t, "nosuchbucket") || strings.Contains(t, "the specified bucket does not exist")
}

// explain names which of the checks failed, for somebody at 3 a.m. (F14).
func explain(step string, err error, w Wish) error {
	if bucketMissing(err) {
		return fmt.Errorf("%s: %w: %s: %w", step, ErrBucketMissing, w.Bucket, err)
	}
	if d := opensearch.Diagnose(err); d != opensearch.NotDiagnosed {
		return fmt.Errorf("%s: %s (F14): %w", step, d, err)
	}
	if opensearch.IsForbidden(err) {
		return fmt.Errorf("%s: the domain's access policy denies the function's role (F14): %w", step, err)
	}
	if opensearch.IsIAMPropagation(err) {
		return fmt.Errorf("%s: %s cannot reach bucket %s; if the role was made minutes ago IAM is still spreading it and the next run goes on (F13), else check its policy and trust: %w", step, w.RoleARN, w.Bucket, err)
	}
	var e *opensearch.Error
	if errors.As(err, &e) && e.Status >= 500 {
		return fmt.Errorf("%s: bucket %s did not serve every node of the domain; the next run tries again: %w", step, w.Bucket, err)
	}
	return fmt.Errorf("%s: %w", step, err)
}
