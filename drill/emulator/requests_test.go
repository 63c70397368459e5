package emulator_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation"
	cfntypes "github.com/aws/aws-sdk-go-v2/service/cloudformation/types"
	"github.com/aws/aws-sdk-go-v2/service/opensearch"
	"github.com/aws/aws-sdk-go-v2/service/opensearch/types"
	"github.com/aws/smithy-go"

	"github.com/opensearch-dr/osdr/drill/emulator"
)

func TestRequestsForDomainsAreChecked(t *testing.T) {
	r := start(t)
	close(r.release)
	ctx := t.Context()
	admin, err := r.CreateUser(ctx, "admin", policy(map[string]any{"Effect": "Allow", "Action": "*", "Resource": "*"}))
	if err != nil {
		t.Fatal(err)
	}
	volume := func(size, throughput, iops int32) *types.EBSOptions {
		o := &types.EBSOptions{EBSEnabled: aws.Bool(true), VolumeType: types.VolumeTypeGp3, VolumeSize: &size}
		if throughput > 0 {
			o.Throughput = &throughput
		}
		if iops > 0 {
			o.Iops = &iops
		}
		return o
	}
	rows := []struct {
		name, version, kind string
		volume              *types.EBSOptions
		code, message       string
	}{
		{"the product's default", "OpenSearch_3.3", "r7g.large.search", volume(100, 125, 0), "", ""},
		{"a larger volume with the default throughput", "OpenSearch_3.3", "r7g.large.search", volume(200, 125, 0), "LimitExceededException", "Throughput must be between 250 and 1000."},
		{"an older type", "OpenSearch_3.3", "r6g.large.search", volume(200, 125, 0), "LimitExceededException", "Throughput must be between 250 and 593."},
		{"two TiB with the default IOPS", "OpenSearch_3.3", "r7g.large.search", volume(2048, 250, 3000), "LimitExceededException", "IOPS must be between 6144 and 16000."},
		{"the service chooses", "OpenSearch_3.3", "r7g.large.search", volume(2048, 0, 0), "", ""},
		{"an engine that was never offered", "OpenSearch_3.2", "r7g.large.search", volume(100, 125, 0), "ValidationException", "Invalid engine version: OpenSearch_3.2."},
		{"an engine newer than the nodes", "OpenSearch_3.5", "r7g.large.search", volume(100, 125, 0), "ValidationException", "Invalid engine version: OpenSearch_3.5."},
		{"a type that there is not", "OpenSearch_3.3", "r7g.huge.search", volume(100, 125, 0), "ValidationException", "Invalid instance type: r7g.huge.search"},
		{"a volume beside own disks", "OpenSearch_3.3", "i4i.large.search", volume(100, 125, 0), "ValidationException", "EBS volumes are not supported with the instance type i4i.large.search."},
	}
	for n, row := range rows {
		name := fmt.Sprintf("films-%d", n)
		_, err := r.opensearch(admin).CreateDomain(ctx, &opensearch.CreateDomainInput{DomainName: &name, EngineVersion: &row.version,
			ClusterConfig: &types.ClusterConfig{InstanceType: types.OpenSearchPartitionInstanceType(row.kind)}, EBSOptions: row.volume})
		var refused smithy.APIError
		switch {
		case row.code == "" && err != nil:
			t.Errorf("%s: %v", row.name, err)
		case row.code != "" && (!errors.As(err, &refused) || refused.ErrorCode() != row.code || !strings.Contains(refused.ErrorMessage(), row.message)):
			t.Errorf("%s: %v, want %s %s", row.name, err, row.code, row.message)
		}
	}

	stacks := cloudformation.New(cloudformation.Options{Region: region, BaseEndpoint: aws.String(r.URL()), HTTPClient: r.http,
		Credentials: credentials.NewStaticCredentialsProvider(admin.AccessKeyID, admin.Secret, "")})
	for stack, row := range map[string]struct{ properties, want string }{
		"limit":   {`"EBSOptions":{"EBSEnabled":true,"VolumeType":"gp3","VolumeSize":500,"Throughput":125}`, `Resource handler returned message: "null" (`},
		"invalid": {`"ClusterConfig":{"InstanceType":"r7g.huge.search"}`, `Resource handler returned message: "Invalid request provided: Invalid instance type: r7g.huge.search" (`},
	} {
		if _, err := stacks.CreateStack(ctx, &cloudformation.CreateStackInput{StackName: &stack, TemplateBody: aws.String(
			`{"Resources":{"D":{"Type":"AWS::OpenSearchService::Domain","Properties":{"DomainName":"of-` + stack + `",` + row.properties + `}}}}`)}); err != nil {
			t.Fatal(err)
		}
		var why []string
		until(t, func() bool {
			out, err := stacks.DescribeStackEvents(ctx, &cloudformation.DescribeStackEventsInput{StackName: &stack})
			if err != nil {
				t.Fatal(err)
			}
			for _, e := range out.StackEvents {
				if e.ResourceStatus == cfntypes.ResourceStatusCreateFailed {
					why = append(why, aws.ToString(e.ResourceStatusReason))
				}
			}
			return len(why) > 0
		})
		if !strings.Contains(strings.Join(why, "\n"), row.want) {
			t.Errorf("stack %s failed with %q, want %q", stack, why, row.want)
		}
	}
}

