package reader

import (
	"archive/zip"
	"bytes"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/google/go-cmp/cmp"
)

// service answers each request with f, as an AWS endpoint.
func service(t *testing.T, f func(w http.ResponseWriter, r *http.Request, body string)) *AWS {
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			t.Error(err)
		}
		f(w, r, string(body))
	}))
	t.Cleanup(srv.Close)
	return New(aws.Config{
		Region: "us-east-1", BaseEndpoint: &srv.URL, Credentials: credentials.NewStaticCredentialsProvider("k", "s", ""), RetryMaxAttempts: 1,
	})
}

func fails(status int, code, message string) func(http.ResponseWriter, *http.Request, string) {
	return func(w http.ResponseWriter, r *http.Request, _ string) {
		w.Header().Set("X-Amzn-Errortype", code)
		w.WriteHeader(status)
		// The XML of IAM, S3, Route 53 and the query services; JSON of all others.
		xml := strings.Contains(r.Header.Get("Content-Type"), "form") || strings.HasPrefix(r.URL.Path, "/2013-04-01/")
		if !xml {
			_, _ = io.WriteString(w, `{"__type":"`+code+`","message":"`+message+`"}`)
			return
		}
		_, _ = io.WriteString(w, `<ErrorResponse><Error><Code>`+code+`</Code><Message>`+message+`</Message></Error></ErrorResponse>`)
	}
}

func TestH14_AbsentIsNoError(t *testing.T) {
	ctx := t.Context()
	for name, c := range map[string]struct {
		status        int
		code, message string
		ask           func(a *AWS) (there bool, err error)
	}{
		"stack":    {400, "ValidationError", "Stack with id x does not exist", func(a *AWS) (bool, error) { v, err := a.Stack(ctx, "us-east-1", "x"); return v != nil, err }},
		"domain":   {409, "ResourceNotFoundException", "no", func(a *AWS) (bool, error) { v, err := a.Domain(ctx, "us-east-1", "x"); return v != nil, err }},
		"function": {404, "ResourceNotFoundException", "no", func(a *AWS) (bool, error) { v, err := a.Function(ctx, "us-east-1", "x"); return v != nil, err }},
		"async":    {404, "ResourceNotFoundException", "no", func(a *AWS) (bool, error) { v, err := a.Async(ctx, "us-east-1", "x"); return v != nil, err }},
		"schedule": {404, "ResourceNotFoundException", "no", func(a *AWS) (bool, error) { v, err := a.Schedule(ctx, "us-east-1", "g", "x"); return v != nil, err }},
		"role":     {404, "NoSuchEntity", "no", func(a *AWS) (bool, error) { v, err := a.Role(ctx, "x"); return v != nil, err }},
		"key":      {400, "NotFoundException", "no", func(a *AWS) (bool, error) { v, err := a.Key(ctx, "us-east-1", "alias/x"); return v != nil, err }},
		"topic":    {404, "NotFound", "no", func(a *AWS) (bool, error) { v, err := a.Topic(ctx, "us-east-1", "arn"); return v != nil, err }},
		"certificate": {400, "ResourceNotFoundException", "no", func(a *AWS) (bool, error) {
			v, err := a.Certificate(ctx, "us-east-1", "arn")
			return v != nil, err
		}},
		"parameter": {400, "ParameterNotFound", "no", func(a *AWS) (bool, error) { _, ok, err := a.Parameter(ctx, "us-east-1", "x"); return ok, err }},
		"zone":      {404, "NoSuchHostedZone", "no", func(a *AWS) (bool, error) { v, err := a.Zone(ctx, "Z1"); return v != nil, err }},
	} {
		if there, err := c.ask(service(t, fails(c.status, c.code, c.message))); there || err != nil {
			t.Errorf("%s: there %v, %v", name, there, err)
		}
		if there, err := c.ask(service(t, fails(403, "AccessDenied", "you may not"))); there || err == nil {
			t.Errorf("%s: denied is taken for absent", name)
		}
	}
}

