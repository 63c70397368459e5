package gateway_test

import (
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"

	"github.com/opensearch-dr/osdr/drill/gateway"
)

func TestDomainTakesASignedCallAsTheCallersRole(t *testing.T) {
	c := start(t)
	c.nodes[east].answer = func(w http.ResponseWriter, _ got) { _, _ = io.WriteString(w, "from the node") }
	r := request(t, "POST", "https://"+domainIn(east).Endpoint+"/a%2Fb,*/_search?q=x%20y&pretty", `{"query":1}`)
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("X-Proxy-User", "admin")
	r.Header.Set("X-Proxy-Roles", "admin")
	r.Header.Set("X-Forwarded-For", "6.6.6.6")
	r.Header.Set("X-Forwarded-Host", "evil")
	status, body := do(t, c.viaProxy(), sign(t, r, client, "es", east, time.Now()))
	if status != 200 || body != "from the node" {
		t.Fatalf("%d %s", status, body)
	}
	got := c.nodes[east].last(t)
	for name, want := range map[string]string{"X-Proxy-User": client.RoleARN, "X-Proxy-Roles": client.RoleARN, "X-Forwarded-For": "127.0.0.1",
		"X-Forwarded-Host": "", "Authorization": "", "X-Amz-Security-Token": "", "X-Amz-Date": ""} {
		if have := strings.Join(got.Header.Values(name), "|"); have != want {
			t.Errorf("the node got %s: %q, want %q", name, have, want)
		}
	}
	if got.URL.RequestURI() != "/a%2Fb,*/_search?pretty=&q=x%20y" /* the signer orders the query */ || string(got.body) != `{"query":1}` {
		t.Errorf("the node got %s %s", got.URL.RequestURI(), got.body)
	}
	want := gateway.Question{PrincipalARN: client.PrincipalARN, RoleARN: client.RoleARN, Action: "es:ESHttpPost", Resource: domainIn(east).ARN + "/a/b,*/_search"}
	if q := c.iam.asked[0]; q.PrincipalARN != want.PrincipalARN || q.RoleARN != want.RoleARN || q.Action != want.Action || q.Resource != want.Resource {
		t.Errorf("IAM was asked %+v, want %+v", q, want)
	}
	c.ended(t, 1, gateway.Filter{Front: "domain", Caller: client.RoleARN, Action: "es:ESHttpPost"})
	for _, secret := range []string{client.Secret, client.Token, "Signature", "q=x", `"query"`} {
		if strings.Contains(c.log.String(), secret) {
			t.Errorf("the log holds %q", secret)
		}
	}
}

func TestDomainRefuses(t *testing.T) {
	wrong := client
	wrong.Secret = "guessed"
	stranger := client
	stranger.AccessKeyID = "ASIASTRANGER"
	noToken := client
	noToken.Token = ""
	tampered := "The request signature we calculated does not match the signature you provided."
	rows := []struct {
		name    string
		who     gateway.Identity
		service string
		region  string
		age     time.Duration
		change  func(*http.Request)
		want    string
	}{
		{"a wrong secret", wrong, "es", east, 0, nil, tampered},
		{"an unknown key", stranger, "es", east, 0, nil, "The security token included in the request is invalid."},
		{"a missing token", noToken, "es", east, 0, nil, "The security token included in the request is invalid."},
		{"F16 another Region's signature", client, "es", west, 0, nil, "Credential should be scoped to a valid Region, not 'us-west-2'."},
		{"another service's signature", client, "s3", east, 0, nil, "Credential should be scoped to correct service: 'es'."},
		{"an old signature", client, "es", east, 16 * time.Minute, nil, "Signature expired: "},
		{"a signature of the future", client, "es", east, -16 * time.Minute, nil, "Signature not yet current: "},
		{"another path", client, "es", east, 0, func(r *http.Request) { r.URL.Path = "/other" }, tampered},
		{"another query", client, "es", east, 0, func(r *http.Request) { r.URL.RawQuery = "refresh=false" }, tampered},
		{"another method", client, "es", east, 0, func(r *http.Request) { r.Method = "POST" }, tampered},
		{"another body", client, "es", east, 0, func(r *http.Request) { r.Body = io.NopCloser(strings.NewReader(`{"a":2}`)) }, tampered},
		{"another signed header", client, "es", east, 0, func(r *http.Request) { r.Header.Set("Content-Type", "text/plain") }, tampered},
		{"a body that is not its hash", client, "es", east, 0, func(r *http.Request) { r.Header.Set("X-Amz-Content-Sha256", strings.Repeat("0", 64)) }, tampered},
		{"no signature", client, "es", east, 0, func(r *http.Request) { r.Header.Del("Authorization") }, "User: anonymous is not authorized to perform: es:ESHttpPut"},
		{"a password", client, "es", east, 0, func(r *http.Request) { r.SetBasicAuth("admin", "admin") }, "User: anonymous is not authorized to perform: es:ESHttpPut"},
	}
	c := start(t)
	for _, row := range rows {
		t.Run(row.name, func(t *testing.T) {
			r := request(t, "PUT", "https://"+domainIn(east).Endpoint+"/films/_doc/1?refresh=true", `{"a":1}`)
			r.Header.Set("Content-Type", "application/json")
			sign(t, r, row.who, row.service, row.region, time.Now().Add(-row.age))
			if row.change != nil {
				row.change(r)
			}
			status, body := do(t, c.viaProxy(), r)
			if status != 403 || !strings.HasPrefix(message(t, body), row.want) {
				t.Errorf("%d %s, want 403 %s", status, body, row.want)
			}
		})
	}
	if n := len(c.nodes[east].requests()); n != 0 {
		t.Errorf("%d refused calls reached the node", n)
	}
}

