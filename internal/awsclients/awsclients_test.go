package awsclients

import (
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"

	"github.com/opensearch-dr/osdr/internal/contract"
)

var names = contract.Names{App: "films", Account: "111122223333"}

// service answers each request with f, as an AWS endpoint.
func service(t *testing.T, f func(w http.ResponseWriter, r *http.Request, body string)) aws.Config {
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			t.Error(err)
		}
		f(w, r, string(body))
	}))
	t.Cleanup(srv.Close)
	return aws.Config{
		Region: "us-east-1", BaseEndpoint: &srv.URL, Credentials: credentials.NewStaticCredentialsProvider("k", "s", ""),
		RetryMaxAttempts: 1,
	}
}

func TestH14_DescribeHasThreeAnswers(t *testing.T) {
	status, body := 200, `{"DomainStatus":{"DomainName":"films","ARN":"a","DomainId":"d","ClusterConfig":{},"Created":true,"Deleted":false,"Processing":true,"UpgradeProcessing":false,"Endpoint":"search-films.us-east-1.es.amazonaws.com","EngineVersion":"OpenSearch_3.1"}}`
	cfg := service(t, func(w http.ResponseWriter, r *http.Request, _ string) {
		if !strings.HasSuffix(r.URL.Path, "/domain/films") {
			t.Errorf("path %s", r.URL.Path)
		}
		if status != 200 {
			w.Header().Set("X-Amzn-Errortype", body)
			body = "{}"
		}
		w.WriteHeader(status)
		_, _ = io.WriteString(w, body)
	})
	p := NewPlane(cfg, names)
	d, err := p.Describe(t.Context(), "us-east-1")
	if err != nil || !d.Exists || !d.Created || !d.Processing || !strings.Contains(d.Busy(), "Processing") {
		t.Errorf("%+v %v", d, err)
	}
	status, body = 409, "ResourceNotFoundException"
	if d, err := p.Describe(t.Context(), "us-west-2"); err != nil || d.Exists || d.Region != "us-west-2" {
		t.Errorf("absent: %+v %v", d, err)
	}
	status, body = 403, "AccessDeniedException"
	if _, err := p.Describe(t.Context(), "us-west-2"); err == nil {
		t.Error("an answer that nobody knows is taken for absent")
	}
}

func TestRecoveryAnswers(t *testing.T) {
	status, functionError, body := 200, "", `{"phase":"done","done":true,"generation":2}`
	cfg := service(t, func(w http.ResponseWriter, r *http.Request, sent string) {
		if !strings.Contains(r.URL.Path, "films-recovery") || !strings.Contains(sent, `"action":"status"`) {
			t.Errorf("asked %s with %s", r.URL.Path, sent)
		}
		if functionError != "" {
			w.Header().Set("X-Amz-Function-Error", functionError)
		}
		if status == 429 {
			w.Header().Set("X-Amzn-Errortype", "TooManyRequestsException")
		}
		w.WriteHeader(status)
		_, _ = io.WriteString(w, body)
	})
	f := NewFunctions(cfg, names)
	ask := func() (contract.RecoveryStatus, error) {
		return f.Recovery(t.Context(), "us-west-2", contract.RecoveryRequest{Action: contract.ActionStatus})
	}
	if s, err := ask(); err != nil || !s.Done || s.Generation != 2 {
		t.Errorf("%+v %v", s, err)
	}
	functionError, body = "Unhandled", `{"errorMessage":"status in us-west-2: no","errorType":"wrapError"}`
	if _, err := ask(); err == nil || !strings.Contains(err.Error(), "status in us-west-2: no") {
		t.Errorf("the function's own words are lost: %v", err)
	}
	status, functionError, body = 429, "", "{}"
	if _, err := ask(); !errors.Is(err, ErrBusy) {
		t.Errorf("X5: a throttled call is a look again: %v", err)
	}
}

func TestU1_RollingBack(t *testing.T) {
	state := ""
	cfg := service(t, func(w http.ResponseWriter, _ *http.Request, _ string) {
		_, _ = io.WriteString(w, `<DescribeStacksResponse xmlns="http://cloudformation.amazonaws.com/doc/2010-05-15/"><DescribeStacksResult><Stacks><member><StackName>s</StackName><StackStatus>`+
			state+`</StackStatus></member></Stacks></DescribeStacksResult></DescribeStacksResponse>`)
	})
	for s, want := range map[string]bool{
		"CREATE_IN_PROGRESS": false, "UPDATE_IN_PROGRESS": false, "DELETE_IN_PROGRESS": false, "UPDATE_COMPLETE_CLEANUP_IN_PROGRESS": false,
		"ROLLBACK_IN_PROGRESS": true, "UPDATE_ROLLBACK_IN_PROGRESS": true, "UPDATE_ROLLBACK_COMPLETE_CLEANUP_IN_PROGRESS": true,
	} {
		state = s
		if got, err := NewStacks(cfg).RollingBack(t.Context(), "arn:stack"); err != nil || got != want {
			t.Errorf("%s: %v %v", s, got, err)
		}
	}
}
