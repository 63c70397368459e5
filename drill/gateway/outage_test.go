package gateway_test

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/opensearch-dr/osdr/drill/gateway"
)

// api is a signed call to the AWS front: the caller and the Region it asks.
func api(t *testing.T, c *cloud, key, service, region, path string) *http.Request {
	t.Helper()
	who := client
	if key != "" {
		who = c.iam.keys[key]
	}
	return sign(t, request(t, "POST", c.AWSURL()+path, "{}"), who, service, region, time.Now())
}

func silent(t *testing.T, h *http.Client, r *http.Request) bool {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 150*time.Millisecond)
	defer cancel()
	resp, err := h.Do(r.WithContext(ctx))
	if err == nil {
		_ = resp.Body.Close()
		return false
	}
	return errors.Is(err, context.DeadlineExceeded)
}

func TestOutageOfARegionByTargetAndByCaller(t *testing.T) {
	rows := []struct {
		name, key, service, region, path string
		down                             bool
	}{
		{"the lost Region's API", "", "lambda", west, "/", true},
		{"the other Region's API", "", "lambda", east, "/", false},
		{"a bucket of the lost Region", "", "s3", west, "/" + westBucket + "/_dr/ledger.json", true},
		{"a bucket of the lost Region, signed for the other", "", "s3", east, "/" + westBucket + "/_dr/ledger.json", true},
		{"a bucket of the other Region", "", "s3", east, "/osdr-snapshots-111122223333-us-east-1/_dr/ledger.json", false},
		{"a bucket that says its Region when asked", "", "s3", east, "/plain-bucket/x", true},
		{"a function of the lost Region, to the other", "ASIAus-west-2", "ssm", east, "/", true},
		{"a function of the lost Region, to IAM", "ASIAus-west-2", "iam", east, "/", true},
		{"a function of the other Region", "ASIAus-east-1", "ssm", east, "/", false},
		{"IAM", "", "iam", east, "/", false},
		{"STS", "", "sts", west, "/", false},
		{"Route 53", "", "route53", east, "/2013-04-01/hostedzone", false},
	}
	c := start(t)
	c.emulator.answer = func(w http.ResponseWriter, r got) {
		if r.Method == http.MethodHead && r.URL.Path == "/plain-bucket" {
			w.Header().Set("X-Amz-Bucket-Region", west)
			w.WriteHeader(http.StatusForbidden)
		}
	}
	for _, row := range rows {
		t.Run(row.name, func(t *testing.T) {
			_ = c.SetOutage(west, gateway.Refuse)
			if status, _ := do(t, c.direct(), api(t, c, row.key, row.service, row.region, row.path)); (status == 503) != row.down {
				t.Errorf("refuse: %d", status)
			}
			_ = c.SetOutage(west, gateway.Silent)
			if row.down && !silent(t, c.direct(), api(t, c, row.key, row.service, row.region, row.path)) {
				t.Error("silent: it was answered")
			}
			_ = c.SetOutage(west, gateway.None)
			if status, _ := do(t, c.direct(), api(t, c, row.key, row.service, row.region, row.path)); status != 200 {
				t.Errorf("after the outage: %d", status)
			}
		})
	}
}

func TestOutageOfRoute53(t *testing.T) {
	c := start(t)
	_ = c.SetOutage("route53", gateway.Refuse)
	if status, _ := do(t, c.direct(), api(t, c, "", "route53", east, "/2013-04-01/hostedzone")); status != 503 {
		t.Errorf("Route 53: %d", status)
	}
	if status, _ := do(t, c.direct(), api(t, c, "", "lambda", east, "/")); status != 200 {
		t.Errorf("another service of us-east-1: %d", status)
	}
	if _, err := c.Dialer().Resolve(t.Context(), customName); err != nil {
		t.Errorf("DNS itself goes on: %v", err)
	}
	if err := c.SetOutage(east, "slow"); err == nil {
		t.Error("an unknown mode was taken")
	}
}

func TestOutageTakesTheDomain(t *testing.T) {
	c := start(t)
	get := func(region string) *http.Request {
		return sign(t, request(t, "GET", "https://"+domainIn(region).Endpoint+"/", ""), client, "es", region, time.Now())
	}
	_ = c.SetOutage(east, gateway.Refuse)
	if status, _ := do(t, c.viaProxy(), get(east)); status != 503 {
		t.Errorf("refuse: %d", status)
	}
	if status, _ := do(t, c.viaProxy(), get(west)); status != 200 {
		t.Errorf("the other Region's domain: %d", status)
	}
	_ = c.SetOutage(east, gateway.Silent)
	if !silent(t, c.viaProxy(), get(east)) {
		t.Error("silent: it was answered")
	}
	if n := len(c.nodes[east].requests()); n != 0 {
		t.Errorf("%d calls reached the lost domain", n)
	}
}

