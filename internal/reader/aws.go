package reader

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/smithy-go"
)

// AWS is Cloud by the shell's credentials.
type AWS struct{ cfg aws.Config }

var _ Cloud = (*AWS)(nil)

// New reader.
func New(cfg aws.Config) *AWS { return &AWS{cfg} }

// code of an AWS error; empty for any other.
func code(err error) string {
	if api, ok := errors.AsType[smithy.APIError](err); ok {
		return api.ErrorCode()
	}
	return ""
}

// absent tells whether an error says that there is none.
func absent(err error, codes ...string) bool {
	c := code(err)
	for _, known := range codes {
		if c == known {
			return true
		}
	}
	return false
}

// shape of an SDK structure under its own field names, which are CloudFormation's
// in all that is compared. What is not set is left out.
func shape(v any) map[string]any {
	b, err := json.Marshal(v)
	if err != nil {
		return nil // an SDK structure is JSON
	}
	var out map[string]any
	if err := json.Unmarshal(b, &out); err != nil {
		return nil
	}
	return prune(out)
}

func prune(m map[string]any) map[string]any {
	for k, v := range m {
		switch v := v.(type) {
		case nil:
			delete(m, k)
		case map[string]any:
			prune(v)
		case []any:
			for _, item := range v {
				if sub, ok := item.(map[string]any); ok {
					prune(sub)
				}
			}
		}
	}
	delete(m, "ResultMetadata")
	return m
}

// document of a policy, which IAM answers escaped.
func document(text string) (any, error) {
	if strings.HasPrefix(text, "%7B") {
		plain, err := url.QueryUnescape(text)
		if err != nil {
			return nil, fmt.Errorf("read a policy: %w", err)
		}
		text = plain
	}
	if text == "" {
		return nil, nil
	}
	var out any
	if err := json.Unmarshal([]byte(text), &out); err != nil {
		return nil, fmt.Errorf("read a policy: %w", err)
	}
	return out, nil
}
