package checks_test

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/opensearch-dr/osdr/internal/config"
	"github.com/opensearch-dr/osdr/internal/contract"
	"github.com/opensearch-dr/osdr/internal/reader"
	"github.com/opensearch-dr/osdr/internal/template"
)

var _ reader.Cloud = (*cloud)(nil)

type object = map[string]any

// cloud answers from maps that a test changes. Its first state is what the
// templates say: the services and CloudFormation call properties alike.
type cloud struct {
	silent   string // Region that does not answer
	stacks   map[string]*reader.Stack
	bodies   map[string][]byte
	held     map[string][]reader.StackResource
	drifted  map[string][]reader.ResourceDrift
	domains  map[string]*reader.Domain
	funcs    map[string]*reader.Function
	asyncs   map[string]*reader.Resource
	packages map[string]map[string]string
	plans    map[string]*reader.Resource // schedules
	parts    map[string]map[reader.BucketPart]any
	tops     map[string][]string
	roles    map[string]*reader.Resource
	refused  []string // actions that a simulation denies
	keys     map[string]*reader.Key
	alarms   map[string]map[string]reader.Resource
	topics   map[string]*reader.Resource
	hearers  map[string][]reader.Subscription
	certs    map[string]*reader.Certificate
	logs     map[string]map[string]any
	params   map[string]string
	hosted   *reader.Zone
	limits   map[string]float64
	names    map[string][]string
	spare    int
	inside   map[string]*contract.Inspection
}

func copyOf(t *testing.T, m object) object {
	t.Helper()
	b, err := json.Marshal(m)
	if err != nil {
		t.Fatal(err)
	}
	var out object
	if err := json.Unmarshal(b, &out); err != nil {
		t.Fatal(err)
	}
	return out
}

// deployed templates.
func deployed(t *testing.T, a *template.Assembly, app *config.App) *cloud {
	c := &cloud{
		stacks: map[string]*reader.Stack{}, bodies: map[string][]byte{}, held: map[string][]reader.StackResource{}, drifted: map[string][]reader.ResourceDrift{},
		domains: map[string]*reader.Domain{}, funcs: map[string]*reader.Function{}, asyncs: map[string]*reader.Resource{}, packages: map[string]map[string]string{},
		plans: map[string]*reader.Resource{}, parts: map[string]map[reader.BucketPart]any{}, tops: map[string][]string{}, roles: map[string]*reader.Resource{},
		keys: map[string]*reader.Key{}, alarms: map[string]map[string]reader.Resource{}, topics: map[string]*reader.Resource{}, hearers: map[string][]reader.Subscription{},
		certs: map[string]*reader.Certificate{}, logs: map[string]map[string]any{}, params: map[string]string{}, hosted: &reader.Zone{Accelerated: "ENABLED"},
		limits: map[string]float64{"Domains per Region": 100, "Instances per domain": 80}, names: map[string][]string{}, spare: 900, inside: map[string]*contract.Inspection{},
	}
	for i := range a.Stacks {
		s := &a.Stacks[i]
		c.stacks[s.Name] = &reader.Stack{Name: s.Name, Status: "UPDATE_COMPLETE", Protected: s.Protected}
		c.bodies[s.Name] = s.Body
		c.params[s.Region+s.BootstrapParameter] = "30"
		for _, r := range s.Resources {
			name := r.Text(template.Named(r.Type))
			if name == "" {
				name = s.Name + "-" + r.ID
			}
			c.held[s.Name] = append(c.held[s.Name], reader.StackResource{ID: r.ID, Physical: name, Type: r.Type, Status: "CREATE_COMPLETE"})
			c.resource(t, a, s, r, name)
		}
	}
	for _, region := range []string{east, west} {
		n := app.Names()
		c.params[region+n.ActiveParameter()] = app.ActiveRegion
		arn := app.DNS.Certificates[region]
		if arn == "" {
			arn = "arn:aws:acm:" + region + ":" + account + ":certificate/made"
			c.params[region+n.CertificateParameter()] = arn
		}
		c.certs[arn] = &reader.Certificate{ARN: arn, Domain: app.DNS.Record, Status: "ISSUED", NotAfter: now.AddDate(1, 0, 0)}
		if d := c.domains[region]; d != nil {
			if o, ok := d.Properties["DomainEndpointOptions"].(object); ok {
				o["CustomEndpointCertificateArn"] = arn
			}
			c.inside[region] = inspected(app, region)
		}
		c.tops[region] = []string{"_dr/", cluster + "/"}
	}
	return c
}

