package recovery

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/opensearch-dr/osdr/internal/access"
	"github.com/opensearch-dr/osdr/internal/contract"
	"github.com/opensearch-dr/osdr/internal/domain"
	"github.com/opensearch-dr/osdr/internal/fence"
	"github.com/opensearch-dr/osdr/internal/ledger"
	"github.com/opensearch-dr/osdr/internal/opensearch"
	"github.com/opensearch-dr/osdr/internal/point"
	"github.com/opensearch-dr/osdr/internal/snapshot"
)

// onlyLooks are the actions that may be asked through contract.LookAlias.
var onlyLooks = []string{contract.ActionInspect, contract.ActionStatus}

// MayLook refuses what changes anything when it is asked by the alias that only
// looks. invoked is the ARN that the caller named, which Lambda tells and a caller
// cannot choose without the permission for it
// (docs.aws.amazon.com/lambda/latest/dg/golang-context.html).
func MayLook(invoked string, req contract.RecoveryRequest) error {
	if strings.HasSuffix(invoked, ":"+contract.LookAlias) && !slices.Contains(onlyLooks, req.Action) {
		return fmt.Errorf("action %q was asked through the alias %s, which only looks; allowed: %s", req.Action, contract.LookAlias, strings.Join(onlyLooks, ", "))
	}
	return nil
}

// inspect is ActionInspect: what only the domain can tell. It takes no lease and
// changes nothing; a part that cannot be looked at does not hide the others.
func (r *run) inspect(ctx context.Context) error {
	i := &contract.Inspection{Region: r.Region, Domain: contract.DomainAbsent, Failed: map[string]string{}}
	r.status.Phase, r.status.Done, r.status.Inspection = "inspected", true, i
	if err := r.describe(ctx); err != nil {
		return err
	}
	if !r.desc.Exists {
		return nil
	}
	if i.Domain = r.desc.Busy(); i.Domain != "" && r.desc.Endpoint == "" {
		return nil
	}
	i.Domain = contract.DomainReady // one that is changing can be looked at
	dom, err := r.Plane.OpenRecovery(ctx, r.Region, r.desc.Endpoint)
	if err != nil {
		return err
	}
	for _, part := range []struct {
		name string
		look func(context.Context, domain.Recovery, *contract.Inspection) error
	}{
		{contract.PartIdentity, r.inspectIdentity},
		{contract.PartHealth, inspectHealth},
		{contract.PartMappings, r.inspectMappings},
		{contract.PartRepositories, r.inspectRepositories},
		{contract.PartIndices, inspectIndices},
		{contract.PartSettings, inspectSettings},
		{contract.PartStandby, r.inspectStandby},
	} {
		if err := part.look(ctx, dom, i); err != nil {
			i.Failed[part.name] = fmt.Sprintf("look at the %s of the domain in %s: %v", part.name, r.Region, err)
		}
	}
	return nil
}

func (r *run) inspectIdentity(ctx context.Context, dom domain.Recovery, i *contract.Inspection) error {
	info, err := dom.Info(ctx)
	if err != nil {
		return err
	}
	i.ClusterUUID, i.Version = info.ClusterUUID, info.Version
	rec, err := fence.Load(ctx, r.Own, info.ClusterUUID)
	i.Fenced = rec != nil
	return err
}

func inspectHealth(ctx context.Context, dom domain.Recovery, i *contract.Inspection) error {
	h, err := dom.Health(ctx)
	i.Health = string(h)
	return err
}

func (r *run) inspectMappings(ctx context.Context, _ domain.Recovery, i *contract.Inspection) error {
	sec, err := r.Plane.OpenSecurity(ctx, r.Region, r.desc.Endpoint)
	if err != nil {
		return err
	}
	// What the minute run would change is what is not as it should be.
	would, err := access.Map(ctx, dry{sec}, access.For(r.Settings, r.Region, r.Agent))
	if err != nil {
		return err
	}
	for _, line := range would.Changed {
		if role, ok := strings.CutPrefix(line, "role "); ok {
			i.Mappings = append(i.Mappings, contract.MappingState{Role: role, Absent: true})
		} else if role, missing, ok := strings.Cut(line, " <- "); ok {
			i.Mappings = append(i.Mappings, contract.MappingState{Role: role, Missing: strings.Split(missing, ", ")})
		}
	}
	return nil
}

