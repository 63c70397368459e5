package simulation

import (
	"context"
	"errors"

	"github.com/opensearch-dr/osdr/internal/contract"
	"github.com/opensearch-dr/osdr/internal/custom"
	"github.com/opensearch-dr/osdr/internal/opensearch"
	"github.com/opensearch-dr/osdr/internal/recovery"
	"github.com/opensearch-dr/osdr/internal/route"
	"github.com/opensearch-dr/osdr/internal/store"
)

// blunt is an engine that a mutation overrides in part.
type blunt struct {
	engine
	block      func(ctx context.Context, index string) error
	setWrite   func(ctx context.Context, indices []string, on bool) error
	setBlocks  func(ctx context.Context, index string, blocks []string) error
	writing    func(ctx context.Context) ([]string, error)
	indices    func(ctx context.Context) ([]opensearch.Index, error)
	progress   func(ctx context.Context, indices []string) ([]opensearch.IndexProgress, error)
	autoCreate func(ctx context.Context, value string, set bool) error
	giveBlocks func(ctx context.Context, lot, blocks []string) error
	aliases    func(ctx context.Context, actions []opensearch.AliasAction) error
	capsule    func(ctx context.Context, c opensearch.Capsule) ([]opensearch.Refused, error)
	roles      func(ctx context.Context, c opensearch.Capsule) ([]opensearch.Refused, error)
}

func (b *blunt) GiveBlocks(ctx context.Context, lot, blocks []string) error {
	if b.giveBlocks != nil {
		return b.giveBlocks(ctx, lot, blocks)
	}
	return b.engine.GiveBlocks(ctx, lot, blocks)
}

func (b *blunt) PutAliases(ctx context.Context, actions []opensearch.AliasAction) error {
	if b.aliases != nil {
		return b.aliases(ctx, actions)
	}
	return b.engine.PutAliases(ctx, actions)
}

func (b *blunt) PutCapsule(ctx context.Context, c opensearch.Capsule) ([]opensearch.Refused, error) {
	if b.capsule != nil {
		return b.capsule(ctx, c)
	}
	return b.engine.PutCapsule(ctx, c)
}

func (b *blunt) PutSecurityCapsule(ctx context.Context, c opensearch.Capsule) ([]opensearch.Refused, error) {
	if b.roles != nil {
		return b.roles(ctx, c)
	}
	return b.engine.PutSecurityCapsule(ctx, c)
}

func (b *blunt) Block(ctx context.Context, index string) error {
	if b.block != nil {
		return b.block(ctx, index)
	}
	return b.engine.Block(ctx, index)
}

func (b *blunt) SetWriteBlock(ctx context.Context, indices []string, on bool) error {
	if b.setWrite != nil {
		return b.setWrite(ctx, indices, on)
	}
	return b.engine.SetWriteBlock(ctx, indices, on)
}

func (b *blunt) SetBlocks(ctx context.Context, index string, blocks []string) error {
	if b.setBlocks != nil {
		return b.setBlocks(ctx, index, blocks)
	}
	return b.engine.SetBlocks(ctx, index, blocks)
}

func (b *blunt) Writing(ctx context.Context) ([]string, error) {
	if b.writing != nil {
		return b.writing(ctx)
	}
	return b.engine.Writing(ctx)
}

func (b *blunt) Indices(ctx context.Context) ([]opensearch.Index, error) {
	if b.indices != nil {
		return b.indices(ctx)
	}
	return b.engine.Indices(ctx)
}

func (b *blunt) Progress(ctx context.Context, indices []string) ([]opensearch.IndexProgress, error) {
	if b.progress != nil {
		return b.progress(ctx, indices)
	}
	return b.engine.Progress(ctx, indices)
}

func (b *blunt) SetAutoCreate(ctx context.Context, value string, set bool) error {
	if b.autoCreate != nil {
		return b.autoCreate(ctx, value, set)
	}
	return b.engine.SetAutoCreate(ctx, value, set)
}