func inspected(app *config.App, region string) *contract.Inspection {
	n := app.Names()
	i := &contract.Inspection{
		Region: region, Domain: contract.DomainReady, ClusterUUID: cluster, Version: "3.3.0", Health: "green", AutoCreate: "true",
		Mappings: []contract.MappingState{{Role: contract.ManageSnapshots}},
		Largest:  contract.ShardState{Index: "movies", Shards: 1, Bytes: 1 << 30},
		Indices:  []contract.IndexState{{Name: "movies", UUID: "u"}},
		LeftOut:  []contract.LeftOutState{{Name: ".opendistro_security", Reason: "system"}},
	}
	if region == app.ActiveRegion {
		i.Repositories = []contract.RepositoryState{{Name: contract.Repository, Bucket: n.Bucket(app.Other(region)), BasePath: cluster, Role: n.SnapshotRoleARN(region)}}
	} else {
		i.ClusterUUID = "BBBBBBBBBBBBBBBBBBBBBB"
		i.Repositories = []contract.RepositoryState{{Name: contract.InboundRepository, Bucket: n.Bucket(region), BasePath: cluster, Readonly: true}}
		i.Standby = &contract.StandbyStatus{Copy: "0000000002-0000000003", Newest: "0000000002-0000000003", AgeSeconds: 900}
	}
	return i
}

func (c *cloud) resource(t *testing.T, a *template.Assembly, s *template.Stack, r template.Resource, name string) {
	at := s.Region + "/" + name
	p := copyOf(t, r.Properties)
	have := &reader.Resource{Name: name, Properties: p}
	switch r.Type {
	case "AWS::OpenSearchService::Domain":
		c.domains[s.Region] = &reader.Domain{Resource: *have, Endpoint: "search-osdr." + s.Region + ".es.amazonaws.com", Created: true}
		if security, ok := p["AdvancedSecurityOptions"].(object); ok {
			delete(security, "MasterUserOptions") // AWS does not answer it
		}
	case "AWS::Lambda::Function":
		hash, _, _ := strings.Cut(r.Text("Code", "S3Key"), ".")
		dir := filepath.Join(a.Dir, "asset."+hash)
		body := []byte(hash)
		if what := strings.TrimPrefix(name, "osdr-"); slices.Contains([]string{"snapshot", "recovery", "promotion", "gate", "traffic"}, what) {
			built, err := os.ReadFile(filepath.Join("..", "..", "..", "stacks", "testdata", "lambda", what, "bootstrap"))
			if err != nil {
				t.Fatal(err)
			}
			body = built
		}
		if err := os.MkdirAll(dir, 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, "bootstrap"), body, 0o600); err != nil {
			t.Fatal(err)
		}
		c.funcs[at] = &reader.Function{Resource: *have, CodeURL: at, State: "Active"}
		c.packages[at] = map[string]string{"bootstrap": sum(body)}
	case "AWS::Lambda::EventInvokeConfig":
		c.asyncs[s.Region+"/"+r.Text("FunctionName")] = have
	case "AWS::Scheduler::Schedule":
		c.plans[s.Region+"/"+r.Text("GroupName")+"/"+name] = have
	case "AWS::S3::Bucket":
		parts := map[reader.BucketPart]any{}
		for _, part := range []reader.BucketPart{reader.Versioning, reader.Lifecycle, reader.Encryption, reader.PublicAccess, reader.Ownership} {
			parts[part] = p[string(part)]
		}
		for _, other := range s.Resources {
			if other.Type == "AWS::S3::BucketPolicy" {
				parts[reader.Policy] = copyOf(t, other.Properties)["PolicyDocument"]
			}
		}
		c.parts[s.Region] = parts
	case "AWS::IAM::Role":
		policies := object{}
		own, _ := p["Policies"].([]any)
		for _, one := range own {
			m := one.(object)
			policies[m["PolicyName"].(string)] = m["PolicyDocument"]
		}
		for _, other := range s.Resources {
			if other.Type == "AWS::IAM::Policy" && strings.Contains(fmt.Sprint(other.Properties["Roles"]), nameOrID(r, name)) {
				policies[other.Text("PolicyName")] = copyOf(t, other.Properties)["PolicyDocument"]
			}
		}
		have.Properties = object{"AssumeRolePolicyDocument": p["AssumeRolePolicyDocument"], "Policies": policies, "ManagedPolicyArns": []any{}}
		c.roles[name] = have
	case "AWS::KMS::Alias":
		u := r.Properties["TargetKeyId"].(template.Unknown)
		k := &reader.Key{ARN: "arn:aws:kms:" + s.Region + ":" + account + ":key/" + u.Expression, State: "Enabled", Rotating: true}
		for _, other := range s.Resources {
			if other.ID+".Arn" == u.Expression {
				k.Policy = copyOf(t, other.Properties)["KeyPolicy"]
			}
		}
		c.keys[at] = k
	case "AWS::CloudWatch::Alarm":
		p["ActionsEnabled"] = true
		if c.alarms[s.Region] == nil {
			c.alarms[s.Region] = map[string]reader.Resource{}
		}
		c.alarms[s.Region][name] = *have
	case "AWS::SNS::Topic":
		arn := "arn:aws:sns:" + s.Region + ":" + account + ":" + name
		c.topics[arn] = &reader.Resource{Name: arn, Properties: object{"KmsMasterKeyId": "alias/osdr-alarms"}}
		for _, other := range s.Resources {
			switch other.Type {
			case "AWS::SNS::TopicPolicy":
				c.topics[arn].Properties["Policy"] = copyOf(t, other.Properties)["PolicyDocument"]
			case "AWS::SNS::Subscription":
				c.hearers[arn] = append(c.hearers[arn], reader.Subscription{Protocol: other.Text("Protocol"), Endpoint: other.Text("Endpoint"), Confirmed: true})
			}
		}
	case "AWS::Logs::ResourcePolicy":
		c.logs[s.Region] = map[string]any{r.Text("PolicyName"): r.Text("PolicyDocument")}
	}
}

