package workload

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"time"

	"github.com/opensearch-dr/osdr/drill/client"
)

// Contents of a domain or of a salvage: index/id -> the document's content.
type Contents map[string]int64

// pageSize of a scroll.
const pageSize = 5000

// ReadAll of the indexes of a pattern, after a refresh. renamed, if given, tells
// what an index was called when it was written.
func ReadAll(ctx context.Context, c *client.Client, pattern string, renamed func(string) string) (all Contents, err error) {
	if _, err := c.Do(ctx, http.MethodPost, "/"+pattern+"/_refresh", nil, nil); err != nil {
		return nil, fmt.Errorf("read %s: %w", pattern, err)
	}
	type page struct {
		ID     string `json:"_scroll_id"`
		Shards struct {
			Failed int `json:"failed"`
		} `json:"_shards"`
		Hits struct {
			Hits []struct {
				Index  string `json:"_index"`
				ID     string `json:"_id"`
				Source struct {
					V int64 `json:"v"`
				} `json:"_source"`
			} `json:"hits"`
		} `json:"hits"`
	}
	var p page
	if _, err := c.Do(ctx, http.MethodPost, "/"+pattern+"/_search?scroll=1m", map[string]any{
		"size": pageSize, "sort": []string{"_doc"}, "_source": []string{"v"}}, &p); err != nil {
		return nil, fmt.Errorf("read %s: %w", pattern, err)
	}
	defer func() {
		if _, cerr := c.Do(ctx, http.MethodDelete, "/_search/scroll", map[string]any{"scroll_id": []string{p.ID}}, nil); cerr != nil {
			err = errors.Join(err, fmt.Errorf("end reading %s: %w", pattern, cerr))
		}
	}()
	all = Contents{}
	for {
		if p.Shards.Failed > 0 {
			return nil, fmt.Errorf("read %s: %d shards did not answer", pattern, p.Shards.Failed)
		}
		for _, h := range p.Hits.Hits {
			if renamed != nil {
				h.Index = renamed(h.Index)
			}
			all[h.Index+"/"+h.ID] = h.Source.V
		}
		if len(p.Hits.Hits) == 0 {
			return all, nil
		}
		id := p.ID
		p = page{}
		if _, err := c.Do(ctx, http.MethodPost, "/_search/scroll", map[string]any{"scroll": "1m", "scroll_id": id}, &p); err != nil {
			return nil, fmt.Errorf("read %s: %w", pattern, err)
		}
	}
}

// Comparison of what was acknowledged with what is there.
type Comparison struct {
	Acknowledged int      // documents with an acknowledged state, deletions among them
	Kept         int      // of them as acknowledged
	Lost         []string // of them older, gone, or there again although deleted
	Doubtful     int      // with an attempt that was never answered, in one of the possible states
	Unexpected   []string // there, and not as anybody wrote them
}

func (c Comparison) String() string {
	return fmt.Sprintf("%d acknowledged, %d kept, %d lost, %d unexpected, %d with an unanswered attempt",
		c.Acknowledged, c.Kept, len(c.Lost), len(c.Unexpected), c.Doubtful)
}

// Compare what the domain of a Region acknowledged last, or any when region is
// empty, with contents. Hold the load before. A document in an older acknowledged
// state is lost, not unexpected.
func (l *Load) Compare(contents Contents, region string) Comparison {
	l.mu.Lock()
	defer l.mu.Unlock()
	var c Comparison
	for key, d := range l.docs {
		if region != "" && d.ever && regionOf(d.endpoint) != region {
			continue
		}
		have := contents[key] // 0 when it is not there
		switch {
		case d.doubtful && (have == d.unknown || have == d.acked):
			c.Doubtful++
		case d.ever && have == d.acked:
			c.Acknowledged++
			c.Kept++
		case d.ever:
			c.Acknowledged++
			c.Lost = append(c.Lost, key)
		default: // only ever attempted, and there is something else
			c.Unexpected = append(c.Unexpected, key)
		}
	}
	for key := range contents {
		if l.docs[key] == nil {
			c.Unexpected = append(c.Unexpected, key)
		}
	}
	slices.Sort(c.Lost)
	slices.Sort(c.Unexpected)
	return c
}

// Accept what is there as the truth from now on, for documents that a Region's
// domain acknowledged: what a failover lost is lost once.
func (l *Load) Accept(contents Contents, region string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for key, d := range l.docs {
		if !d.ever || regionOf(d.endpoint) == region {
			d.acked, d.ever, d.doubtful = contents[key], true, false
		}
	}
}

// Promised tells whether content is what a document may hold that must not be lost:
// the state acknowledged last, or that of a later attempt without an answer. 0 is a
// deletion.
func (l *Load) Promised(key string, content int64) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	d := l.docs[key]
	return d != nil && d.ever && (content == d.acked || d.doubtful && content == d.unknown)
}

// AcknowledgedAt is when the client had the answer to the document's last
// acknowledged write.
func (l *Load) AcknowledgedAt(key string) time.Time {
	l.mu.Lock()
	defer l.mu.Unlock()
	if d := l.docs[key]; d != nil {
		return d.at
	}
	return time.Time{}
}

// Acknowledged counts the writes that were acknowledged.
func (l *Load) Acknowledged() int {
	n := 0
	for _, o := range l.Ops() {
		if o.Kind == Write && o.OK {
			n++
		}
	}
	return n
}