// warped is a bucket that a mutation overrides in part.
type warped struct {
	store.Bucket
	get  func(ctx context.Context, key string) (store.Object, error)
	put  func(ctx context.Context, key string, body []byte, c store.Condition) (store.Object, error)
	list func(ctx context.Context, prefix string) ([]store.Entry, error)
}

func (b *warped) Get(ctx context.Context, key string) (store.Object, error) {
	if b.get != nil {
		return b.get(ctx, key)
	}
	return b.Bucket.Get(ctx, key)
}

func (b *warped) Put(ctx context.Context, key string, body []byte, c store.Condition) (store.Object, error) {
	if b.put != nil {
		return b.put(ctx, key, body, c)
	}
	return b.Bucket.Put(ctx, key, body, c)
}

func (b *warped) List(ctx context.Context, prefix string) ([]store.Entry, error) {
	if b.list != nil {
		return b.list(ctx, prefix)
	}
	return b.Bucket.List(ctx, prefix)
}

func engines(f func(d *standing, e engine, b *blunt)) func() Mutation {
	return func() Mutation {
		return Mutation{Engine: func(d *standing, e engine) engine {
			b := &blunt{engine: e}
			f(d, e, b)
			return b
		}}
	}
}

func bucketsOf(f func(p *process, under store.Bucket, b *warped)) func() Mutation {
	return func() Mutation {
		return Mutation{Bucket: func(p *process, under store.Bucket) store.Bucket {
			b := &warped{Bucket: under}
			f(p, under, b)
			return b
		}}
	}
}

func requests(f func(w *world, region string, r *contract.RecoveryRequest)) func() Mutation {
	return func() Mutation { return Mutation{Request: f} }
}

// peers that answer what a mutation wants.
type peers struct {
	recovery.Peer
	f func(req contract.RecoveryRequest) (contract.RecoveryStatus, bool)
}

func (p peers) Recovery(ctx context.Context, region string, req contract.RecoveryRequest) (contract.RecoveryStatus, error) {
	if s, ok := p.f(req); ok {
		return s, nil
	}
	return p.Peer.Recovery(ctx, region, req)
}

// lifting is a source that lifts its fence after its last word before the claim.
type lifting struct{ caller }

func (l lifting) Recovery(ctx context.Context, region string, req contract.RecoveryRequest) (contract.RecoveryStatus, error) {
	s, err := l.caller.Recovery(ctx, region, req)
	if d := l.w.places[region].domain; err == nil && s.Done && req.Action == contract.ActionRecheck && d != nil {
		for _, i := range indices(d) {
			_ = d.cluster.SetWriteBlock(context.Background(), []string{i.Name}, false)
		}
	}
	return s, err
}

// asks are the custom resources' questions, answered or changed by a mutation.
type asks struct {
	custom.Functions
	f func(req *contract.RecoveryRequest) (contract.RecoveryStatus, bool)
}

func (a asks) Recovery(ctx context.Context, region string, req contract.RecoveryRequest) (contract.RecoveryStatus, error) {
	if s, ok := a.f(&req); ok {
		return s, nil
	}
	return a.Functions.Recovery(ctx, region, req)
}

type neverBack struct{}

func (neverBack) RollingBack(context.Context, string) (bool, error) { return false, nil }

type zones struct {
	route.Zone
	read func(r route.Record, err error) (route.Record, error)
}

func (z zones) Read(ctx context.Context, name string) (route.Record, error) {
	return z.read(z.Zone.Read(ctx, name))
}

// dropped loses changes that Route 53 refused, and believes that all is well.
type dropped struct{ route.Zone }

func (z dropped) Upsert(ctx context.Context, name string, w route.Wish) error {
	_ = z.Zone.Upsert(ctx, name, w)
	return nil
}

func (z dropped) Read(ctx context.Context, name string) (route.Record, error) {
	r, err := z.Zone.Read(ctx, name)
	if err == nil && r.Type != "" {
		return route.Record{}, errors.New("not looked after")
	}
	return r, err
}

// kind world: what the service and its users do hides a mutation that is rare anyway.
func kind() map[Unkindness]int {
	out := map[Unkindness]int{}
	for _, u := range Unkindnesses() {
		out[u] = 0
	}
	return out
}