func TestDomainTakesUnsignedPayload(t *testing.T) {
	c := start(t)
	r := request(t, "PUT", "https://"+domainIn(east).Endpoint+"/films/_doc/1", `{"a":1}`)
	r.Header.Set("X-Amz-Content-Sha256", "UNSIGNED-PAYLOAD")
	signPayload(t, r, client, "UNSIGNED-PAYLOAD")
	if status, body := do(t, c.viaProxy(), r); status != 200 {
		t.Fatalf("%d %s", status, body)
	}
}

func TestDomainTakesAPresignedCall(t *testing.T) {
	c := start(t)
	credentials := aws.Credentials{AccessKeyID: client.AccessKeyID, SecretAccessKey: client.Secret, SessionToken: client.Token}
	signed, header, err := v4.NewSigner().PresignHTTP(t.Context(), credentials, request(t, "GET", "https://"+domainIn(east).Endpoint+"/films?q=a+b", ""),
		"UNSIGNED-PAYLOAD", "es", east, time.Now())
	if err != nil {
		t.Fatal(err)
	}
	for raw, want := range map[string]int{signed: 200, strings.Replace(signed, "/films", "/other", 1): 403} {
		r := request(t, "GET", raw, "")
		r.Header = header
		r.Header.Set("X-Amz-Content-Sha256", "UNSIGNED-PAYLOAD")
		if status, body := do(t, c.viaProxy(), r); status != want {
			t.Errorf("%s: %d %s, want %d", r.URL.Path, status, body, want)
		}
	}
}

func TestDomainAsksIAM(t *testing.T) {
	c := start(t)
	c.iam.deny("es:ESHttpDelete")
	status, body := do(t, c.viaProxy(), sign(t, request(t, "DELETE", "https://"+domainIn(east).Endpoint+"/films", ""), client, "es", east, time.Now()))
	want := "User: " + client.PrincipalARN + " is not authorized to perform: es:ESHttpDelete because no identity-based policy allows the es:ESHttpDelete action"
	if status != 403 || message(t, body) != want {
		t.Errorf("%d %s", status, body)
	}
	if len(c.nodes[east].requests()) != 0 {
		t.Error("the call reached the node")
	}
}

func register(t *testing.T, c *cloud, settings string) (int, string) {
	t.Helper()
	r := request(t, "PUT", "https://"+domainIn(east).Endpoint+"/_snapshot/os-snapshot-repo", `{"type":"s3","settings":{`+settings+`}}`)
	return do(t, c.viaProxy(), sign(t, r, client, "es", east, time.Now()))
}

func TestF14_RegistrationNeedsARoleThatTheCallerMayPass(t *testing.T) {
	c := start(t)
	if status, body := register(t, c, `"bucket":"`+westBucket+`"`); status != 400 || message(t, body) != "settings.role_arn is needed for snapshot registration." {
		t.Errorf("without a role: %d %s", status, body)
	}
	c.iam.deny("iam:PassRole")
	status, body := register(t, c, `"bucket":"`+westBucket+`","role_arn":"`+snapshotRole+`"`)
	if want := "User: " + client.PrincipalARN + " is not authorized to perform: iam:PassRole on resource: " + snapshotRole; status != 403 || message(t, body) != want {
		t.Errorf("%d %s, want %s", status, body, want)
	}
	if len(c.nodes[east].requests()) != 0 {
		t.Error("a refused registration reached the node")
	}
}

func TestX8_RegistrationFormsRefused(t *testing.T) {
	forms := map[string]string{"region": `"region":"us-west-2"`, "endpoint": `"endpoint":"s3.amazonaws.com"`,
		"region+endpoint": `"region":"us-west-2","endpoint":"https://s3.us-west-2.amazonaws.com"`}
	words := map[string]string{"region": "PermanentRedirect", "region+endpoint": "PermanentRedirect", "endpoint": "Please re-send this request to the specified temporary endpoint"}
	c := start(t)
	c.RefuseRegistrations("region+endpoint", "region")
	for form, settings := range forms {
		status, body := register(t, c, `"role_arn":"`+snapshotRole+`","bucket":"`+westBucket+`",`+settings)
		if form == "endpoint" {
			if status != 200 {
				t.Errorf("%s: %d %s", form, status, body)
			}
			continue
		}
		if status != 500 || !strings.Contains(body, words[form]) || !strings.Contains(body, "repository_verification_exception") {
			t.Errorf("%s: %d %s", form, status, body)
		}
	}
	c.RefuseRegistrations("endpoint")
	if status, body := register(t, c, `"role_arn":"`+snapshotRole+`","bucket":"`+westBucket+`",`+forms["endpoint"]); status != 500 || !strings.Contains(body, words["endpoint"]) {
		t.Errorf("endpoint: %d %s", status, body)
	}
}

func TestF34_ASlowNodeIsA504AndADeadOneA503(t *testing.T) {
	c := start(t, func(cfg *gateway.Config) { cfg.NodeTimeout = 300 * time.Millisecond })
	release := make(chan struct{})
	c.nodes[east].answer = func(http.ResponseWriter, got) { <-release }
	get := func() int {
		status, _ := do(t, c.viaProxy(), sign(t, request(t, "GET", "https://"+domainIn(east).Endpoint+"/", ""), client, "es", east, time.Now()))
		return status
	}
	if status := get(); status != 504 {
		t.Errorf("slow node: %d", status)
	}
	close(release)
	c.nodes[east].Close()
	if status := get(); status != 503 {
		t.Errorf("dead node: %d", status)
	}
}
