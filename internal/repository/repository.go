// Package repository registers a snapshot repository so that it is the right one
// or none: one path, read back and compared, proved by a verification from every
// node. Registration tries its forms in turn, because which of them a service
// accepts across Regions is nowhere promised (X8); it moves to the next form
// only for an error that the form caused, and retries only what passes by itself,
// the propagation of a new IAM role (F13).
package repository

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/cenkalti/backoff/v5"

	"github.com/opensearch-dr/osdr/internal/opensearch"
)

// FixedPaths keeps every blob under the base path (H30).
const FixedPaths = "FIXED"

// uuidLength of a cluster UUID: 16 bytes in URL-safe base64 without padding.
const uuidLength = 22

// ErrBucketMissing says that the bucket of the repository does not exist.
var ErrBucketMissing = errors.New("the repository's bucket does not exist")

// ValidUUID tells a cluster UUID from what a cluster without a manager answers,
// "_na_" (H31), which must never become a path.
func ValidUUID(uuid string) bool {
	if len(uuid) != uuidLength {
		return false
	}
	for _, r := range uuid {
		switch {
		case r >= 'a' && r <= 'z', r >= 'A' && r <= 'Z', r >= '0' && r <= '9', r == '-', r == '_':
		default:
			return false
		}
	}
	return true
}

// Wish is what the repository must be; how the bucket is reached is found out.
type Wish struct {
	Name         string // of the registration
	Bucket       string
	BucketRegion string
	DomainRegion string
	BasePath     string // cluster UUID of the writer
	RoleARN      string // TheSnapshotRole of the domain's Region
	ReadOnly     bool
}

// Result of Ensure.
type Result struct {
	Registered bool   // the registration was written by this call
	Form       string // how the bucket is reached: "region and endpoint", "region", "endpoint"
	Notices    []string
}

// Budget bounds the waiting for IAM; the caller's deadline bounds it too.
type Budget struct {
	Propagation time.Duration // 0: no retry
	First       time.Duration // first pause; 0: backoff's half second
}

// DefaultBudget of a function: what IAM takes as a rule, well inside of a run.
var DefaultBudget = Budget{Propagation: 45 * time.Second, First: 2 * time.Second}

// form is one way to name the bucket's place.
type form struct{ name, region, endpoint string }

// forms in the order to try. For a bucket in another Region the regional
// endpoint is the one that the engine follows without a redirect; the article's
// global endpoint answers 307 for buckets younger than a day and 400 for opt-in
// Regions. In the same Region `region` alone is the documented form (F15).
func forms(w Wish) []form {
	both := form{"region and endpoint", w.BucketRegion, "https://s3." + w.BucketRegion + ".amazonaws.com"}
	region := form{"region", w.BucketRegion, ""}
	global := form{"endpoint", "", "s3.amazonaws.com"}
	if w.BucketRegion == w.DomainRegion {
		return []form{region, both, global}
	}
	return []form{both, region, global}
}

func (w Wish) body(f form) opensearch.Repository {
	return opensearch.Repository{
		Bucket: w.Bucket, BasePath: w.BasePath, Region: f.region, Endpoint: f.endpoint,
		RoleARN: w.RoleARN, ReadOnly: w.ReadOnly, ShardPathType: FixedPaths,
	}
}

// matches ignores the form: any that verifies is as good as another.
func (w Wish) matches(r opensearch.Repository) bool {
	return r.Bucket == w.Bucket && r.BasePath == w.BasePath && r.ReadOnly == w.ReadOnly && r.RoleARN == w.RoleARN
}

