package store

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	awsmiddleware "github.com/aws/aws-sdk-go-v2/aws/middleware"
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/smithy-go"
	"github.com/aws/smithy-go/middleware"
)

// Deadlines and repeats of one call, the SDK's own repeats included. The
// product's objects are small; a listing has one deadline a page.
const (
	callDeadline     = 10 * time.Second
	conflictTries    = 5
	conflictInterval = 50 * time.Millisecond
)

// s3Bucket speaks to S3.
type s3Bucket struct {
	client       *s3.Client
	name, region string
}

// NewClient for the bucket of a Region. An endpoint of AWS_ENDPOINT_URL (or its
// S3 form) on loopback is the local cloud's, where a bucket cannot be part of
// the host name, so path style is used there and only there.
func NewClient(cfg aws.Config, region string) *s3.Client {
	return s3.NewFromConfig(cfg, func(o *s3.Options) {
		o.Region = region
		o.UsePathStyle = onLoopback(os.Getenv("AWS_ENDPOINT_URL_S3")) || onLoopback(os.Getenv("AWS_ENDPOINT_URL")) ||
			o.BaseEndpoint != nil && onLoopback(*o.BaseEndpoint)
		// An object without a checksum is no news, and a line for each of them would
		// bury the log of a run.
		o.DisableLogOutputChecksumValidationSkipped = true
	})
}

func onLoopback(endpoint string) bool {
	u, err := url.Parse(endpoint)
	if err != nil {
		return false
	}
	ip := net.ParseIP(u.Hostname())
	return u.Hostname() == "localhost" || ip != nil && ip.IsLoopback()
}

// New answers the named bucket of a Region. client is of that Region (NewClient).
// Puts name no encryption: the bucket's default holds (F8).
func New(client *s3.Client, bucket, region string) Bucket {
	return &s3Bucket{client: client, name: bucket, region: region}
}

func (b *s3Bucket) Name() string   { return b.name }
func (b *s3Bucket) Region() string { return b.region }

func (b *s3Bucket) Get(ctx context.Context, key string) (Object, error) {
	ctx, cancel := context.WithTimeout(ctx, callDeadline)
	defer cancel()
	out, err := b.client.GetObject(ctx, &s3.GetObjectInput{Bucket: &b.name, Key: &key})
	if err != nil {
		return Object{}, b.fail("get", key, err)
	}
	defer func() { _ = out.Body.Close() }()
	body, err := io.ReadAll(out.Body)
	if err != nil {
		return Object{}, b.fail("get", key, err)
	}
	date, err := dateOf(out.ResultMetadata)
	if err != nil {
		return Object{}, b.fail("get", key, err)
	}
	return Object{Body: body, ETag: aws.ToString(out.ETag), Date: date}, nil
}

func (b *s3Bucket) Put(ctx context.Context, key string, body []byte, cond Condition) (Object, error) {
	ctx, cancel := context.WithTimeout(ctx, callDeadline)
	defer cancel()
	in := &s3.PutObjectInput{Bucket: &b.name, Key: &key, ContentType: new("application/json")}
	if cond.IfAbsent {
		in.IfNoneMatch = new("*")
	}
	if cond.IfMatch != "" {
		in.IfMatch = &cond.IfMatch
	}
	for try := 1; ; try++ {
		in.Body = bytes.NewReader(body)
		out, err := b.client.PutObject(ctx, in)
		if err == nil {
			date, err := dateOf(out.ResultMetadata)
			if err != nil {
				return Object{}, b.fail("put", key, err)
			}
			return Object{ETag: aws.ToString(out.ETag), Date: date}, nil
		}
		// 409: two conditional puts met and neither is decided yet; AWS says to
		// send it again (docs: API_PutObject, "409 Conflict"; D11).
		if code(err) != "ConditionalRequestConflict" || try == conflictTries {
			if cond.IfMatch != "" && code(err) == "NoSuchKey" {
				err = ErrConflict // the key that should match is gone (D11)
			}
			return Object{}, b.fail("put", key, err)
		}
		select {
		case <-ctx.Done():
			return Object{}, b.fail("put", key, ctx.Err())
		case <-time.After(time.Duration(try) * conflictInterval):
		}
	}
}