func TestDomainStatesOfTheService(t *testing.T) {
	r := start(t)
	close(r.release)
	ctx := t.Context()
	admin, err := r.CreateUser(ctx, "admin", policy(map[string]any{"Effect": "Allow", "Action": "*", "Resource": "*"}))
	if err != nil {
		t.Fatal(err)
	}
	name := aws.String("films")
	if _, err := r.opensearch(admin).CreateDomain(ctx, &opensearch.CreateDomainInput{DomainName: name}); err != nil {
		t.Fatal(err)
	}
	describe := func() *types.DomainStatus {
		out, err := r.opensearch(admin).DescribeDomain(ctx, &opensearch.DescribeDomainInput{DomainName: name})
		if err != nil {
			t.Fatal(err)
		}
		return out.DomainStatus
	}
	until(t, func() bool { return describe().Endpoint != nil })
	for _, row := range []struct {
		state                 string
		processing, upgrading bool
		status                types.DomainProcessingStatusType
		update                types.DeploymentStatus
		optional              bool
	}{
		{emulator.Processing, true, false, types.DomainProcessingStatusTypeModifying, types.DeploymentStatusCompleted, true},
		{emulator.Upgrading, true, true, types.DomainProcessingStatusTypeUpgrading, types.DeploymentStatusCompleted, true},
		{emulator.Isolated, false, false, types.DomainProcessingStatusTypeIsolated, types.DeploymentStatusCompleted, true},
		{emulator.Updating, false, false, types.DomainProcessingStatusTypeUpdating, types.DeploymentStatusInProgress, false},
		{emulator.UpdateRequired, false, false, types.DomainProcessingStatusTypeActive, types.DeploymentStatusPendingUpdate, false},
		{emulator.Active, false, false, types.DomainProcessingStatusTypeActive, types.DeploymentStatusCompleted, true},
	} {
		if err := r.SetDomain(ctx, account, region, *name, row.state); err != nil {
			t.Fatal(err)
		}
		d := describe()
		if aws.ToBool(d.Processing) != row.processing || aws.ToBool(d.UpgradeProcessing) != row.upgrading || d.DomainProcessingStatus != row.status ||
			d.ServiceSoftwareOptions.UpdateStatus != row.update || aws.ToBool(d.ServiceSoftwareOptions.OptionalDeployment) != row.optional {
			t.Errorf("%s: processing %v, upgrading %v, %s, %+v", row.state, aws.ToBool(d.Processing), aws.ToBool(d.UpgradeProcessing), d.DomainProcessingStatus, d.ServiceSoftwareOptions)
		}
	}
	if err := r.SetDomain(ctx, account, region, *name, "unheard-of"); err == nil {
		t.Error("a state that there is not is taken")
	}
	if err := r.SetDomain(ctx, account, region, "nothing", emulator.Active); !errors.Is(err, emulator.ErrNotThere) {
		t.Errorf("a domain that there is not: %v", err)
	}
}
