package access_test

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/opensearch-dr/osdr/internal/access"
	"github.com/opensearch-dr/osdr/internal/contract"
	"github.com/opensearch-dr/osdr/internal/opensearch"
	"github.com/opensearch-dr/osdr/internal/opensearch/opensearchtest"
)

var settings = contract.Settings{
	Name: "films", Account: "111122223333", PrimaryRegion: "us-east-1", SecondaryRegion: "us-west-2",
	Admins: []string{"arn:aws:iam::111122223333:role/people", "arn:aws:iam::111122223333:user/ops"},
}

func TestMap(t *testing.T) {
	n := settings.Names()
	c := opensearchtest.New(opensearchtest.Options{Seed: 1, Clock: time.Now, Master: n.MasterRoleARN("us-east-1")})
	master := c.As(n.MasterRoleARN("us-east-1"))
	own := opensearch.RoleMapping{BackendRoles: []string{"arn:aws:iam::111122223333:role/theirs"}, Users: []string{"kibana"}}
	if err := c.PutRoleMapping(t.Context(), contract.ManageSnapshots, own); err != nil {
		t.Fatal(err)
	}
	wish := access.For(settings, "us-east-1", opensearch.AgentPermissions())
	r, err := access.Map(t.Context(), master, wish)
	if err != nil || len(r.Changed) != 6 {
		t.Fatalf("%+v %v", r, err)
	}
	if !c.AuditEnabled() {
		t.Error("D6: the audit log is off")
	}
	m, err := c.RoleMapping(t.Context(), contract.ManageSnapshots)
	if err != nil || !slices.Contains(m.BackendRoles, own.BackendRoles[0]) || !slices.Contains(m.Users, "kibana") || len(m.BackendRoles) != 4 {
		t.Errorf("entries of others: %+v %v", m, err)
	}
	m, err = c.RoleMapping(t.Context(), access.AllAccess)
	if err != nil || !slices.Contains(m.Users, settings.Admins[1]) || !slices.Contains(m.BackendRoles, settings.Admins[0]) || !slices.Contains(m.BackendRoles, n.MasterRoleARN("us-east-1")) {
		t.Errorf("admins: %+v %v", m, err)
	}
	writes := 0
	c.Intercept(func(call string) opensearchtest.Verdict {
		if strings.HasPrefix(call, "Put") {
			writes++
		}
		return opensearchtest.Verdict{}
	})
	if r, err := access.Map(t.Context(), master, wish); err != nil || len(r.Changed) > 0 || writes > 0 {
		t.Errorf("the second time: %+v %v, %d writes", r, err, writes)
	}
	if err := c.PutRole(t.Context(), contract.AgentRole, opensearch.Role{ClusterPermissions: []string{"*"}}); err != nil {
		t.Fatal(err)
	}
	if r, err := access.Map(t.Context(), master, wish); err != nil || len(r.Changed) != 1 {
		t.Errorf("a role that somebody widened: %+v %v", r, err)
	}
	c.HideAudit()
	if r, err := access.Map(t.Context(), master, wish); err != nil || len(r.Notices) != 1 {
		t.Errorf("without an audit API: %+v %v", r, err)
	}
}

func TestD6_TroubleWithTheAuditLogStopsNoMapping(t *testing.T) {
	n := settings.Names()
	c := opensearchtest.New(opensearchtest.Options{Seed: 1, Clock: time.Now, Master: n.MasterRoleARN("us-east-1")})
	c.Intercept(func(call string) opensearchtest.Verdict {
		if call == "EnableAudit" {
			return opensearchtest.Verdict{Before: &opensearch.Error{Step: "enable audit log", Status: 400, Type: "BAD_REQUEST", Reason: "Invalid configuration"}}
		}
		return opensearchtest.Verdict{}
	})
	r, err := access.Map(t.Context(), c.As(n.MasterRoleARN("us-east-1")), access.For(settings, "us-east-1", opensearch.AgentPermissions()))
	if err != nil || len(r.Changed) == 0 {
		t.Fatalf("%+v %v", r, err)
	}
	if r.Audit == nil || !strings.Contains(strings.Join(r.Notices, " "), "Invalid configuration") {
		t.Errorf("nobody is told: %+v", r)
	}
}

func TestF14_MasterIsNotTheDomains(t *testing.T) {
	c := opensearchtest.New(opensearchtest.Options{Seed: 1, Clock: time.Now})
	_, err := access.Map(t.Context(), c.As("arn:aws:iam::111122223333:role/nobody"), access.For(settings, "us-east-1", opensearch.AgentPermissions()))
	var e *opensearch.Error
	if !errors.As(err, &e) || !strings.Contains(err.Error(), "MasterUserARN") {
		t.Errorf("%v", err)
	}
}