func TestACutLinkStopsOnlyCallsOverIt(t *testing.T) {
	c := start(t)
	c.SetLink(east, west, true)
	rows := []struct {
		name, key, region string
		cut               bool
	}{
		{"east to west", "ASIAus-east-1", west, true},
		{"west to east", "ASIAus-west-2", east, true},
		{"within the east", "ASIAus-east-1", east, false},
		{"within the west", "ASIAus-west-2", west, false},
		{"a client of neither", client.AccessKeyID, west, false},
	}
	for _, row := range rows {
		t.Run(row.name, func(t *testing.T) {
			if status, _ := do(t, c.direct(), api(t, c, row.key, "lambda", row.region, "/")); (status == 503) != row.cut {
				t.Errorf("API: %d", status)
			}
			r := sign(t, request(t, "GET", "https://"+domainIn(row.region).Endpoint+"/", ""), c.iam.keys[row.key], "es", row.region, time.Now())
			if status, _ := do(t, c.viaProxy(), r); (status == 503) != row.cut {
				t.Errorf("domain: %d", status)
			}
		})
	}
	c.SilenceLink(west, east)
	if !silent(t, c.direct(), api(t, c, "ASIAus-east-1", "lambda", west, "/")) {
		t.Error("a silent link was answered")
	}
	c.SetLink(west, east, false)
	if status, _ := do(t, c.direct(), api(t, c, "ASIAus-east-1", "lambda", west, "/")); status != 200 {
		t.Errorf("mended: %d", status)
	}
}

func TestASilentCallEndsWithTheOutageAndIsInTheLog(t *testing.T) {
	c := start(t)
	_ = c.SetOutage(west, gateway.Silent)
	r := api(t, c, "", "lambda", west, "/")
	r.Header.Set("Expect", "100-continue")
	ended := make(chan error, 1)
	go func() {
		resp, err := c.direct().Do(r)
		if err == nil {
			_ = resp.Body.Close()
		}
		ended <- err
	}()
	select {
	case err := <-ended:
		t.Fatalf("it ended before the outage: %v", err)
	case <-time.After(100 * time.Millisecond):
	}
	_ = c.SetOutage(west, gateway.None)
	if err := <-ended; err == nil {
		t.Error("an answer came out of the silence")
	}
	call := c.ended(t, 1, gateway.Filter{TargetRegion: west, Service: "lambda"})[0]
	if call.Status != 0 || call.Effect != "silent: target us-west-2" {
		t.Errorf("%+v", call)
	}
}

func TestAnOutageCutsCallsUnderWay(t *testing.T) {
	c := start(t)
	arrived, release := make(chan struct{}), make(chan struct{})
	c.emulator.answer = func(http.ResponseWriter, got) { arrived <- struct{}{}; <-release }
	defer close(release)
	for _, mode := range []gateway.Mode{gateway.Refuse, gateway.Silent} {
		r := api(t, c, "", "lambda", west, "/")
		ended := make(chan error, 1)
		go func() {
			resp, err := c.direct().Do(r)
			if err == nil {
				_ = resp.Body.Close()
			}
			ended <- err
		}()
		<-arrived
		_ = c.SetOutage(west, mode)
		if mode == gateway.Silent {
			select {
			case err := <-ended:
				t.Errorf("it ended in the silence: %v", err)
			case <-time.After(100 * time.Millisecond):
			}
			_ = c.SetOutage(west, gateway.None)
		}
		if err := <-ended; err == nil {
			t.Errorf("%s: it was answered", mode)
		}
		_ = c.SetOutage(west, gateway.None)
	}
	for i, call := range c.ended(t, 2, gateway.Filter{Service: "lambda"}) {
		if want := []string{"refuse: target us-west-2", "silent: target us-west-2"}[i]; call.Effect != want || call.Status != 0 {
			t.Errorf("%+v, want %s", call, want)
		}
	}
}

func TestCloseEndsHeldCallsAndTunnels(t *testing.T) {
	c := start(t)
	_ = c.SetOutage(west, gateway.Silent)
	ended := make(chan struct{})
	r := api(t, c, "", "lambda", west, "/")
	go func() {
		defer close(ended)
		if resp, err := c.direct().Do(r); err == nil {
			_ = resp.Body.Close()
		}
	}()
	tunnel := connect(t, strings.TrimPrefix(c.ConnectProxyURL(), "http://"), c.emulator.Listener.Addr().String())
	time.Sleep(100 * time.Millisecond)
	_ = c.Close()
	select {
	case <-ended:
	case <-time.After(5 * time.Second):
		t.Fatal("the held call lives on")
	}
	_ = tunnel.SetReadDeadline(time.Now().Add(5 * time.Second))
	if _, err := tunnel.Read(make([]byte, 1)); !errors.Is(err, io.EOF) {
		t.Errorf("the tunnel lives on: %v", err)
	}
}

func TestServeEndsWithItsContext(t *testing.T) {
	c := start(t)
	g, err := gateway.New(c.cfg)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := g.Serve(ctx); err != nil {
		t.Errorf("Serve after the end: %v", err)
	}
	if _, err := net.DialTimeout("tcp", g.S3ProxyAddr(), time.Second); err == nil {
		t.Error("a port is still open")
	}
}