// Ensure makes the registration what w says, and proves it. One that is right
// already is only verified: a verification each time finds lost access before a
// snapshot does, and needs no memory of a crash between the two calls. A
// registration that exists is never flipped between reading and writing (H32):
// the two have names of their own.
func Ensure(ctx context.Context, d opensearch.Domain, w Wish, b Budget) (Result, error) {
	if !ValidUUID(w.BasePath) {
		return Result{}, fmt.Errorf("register repository %s: %q is not a cluster UUID and cannot be a path (H31); run again when the cluster has elected a manager", w.Name, w.BasePath)
	}
	have, err := d.Repository(ctx, w.Name)
	if err != nil && !errors.Is(err, opensearch.ErrNotFound) {
		return Result{}, fmt.Errorf("read repository %s: %w", w.Name, err)
	}
	var refused []string
	if err == nil && w.matches(have) {
		verr := verify(ctx, d, w.Name, b)
		if verr == nil {
			return Result{Form: formOf(have)}, nil
		}
		if !opensearch.IsWrongForm(verr) {
			return Result{}, explain("verify repository "+w.Name, verr, w)
		}
		refused = append(refused, formOf(have)+" (as it stood): "+verr.Error())
	}
	for _, f := range forms(w) {
		notice, perr := put(ctx, d, w, f, b)
		if perr == nil {
			perr = verify(ctx, d, w.Name, b)
		}
		if perr == nil {
			return readBack(ctx, d, w, f, notice, refused)
		}
		if !opensearch.IsWrongForm(perr) {
			return Result{}, explain("register repository "+w.Name+" by "+f.name, perr, w)
		}
		refused = append(refused, f.name+": "+perr.Error())
	}
	return Result{}, fmt.Errorf("register repository %s: every form was refused (X8), see which Region bucket %s is in: %s", w.Name, w.Bucket, strings.Join(refused, "; "))
}

// put registers one form; a service that does not know shard_path_type gets it
// without, with a notice, as the bucket serves one direction only (H30).
func put(ctx context.Context, d opensearch.Domain, w Wish, f form, b Budget) (string, error) {
	body := w.body(f)
	err := patiently(ctx, b, func() error { return d.PutRepository(ctx, w.Name, body) })
	if err == nil || !unknownSetting(err, "shard_path_type") {
		return "", err
	}
	body.ShardPathType = ""
	if err := patiently(ctx, b, func() error { return d.PutRepository(ctx, w.Name, body) }); err != nil {
		return "", err
	}
	return "the domain refuses shard_path_type: blobs may lie outside " + w.BasePath + "/ (H30)", nil
}

func verify(ctx context.Context, d opensearch.Domain, name string, b Budget) error {
	return patiently(ctx, b, func() error { return d.VerifyRepository(ctx, name) })
}

// readBack holds the promise of one writer a path (G1) against a service that
// drops a setting without a word.
func readBack(ctx context.Context, d opensearch.Domain, w Wish, f form, notice string, refused []string) (Result, error) {
	r := Result{Registered: true, Form: f.name}
	if notice != "" {
		r.Notices = append(r.Notices, notice)
	}
	if len(refused) > 0 {
		r.Notices = append(r.Notices, "repository registered by "+f.name+" after "+strings.Join(refused, "; "))
	}
	have, err := d.Repository(ctx, w.Name)
	if err != nil {
		return r, fmt.Errorf("read repository %s back: %w", w.Name, err)
	}
	if !w.matches(have) {
		return r, fmt.Errorf("read repository %s back: the domain keeps bucket %q base_path %q readonly %v role %q instead of %q %q %v %q; nothing is written there, as one writer a path rests on it (G1)",
			w.Name, have.Bucket, have.BasePath, have.ReadOnly, have.RoleARN, w.Bucket, w.BasePath, w.ReadOnly, w.RoleARN)
	}
	if notice == "" && have.ShardPathType != FixedPaths {
		r.Notices = append(r.Notices, "the domain drops shard_path_type: blobs may lie outside "+w.BasePath+"/ (H30)")
	}
	return r, nil
}

func formOf(r opensearch.Repository) string {
	switch {
	case r.Region != "" && r.Endpoint != "":
		return "region and endpoint"
	case r.Region != "":
		return "region"
	case r.Endpoint != "":
		return "endpoint"
	}
	return "neither region nor endpoint"
}

// patiently retries only IAM propagation (F13), within budget and ctx.
func patiently(ctx context.Context, b Budget, call func() error) error {
	if b.Propagation <= 0 {
		return call()
	}
	policy := backoff.NewExponentialBackOff()
	policy.MaxInterval = 10 * time.Second
	if b.First > 0 {
		policy.InitialInterval = b.First
	}
	var last error
	_, err := backoff.Retry(ctx, func() (struct{}, error) {
		last = call()
		if last != nil && !opensearch.IsIAMPropagation(last) {
			return struct{}{}, backoff.Permanent(last)
		}
		return struct{}{}, last
	}, backoff.WithBackOff(policy), backoff.WithMaxElapsedTime(b.Propagation))
	if err != nil && last != nil {
		return last
	}
	return err
}
