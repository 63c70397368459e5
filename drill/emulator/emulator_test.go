package emulator_test

import (
	"crypto/tls"
	"errors"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation"
	cfntypes "github.com/aws/aws-sdk-go-v2/service/cloudformation/types"
	"github.com/aws/aws-sdk-go-v2/service/opensearch"
	"github.com/aws/aws-sdk-go-v2/service/opensearch/types"
	"github.com/aws/aws-sdk-go-v2/service/route53"
	route53types "github.com/aws/aws-sdk-go-v2/service/route53/types"
	"github.com/aws/aws-sdk-go-v2/service/servicequotas"
	"github.com/aws/smithy-go"

	"github.com/opensearch-dr/osdr/drill/certs"
	"github.com/opensearch-dr/osdr/drill/emulator"
	"github.com/opensearch-dr/osdr/drill/gateway"
	"github.com/opensearch-dr/osdr/drill/install"
)

const (
	account = "111122223333"
	region  = "us-west-2"
)

func policy(statement map[string]any) emulator.Policy {
	return emulator.Policy{"Version": "2012-10-17", "Statement": []any{statement}}
}

// rig is an emulator whose drill answers when release is closed.
type rig struct {
	*emulator.Emulator
	http    *http.Client
	release chan struct{}
}

func start(t *testing.T) *rig {
	t.Helper()
	tools, err := install.Install(t.Context(), install.Options{})
	if err != nil {
		t.Fatal(err)
	}
	folder := t.TempDir()
	files, err := certs.Make(filepath.Join(folder, "certs"), nil)
	if err != nil {
		t.Fatal(err)
	}
	r := &rig{release: make(chan struct{})}
	control := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, request *http.Request) {
		if request.URL.Path == "/domains" {
			<-r.release
		}
		w.WriteHeader(http.StatusNoContent)
	}))
	r.Emulator, err = emulator.Start(t.Context(), emulator.Options{
		Folder: filepath.Join(folder, "emulator"), Tools: tools, Certs: files, Account: account, Control: control.URL,
	})
	if err != nil {
		t.Fatal(err)
	}
	r.http = &http.Client{Timeout: 20 * time.Second, Transport: &http.Transport{TLSClientConfig: &tls.Config{RootCAs: files.Pool()}}}
	t.Cleanup(func() {
		if err := r.Stop(); err != nil {
			t.Error(err)
		}
		control.Close()
	})
	return r
}

func (r *rig) opensearch(who gateway.Identity) *opensearch.Client {
	return opensearch.New(opensearch.Options{
		Region: region, BaseEndpoint: aws.String(r.URL()), HTTPClient: r.http,
		Credentials: credentials.NewStaticCredentialsProvider(who.AccessKeyID, who.Secret, who.Token),
	})
}

