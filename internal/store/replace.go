package store

import (
	"bytes"
	"context"
	"fmt"
)

// Version of an object that was read or written; the zero value is none at all.
type Version struct{ etag string }

// Version of what was read.
func (o Object) Version() Version { return Version{o.ETag} }

// Replace puts body if what stands at key is still v, and makes v the new one. A
// put whose caller gave up waiting may arrive minutes later: without the
// condition it would undo what the next run has written. After any doubt it reads
// back, and the same bytes there are a success; what somebody else has written is
// ErrConflict, and the next run begins from that.
func Replace(ctx context.Context, b Bucket, key string, body []byte, v *Version) error {
	cond := Condition{IfMatch: v.etag}
	if v.etag == "" {
		cond = Condition{IfAbsent: true}
	}
	o, err := b.Put(ctx, key, body, cond)
	if err == nil {
		v.etag = o.ETag
		return nil
	}
	there, rerr := b.Get(ctx, key)
	if rerr != nil || !bytes.Equal(there.Body, body) {
		return fmt.Errorf("replace s3://%s/%s: %w", b.Name(), key, err)
	}
	v.etag = there.ETag
	return nil
}
