package opensearch

import (
	"strings"
	"testing"
)

// The texts stand as they were recorded; sources beside them.
func TestX8_F13_F14_RegistrationFailures(t *testing.T) {
	verification := "repository_verification_exception"
	for _, c := range []struct {
		name                   string
		status                 int
		body                   string
		wrongForm, propagation bool
		diagnosis              Diagnosis
	}{
		{
			// opensearch-project/terraform-provider-opensearch#133
			name: "F13 the service shows no cause", status: 500, propagation: true,
			body: `{"error":{"root_cause":[{"type":"repository_verification_exception","reason":"[test] path  is not accessible on cluster-manager node"}],"type":"repository_verification_exception","reason":"[test] path  is not accessible on cluster-manager node"},"status":500}`,
		}, {
			name: "F13 the role cannot be assumed yet", status: 500, propagation: true,
			body: reason(verification, "[r] path [u] is not accessible on cluster-manager node", "s3_exception", "User: arn:aws:sts::123456789012:assumed-role/x/y is not authorized to perform: sts:AssumeRole on resource: arn:aws:iam::123456789012:role/TheSnapshotRole (Service: Sts, Status Code: 403)"),
		}, {
			name: "F13 the policy is not spread yet", status: 500, propagation: true,
			body: reason(verification, "[r] path [u] is not accessible on cluster-manager node", "s3_exception", "Access Denied (Service: S3, Status Code: 403, Request ID: 1)"),
		}, {
			// a real 3.4.0 node on a bucket of another Region
			name: "F15 bucket of another Region", status: 500, wrongForm: true,
			body: reason(verification, "[r1] path [u1] is not accessible on cluster-manager node", "s3_exception", "The bucket you are attempting to access must be addressed using the specified endpoint. Please send all future requests to this endpoint. (Service: S3, Status Code: 301, Request ID: 3) (SDK Attempt Count: 1)"),
		}, {
			// opensearch-project/OpenSearch#9265
			name: "F15 temporary redirect", status: 500, wrongForm: true,
			body: reason(verification, "[r] path [u] is not accessible on cluster-manager node", "s3_exception", "Please re-send this request to the specified temporary endpoint. Continue to use the original request endpoint for future requests. (Service: S3, Status Code: 307)"),
		}, {
			// elastic/elasticsearch#23354, AWS SDK 1
			name: "F15 please use this region", status: 500, wrongForm: true,
			body: reason("repository_exception", "[r] failed to create repository", "amazon_s3_exception", "The bucket is in this region: eu-west-1. Please use this region to retry the request (Service: Amazon S3; Status Code: 301; Error Code: PermanentRedirect; Request ID: 9)"),
		}, {
			name: "F15 the region is wrong", status: 500, wrongForm: true,
			body: reason(verification, "[r] path [u] is not accessible on master node", "amazon_s3_exception", "The authorization header is malformed; the region 'us-east-1' is wrong; expecting 'eu-west-3' (Service: Amazon S3; Status Code: 400; Error Code: AuthorizationHeaderMalformed)"),
		}, {
			name: "X8 a setting that is not known", status: 400, wrongForm: true,
			body: `{"error":{"type":"illegal_argument_exception","reason":"unknown setting [shard_path_type]"},"status":400}`,
		}, {
			name: "no such bucket is neither", status: 500,
			body: reason(verification, "[r] path [u] is not accessible on cluster-manager node", "no_such_bucket_exception", "The specified bucket does not exist (Service: S3, Status Code: 404)"),
		}, {
			name: "F14 unmapped", status: 403, diagnosis: UnmappedRole,
			body: `{"error":{"root_cause":[{"type":"security_exception","reason":"no permissions for [cluster:admin/repository/put] and User [name=arn:aws:iam::1:role/x, backend_roles=[arn:aws:iam::1:role/x], requestedTenant=null]"}],"type":"security_exception","reason":"no permissions for [cluster:admin/repository/put] and User [name=arn:aws:iam::1:role/x, backend_roles=[arn:aws:iam::1:role/x], requestedTenant=null]"},"status":403}`,
		}, {
			name: "F14 PassRole", status: 403, diagnosis: NoPassRole,
			body: `{"Message":"User: arn:aws:sts::1:assumed-role/osdr-snapshot/x is not authorized to perform: iam:PassRole on resource: arn:aws:iam::1:role/TheSnapshotRole"}`,
		}, {
			// repost.aws/knowledge-center/opensearch-fgac-errors
			name: "F14 not signed", status: 403, diagnosis: NotSigned,
			body: `{"Message":"User: anonymous is not authorized to perform: iam:PassRole on resource: arn:aws:iam::1:role/TheSnapshotRole"}`,
		}, {
			name: "F14 basic authentication", status: 403, diagnosis: NotSigned,
			body: `{"message":"'Basic YWRtaW46c2VjcmV0' not a valid key=value pair (missing equal-sign) in Authorization header: 'Basic YWRtaW46c2VjcmV0'."}`,
		}, {
			name: "F14 body hash", status: 403, diagnosis: WrongSignature,
			body: `{"message":"The request signature we calculated does not match the signature you provided. Check your AWS Secret Access Key and signing method. Consult the service documentation for details.\n\nThe Canonical String for this request should have been\n'PUT\n/_snapshot/r\n\nhost:x\nx-amz-security-token:IQoJb3JpZ2luX2VjSECRET\n'"}`,
		}, {
			name: "F16 wrong Region", status: 403, diagnosis: WrongSignature,
			body: `{"message":"Credential should be scoped to a valid region, not 'us-west-2'. "}`,
		}, {
			name: "a gateway's page", status: 504,
			body: `<html><body>504 Gateway Time-out</body></html>`,
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			err := decodeError("register repository r", c.status, []byte(c.body))
			if got := IsWrongForm(err); got != c.wrongForm {
				t.Errorf("IsWrongForm = %v: %v", got, err)
			}
			if got := IsIAMPropagation(err); got != c.propagation {
				t.Errorf("IsIAMPropagation = %v: %v", got, err)
			}
			if got := Diagnose(err); got != c.diagnosis {
				t.Errorf("Diagnose = %q: %v", got, err)
			}
			if s := err.Error(); strings.Contains(s, "YWRtaW46") || strings.Contains(s, "SECRET") || strings.Contains(s, "<html>") {
				t.Errorf("a secret or a page in %q", s)
			}
			if IsGatewayTimeout(err) != (c.status == 504) {
				t.Errorf("IsGatewayTimeout: %v", err)
			}
		})
	}
}

func reason(kind, text, cause, causeText string) string {
	return `{"error":{"root_cause":[{"type":"` + kind + `","reason":"` + text + `"}],"type":"` + kind + `","reason":"` + text +
		`","caused_by":{"type":"i_o_exception","reason":"Unable to upload object","caused_by":{"type":"` + cause + `","reason":"` + causeText + `"}}},"status":500}`
}

func TestErrorsTellEachReasonOnce(t *testing.T) {
	err := decodeError("create snapshot r/s", 404, []byte(`{"error":{"root_cause":[{"type":"index_not_found_exception","reason":"no such index [x]"}],"type":"index_not_found_exception","reason":"no such index [x]"},"status":404}`))
	if got, want := err.Error(), "create snapshot r/s: 404 index_not_found_exception: no such index [x]"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}
