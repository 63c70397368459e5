package gateway

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/route53"
)

// zoneAge bounds how old an answer about a zone may be.
const zoneAge = 500 * time.Millisecond

// zoneCache holds the record sets of all public zones for a moment.
type zoneCache struct {
	read func(context.Context) ([]Record, error)
	now  func() time.Time

	mu      sync.Mutex
	records []Record
	until   time.Time
}

func (z *zoneCache) all(ctx context.Context) ([]Record, error) {
	z.mu.Lock()
	defer z.mu.Unlock()
	if z.now().Before(z.until) {
		return z.records, nil
	}
	records, err := z.read(ctx)
	if err != nil {
		return nil, fmt.Errorf("read the hosted zones: %w", err)
	}
	z.records, z.until = records, z.now().Add(zoneAge)
	return records, nil
}

// find the record sets of a name. hosted: a zone is authoritative for the name,
// so that what it does not have does not exist.
func (z *zoneCache) find(ctx context.Context, name string) (sets []Record, hosted bool, err error) {
	records, err := z.all(ctx)
	for _, r := range records {
		zone := strings.ToLower(r.Zone)
		if name == zone || strings.HasSuffix(name, "."+zone) {
			hosted = true
		}
		if strings.EqualFold(r.Name, name) {
			sets = append(sets, r)
		}
	}
	return sets, hosted, err
}

// cname of a host, without the last dot; empty if it has none.
func (z *zoneCache) cname(ctx context.Context, host string) (target string, hosted bool, err error) {
	sets, hosted, err := z.find(ctx, host)
	for _, r := range sets {
		if r.Type == "CNAME" && len(r.Values) == 1 {
			target = hostOnly(r.Values[0])
		}
	}
	return target, hosted, err
}

// emulatorZones reads the emulator's Route 53 as its root, beside the AWS front:
// DNS answers go on when Route 53's API is taken away, as they do on AWS.
func (g *Gateway) emulatorZones(ctx context.Context) ([]Record, error) {
	emulator, ok := g.emulatorURL() //nolint:staticcheck // SA4006 does not see that new(expr) uses it
	if !ok {
		return nil, errors.New("the emulator is not up yet")
	}
	client := route53.New(route53.Options{
		Region: "us-east-1", BaseEndpoint: new(emulator.String()), HTTPClient: &http.Client{Transport: g.toEmulator},
		Credentials: aws.NewCredentialsCache(credentials.NewStaticCredentialsProvider("test", "test", "")),
	})
	var records []Record
	zones := route53.NewListHostedZonesPaginator(client, &route53.ListHostedZonesInput{})
	for zones.HasMorePages() {
		page, err := zones.NextPage(ctx)
		if err != nil {
			return nil, fmt.Errorf("list hosted zones: %w", err)
		}
		for _, zone := range page.HostedZones {
			if zone.Config != nil && zone.Config.PrivateZone {
				continue
			}
			sets := route53.NewListResourceRecordSetsPaginator(client, &route53.ListResourceRecordSetsInput{HostedZoneId: zone.Id})
			for sets.HasMorePages() {
				page, err := sets.NextPage(ctx)
				if err != nil {
					return nil, fmt.Errorf("list the record sets of %s: %w", aws.ToString(zone.Name), err)
				}
				for _, set := range page.ResourceRecordSets {
					r := Record{Zone: plainName(zone.Name), Name: plainName(set.Name), Type: string(set.Type), TTL: uint32(aws.ToInt64(set.TTL))}
					for _, v := range set.ResourceRecords {
						r.Values = append(r.Values, aws.ToString(v.Value))
					}
					records = append(records, r)
				}
			}
		}
	}
	return records, nil
}

// plainName without the last dot, and with the star that Route 53 writes as \052.
func plainName(name *string) string {
	return strings.ReplaceAll(strings.TrimSuffix(aws.ToString(name), "."), `\052`, "*")
}
