package gateway

import (
	"context"
	"net/http"
	"net/url"
	"sync"
)

// bucketRegions tells in which Region a bucket is: by its name, which ends with
// the Region for all of this project's and the CDK's, else by asking. A HEAD
// names the Region to anyone, even with a 403.
type bucketRegions struct {
	g    *Gateway
	mu   sync.Mutex
	seen map[string]string
}

func newBucketRegions(g *Gateway) *bucketRegions {
	return &bucketRegions{g: g, seen: map[string]string{}}
}

// of a bucket; empty if it does not exist or nobody can say.
func (b *bucketRegions) of(ctx context.Context, bucket string) string {
	if m := regionSuffix.FindStringSubmatch(bucket); m != nil {
		return m[1]
	}
	b.mu.Lock()
	region, ok := b.seen[bucket]
	b.mu.Unlock()
	if ok {
		return region
	}
	emulator, ok := b.g.emulatorURL()
	if !ok {
		return ""
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodHead, emulator.String()+"/"+url.PathEscape(bucket), nil)
	if err != nil {
		return ""
	}
	resp, err := b.g.toEmulator.RoundTrip(req)
	if err != nil {
		return ""
	}
	_ = resp.Body.Close()
	if region = resp.Header.Get("X-Amz-Bucket-Region"); region != "" {
		b.mu.Lock()
		b.seen[bucket] = region
		b.mu.Unlock()
	}
	return region
}