func TestBucketParts(t *testing.T) {
	ask := func(part BucketPart, status int, body string) (*Resource, error) {
		return service(t, func(w http.ResponseWriter, _ *http.Request, _ string) {
			w.WriteHeader(status)
			_, _ = io.WriteString(w, body)
		}).Bucket(t.Context(), "us-east-1", "b", part)
	}
	got, err := ask(Lifecycle, 200, `<LifecycleConfiguration><Rule><ID>leftovers-only</ID><Filter><Prefix></Prefix></Filter><Status>Enabled</Status>
		<Expiration><ExpiredObjectDeleteMarker>true</ExpiredObjectDeleteMarker></Expiration><NoncurrentVersionExpiration><NoncurrentDays>90</NoncurrentDays></NoncurrentVersionExpiration>
		<AbortIncompleteMultipartUpload><DaysAfterInitiation>7</DaysAfterInitiation></AbortIncompleteMultipartUpload></Rule>
		<Rule><ID>x</ID><Filter><Prefix>logs/</Prefix></Filter><Status>Enabled</Status><Expiration><Days>30</Days></Expiration></Rule></LifecycleConfiguration>`)
	if err != nil {
		t.Fatal(err)
	}
	want := map[string]any{"LifecycleConfiguration": map[string]any{"Rules": []any{
		map[string]any{
			"Id": "leftovers-only", "Status": "Enabled", "ExpiredObjectDeleteMarker": true,
			"NoncurrentVersionExpiration": map[string]any{"NoncurrentDays": 90.0}, "AbortIncompleteMultipartUpload": map[string]any{"DaysAfterInitiation": 7.0},
		},
		map[string]any{"Id": "x", "Status": "Enabled", "ExpirationInDays": 30.0, "Prefix": "logs/"},
	}}}
	if diff := cmp.Diff(want, got.Properties); diff != "" {
		t.Errorf("lifecycle: -want +got\n%s", diff)
	}
	if got, err := ask(Policy, 404, `<Error><Code>NoSuchBucketPolicy</Code></Error>`); err != nil || got == nil || len(got.Properties) != 0 {
		t.Errorf("a bucket without a policy: %+v %v", got, err)
	}
	if got, err := ask(Policy, 404, `<Error><Code>NoSuchBucket</Code></Error>`); err != nil || got != nil {
		t.Errorf("no bucket: %+v %v", got, err)
	}
	if got, err := ask(Versioning, 200, `<VersioningConfiguration/>`); err != nil || got.Properties["VersioningConfiguration"].(map[string]any)["Status"] != "" {
		t.Errorf("never versioned: %+v %v", got, err)
	}
}

func TestPoliciesAreReadEscapedAndPlain(t *testing.T) {
	for _, text := range []string{`{"Statement":[]}`, `%7B%22Statement%22%3A%5B%5D%7D`} {
		got, err := document(text)
		if diff := cmp.Diff(map[string]any{"Statement": []any{}}, got); diff != "" || err != nil {
			t.Errorf("%s: %v %v", text, got, err)
		}
	}
	if _, err := document("Statement:"); err == nil {
		t.Error("what is no JSON is a policy")
	}
}

func TestPackagesAreHashedByFile(t *testing.T) {
	var b bytes.Buffer
	z := zip.NewWriter(&b)
	f, err := z.Create("bootstrap")
	if err == nil {
		_, err = io.WriteString(f, "abc")
	}
	if err != nil || z.Close() != nil {
		t.Fatal(err)
	}
	a := service(t, func(w http.ResponseWriter, _ *http.Request, _ string) { _, _ = w.Write(b.Bytes()) })
	got, err := a.Code(t.Context(), *a.cfg.BaseEndpoint)
	if want := "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"; err != nil || got["bootstrap"] != want {
		t.Errorf("%v %v", got, err)
	}
	a = service(t, func(w http.ResponseWriter, _ *http.Request, _ string) { w.WriteHeader(http.StatusForbidden) })
	if _, err := a.Code(t.Context(), *a.cfg.BaseEndpoint); err == nil {
		t.Error("a refused download is a package")
	}
}
