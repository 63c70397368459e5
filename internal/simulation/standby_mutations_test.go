package simulation

import (
	"context"
	"encoding/json"
	"strings"

	"github.com/opensearch-dr/osdr/internal/contract"
	"github.com/opensearch-dr/osdr/internal/point"
	"github.com/opensearch-dr/osdr/internal/recovery"
	"github.com/opensearch-dr/osdr/internal/store"
)

// following changes what the runs that keep a standby do with their own Region's
// bucket, and nobody else's.
func following(f func(p *process, under store.Bucket, b *warped)) func() Mutation {
	return func() Mutation {
		keeps := false // of the run that begins just now
		return Mutation{
			Request: func(_ *world, _ string, r *contract.RecoveryRequest) { keeps = r.Standby != "" },
			Recovery: func(p *process, d *recovery.Deps) {
				if keeps {
					b := &warped{Bucket: d.Own}
					f(p, d.Own, b)
					d.Own = b
				}
			},
		}
	}
}

// standbyMutations are promises about a warm standby: histories with a cold one do
// not show them.
var standbyMutations = []mutated{
	{"a standby is overwritten before its salvage", func() Mutation {
		domains := map[string]*standing{}
		m := engines(func(d *standing, _ engine, _ *blunt) { domains[d.region] = d })()
		m.Bucket = func(p *process, under store.Bucket) store.Bucket {
			b := &warped{Bucket: under}
			b.get = func(ctx context.Context, key string) (store.Object, error) {
				o, err := under.Get(ctx, key)
				d := domains[p.region]
				var pt point.Point
				if err != nil || d == nil || !d.w.warm || under.Region() == p.region || d.w.inForce() == nil || d.w.inForce().d == d ||
					!strings.HasPrefix(key, point.Prefix) || strings.Count(key, ".") != 1 || json.Unmarshal(o.Body, &pt) != nil || pt.ClusterUUID != d.cluster.UUID() {
					return o, err
				}
				// A point of earlier counts as one that holds what stands there now.
				pt.Indices = nil
				for _, i := range indices(d) {
					was := point.Index{Name: i.Name, UUID: i.UUID, Open: i.Open, SettingsVersion: i.SettingsVersion}
					for _, s := range i.Shards {
						was.Shards = append(was.Shards, point.Shard{ID: s.ID, Before: s.MaxSeqNo, After: s.MaxSeqNo})
					}
					pt.Indices = append(pt.Indices, was)
				}
				o.Body, err = json.Marshal(pt)
				return o, err
			}
			return b
		}
		return m
	}, "G3", 10, nil},
	// Its lease has run out: that guard, and the notes' own, stand aside here.
}
