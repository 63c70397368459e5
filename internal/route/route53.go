package route

import (
	"context"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/route53"
	"github.com/aws/aws-sdk-go-v2/service/route53/types"
)

// callDeadline of one call, the SDK's repeats included: a Route 53 that is away
// must not hold up a run.
const callDeadline = 10 * time.Second

type hostedZone struct {
	client *route53.Client
	id     string
}

// New answers the hosted zone with this id.
func New(client *route53.Client, zoneID string) Zone { return &hostedZone{client, zoneID} }

func (z *hostedZone) Read(ctx context.Context, name string) (Record, error) {
	var out Record
	sets, err := z.at(ctx, name)
	if err != nil {
		return Record{}, err
	}
	for _, s := range sets {
		// NS of a delegated name, and all else, excludes a CNAME.
		out.Type = string(s.Type)
		out.TTL = aws.ToInt64(s.TTL)
		if s.AliasTarget != nil {
			out.Type = "alias " + out.Type
		}
		if s.SetIdentifier != nil {
			out.Type = "routed " + out.Type // weighted, latency: not to be merged with
		}
		if len(s.ResourceRecords) > 0 {
			out.Target = strings.TrimSuffix(aws.ToString(s.ResourceRecords[0].Value), ".")
		}
		if s.Type == types.RRTypeCname {
			break
		}
	}
	marks, err := z.at(ctx, MarkName(name))
	if err != nil {
		return Record{}, err
	}
	for _, s := range marks {
		if s.Type == types.RRTypeTxt && len(s.ResourceRecords) > 0 {
			out.Mark, out.MarkTTL = strings.Trim(aws.ToString(s.ResourceRecords[0].Value), `"`), aws.ToInt64(s.TTL)
		}
	}
	return out, nil
}

// at answers the record sets of exactly this name.
func (z *hostedZone) at(ctx context.Context, name string) ([]types.ResourceRecordSet, error) {
	ctx, cancel := context.WithTimeout(ctx, callDeadline)
	defer cancel()
	page, err := z.client.ListResourceRecordSets(ctx, &route53.ListResourceRecordSetsInput{
		HostedZoneId: &z.id, StartRecordName: new(name + "."), MaxItems: new(int32(20))})
	if err != nil {
		return nil, err
	}
	var out []types.ResourceRecordSet
	for _, s := range page.ResourceRecordSets {
		// Route 53 writes * and other characters as octal escapes; a record name
		// of the product has none.
		if strings.EqualFold(strings.TrimSuffix(aws.ToString(s.Name), "."), name) {
			out = append(out, s)
		}
	}
	return out, nil
}

func (z *hostedZone) Upsert(ctx context.Context, name string, w Wish) error {
	ctx, cancel := context.WithTimeout(ctx, callDeadline)
	defer cancel()
	set := func(name string, t types.RRType, value string) types.Change {
		return types.Change{Action: types.ChangeActionUpsert, ResourceRecordSet: &types.ResourceRecordSet{
			Name: new(name + "."), Type: t, TTL: &w.TTL, ResourceRecords: []types.ResourceRecord{{Value: &value}}}}
	}
	_, err := z.client.ChangeResourceRecordSets(ctx, &route53.ChangeResourceRecordSetsInput{
		HostedZoneId: &z.id,
		ChangeBatch: &types.ChangeBatch{
			Comment: new(w.Mark.String()),
			Changes: []types.Change{
				set(name, types.RRTypeCname, w.Endpoint),
				set(MarkName(name), types.RRTypeTxt, `"`+w.Mark.String()+`"`),
			},
		},
	})
	return err
}