// dry reads and writes nothing.
type dry struct{ opensearch.Security }

func (dry) PutRole(context.Context, string, opensearch.Role) error               { return nil }
func (dry) PutRoleMapping(context.Context, string, opensearch.RoleMapping) error { return nil }
func (dry) EnableAudit(context.Context) error                                    { return nil }

// inspectRepositories that lead to a bucket of the pair, whoever registered them,
// and the product's own names, wherever they lead.
func (r *run) inspectRepositories(ctx context.Context, dom domain.Recovery, i *contract.Inspection) error {
	all, err := dom.Repositories(ctx)
	if err != nil {
		return err
	}
	for _, name := range slices.Sorted(maps.Keys(all)) {
		repo := all[name]
		own := name == contract.Repository || name == contract.InboundRepository
		if !own && repo.Bucket != r.Own.Name() && repo.Bucket != r.Other.Name() {
			continue
		}
		s := contract.RepositoryState{Name: name, Bucket: repo.Bucket, BasePath: repo.BasePath, Role: repo.RoleARN, Readonly: repo.ReadOnly}
		// The verification of a writable one writes a blob: an inspection does not, and
		// the next snapshot verifies it anyway.
		if repo.ReadOnly {
			if err := dom.VerifyRepository(ctx, name); err != nil {
				s.Refused = err.Error()
			}
		}
		i.Repositories = append(i.Repositories, s)
	}
	return nil
}

func inspectIndices(ctx context.Context, dom domain.Recovery, i *contract.Inspection) error {
	indices, err := dom.Indices(ctx)
	if err != nil {
		return err
	}
	streams, err := dom.DataStreams(ctx)
	if err != nil {
		return err
	}
	sel := snapshot.Select(indices, streams)
	worrying := sel.Worrying()
	tier := map[string]string{}
	for _, x := range indices {
		tier[x.Name] = x.Tier
	}
	for _, l := range sel.LeftOut {
		i.LeftOut = append(i.LeftOut, contract.LeftOutState{Name: l.Name, Reason: l.Reason, Worrying: slices.Contains(worrying, l), Warm: tier[l.Name] != ""})
	}
	for _, x := range sel.Indices {
		i.Indices = append(i.Indices, contract.IndexState{Name: x.Name, UUID: x.UUID})
		if slices.Contains(x.Blocks, "write") {
			i.Blocked = append(i.Blocked, contract.BlockedIndex{Name: x.Name, UUID: x.UUID})
		}
		// The engine tells sizes of indexes; shards of one are about equal.
		if shard := x.Bytes / int64(max(1, x.Primaries)); shard > i.Largest.Bytes {
			i.Largest = contract.ShardState{Index: x.Name, Bytes: shard, Shards: x.Primaries}
		}
	}
	return nil
}

// inspectStandby: what the notes of the idle Region's domain say. This Region's own
// ledger and points tell enough: the other Region may be silent, and an inspection
// that waited for it would tell nothing at all in time.
func (r *run) inspectStandby(ctx context.Context, _ domain.Recovery, i *contract.Inspection) (err error) {
	if notes, _, err := r.standbyNotes(ctx); err != nil || notes == nil {
		return err
	}
	if r.now, err = r.Own.Now(ctx); err != nil {
		return err
	}
	v := ledger.ReadOne(ctx, r.Own)
	if v.Answer != ledger.Present || v.Ledger.ActiveRegion == r.Region {
		return v.Err
	}
	r.led = v.Ledger
	p, ok, err := point.LoadNewest(ctx, r.Own)
	if err != nil {
		return err
	}
	if ok {
		r.newest = []point.Point{p}
	}
	i.Standby, err = r.standsBy(ctx, i.ClusterUUID)
	return err
}

func inspectSettings(ctx context.Context, dom domain.Recovery, i *contract.Inspection) error {
	value, set, err := dom.AutoCreate(ctx)
	if err != nil {
		return err
	}
	i.AutoCreate, i.AutoCreateLeft = value, set && value == fence.NoAutoCreate
	i.ArchivedSettings, err = dom.ArchivedSettings(ctx)
	return err
}
