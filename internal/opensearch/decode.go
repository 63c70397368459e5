package opensearch

import (
	"encoding/json"
	"regexp"
	"slices"
	"strings"
)

// cause is the engine's error object, which nests.
type cause struct {
	Type      string  `json:"type"`
	Reason    string  `json:"reason"`
	RootCause []cause `json:"root_cause"`
	CausedBy  *cause  `json:"caused_by"`
}

// shards of a broadcast's answer.
type shards struct {
	Total    int `json:"total"`
	Failed   int `json:"failed"`
	Failures []struct {
		Reason cause `json:"reason"`
	} `json:"failures"`
}

// decodeError understands the engine's error objects, its plain sentences, the
// security plugin's {"status","message"}, the service's {"Message"}, and a
// proxy's page, of which only the status is kept.
func decodeError(step string, status int, body []byte) error {
	e := &Error{Step: step, Status: status, Type: typeOf(status)}
	var answer struct {
		Error   json.RawMessage `json:"error"`
		Status  any             `json:"status"`
		Message string          `json:"message"` // and "Message": names match in any case
		Reason  string          `json:"reason"`
		Shards  shards          `json:"_shards"`
	}
	if json.Unmarshal(body, &answer) != nil {
		e.Reason = "the answer is not the engine's"
		return e
	}
	var object cause
	var sentence string
	switch {
	case len(answer.Shards.Failures) > 0: // a broadcast that failed everywhere, without an error object
		e.Type, e.Reason = answer.Shards.Failures[0].Reason.Type, answer.Shards.Failures[0].Reason.sentence()
	case json.Unmarshal(answer.Error, &object) == nil && object.Type != "":
		e.Type, e.Reason = object.Type, object.sentence()
	case json.Unmarshal(answer.Error, &sentence) == nil:
		e.Reason = sentence
	default:
		if s, ok := answer.Status.(string); ok {
			e.Type = s
		}
		e.Reason = strings.Trim(answer.Message+" "+answer.Reason, " ")
	}
	e.Reason = redact(e.Reason)
	return e
}

// sentence joins the reasons of the whole tree, each once.
func (c cause) sentence() string {
	var parts []string
	add := func(s string) {
		if s != "" && !slices.Contains(parts, s) {
			parts = append(parts, s)
		}
	}
	add(c.Reason)
	for _, r := range c.RootCause {
		add(r.Reason)
	}
	for by := c.CausedBy; by != nil; by = by.CausedBy {
		add(by.Type + ": " + by.Reason)
	}
	return strings.Join(parts, "; ")
}

// maxReason of an error's text, bytes.
const maxReason = 1500

// The service repeats parts of the request in its refusals: the Authorization
// header of a basic authentication, and the canonical request with the session
// token in it.
var secrets = []*regexp.Regexp{
	regexp.MustCompile(`(?s)The Canonical String for this request.*`),
	regexp.MustCompile(`(?i)authorization header:? ?'[^']*'`),
	regexp.MustCompile(`(?i)\b(basic|bearer) [a-z0-9+/=._~-]{6,}`),
	regexp.MustCompile(`(?i)x-amz-security-token[:=]\S+`),
	regexp.MustCompile(`(?i)signature=[0-9a-f]{16,}`),
}

func redact(s string) string {
	for _, r := range secrets {
		s = r.ReplaceAllString(s, "(left out)")
	}
	s = strings.Join(strings.Fields(s), " ")
	if len(s) > maxReason {
		s = strings.ToValidUTF8(s[:maxReason], "") + " (cut)"
	}
	return s
}
