package gateway

import (
	"context"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/hex"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
)

const (
	amzTime         = "20060102T150405Z"
	unsignedPayload = "UNSIGNED-PAYLOAD"
	// maxSkew between the signature's time and now.
	maxSkew = 15 * time.Minute
)

// rejection is a 403 of the service's front in AWS's own words.
type rejection string

func (r rejection) Error() string { return string(r) }

// The sentences that AWS answers.
const (
	wrongToken     = rejection("The security token included in the request is invalid.")
	wrongSignature = rejection("The request signature we calculated does not match the signature you provided. " +
		"Check your AWS Secret Access Key and signing method. Consult the service documentation for details.")
)

// verify the signature of a request to service in region: key, token, scope,
// clock, every signed header and the body. A rejection is the caller's fault;
// any other error is the authority's.
func (g *Gateway) verify(ctx context.Context, r *http.Request, s scope, service, region string, body []byte) (Identity, error) {
	if s.service != service {
		return Identity{}, rejection(fmt.Sprintf("Credential should be scoped to correct service: '%s'. ", service))
	}
	if s.region != region {
		return Identity{}, rejection(fmt.Sprintf("Credential should be scoped to a valid Region, not '%s'. ", s.region))
	}
	who, err := g.identify(ctx, s.key)
	if errors.Is(err, ErrUnknownKey) {
		return Identity{}, wrongToken
	}
	if err != nil {
		return Identity{}, err
	}
	token := r.Header.Get("X-Amz-Security-Token")
	stamp := r.Header.Get("X-Amz-Date")
	if s.presigned {
		token, stamp = r.URL.Query().Get("X-Amz-Security-Token"), r.URL.Query().Get("X-Amz-Date")
	}
	if subtle.ConstantTimeCompare([]byte(token), []byte(who.Token)) != 1 {
		return Identity{}, wrongToken
	}
	signedAt, err := time.Parse(amzTime, stamp)
	if err != nil || !strings.HasPrefix(stamp, s.date) {
		return Identity{}, rejection("Date in Credential scope does not match YYYYMMDD from ISO-8601 version of date from HTTP: '" +
			s.date + "' != '" + strings.SplitN(stamp, "T", 2)[0] + "', from '" + stamp + "'.")
	}
	now := g.now().UTC()
	switch edge := now.Add(-maxSkew); {
	case signedAt.Before(edge):
		return Identity{}, rejection(fmt.Sprintf("Signature expired: %s is now earlier than %s (%s - 15 min.)", stamp, edge.Format(amzTime), now.Format(amzTime)))
	case signedAt.After(now.Add(maxSkew)):
		return Identity{}, rejection(fmt.Sprintf("Signature not yet current: %s is still later than %s (%s + 15 min.)", stamp, now.Add(maxSkew).Format(amzTime), now.Format(amzTime)))
	}
	payload := r.Header.Get("X-Amz-Content-Sha256")
	sum := hexSHA256(body)
	switch {
	case payload == "":
		payload = sum
	case payload != unsignedPayload && payload != sum:
		return Identity{}, wrongSignature
	}
	again, err := resign(ctx, r, s, who, payload, signedAt)
	if err != nil {
		return Identity{}, fmt.Errorf("sign the request again to compare: %w", err)
	}
	if !slices.Equal(again.signedHeaders, s.signedHeaders) || subtle.ConstantTimeCompare([]byte(again.signature), []byte(s.signature)) != 1 {
		return Identity{}, wrongSignature
	}
	return who, nil
}

// resign makes the signature that the SDK's signer gives to exactly the headers
// that the caller signed.
func resign(ctx context.Context, r *http.Request, s scope, who Identity, payload string, at time.Time) (scope, error) {
	u := *r.URL
	u.Scheme, u.Host = "https", r.Host
	bare := &http.Request{Method: r.Method, URL: &u, Host: r.Host, Header: http.Header{}}
	credentials := aws.Credentials{AccessKeyID: who.AccessKeyID, SecretAccessKey: who.Secret}
	for _, name := range s.signedHeaders {
		switch name {
		case "host", "x-amz-date":
		case "content-length":
			bare.ContentLength = r.ContentLength
		case "x-amz-security-token":
			credentials.SessionToken = who.Token
		default:
			bare.Header[http.CanonicalHeaderKey(name)] = slices.Clone(r.Header.Values(name))
		}
	}
	signer := v4.NewSigner()
	if !s.presigned {
		if err := signer.SignHTTP(ctx, credentials, bare, payload, s.service, s.region, at); err != nil {
			return scope{}, err
		}
		again, _ := scopeOf(bare)
		return again, nil
	}
	q := u.Query()
	for _, own := range []string{"X-Amz-Signature", "X-Amz-Credential", "X-Amz-SignedHeaders", "X-Amz-Algorithm", "X-Amz-Date", "X-Amz-Security-Token"} {
		q.Del(own)
	}
	u.RawQuery = q.Encode()
	credentials.SessionToken = who.Token
	signed, _, err := signer.PresignHTTP(ctx, credentials, bare, payload, s.service, s.region, at)
	if err != nil {
		return scope{}, err
	}
	parsed, err := url.Parse(signed)
	if err != nil {
		return scope{}, err
	}
	again, _ := scopeOf(&http.Request{URL: parsed, Header: http.Header{}})
	return again, nil
}

func hexSHA256(b []byte) string {
	sum := sha256.Sum256(b)
	return hex.EncodeToString(sum[:])
}
