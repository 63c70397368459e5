// Package access maps the roles that the product signs with inside the domain,
// and nothing more: it adds what is missing, keeps every entry of others, and
// writes only what differs, so that a run each minute changes nothing. It is the
// only user of the master role.
//
// The article maps TheSnapshotRole to manage_snapshots; AWS asks for the role
// that signs and passes it
// (https://docs.aws.amazon.com/opensearch-service/latest/developerguide/managedomains-snapshot-registerdirectory.html).
// Both are mapped: the one works, the other is harmless and what readers of the
// article look for.
package access

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/opensearch-dr/osdr/internal/contract"
	"github.com/opensearch-dr/osdr/internal/opensearch"
)

// AllAccess is the engine's role of administrators.
const AllAccess = "all_access"

// Wish names who may do what. All entries are IAM ARNs.
type Wish struct {
	Signers      []string // roles of the functions: manage_snapshots and the agent role
	SnapshotRole string   // TheSnapshotRole: manage_snapshots, as in the article
	Admins       []string // roles or users: all_access
	Agent        opensearch.Role
	Controller   string // role of the recovery function, which alone has Recovery
	Recovery     opensearch.Role
}

// For is the wish of one Region.
func For(s contract.Settings, region string, agent opensearch.Role) Wish {
	n := s.Names()
	return Wish{
		Signers:      []string{n.FunctionRoleARN(contract.Snapshot, region), n.FunctionRoleARN(contract.Recovery, region)},
		SnapshotRole: n.SnapshotRoleARN(region),
		Admins:       s.Admins,
		Agent:        agent,
		Controller:   n.FunctionRoleARN(contract.Recovery, region),
		Recovery:     opensearch.RecoveryPermissions(),
	}
}

// Result of Map.
type Result struct {
	Changed []string // what this call wrote, for people; empty when all was right
	Notices []string
	// Audit is why the audit log could not be switched on. The roles are mapped
	// all the same: without them nothing protects the domain, without the log it
	// is only less observed.
	Audit error
}

// Map makes the domain's roles and mappings say w. An admin who is taken out of
// the configuration stays mapped: nobody can tell that entry from one added by
// hand.
func Map(ctx context.Context, sec opensearch.Security, w Wish) (Result, error) {
	var r Result
	if err := r.role(ctx, sec, contract.AgentRole, w.Agent); err != nil {
		return r, err
	}
	if err := r.role(ctx, sec, contract.RecoveryRole, w.Recovery); err != nil {
		return r, err
	}
	for _, m := range []struct {
		role string
		arns []string
	}{
		{contract.ManageSnapshots, append(slices.Clone(w.Signers), w.SnapshotRole)},
		{contract.AgentRole, w.Signers},
		{contract.RecoveryRole, []string{w.Controller}},
		{AllAccess, w.Admins},
	} {
		if err := r.mapping(ctx, sec, m.role, m.arns); err != nil {
			return r, err
		}
	}
	switch err := sec.EnableAudit(ctx); {
	case errors.Is(err, opensearch.ErrNotOffered):
		r.Notices = append(r.Notices, "audit log: "+err.Error())
	case err != nil:
		r.Audit = hint("switch the audit log on", err)
		r.Notices = append(r.Notices, "audit log: "+err.Error())
	}
	return r, nil
}

func (r *Result) role(ctx context.Context, sec opensearch.Security, name string, want opensearch.Role) error {
	have, err := sec.Role(ctx, name)
	if err != nil && !errors.Is(err, opensearch.ErrNotFound) {
		return hint("read role "+name, err)
	}
	if err == nil && sameRole(have, want) {
		return nil
	}
	if err := sec.PutRole(ctx, name, want); err != nil {
		return hint("write role "+name, err)
	}
	r.Changed = append(r.Changed, "role "+name)
	return nil
}

func (r *Result) mapping(ctx context.Context, sec opensearch.Security, role string, arns []string) error {
	if len(arns) == 0 {
		return nil
	}
	have, err := sec.RoleMapping(ctx, role)
	if err != nil && !errors.Is(err, opensearch.ErrNotFound) {
		return hint("read mapping of "+role, err)
	}
	want := opensearch.RoleMapping{
		BackendRoles: slices.Clone(have.BackendRoles), Users: slices.Clone(have.Users), Hosts: slices.Clone(have.Hosts),
	}
	var added []string
	for _, arn := range arns {
		list := &want.BackendRoles
		if strings.Contains(arn, ":user/") {
			list = &want.Users // an IAM user signs as itself, without a backend role
		}
		if !slices.Contains(*list, arn) {
			*list = append(*list, arn)
			added = append(added, arn)
		}
	}
	if len(added) == 0 {
		return nil
	}
	if err := sec.PutRoleMapping(ctx, role, want); err != nil {
		return hint("map "+role, err)
	}
	r.Changed = append(r.Changed, role+" <- "+strings.Join(added, ", "))
	return nil
}

func sameRole(a, b opensearch.Role) bool {
	if !sameSet(a.ClusterPermissions, b.ClusterPermissions) || len(a.IndexPermissions) != len(b.IndexPermissions) {
		return false
	}
	for i, p := range a.IndexPermissions {
		q := b.IndexPermissions[i]
		if !sameSet(p.IndexPatterns, q.IndexPatterns) || !sameSet(p.AllowedActions, q.AllowedActions) {
			return false
		}
	}
	return true
}

func sameSet(a, b []string) bool {
	a, b = slices.Clone(a), slices.Clone(b)
	slices.Sort(a)
	slices.Sort(b)
	return slices.Equal(a, b)
}

func hint(step string, err error) error {
	if opensearch.IsForbidden(err) {
		return fmt.Errorf("map access: %s: the domain does not take the master role; its fine-grained access control must name it as MasterUserARN: %w", step, err)
	}
	return fmt.Errorf("map access: %s: %w", step, err)
}
