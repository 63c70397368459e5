package simulation

import (
	"github.com/opensearch-dr/osdr/internal/contract"
	"github.com/opensearch-dr/osdr/internal/custom"
	"github.com/opensearch-dr/osdr/internal/recovery"
	"github.com/opensearch-dr/osdr/internal/snapshot"
	"github.com/opensearch-dr/osdr/internal/store"
)

// Mutation is one promise of the protocol broken on purpose, at a seam that the
// product has anyway: what it reads, what it is told, what it does not do. The
// zero value breaks nothing.
type Mutation struct {
	Bucket   func(p *process, b store.Bucket) store.Bucket
	Engine   func(d *standing, e engine) engine
	Recovery func(p *process, d *recovery.Deps)
	Snapshot func(p *process, d *snapshot.Deps)
	Custom   func(p *process, h *custom.Handler)
	Request  func(w *world, region string, r *contract.RecoveryRequest)
	// Told is what a controller's answer names, before anybody reads it.
	Told func(s *contract.RecoveryStatus)
}
