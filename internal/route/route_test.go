package route_test

import (
	"context"
	"crypto/rand"
	"errors"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/route53"
	"pgregory.net/rapid"

	"github.com/opensearch-dr/osdr/drill/testcloud"
	"github.com/opensearch-dr/osdr/internal/route"
	"github.com/opensearch-dr/osdr/internal/route/routetest"
)

const name = "search.example.com"

func wish(g int64) route.Wish {
	return route.Wish{Endpoint: "search-b.us-west-2.es.amazonaws.com", TTL: 60, Mark: route.Mark{Name: "search", Region: "us-west-2", Generation: g}}
}

func TestFake(t *testing.T) {
	routetest.Contract(t, func(*testing.T) (route.Zone, string) { return routetest.New(), name })
}

func TestMain(m *testing.M) { testcloud.Main(m) }

func TestEmulator(t *testing.T) {
	c := testcloud.Get(t)
	client := route53.NewFromConfig(c.Config(c.Admin, "us-east-1"))
	routetest.Contract(t, func(t *testing.T) (route.Zone, string) {
		zone := strings.ToLower(rand.Text()) + ".example"
		out, err := client.CreateHostedZone(t.Context(), &route53.CreateHostedZoneInput{Name: &zone, CallerReference: &zone})
		if err != nil {
			t.Fatal(err)
		}
		return route.New(client, *out.HostedZone.Id), "search." + zone
	})
}

func TestMarkIsReadBack(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		m := route.Mark{
			Name:       rapid.StringMatching(`[a-z][a-z0-9-]{2,20}`).Draw(t, "name"),
			Region:     rapid.SampledFrom([]string{"us-east-1", "eu-central-2"}).Draw(t, "region"),
			Generation: rapid.Int64Range(1, 1<<40).Draw(t, "generation"),
		}
		for _, v := range []string{m.String(), `"` + m.String() + `"`} {
			if got, ok := route.ParseMark(v); !ok || got != m {
				t.Fatalf("%q read as %+v", v, got)
			}
		}
	})
	for _, v := range []string{"", "v=spf1 -all", "osdr", "osdr name=a region=b generation=x", "osdr name=a region=b generation=0"} {
		if m, ok := route.ParseMark(v); ok {
			t.Errorf("%q is no mark, got %+v", v, m)
		}
	}
}

func TestEnsure(t *testing.T) {
	ctx := context.Background()
	ours := func(g int64, target string) route.Record {
		return route.Record{Type: "CNAME", Target: target, TTL: 60, Mark: wish(g).Mark.String(), MarkTTL: 60}
	}
	for _, c := range []struct {
		what    string
		before  route.Record
		adopt   bool
		state   route.State
		err     error
		changes int
	}{
		{"absent is made", route.Record{}, false, route.Absent, nil, 1},
		{"right is left", ours(2, wish(2).Endpoint), false, route.Right, nil, 0},
		{"ours of an older generation is moved", ours(1, "old"), false, route.Stale, nil, 1},
		{"ours changed by hand is put right", ours(2, "by-hand"), false, route.Stale, nil, 1},
		{"U4 a CNAME without a mark is refused", route.Record{Type: "CNAME", Target: "x", TTL: 60}, false, route.Foreign, route.ErrForeign, 0},
		{"U4 even when it points to the right place", route.Record{Type: "CNAME", Target: wish(2).Endpoint, TTL: 60}, false, route.Foreign, route.ErrForeign, 0},
		{"U4 and taken over by adopt", route.Record{Type: "CNAME", Target: "x", TTL: 60}, true, route.Foreign, nil, 1},
		{"U4 another installation's is refused", route.Record{Type: "CNAME", Target: "x", Mark: "osdr name=other region=r generation=1"}, false, route.Foreign, route.ErrForeign, 0},
		{"an address record is refused, adopt or not", route.Record{Type: "A"}, true, route.Foreign, route.ErrForeign, 0},
		{"H15 a newer generation's is left alone", ours(3, "newer"), true, route.Stale, route.ErrNewer, 0},
		{"D12 the other Region's of this generation is left alone", route.Record{Type: "CNAME", Target: "theirs", TTL: 60, Mark: "osdr name=" + wish(2).Mark.Name + " region=another generation=2", MarkTTL: 60}, true, route.Stale, route.ErrDispute, 0},
	} {
		t.Run(c.what, func(t *testing.T) {
			z := routetest.New()
			z.Set(name, c.before)
			s, err := route.Ensure(ctx, z, name, wish(2), c.adopt)
			if s != c.state || !errors.Is(err, c.err) || z.Changes() != c.changes {
				t.Fatalf("state %s, error %v, %d changes", s, err, z.Changes())
			}
			if c.changes == 1 {
				if s, err := route.Ensure(ctx, z, name, wish(2), false); s != route.Right || err != nil {
					t.Fatalf("afterwards: %s, %v", s, err)
				}
			}
		})
	}
}

func TestH19_AChangeThatFailsNamesTheEndpoint(t *testing.T) {
	z := routetest.New()
	z.Refuse(false, true)
	_, err := route.Ensure(context.Background(), z, name, wish(2), false)
	if err == nil || !strings.Contains(err.Error(), wish(2).Endpoint) || !strings.Contains(err.Error(), "us-east-1") {
		t.Fatal(err)
	}
}
