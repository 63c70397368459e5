package scenario

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/opensearch-dr/osdr/drill/client"
)

// row of the table: what became of a thing.
type row struct {
	there, expected int
	wrong           []string
}

// look at each thing in the Region that serves now.
func (z *zoo) look(ctx context.Context, c *client.Client, region string) {
	if z.rows == nil {
		z.rows = make([]row, len(z.things))
	}
	for i, t := range z.things {
		r := &z.rows[i]
		blame := func(err error) {
			if err != nil {
				r.wrong = append(r.wrong, region+": "+err.Error())
			}
		}
		if t.fate != restored {
			if region == Secondary {
				r.expected = len(z.want[t.index])
				blame(z.absent(ctx, c, t.index))
			}
			continue
		}
		shut := func() error { return nil }
		if t.open != nil {
			again, err := t.open(ctx, c)
			blame(err)
			if err == nil {
				shut = again
			}
		}
		expected, there := 0, 0
		for _, name := range t.names() {
			got, err := z.read(ctx, c, name)
			if err != nil {
				blame(err)
				expected += len(z.want[name])
				continue
			}
			d := compare(z.want[name], z.maybe[name], got)
			expected, there = expected+len(z.want[name]), there+d.there
			blame(d.err())
		}
		r.expected, r.there = expected, there
		blame(shut())
		if t.check != nil {
			blame(t.check(ctx, z, c))
		}
		blame(z.takes(ctx, c, t, region))
	}
}

// names that a thing's documents are read by.
func (t thing) names() []string {
	switch {
	case len(t.reads) > 0:
		return t.reads
	case t.index != "":
		return []string{t.index}
	}
	return nil
}

// takes writes, or refuses them as it did at the source.
func (z *zoo) takes(ctx context.Context, c *client.Client, t thing, region string) error {
	name := t.index
	if t.writes != "" {
		name = t.writes
	}
	if name == "-" || name == "" {
		return nil
	}
	d := doc{id: "after-" + region, routing: t.routing, source: js{"n": 100}}
	if t.stream {
		now := time.Now().UTC().Format(time.RFC3339Nano)
		d.create, d.source = true, js{"n": 100, "@timestamp": now, "at": now}
	}
	err := z.send(ctx, c, z.want, name, t.names()[0], d)
	switch {
	case t.refuses == 0 && err != nil:
		return fmt.Errorf("it takes no writes: %w", err)
	case t.refuses != 0 && client.Status(err) != t.refuses:
		return fmt.Errorf("a write answered %v, not %d as at the source", err, t.refuses) //nolint:errorlint // nil where it was taken
	}
	return nil
}

// absent: what people are told is not here is not here.
func (z *zoo) absent(ctx context.Context, c *client.Client, index string) error {
	_, err := c.Do(ctx, http.MethodGet, "/"+url.PathEscape(index)+"/_count", nil, nil)
	if client.Status(err) != http.StatusNotFound {
		return fmt.Errorf("it must not be here, and a count answered %v", err) //nolint:errorlint // nil where it is here
	}
	return nil
}

// readAtOnce bounds the documents of one name.
const readAtOnce = 2000

