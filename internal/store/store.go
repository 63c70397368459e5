// Package store is the product's view of one bucket: small objects, written
// conditionally. Every promise of the ledger, the lease and the points rests on
// Put's condition being atomic, which the contract suite (storetest) checks
// against each implementation.
//
// Absent, present and unreachable are three different answers (H14): ErrAbsent
// is a 404 of the key or of the whole bucket, ErrConflict a lost race, and any
// other error means that nobody knows.
package store

import (
	"context"
	"errors"
	"time"
)

// ErrAbsent says that the key, or the bucket itself, does not exist (a bucket that does
// not exist yet counts as absent). Compare with errors.Is.
var ErrAbsent = errors.New("absent")

// ErrBucketAbsent says that the bucket does not exist. It wraps ErrAbsent.
var ErrBucketAbsent error = bucketAbsent{}

type bucketAbsent struct{}

func (bucketAbsent) Error() string        { return "bucket absent" }
func (bucketAbsent) Is(target error) bool { return target == ErrAbsent }

// ErrConflict says that the condition of a Put or Delete did not hold (S3's 412). After
// any doubt the caller reads back and compares its own token (H25).
var ErrConflict = errors.New("condition not met")

// Object is one read.
type Object struct {
	Body []byte
	ETag string
	Date time.Time // S3's Date header of this answer: the product's clock (H10)
	kept *kept     // see Keep
}

// Entry is one listed key.
type Entry struct {
	Key      string
	Size     int64
	Modified time.Time
}

// Condition of a Put. The zero value writes always.
type Condition struct {
	IfAbsent bool   // If-None-Match: *
	IfMatch  string // If-Match: <ETag>
}

// Bucket of one Region. All methods honour ctx's deadline; errors name the
// bucket and the key.
type Bucket interface {
	// Name and Region for messages.
	Name() string
	Region() string
	Get(ctx context.Context, key string) (Object, error)
	// Put answers the new ETag and S3's Date.
	Put(ctx context.Context, key string, body []byte, cond Condition) (Object, error)
	// Delete succeeds when the key is absent already.
	Delete(ctx context.Context, key string) error
	// List answers all keys under prefix, in byte order.
	List(ctx context.Context, prefix string) ([]Entry, error)
	// Now is the bucket's own clock, by one cheap request. An absent bucket is
	// ErrBucketAbsent.
	Now(ctx context.Context) (time.Time, error)
}