func (b *s3Bucket) Delete(ctx context.Context, key string) error {
	ctx, cancel := context.WithTimeout(ctx, callDeadline)
	defer cancel()
	if _, err := b.client.DeleteObject(ctx, &s3.DeleteObjectInput{Bucket: &b.name, Key: &key}); err != nil && code(err) != "NoSuchKey" {
		return b.fail("delete", key, err)
	}
	return nil
}

func (b *s3Bucket) List(ctx context.Context, prefix string) ([]Entry, error) {
	var out []Entry
	pages := s3.NewListObjectsV2Paginator(b.client, &s3.ListObjectsV2Input{Bucket: &b.name, Prefix: &prefix})
	for pages.HasMorePages() {
		page, err := b.page(ctx, pages)
		if err != nil {
			return nil, b.fail("list", prefix, err)
		}
		for _, o := range page.Contents {
			out = append(out, Entry{Key: aws.ToString(o.Key), Size: aws.ToInt64(o.Size), Modified: aws.ToTime(o.LastModified)})
		}
	}
	return out, nil
}

func (b *s3Bucket) page(ctx context.Context, pages *s3.ListObjectsV2Paginator) (*s3.ListObjectsV2Output, error) {
	ctx, cancel := context.WithTimeout(ctx, callDeadline)
	defer cancel()
	return pages.NextPage(ctx)
}

func (b *s3Bucket) Now(ctx context.Context) (time.Time, error) {
	ctx, cancel := context.WithTimeout(ctx, callDeadline)
	defer cancel()
	// A listing of one key, not a HeadBucket: s3:ListBucket serves both, and a
	// listing's error has a body that tells an absent bucket from a refusal.
	out, err := b.client.ListObjectsV2(ctx, &s3.ListObjectsV2Input{Bucket: &b.name, MaxKeys: new(int32(1)), Prefix: new("_dr/")})
	if err != nil {
		return time.Time{}, b.fail("ask the time of", "", err)
	}
	date, err := dateOf(out.ResultMetadata)
	if err != nil {
		return time.Time{}, b.fail("ask the time of", "", err)
	}
	return date, nil
}

// dateOf reads the Date header of the answer: the product's clock (H10).
func dateOf(m middleware.Metadata) (time.Time, error) {
	t, ok := awsmiddleware.GetServerTime(m)
	if !ok {
		return time.Time{}, errors.New("the answer has no Date header; a proxy on the way may have taken it")
	}
	return t.UTC(), nil
}

func code(err error) string {
	if e, ok := errors.AsType[smithy.APIError](err); ok {
		return e.ErrorCode()
	}
	return ""
}

// fail names the step and puts S3's codes into the product's three answers.
func (b *s3Bucket) fail(step, key string, err error) error {
	where := fmt.Sprintf("%s s3://%s/%s", step, b.name, key)
	status := 0
	if e, ok := errors.AsType[*awshttp.ResponseError](err); ok {
		status = e.HTTPStatusCode()
	}
	switch c := code(err); {
	case c == "NoSuchBucket":
		return fmt.Errorf("%s: %w", where, ErrBucketAbsent)
	case c == "NoSuchKey":
		return fmt.Errorf("%s: %w", where, ErrAbsent)
	case status == http.StatusPreconditionFailed:
		return fmt.Errorf("%s: %w", where, ErrConflict)
	case status == http.StatusForbidden:
		return fmt.Errorf("%s: %w; see that this role's policy and the bucket's name each other, and that no key policy stands between", where, err)
	}
	return fmt.Errorf("%s: %w", where, err)
}
