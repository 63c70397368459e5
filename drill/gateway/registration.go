package gateway

import (
	"encoding/json"
	"fmt"
	"net/http"
	"regexp"
	"strings"
)

// registrationBody of PUT /_snapshot/<repository>.
type registrationBody struct {
	Type     string `json:"type"`
	Settings struct {
		Bucket   string `json:"bucket"`
		BasePath string `json:"base_path"`
		Region   string `json:"region"`
		Endpoint string `json:"endpoint"`
		RoleARN  string `json:"role_arn"`
	} `json:"settings"`
}

// form of X8's ranked list.
func (b registrationBody) form() string {
	switch {
	case b.Settings.Region != "" && b.Settings.Endpoint != "":
		return "region+endpoint"
	case b.Settings.Region != "":
		return "region"
	case b.Settings.Endpoint != "":
		return "endpoint"
	}
	return ""
}

// repositoryOf a registration's path; false for any other request.
func repositoryOf(r *http.Request) (string, bool) {
	if r.Method != http.MethodPut && r.Method != http.MethodPost {
		return "", false
	}
	parts := strings.FieldsFunc(r.URL.Path, func(c rune) bool { return c == '/' })
	if len(parts) != 2 || parts[0] != "_snapshot" {
		return "", false
	}
	return parts[1], true
}

// RefuseRegistrations makes registrations of these forms ("region+endpoint",
// "region", "endpoint") fail as the engine's S3 client does where S3 redirects
// (X8); none ends it.
func (g *Gateway) RefuseRegistrations(forms ...string) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.refused = map[string]bool{}
	for _, f := range forms {
		g.refused[f] = true
	}
}

func (g *Gateway) refusesForm(form string) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.refused[form]
}

// checkRegistration does what the managed service does before the engine sees
// a registration: the caller must be allowed to pass the role that the nodes
// will use. False: it has been answered.
func (g *Gateway) checkRegistration(w http.ResponseWriter, r *http.Request, who Identity, d Domain, body []byte, call *Call) bool {
	repository, ok := repositoryOf(r)
	if !ok {
		return true
	}
	var b registrationBody
	if err := json.Unmarshal(body, &b); err != nil || b.Type != "s3" {
		return true // the engine says what is wrong with it
	}
	role := b.Settings.RoleARN
	if role == "" {
		call.Effect = "refused: role_arn missing"
		answerJSON(w, http.StatusBadRequest, map[string]string{"Message": "settings.role_arn is needed for snapshot registration."})
		return false
	}
	allowed, err := g.allowed(r.Context(), who, "iam:PassRole", role)
	if err != nil {
		call.Effect = "authority: " + err.Error()
		answerJSON(w, http.StatusInternalServerError, map[string]any{"message": nil})
		return false
	}
	if !allowed {
		call.Effect = "refused: PassRole"
		denied(w, "User: "+who.PrincipalARN+" is not authorized to perform: iam:PassRole on resource: "+role)
		return false
	}
	if form := b.form(); g.refusesForm(form) {
		call.Effect = "refused: registration form " + form
		refuseForm(w, repository, form, b.Settings.BasePath)
		return false
	}
	if err := g.repos.remember(d.ARN, b.Settings.Bucket, role); err != nil {
		call.Effect = err.Error()
		answerJSON(w, http.StatusInternalServerError, map[string]string{"message": err.Error()})
		return false
	}
	return true
}

var (
	secureEndpoint = regexp.MustCompile(`("endpoint"\s*:\s*")https://`)
	plainStored    = regexp.MustCompile(`("endpoint"\s*:\s*")http://`)
)

// plainEndpoint lets an https endpoint reach the node as http, so that the S3
// proxy can re-sign what the node asks of it. The node cannot be given trust in
// the drill's own CA instead: it deletes through the SDK's native client, which
// knows the system's certificates only.
func plainEndpoint(r *http.Request, body []byte) []byte {
	if _, ok := repositoryOf(r); !ok {
		return body
	}
	return secureEndpoint.ReplaceAll(body, []byte("${1}http://"))
}

// readsRepositories: GET /_snapshot and GET /_snapshot/<repository>, whose
// answers name the endpoint as it was registered.
func readsRepositories(r *http.Request) bool {
	parts := strings.FieldsFunc(r.URL.Path, func(c rune) bool { return c == '/' })
	return r.Method == http.MethodGet && len(parts) > 0 && len(parts) <= 2 && parts[0] == "_snapshot"
}

// asRegistered undoes plainEndpoint in an answer.
func asRegistered(body []byte) []byte {
	return plainStored.ReplaceAll(body, []byte("${1}https://"))
}

// refuseForm is the engine's 500 when the verification's test object met a
// redirect, which its S3 client does not follow.
func refuseForm(w http.ResponseWriter, repository, form, basePath string) {
	status, sentence := 301, "The bucket you are attempting to access must be addressed using the specified endpoint. Please send all future requests to this endpoint. (PermanentRedirect)"
	if form == "endpoint" {
		status, sentence = 307, "Please re-send this request to the specified temporary endpoint. Continue to use the original request endpoint for future requests."
	}
	reason := fmt.Sprintf("[%s] path [%s] is not accessible on cluster-manager node", repository, basePath)
	answerJSON(w, http.StatusInternalServerError, map[string]any{
		"error": map[string]any{
			"root_cause": []any{map[string]string{"type": "repository_verification_exception", "reason": reason}},
			"type":       "repository_verification_exception",
			"reason":     reason,
			"caused_by": map[string]any{
				"type": "i_o_exception", "reason": "Unable to upload object using a single upload",
				"caused_by": map[string]string{"type": "s3_exception", "reason": fmt.Sprintf("%s (Service: S3, Status Code: %d)", sentence, status)},
			},
		},
		"status": http.StatusInternalServerError,
	})
}