func TestEmulatorTellsTheTruth(t *testing.T) {
	r := start(t)
	ctx := t.Context()
	admin, err := r.CreateUser(ctx, "admin", policy(map[string]any{"Effect": "Allow", "Action": "*", "Resource": "*"}))
	if err != nil {
		t.Fatal(err)
	}

	t.Run("keys", func(t *testing.T) {
		if got, err := r.Identify(ctx, admin.AccessKeyID); err != nil || got != admin {
			t.Errorf("the admin's key: %+v, %v", got, err)
		}
		for _, key := range []string{"AKIANOBODY", "test", account} {
			if _, err := r.Identify(ctx, key); !errors.Is(err, gateway.ErrUnknownKey) {
				t.Errorf("key %s: %v, want ErrUnknownKey", key, err)
			}
		}
	})

	t.Run("a service assumes a role only as its trust policy says", func(t *testing.T) {
		const source = "arn:aws:es:" + region + ":" + account + ":domain/movies"
		role, err := r.CreateRole(ctx, "snapshots", policy(map[string]any{
			"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": map[string]any{"Service": "es.amazonaws.com"},
			"Condition": map[string]any{
				"StringEquals": map[string]any{"aws:SourceAccount": account},
				"ArnLike":      map[string]any{"aws:SourceArn": source},
			},
		}), nil)
		if err != nil {
			t.Fatal(err)
		}
		got, err := r.AssumeForService(ctx, role, "node", "es.amazonaws.com", source, account)
		if err != nil || got.RoleARN != role || got.Token == "" {
			t.Errorf("as trusted: %+v, %v", got, err)
		}
		for what, ask := range map[string][3]string{
			"another domain":  {"es.amazonaws.com", source + "2", account},
			"another account": {"es.amazonaws.com", source, "444455556666"},
			"another service": {"lambda.amazonaws.com", source, account},
		} {
			if _, err := r.AssumeForService(ctx, role, "node", ask[0], ask[1], ask[2]); !errors.Is(err, emulator.ErrRefused) {
				t.Errorf("%s: %v, want ErrRefused", what, err)
			}
		}
	})

	t.Run("domains", func(t *testing.T) {
		const arn = "arn:aws:es:" + region + ":" + account + ":domain/"
		viewer, err := r.CreateUser(ctx, "viewer", policy(map[string]any{"Effect": "Allow", "Action": "es:DescribeDomain", "Resource": arn + "movies"}))
		if err != nil {
			t.Fatal(err)
		}
		// CloudFormation waits for the node, and the emulator goes on meanwhile.
		stacks := cloudformation.New(cloudformation.Options{
			Region: region, BaseEndpoint: aws.String(r.URL()), HTTPClient: r.http,
			Credentials: credentials.NewStaticCredentialsProvider(admin.AccessKeyID, admin.Secret, ""),
		})
		_, err = stacks.CreateStack(ctx, &cloudformation.CreateStackInput{StackName: aws.String("s"), TemplateBody: aws.String(
			`{"Resources":{"D":{"Type":"AWS::OpenSearchService::Domain","Properties":{"DomainName":"movies"}}}}`)})
		if err != nil {
			t.Fatal(err)
		}
		status := func() cfntypes.StackStatus {
			out, err := stacks.DescribeStacks(ctx, &cloudformation.DescribeStacksInput{StackName: aws.String("s")})
			if err != nil {
				t.Fatal(err)
			}
			return out.Stacks[0].StackStatus
		}
		describe := func() *types.DomainStatus {
			out, err := r.opensearch(viewer).DescribeDomain(ctx, &opensearch.DescribeDomainInput{DomainName: aws.String("movies")})
			if err != nil {
				t.Fatal(err)
			}
			return out.DomainStatus
		}
		until(t, func() bool { // the stack reaches it in its own time
			_, err := r.opensearch(admin).DescribeDomain(ctx, &opensearch.DescribeDomainInput{DomainName: aws.String("movies")})
			return err == nil
		})
		if d := describe(); d.Endpoint != nil || !aws.ToBool(d.Processing) || status() != cfntypes.StackStatusCreateInProgress {
			t.Errorf("while the node starts: endpoint %v, processing %v, stack %s", d.Endpoint, aws.ToBool(d.Processing), status())
		}
		// What is being changed takes no other change (what a command meets that is
		// run again after a cut).
		change := &cloudformation.CreateChangeSetInput{StackName: aws.String("s"), ChangeSetName: aws.String("again"), TemplateBody: aws.String(
			`{"Resources":{"D":{"Type":"AWS::OpenSearchService::Domain","Properties":{"DomainName":"movies","EngineVersion":"OpenSearch_3.3"}}}}`)}
		var busy smithy.APIError
		if _, err := stacks.CreateChangeSet(ctx, change); !errors.As(err, &busy) || !strings.Contains(busy.ErrorMessage(), "is in CREATE_IN_PROGRESS state and can not be updated") {
			t.Errorf("a change set of a stack that is being made: %v, want a refusal", err)
		}
		close(r.release)
		until(t, func() bool { return status() == cfntypes.StackStatusCreateComplete })
		if _, err := stacks.CreateChangeSet(ctx, change); err != nil {
			t.Errorf("a change set of a stack at rest: %v", err)
		}
		if d := describe(); d.Endpoint == nil || aws.ToBool(d.Processing) {
			t.Errorf("when the node runs: endpoint %v, processing %v", d.Endpoint, aws.ToBool(d.Processing))
		}
		// A policy scoped to a domain's ARN allows that domain and no other.
		var denied smithy.APIError
		_, err = r.opensearch(viewer).DescribeDomain(ctx, &opensearch.DescribeDomainInput{DomainName: aws.String("other")})
		if !errors.As(err, &denied) || denied.ErrorCode() != "AccessDeniedException" {
			t.Errorf("another domain: %v, want AccessDeniedException", err)
		}
		for resource, want := range map[string]bool{arn + "movies": true, arn + "other": false} {
			got, err := r.Allowed(ctx, gateway.Question{PrincipalARN: viewer.PrincipalARN, Action: "es:DescribeDomain", Resource: resource})
			if err != nil || got.Allowed != want {
				t.Errorf("%s: %+v, %v; want %v", resource, got, err, want)
			}
		}
	})
}

