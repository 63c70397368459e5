package gateway

import (
	"net/http"
	"net/url"
	"regexp"
	"strings"
)

// scope is what a request says of its signature, before anything is checked.
type scope struct {
	key, date, region, service string
	signedHeaders              []string
	signature                  string
	presigned                  bool
}

const algorithm = "AWS4-HMAC-SHA256"

// scopeOf reads the Authorization header, or a presigned URL's query. False:
// not signed by SigV4.
func scopeOf(r *http.Request) (scope, bool) {
	fields := map[string]string{}
	presigned := false
	if rest, ok := strings.CutPrefix(r.Header.Get("Authorization"), algorithm); ok {
		for _, part := range strings.Split(rest, ",") {
			if k, v, ok := strings.Cut(strings.TrimSpace(part), "="); ok {
				fields[k] = v
			}
		}
	} else if q := r.URL.Query(); q.Get("X-Amz-Algorithm") == algorithm {
		presigned = true
		fields["Credential"], fields["SignedHeaders"], fields["Signature"] =
			q.Get("X-Amz-Credential"), q.Get("X-Amz-SignedHeaders"), q.Get("X-Amz-Signature")
	}
	// An access key may hold no slash, so the scope's parts are counted from the end.
	p := strings.Split(fields["Credential"], "/")
	if len(p) != 5 || p[4] != "aws4_request" {
		return scope{}, false
	}
	return scope{key: p[0], date: p[1], region: p[2], service: p[3], presigned: presigned,
		signedHeaders: strings.Split(fields["SignedHeaders"], ";"), signature: fields["Signature"]}, true
}

// globalServices belong to no Region: no Region's loss takes them away.
var globalServices = map[string]bool{"iam": true, "sts": true, "route53": true}

var (
	regionSuffix = regexp.MustCompile(`-((?:[a-z]{2}|us-gov)-(?:central|(?:north|south)?(?:east|west)|north|south)-\d)$`)
	regionInS3   = regexp.MustCompile(`^(?:(.+)\.)?s3[.-]([a-z]{2}(?:-[a-z]+)+-\d)\.amazonaws\.com$`)
	globalS3     = regexp.MustCompile(`^(?:(.+)\.)?s3\.amazonaws\.com$`)
)

// s3Address of a request: the host's Region (empty for the global endpoint),
// the bucket, and whether the bucket is in the host's name.
func s3Address(host string, u *url.URL) (region, bucket string, virtual bool) {
	host = hostOnly(host)
	if m := regionInS3.FindStringSubmatch(host); m != nil {
		bucket, region = m[1], m[2]
	} else if m := globalS3.FindStringSubmatch(host); m != nil {
		bucket = m[1]
	}
	if bucket != "" {
		return region, bucket, true
	}
	bucket, _, _ = strings.Cut(strings.TrimPrefix(u.Path, "/"), "/")
	return region, bucket, false
}

func hostOnly(hostport string) string {
	if i := strings.LastIndexByte(hostport, ':'); i > strings.LastIndexByte(hostport, ']') {
		hostport = hostport[:i]
	}
	return strings.ToLower(strings.TrimSuffix(hostport, "."))
}
