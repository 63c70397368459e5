package gateway_test

import (
	"encoding/json"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/opensearch-dr/osdr/drill/gateway"
)

func TestAWSFrontChangesNothing(t *testing.T) {
	c := start(t)
	c.emulator.answer = func(w http.ResponseWriter, _ got) {
		w.Header().Set("Date", "Mon, 02 Jan 2006 15:04:05 GMT")
		w.Header().Set("X-Amz-Request-Id", "r")
		w.Header().Set("Content-Length", "12345")
	}
	r := sign(t, request(t, "HEAD", c.AWSURL()+"/"+westBucket+"/a%20b%2Bc?versionId=1;2", ""), client, "s3", west, time.Now())
	resp, err := c.direct().Do(r)
	if err != nil {
		t.Fatal(err)
	}
	_ = resp.Body.Close()
	if d := resp.Header.Values("Date"); len(d) != 1 || d[0] != "Mon, 02 Jan 2006 15:04:05 GMT" || resp.ContentLength != 12345 {
		t.Errorf("HEAD came back as %v", resp.Header)
	}
	got := c.emulator.last(t)
	if got.Host != strings.TrimPrefix(c.AWSURL(), "https://") || got.URL.RequestURI() != r.URL.RequestURI() || got.Header.Get("Authorization") != r.Header.Get("Authorization") {
		t.Errorf("the emulator got %s %s", got.Host, got.URL.RequestURI())
	}
	for _, name := range []string{"X-Forwarded-For", "X-Forwarded-Host", "X-Forwarded-Proto"} {
		if got.Header.Get(name) != "" {
			t.Errorf("%s was added", name)
		}
	}
}

func TestAWSFrontStreamsBothWays(t *testing.T) {
	c := start(t)
	c.emulator.answer = func(w http.ResponseWriter, r got) { _, _ = w.Write(r.body) }
	body := strings.Repeat("x", 1<<20)
	r := request(t, "PUT", c.AWSURL()+"/"+westBucket+"/k", body)
	r.ContentLength = -1 // chunked
	r.Header.Set("Expect", "100-continue")
	status, back := do(t, c.direct(), sign(t, r, client, "s3", west, time.Now()))
	if status != 200 || back != body {
		t.Errorf("%d, %d bytes back", status, len(back))
	}
	call := c.ended(t, 1, gateway.Filter{Front: "aws", Service: "s3", PathPrefix: "/" + westBucket})[0]
	if call.BytesIn != 1<<20 || call.BytesOut != 1<<20 {
		t.Errorf("%+v", call)
	}
}

func TestCallsNameCallerActionAndRegions(t *testing.T) {
	c := start(t)
	who := c.iam.keys["ASIAus-east-1"]
	target := request(t, "POST", c.AWSURL()+"/", "{}")
	target.Header.Set("X-Amz-Target", "AmazonSSM.GetParameter")
	form := request(t, "POST", c.AWSURL()+"/", "Action=DescribeStacks&Version=1&Password=hidden")
	form.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	cbor := request(t, "POST", c.AWSURL()+"/service/GraniteServiceVersion20100801/operation/PutMetricData", "x")
	for service, r := range map[string]*http.Request{"ssm": target, "cloudformation": form, "monitoring": cbor} {
		do(t, c.direct(), sign(t, r, who, service, west, time.Now()))
	}
	for _, row := range c.emulator.requests() {
		if row.Header.Get("Content-Type") == "application/x-www-form-urlencoded" && string(row.body) != "Action=DescribeStacks&Version=1&Password=hidden" {
			t.Errorf("the form became %q", row.body)
		}
	}
	for service, action := range map[string]string{"ssm": "GetParameter", "cloudformation": "DescribeStacks", "monitoring": "PutMetricData"} {
		calls := c.ended(t, 1, gateway.Filter{Service: service, Caller: who.RoleARN, Function: "osdr-snapshot", CallerRegion: east, TargetRegion: west, Action: action})
		if calls[0].Status != 200 {
			t.Errorf("%s: %+v", service, calls)
		}
	}
	if n := len(c.Calls(gateway.Filter{Since: time.Now().Add(time.Minute)})); n != 0 {
		t.Errorf("%d calls of the future", n)
	}
	lines := strings.Split(strings.TrimSpace(c.log.String()), "\n")
	for _, line := range lines {
		var call gateway.Call
		if err := json.Unmarshal([]byte(line), &call); err != nil || call.Front == "" {
			t.Errorf("log line %q: %v", line, err)
		}
	}
	if len(lines) != 3 || strings.Contains(c.log.String(), "hidden") || strings.Contains(c.log.String(), who.Secret) {
		t.Errorf("log: %s", c.log)
	}
}

func TestRefusalsSpeakTheServicesProtocol(t *testing.T) {
	c := start(t)
	_ = c.SetOutage(west, gateway.Refuse)
	form := request(t, "POST", c.AWSURL()+"/", "Action=DescribeStacks")
	form.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	for service, want := range map[string]string{"s3": "<Error><Code>ServiceUnavailable</Code>", "cloudformation": "<ErrorResponse><Error>", "ssm": `"__type":"ServiceUnavailableException"`} {
		r := request(t, "POST", c.AWSURL()+"/"+westBucket, "{}")
		if service == "cloudformation" {
			r = form
		}
		if status, body := do(t, c.direct(), sign(t, r, client, service, west, time.Now())); status != 503 || !strings.Contains(body, want) {
			t.Errorf("%s: %d %s", service, status, body)
		}
	}
}

func TestWithoutEmulatorOrAuthority(t *testing.T) {
	c := start(t)
	c.emulator.Close()
	resp, err := c.direct().Do(api(t, c, "", "lambda", east, "/"))
	if err != nil {
		t.Fatal(err)
	}
	_, _ = io.Copy(io.Discard, resp.Body)
	_ = resp.Body.Close()
	if resp.StatusCode != http.StatusServiceUnavailable {
		t.Errorf("without an emulator: %d", resp.StatusCode)
	}
	c.SetAuthority(nil)
	if status, _ := do(t, c.viaProxy(), sign(t, request(t, "GET", "https://"+domainIn(east).Endpoint+"/", ""), client, "es", east, time.Now())); status != 500 {
		t.Errorf("without an authority: %d", status)
	}
	if err := c.SetEmulator("http://127.0.0.1:1"); err == nil {
		t.Error("an emulator without TLS was taken")
	}
}