// What `osdr drift --ready` asks of an account.
func TestQuotasAndAcceleratedRecovery(t *testing.T) {
	r := start(t)
	ctx := t.Context()
	user := func(name, action string) aws.CredentialsProvider {
		who, err := r.CreateUser(ctx, name, policy(map[string]any{"Effect": "Allow", "Action": action, "Resource": "*"}))
		if err != nil {
			t.Fatal(err)
		}
		return credentials.NewStaticCredentialsProvider(who.AccessKeyID, who.Secret, who.Token)
	}
	quotas := func(who aws.CredentialsProvider, service string) (*servicequotas.ListServiceQuotasOutput, error) {
		return servicequotas.New(servicequotas.Options{Region: region, BaseEndpoint: aws.String(r.URL()), HTTPClient: r.http, Credentials: who}).
			ListServiceQuotas(ctx, &servicequotas.ListServiceQuotasInput{ServiceCode: &service})
	}
	got, err := quotas(user("reader", "servicequotas:ListServiceQuotas"), "es")
	if err != nil {
		t.Fatal(err)
	}
	have := map[string]float64{}
	for _, q := range got.Quotas {
		have[aws.ToString(q.QuotaName)] = aws.ToFloat64(q.Value)
	}
	if have["Domains per Region"] != 100 || have["Instances per domain"] != 80 {
		t.Errorf("quotas %v", have)
	}
	var denied smithy.APIError
	if _, err := quotas(user("stranger", "servicequotas:ListServices"), "es"); !errors.As(err, &denied) || denied.ErrorCode() != "AccessDeniedException" {
		t.Errorf("by a stranger: %v, want AccessDeniedException", err)
	}

	zones := route53.New(route53.Options{Region: region, BaseEndpoint: aws.String(r.URL()), HTTPClient: r.http, Credentials: user("admin", "*")})
	made, err := zones.CreateHostedZone(ctx, &route53.CreateHostedZoneInput{Name: aws.String("example.com."), CallerReference: aws.String("1")})
	if err != nil {
		t.Fatal(err)
	}
	if made.HostedZone.Features != nil {
		t.Errorf("a new zone has %+v", made.HostedZone.Features)
	}
	for on, want := range map[bool]route53types.AcceleratedRecoveryStatus{true: "ENABLED", false: "DISABLED"} {
		if _, err := zones.UpdateHostedZoneFeatures(ctx, &route53.UpdateHostedZoneFeaturesInput{HostedZoneId: made.HostedZone.Id, EnableAcceleratedRecovery: &on}); err != nil {
			t.Fatal(err)
		}
		zone, err := zones.GetHostedZone(ctx, &route53.GetHostedZoneInput{Id: made.HostedZone.Id})
		if err != nil || zone.HostedZone.Features == nil || zone.HostedZone.Features.AcceleratedRecoveryStatus != want {
			t.Errorf("turned on %t: %+v, %v", on, zone, err)
		}
	}
}

func until(t *testing.T, is func() bool) {
	t.Helper()
	for end := time.Now().Add(30 * time.Second); time.Now().Before(end); time.Sleep(50 * time.Millisecond) {
		if is() {
			return
		}
	}
	t.Fatal("waited in vain")
}
