package custom_test

import (
	"errors"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-lambda-go/cfn"

	"github.com/opensearch-dr/osdr/internal/contract"
	"github.com/opensearch-dr/osdr/internal/custom"
	"github.com/opensearch-dr/osdr/internal/ledger"
	"github.com/opensearch-dr/osdr/internal/route"
	"github.com/opensearch-dr/osdr/internal/route/routetest"
	"github.com/opensearch-dr/osdr/internal/store/storetest"
)

type crossing struct {
	custom.Traffic
	t          *testing.T
	east, west *storetest.Memory
	zone       *routetest.Zone
	stage      *stage
}

func newCrossing(t *testing.T) *crossing {
	now := func() time.Time { return time.Date(2026, 11, 23, 9, 0, 0, 0, time.UTC) }
	c := &crossing{t: t, east: storetest.NewMemory("e", east, now), west: storetest.NewMemory("w", west, now), zone: routetest.New(), stage: newStage(t)}
	c.Traffic = custom.Traffic{
		Settings: contract.Settings{Name: "films", PrimaryRegion: east, SecondaryRegion: west, DNS: contract.DNS{Record: "search.example.com", TTL: 60}},
		Primary:  c.east, Secondary: c.west, Zone: c.zone, Stacks: c.stage, Log: slog.New(slog.DiscardHandler),
	}
	return c
}

func (c *crossing) claim() {
	c.t.Helper()
	_, err := ledger.ClaimFirst(c.t.Context(), c.east, ledger.Claim{Region: east, ClusterUUID: "abcdefghijklmnopqrstuv", Endpoint: "search-east", Token: "t"})
	if err != nil {
		c.t.Fatal(err)
	}
}

func (c *crossing) ask(r cfn.RequestType) (map[string]any, error) {
	c.t.Helper()
	id, data, err := c.Handle(c.t.Context(), cfn.Event{RequestType: r, StackID: "s"})
	if id != "films-traffic" {
		c.t.Errorf("physical id %q (H47)", id)
	}
	return data, err
}

func TestTrafficAnswersTheLedger(t *testing.T) {
	c := newCrossing(t)
	if _, err := c.ask(cfn.RequestCreate); err == nil || !strings.Contains(err.Error(), "deploy films-recovery-us-east-1 first") {
		t.Errorf("nobody was promoted: %v", err)
	}
	c.claim()
	data, err := c.ask(cfn.RequestCreate)
	if err != nil || data[contract.AttributeEndpoint] != "search-east" || data[contract.AttributeActive] != `"osdr name=films region=us-east-1 generation=1"` {
		t.Errorf("%v %v", data, err)
	}
	if data, err := c.ask(cfn.RequestDelete); err != nil || data != nil {
		t.Errorf("delete: %v %v", data, err)
	}
}

func TestU1_TrafficInARollback(t *testing.T) {
	c := newCrossing(t)
	c.claim()
	c.stage.rollback = true
	if data, err := c.ask(cfn.RequestUpdate); err != nil || data[contract.AttributeEndpoint] != "search-east" {
		t.Errorf("%v %v", data, err)
	}
	c.east.SetUnreachable(true)
	c.west.SetUnreachable(true)
	m := route.Mark{Name: "films", Region: west, Generation: 2}.String()
	c.zone.Set("search.example.com", route.Record{Type: "CNAME", Target: "search-west", TTL: 60, Mark: m, MarkTTL: 60})
	if data, err := c.ask(cfn.RequestUpdate); err != nil || data[contract.AttributeEndpoint] != "search-west" || data[contract.AttributeActive] != `"`+m+`"` {
		t.Errorf("without ledgers the record stays: %v %v", data, err)
	}
	c.stage.rollback, c.stage.throttle = false, errors.New("Throttling: Rate exceeded")
	if data, err := c.ask(cfn.RequestUpdate); err != nil || data[contract.AttributeEndpoint] != "search-west" {
		t.Errorf("nobody can tell whether it is a rollback: %v %v", data, err)
	}
	c.stage.throttle = nil
	if _, err := c.ask(cfn.RequestUpdate); err == nil {
		t.Error("forward, nobody knows who is active, and that is no error")
	}
}

func TestH15_TrafficDoesNotFollowAStaleLedger(t *testing.T) {
	c := newCrossing(t)
	c.claim()
	c.west.SetUnreachable(true)
	m := route.Mark{Name: "films", Region: west, Generation: 2}.String()
	c.zone.Set("search.example.com", route.Record{Type: "CNAME", Target: "search-west", TTL: 60, Mark: m, MarkTTL: 60})
	if data, err := c.ask(cfn.RequestUpdate); err != nil || data[contract.AttributeEndpoint] != "search-west" {
		t.Errorf("%v %v", data, err)
	}
}

// A ledger, or the record itself, that names the other Region in the same
// generation: nobody is followed, and a rollback leaves what stands (D12).
func TestD12_TrafficFollowsNeitherOfTwo(t *testing.T) {
	c := newCrossing(t)
	c.claim()
	m := route.Mark{Name: "films", Region: west, Generation: 1}.String()
	standing := route.Record{Type: "CNAME", Target: "search-west", TTL: 60, Mark: m, MarkTTL: 60}
	c.zone.Set("search.example.com", standing)
	for what, set := range map[string]func(){
		"the record alone says it": func() { c.west.SetUnreachable(true) },
		"two ledgers say it": func() {
			c.west.SetUnreachable(false)
			_, err := ledger.ClaimFirst(t.Context(), c.west, ledger.Claim{Region: west, ClusterUUID: "bbcdefghijklmnopqrstuv", Endpoint: "search-west", Token: "u"})
			if err != nil && !errors.Is(err, ledger.ErrSuperseded) {
				t.Fatal(err)
			}
		},
	} {
		set()
		c.stage.rollback = false
		if data, err := c.ask(cfn.RequestUpdate); err == nil || data != nil || !strings.Contains(err.Error(), "ledger-dispute.md") {
			t.Errorf("%s: %v %v", what, data, err)
		}
		c.stage.rollback = true
		if data, err := c.ask(cfn.RequestUpdate); err != nil || data[contract.AttributeEndpoint] != "search-west" {
			t.Errorf("%s, in a rollback: %v %v", what, data, err)
		}
	}
}