// nameOrID of a role, as a policy's list of roles shows it.
func nameOrID(r template.Resource, name string) string {
	if r.Text("RoleName") == "" {
		return r.ID
	}
	return name
}

// asked of a Region: a silent one answers when it is too late.
func (c *cloud) asked(ctx context.Context, region string) error {
	if region == c.silent {
		<-ctx.Done()
		return ctx.Err()
	}
	return nil
}

func (c *cloud) Stack(ctx context.Context, region, name string) (*reader.Stack, error) {
	return c.stacks[name], c.asked(ctx, region)
}
func (c *cloud) StackTemplate(ctx context.Context, region, name string) ([]byte, error) {
	return c.bodies[name], c.asked(ctx, region)
}
func (c *cloud) StackResources(ctx context.Context, region, name string) ([]reader.StackResource, error) {
	return c.held[name], c.asked(ctx, region)
}
func (c *cloud) StackDrift(ctx context.Context, region, name string) ([]reader.ResourceDrift, error) {
	return c.drifted[name], c.asked(ctx, region)
}
func (c *cloud) Domain(ctx context.Context, region, _ string) (*reader.Domain, error) {
	return c.domains[region], c.asked(ctx, region)
}
func (c *cloud) DomainNames(ctx context.Context, region string) ([]string, error) {
	return c.names[region], c.asked(ctx, region)
}
func (c *cloud) Function(ctx context.Context, region, name string) (*reader.Function, error) {
	return c.funcs[region+"/"+name], c.asked(ctx, region)
}
func (c *cloud) Async(ctx context.Context, region, name string) (*reader.Resource, error) {
	return c.asyncs[region+"/"+name], c.asked(ctx, region)
}
func (c *cloud) Code(_ context.Context, url string) (map[string]string, error) {
	return c.packages[url], nil
}
func (c *cloud) Concurrency(ctx context.Context, region string) (limit, unreserved int, err error) {
	return 1000, c.spare, c.asked(ctx, region)
}
func (c *cloud) Schedule(ctx context.Context, region, group, name string) (*reader.Resource, error) {
	return c.plans[region+"/"+group+"/"+name], c.asked(ctx, region)
}
func (c *cloud) Bucket(ctx context.Context, region, name string, part reader.BucketPart) (*reader.Resource, error) {
	parts, ok := c.parts[region]
	if !ok {
		return nil, c.asked(ctx, region)
	}
	r := &reader.Resource{Name: name, Properties: object{}}
	if v := parts[part]; v != nil {
		r.Properties[string(part)] = v
	}
	return r, c.asked(ctx, region)
}
func (c *cloud) Top(ctx context.Context, region, _ string) ([]string, error) {
	return c.tops[region], c.asked(ctx, region)
}
func (c *cloud) Role(_ context.Context, name string) (*reader.Resource, error) {
	return c.roles[name], nil
}
func (c *cloud) May(_ context.Context, _ string, actions []string, _ string) (denied []string, err error) {
	for _, a := range actions {
		if slices.Contains(c.refused, a) {
			denied = append(denied, a)
		}
	}
	return denied, nil
}
func (c *cloud) Key(ctx context.Context, region, alias string) (*reader.Key, error) {
	return c.keys[region+"/"+alias], c.asked(ctx, region)
}
func (c *cloud) Alarms(ctx context.Context, region string, _ []string) (map[string]reader.Resource, error) {
	return c.alarms[region], c.asked(ctx, region)
}
func (c *cloud) Topic(ctx context.Context, region, arn string) (*reader.Resource, error) {
	return c.topics[arn], c.asked(ctx, region)
}
func (c *cloud) Subscriptions(ctx context.Context, region, arn string) ([]reader.Subscription, error) {
	return c.hearers[arn], c.asked(ctx, region)
}
func (c *cloud) Certificate(ctx context.Context, region, arn string) (*reader.Certificate, error) {
	return c.certs[arn], c.asked(ctx, region)
}
func (c *cloud) LogPolicies(ctx context.Context, region string) (map[string]any, error) {
	return c.logs[region], c.asked(ctx, region)
}
func (c *cloud) Parameter(ctx context.Context, region, name string) (string, bool, error) {
	v, ok := c.params[region+name]
	return v, ok, c.asked(ctx, region)
}
func (c *cloud) Zone(context.Context, string) (*reader.Zone, error) { return c.hosted, nil }
func (c *cloud) Quotas(ctx context.Context, region, _ string) (map[string]float64, error) {
	return c.limits, c.asked(ctx, region)
}
func (c *cloud) Inspect(ctx context.Context, region, _ string) (*contract.Inspection, error) {
	return c.inside[region], c.asked(ctx, region)
}
func (c *cloud) Reach(ctx context.Context, region string) error { return c.asked(ctx, region) }