// read all documents by a name.
func (z *zoo) read(ctx context.Context, c *client.Client, name string) (map[string]string, error) {
	var answer struct {
		Responses []struct {
			Status int             `json:"status"`
			Error  json.RawMessage `json:"error"`
			Shards struct {
				Failed int `json:"failed"`
			} `json:"_shards"`
			Hits struct {
				Hits []struct {
					ID      string          `json:"_id"`
					Routing string          `json:"_routing"`
					Source  json.RawMessage `json:"_source"`
				} `json:"hits"`
			} `json:"hits"`
		} `json:"responses"`
	}
	if err := c.Lines(ctx, "/_msearch", []any{js{"index": name, "expand_wildcards": "all"}, js{"size": readAtOnce}}, &answer); err != nil {
		return nil, err
	}
	if len(answer.Responses) != 1 {
		return nil, fmt.Errorf("read %s: %d answers", name, len(answer.Responses))
	}
	got := answer.Responses[0]
	switch {
	case got.Status >= 300:
		return nil, fmt.Errorf("read %s: %w", name, &client.StatusError{Status: got.Status, Body: string(got.Error)})
	case got.Shards.Failed > 0:
		return nil, fmt.Errorf("read %s: %d shards did not answer", name, got.Shards.Failed)
	case len(got.Hits.Hits) == readAtOnce:
		return nil, fmt.Errorf("read %s: more than %d documents", name, readAtOnce)
	}
	all := map[string]string{}
	var faults []error
	for _, h := range got.Hits.Hits {
		text, err := canonical(h.Source)
		all[key(h.ID, h.Routing)] = text
		faults = append(faults, err)
	}
	return all, errors.Join(faults...)
}

// difference between what must be there and what is.
type difference struct {
	there                      int
	missing, other, unexpected []string
}

// compare documents by content. What may be there, must be as it was written.
func compare(want, maybe, got map[string]string) difference {
	var d difference
	for _, id := range slices.Sorted(maps.Keys(want)) {
		switch text, is := got[id]; {
		case !is:
			d.missing = append(d.missing, id)
		case text != want[id]:
			d.other = append(d.other, id)
		default:
			d.there++
		}
	}
	for _, id := range slices.Sorted(maps.Keys(got)) {
		if _, known := want[id]; !known && maybe[id] != got[id] {
			d.unexpected = append(d.unexpected, id)
		}
	}
	return d
}

func (d difference) err() error {
	if len(d.missing)+len(d.other)+len(d.unexpected) == 0 {
		return nil
	}
	return fmt.Errorf("%d documents are missing %.60q, %d have another content %.60q, %d were never written %.60q",
		len(d.missing), d.missing, len(d.other), d.other, len(d.unexpected), d.unexpected)
}

// cluster state of the indexes, which a block of their metadata does not hide.
type indexStates struct {
	Blocks struct {
		Indices map[string]map[string]struct {
			Levels []string `json:"levels"`
		} `json:"indices"`
	} `json:"blocks"`
	Metadata struct {
		Indices map[string]struct {
			State string `json:"state"`
		} `json:"indices"`
	} `json:"metadata"`
}

// blocked indexes refuse writes.
func (s indexStates) blocked(name string) bool {
	for _, b := range s.Blocks.Indices[name] {
		if slices.Contains(b.Levels, "write") {
			return true
		}
	}
	return false
}

func (z *zoo) states(ctx context.Context, c *client.Client) (s indexStates, err error) {
	_, err = c.Do(ctx, http.MethodGet, "/_cluster/state/metadata,blocks?expand_wildcards=all&filter_path=blocks.indices,metadata.indices.*.state", nil, &s)
	return s, err
}

// takers are the zoo's open indexes that no block forbids to write.
func (z *zoo) takers(ctx context.Context, c *client.Client) ([]string, error) {
	s, err := z.states(ctx, c)
	if err != nil {
		return nil, err
	}
	var names []string
	for name, i := range s.Metadata.Indices {
		ours := strings.Contains(name, "zoo") || slices.ContainsFunc(z.things, func(t thing) bool { return t.index == name })
		if ours && i.State == "open" && !s.blocked(name) && name != redIndex {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return names, nil
}

// handedOver: each index that took writes at the source has no block.
func (z *zoo) handedOver(ctx context.Context, c *client.Client) (bool, error) {
	s, err := z.states(ctx, c)
	if err != nil {
		return false, err
	}
	for _, t := range z.things {
		if t.fate == restored && t.refuses == 0 && s.blocked(t.index) {
			return false, fmt.Errorf("%s takes no writes yet", t.index)
		}
	}
	return true, nil
}
