package custom_test

import (
	"encoding/json"
	"encoding/xml"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/aws/aws-lambda-go/cfn"
	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/route53"
	"github.com/google/go-cmp/cmp"

	"github.com/opensearch-dr/osdr/internal/ledger"
	"github.com/opensearch-dr/osdr/internal/route"
)

// set is a record set, as it goes over the wire.
type set struct {
	Name, Type, TTL string
	Values          []string `xml:"ResourceRecords>ResourceRecord>Value"`
}

// sent keeps the record sets of a change and answers that it was made.
type sent struct{ sets map[string]set }

func (s *sent) Do(r *http.Request) (*http.Response, error) {
	raw, err := io.ReadAll(r.Body)
	if err != nil {
		return nil, err
	}
	var change struct {
		Sets []set `xml:"ChangeBatch>Changes>Change>ResourceRecordSet"`
	}
	if err := xml.Unmarshal(raw, &change); err != nil {
		return nil, err
	}
	for _, c := range change.Sets {
		s.sets[c.Type] = c
	}
	const answer = `<ChangeResourceRecordSetsResponse xmlns="https://route53.amazonaws.com/doc/2013-04-01/"><ChangeInfo><Id>/change/C1</Id><Status>INSYNC</Status><SubmittedAt>2026-01-01T00:00:00Z</SubmittedAt></ChangeInfo></ChangeResourceRecordSetsResponse>`
	return &http.Response{StatusCode: http.StatusOK, Header: http.Header{}, Body: io.NopCloser(strings.NewReader(answer)), Request: r}, nil
}

// The promotion makes the two records before the traffic stack does. CloudFormation
// takes an existing record set over only when the one it would make is the same in
// name, type, TTL and value
// (github.com/aws-cloudformation/cloudformation-coverage-roadmap/issues/330); what
// it compares is bytes, so that a quote or a final dot more fails the first deploy.
func TestU4_TheStacksRecordsAreThePromotionsToTheByte(t *testing.T) {
	c := newCrossing(t)
	const endpoint = "search-films-abc.us-east-1.es.amazonaws.com"
	l, err := ledger.ClaimFirst(t.Context(), c.east, ledger.Claim{Region: east, ClusterUUID: "abcdefghijklmnopqrstuv", Endpoint: endpoint, Token: "t"})
	if err != nil {
		t.Fatal(err)
	}

	written := &sent{sets: map[string]set{}}
	zone := route.New(route53.New(route53.Options{
		Region: "us-east-1", HTTPClient: written, Credentials: credentials.NewStaticCredentialsProvider("a", "b", ""), Retryer: aws.NopRetryer{},
	}), "Z1")
	wish := route.Wish{Endpoint: l.Endpoint, TTL: int64(c.Settings.DNS.TTL), Mark: route.Mark{Name: c.Settings.Name, Region: l.ActiveRegion, Generation: l.Generation}}
	if err := zone.Upsert(t.Context(), c.Settings.DNS.Record, wish); err != nil {
		t.Fatal(err)
	}

	answer, err := c.ask(cfn.RequestCreate)
	if err != nil {
		t.Fatal(err)
	}
	for kind, want := range templateRecords(t, answer) {
		if diff := cmp.Diff(want, written.sets[kind]); diff != "" {
			t.Errorf("%s: -template +promotion\n%s", kind, diff)
		}
	}
}

// templateRecords of the traffic stack, with the answer put in: its golden is held
// equal to the stack by the test of the stacks, which this package cannot import.
func templateRecords(t *testing.T, answer map[string]any) map[string]set {
	t.Helper()
	raw, err := os.ReadFile(filepath.Join("..", "..", "stacks", "testdata", "golden", "osdr-traffic.active-primary.json"))
	if err != nil {
		t.Fatal(err)
	}
	var all struct{ Resources map[string]json.RawMessage }
	if err := json.Unmarshal(raw, &all); err != nil {
		t.Fatal(err)
	}
	out := map[string]set{}
	for id, body := range all.Resources {
		if !strings.Contains(string(body), `"AWS::Route53::RecordSet"`) {
			continue // other types have properties of other shapes
		}
		var r struct {
			Properties struct {
				Name, Type, TTL string
				ResourceRecords []map[string][]string
			}
		}
		if err := json.Unmarshal(body, &r); err != nil {
			t.Fatal(err)
		}
		p := r.Properties
		s := set{Name: p.Name, Type: p.Type, TTL: p.TTL}
		for _, value := range p.ResourceRecords {
			get := value["Fn::GetAtt"] // of the answer, and nothing around it
			if len(value) != 1 || len(get) != 2 || get[0] != "Answer" {
				t.Fatalf("%s holds %v", id, value)
			}
			s.Values = append(s.Values, answer[get[1]].(string))
		}
		out[p.Type] = s
	}
	if len(out) != 2 {
		t.Fatalf("the traffic stack holds %d records, want CNAME and TXT", len(out))
	}
	return out
}
