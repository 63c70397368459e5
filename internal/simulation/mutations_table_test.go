package simulation

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/opensearch-dr/osdr/internal/contract"
	"github.com/opensearch-dr/osdr/internal/custom"
	"github.com/opensearch-dr/osdr/internal/lease"
	"github.com/opensearch-dr/osdr/internal/ledger"
	"github.com/opensearch-dr/osdr/internal/opensearch"
	"github.com/opensearch-dr/osdr/internal/point"
	"github.com/opensearch-dr/osdr/internal/recovery"
	"github.com/opensearch-dr/osdr/internal/route"
	"github.com/opensearch-dr/osdr/internal/store"
)

var mutations = []mutated{
	{"the fence is dropped", func() Mutation {
		blocked := map[string]bool{}
		return engines(func(d *standing, e engine, b *blunt) {
			b.block = func(_ context.Context, index string) error { blocked[d.endpoint+index] = true; return nil }
			b.setWrite = func(ctx context.Context, indices []string, on bool) error {
				for _, i := range indices {
					blocked[d.endpoint+i] = on
				}
				return nil
			}
			b.setBlocks = func(ctx context.Context, index string, blocks []string) error {
				blocked[d.endpoint+index] = false
				return e.SetBlocks(ctx, index, blocks)
			}
			b.indices = func(ctx context.Context) ([]opensearch.Index, error) {
				all, err := e.Indices(ctx)
				for n, i := range all {
					if blocked[d.endpoint+i.Name] && !slices.Contains(i.Blocks, "write") {
						all[n].Blocks = append(i.Blocks, "write")
					}
				}
				return all, err
			}
		})()
	}, "G6", 19, nil},
	{"the fence by a setting does not drain", engines(func(_ *standing, e engine, b *blunt) {
		b.block = func(ctx context.Context, index string) error { return e.SetWriteBlock(ctx, []string{index}, true) }
		b.writing = func(context.Context) ([]string, error) { return nil, nil }
	}), "G6", 45, nil},
	{"what appears after the fence is not looked for", func() Mutation {
		known := map[string]map[string]bool{}
		return engines(func(d *standing, e engine, b *blunt) {
			b.autoCreate = func(ctx context.Context, value string, set bool) error {
				delete(known, d.endpoint)
				if set && strings.HasSuffix(value, "-*") {
					names := map[string]bool{}
					all, _ := d.cluster.Indices(context.Background())
					for _, i := range all {
						names[i.Name] = true
					}
					known[d.endpoint] = names
				}
				return e.SetAutoCreate(ctx, value, set)
			}
			b.indices = func(ctx context.Context) ([]opensearch.Index, error) {
				all, err := e.Indices(ctx)
				if names := known[d.endpoint]; names != nil && d.w.inForce() != nil && d.w.inForce().d == d {
					all = slices.DeleteFunc(all, func(i opensearch.Index) bool { return !names[i.Name] })
				}
				return all, err
			}
		})()
	}, "G6", 1, nil},
	{"counts instead of sequence numbers", engines(func(_ *standing, e engine, b *blunt) {
		b.indices = func(ctx context.Context) ([]opensearch.Index, error) {
			all, err := e.Indices(ctx)
			for n, i := range all {
				for s := range i.Shards {
					all[n].Shards[s].MaxSeqNo = i.Documents - 1
				}
			}
			return all, err
		}
	}), "G6", 34, nil},
	{"claimed before it is verified", func() Mutation {
		m := engines(func(_ *standing, e engine, b *blunt) {
			b.progress = func(ctx context.Context, indices []string) ([]opensearch.IndexProgress, error) {
				all, err := e.Progress(ctx, indices)
				for n := range all {
					all[n].Done, all[n].ShardsDone = true, all[n].ShardsTotal
				}
				return all, err
			}
			b.indices = func(ctx context.Context) ([]opensearch.Index, error) {
				all, err := e.Indices(ctx)
				for n, i := range all {
					if len(i.Shards) < i.Primaries {
						all[n].Shards, all[n].Health = []opensearch.Shard{{MaxSeqNo: 0}}, opensearch.Green
					}
				}
				return all, err
			}
		})()
		m.Request = func(w *world, _ string, r *contract.RecoveryRequest) {
			var names []string
			for _, i := range w.writes {
				if !slices.Contains(names, i.index) {
					names = append(names, i.index)
				}
			}
			r.Wish.AcceptUnverified = strings.Join(names, ",")
		}
		return m
	}, "G6", 9, nil},
	{"claimed without a look at the fence", func() Mutation {
		return Mutation{Recovery: func(_ *process, d *recovery.Deps) {
			d.Peer = peers{d.Peer, func(r contract.RecoveryRequest) (contract.RecoveryStatus, bool) {
				return contract.RecoveryStatus{Done: true, Phase: "rechecked"}, r.Action == contract.ActionRecheck
			}}
		}}
	}, "G6", 457, kind()},
	{"an old waiter survives", func() Mutation {
		return Mutation{Custom: func(_ *process, h *custom.Handler) {
			now := h.Now
			h.Stacks = neverBack{}
			h.Functions = asks{h.Functions, func(r *contract.RecoveryRequest) (contract.RecoveryStatus, bool) {
				if !r.RequestedAt.IsZero() {
					r.RequestedAt = now().UTC()
					r.RequestID += fmt.Sprint(r.RequestedAt.Unix())
				}
				return contract.RecoveryStatus{}, false
			}}
		}}
	}, "G4", 1, nil},
	{"a read without an answer counts as an absent object", bucketsOf(func(_ *process, under store.Bucket, b *warped) {
		absent := func(err error) error {
			if err != nil && !errors.Is(err, errDead) {
				return fmt.Errorf("%w: %w", store.ErrAbsent, err)
			}
			return err
		}
		b.get = func(ctx context.Context, key string) (store.Object, error) {
			o, err := under.Get(ctx, key)
			return o, absent(err)
		}
		b.list = func(ctx context.Context, prefix string) ([]store.Entry, error) {
			l, err := under.List(ctx, prefix)
			return l, absent(err)
		}
	}), "", 26, nil},
	{"pins are not looked at", bucketsOf(func(_ *process, under store.Bucket, b *warped) {
		b.list = func(ctx context.Context, prefix string) ([]store.Entry, error) {
			if strings.HasPrefix(prefix, point.PinsPrefix) {
				return nil, nil
			}
			return under.List(ctx, prefix)
		}
	}), "H17", 15, nil},
	{"a domain is removed before its salvage", func() Mutation {
		return Mutation{Custom: func(_ *process, h *custom.Handler) {
			h.Functions = asks{h.Functions, func(r *contract.RecoveryRequest) (contract.RecoveryStatus, bool) {
				return contract.RecoveryStatus{Done: true}, r.Action == contract.ActionRelease
			}}
		}}
	}, "G3", 9, nil},
	{"an index is restored over before its salvage", requests(func(w *world, region string, r *contract.RecoveryRequest) {
		if d := w.places[region].domain; d != nil && r.Action == contract.ActionPromote {
			r.Wish.AbandonDomain = d.cluster.UUID()
		}
	}), "G3", 4, nil},
	{"a stale default flag is taken for meant", requests(func(_ *world, _ string, r *contract.RecoveryRequest) {
		r.Wish.Explicit = "true"
	}), "H2", 219, nil},
	{"conditions of a put are not kept", bucketsOf(func(_ *process, under store.Bucket, b *warped) {
		b.put = func(ctx context.Context, key string, body []byte, c store.Condition) (store.Object, error) {
			if key == ledger.Key {
				c = store.Condition{}
			}
			return under.Put(ctx, key, body, c)
		}
	}), "", 1, nil},
	{"the second bucket is not told", bucketsOf(func(p *process, under store.Bucket, b *warped) {
		b.put = func(ctx context.Context, key string, body []byte, c store.Condition) (store.Object, error) {
			if key == ledger.Key && under.Region() != p.region {
				return store.Object{}, nil
			}
			return under.Put(ctx, key, body, c)
		}
	}), "", 2, nil},
	{"the record is written once and not looked after", func() Mutation {
		return Mutation{Recovery: func(_ *process, d *recovery.Deps) {
			d.Zone = dropped{d.Zone}
		}}
	}, "", 1, nil},
	{"a newer record is not seen", func() Mutation {
		return Mutation{Recovery: func(_ *process, d *recovery.Deps) {
			d.Zone = zones{d.Zone, func(_ route.Record, err error) (route.Record, error) { return route.Record{}, err }}
		}}
	}, "G2", 37, kind()},
	{"the fence is lifted while a switch goes on", func() Mutation {
		return Mutation{Recovery: func(_ *process, d *recovery.Deps) { d.Peer = lifting{d.Peer.(caller)} }}
	}, "G6", 2, nil},
	{"the user's own block goes with the fence", engines(func(d *standing, e engine, b *blunt) {
		b.setBlocks = func(ctx context.Context, index string, blocks []string) error {
			_ = d.cluster.SetWriteBlock(context.Background(), []string{archive}, false)
			return e.SetBlocks(ctx, index, blocks)
		}
	}), archive, 10, nil},
	{"the fence is not lifted", engines(func(_ *standing, _ engine, b *blunt) {
		b.setBlocks = func(context.Context, string, []string) error { return nil }
	}), "", 1, nil},
	{"a local clock decides what has expired", bucketsOf(func(p *process, under store.Bucket, b *warped) {
		b.get = func(ctx context.Context, key string) (store.Object, error) {
			o, err := under.Get(ctx, key)
			if p.region == east {
				o.Date = o.Date.Add(time.Hour)
			}
			return o, err
		}
	}), "", 2, nil},
	// The notes' own conditions are a second guard, which stands aside here.
	{"two controllers at a time", bucketsOf(func(_ *process, under store.Bucket, b *warped) {
		b.get = func(ctx context.Context, key string) (store.Object, error) {
			if strings.HasPrefix(key, lease.Prefix) {
				return store.Object{}, store.ErrAbsent
			}
			return under.Get(ctx, key)
		}
		b.put = unguarded(under)
	}), "", 1, nil},
}

// unguarded puts: no lease is kept, and no condition but a ledger's is asked.
func unguarded(under store.Bucket) func(context.Context, string, []byte, store.Condition) (store.Object, error) {
	return func(ctx context.Context, key string, body []byte, c store.Condition) (store.Object, error) {
		if strings.HasPrefix(key, lease.Prefix) {
			return store.Object{}, nil
		}
		if key != ledger.Key {
			c = store.Condition{}
		}
		return under.Put(ctx, key, body, c)
	}
}
