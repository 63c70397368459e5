package gateway

import (
	"encoding/json"
	"encoding/xml"
	"io"
	"log"
	"net/http"
	"strings"
)

// discardLog: handshakes that a client gives up are no news; what matters is in
// the call log.
var discardLog = log.New(io.Discard, "", 0)

func answerJSON(w http.ResponseWriter, status int, body any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(body) // the client may be gone
}

// denied is IAM's no, as the managed service words it.
func denied(w http.ResponseWriter, message string) {
	answerJSON(w, http.StatusForbidden, map[string]string{"Message": message})
}

// noServer is what the front of a domain answers while no node is behind it.
func noServer(w http.ResponseWriter) {
	w.Header().Set("Content-Type", "text/html")
	w.WriteHeader(http.StatusServiceUnavailable)
	_, _ = io.WriteString(w, "<html><body><h1>503 Service Unavailable</h1>\nNo server is available to handle this request.\n</body></html>\n")
}

type s3Error struct {
	XMLName  xml.Name `xml:"Error"`
	Code     string   `xml:"Code"`
	Message  string   `xml:"Message"`
	Bucket   string   `xml:"BucketName,omitempty"`
	HostID   string   `xml:"HostId"`
	RequestI string   `xml:"RequestId"`
}

func answerS3(w http.ResponseWriter, r *http.Request, status int, code, message string) {
	w.Header().Set("Content-Type", "application/xml")
	w.WriteHeader(status)
	if r.Method == http.MethodHead {
		return
	}
	_, _ = io.WriteString(w, xml.Header)
	_ = xml.NewEncoder(w).Encode(s3Error{Code: code, Message: message, HostID: "gateway", RequestI: "gateway"})
}

type queryError struct {
	XMLName xml.Name `xml:"ErrorResponse"`
	Type    string   `xml:"Error>Type"`
	Code    string   `xml:"Error>Code"`
	Message string   `xml:"Error>Message"`
	Request string   `xml:"RequestId"`
}

// unavailable is the 503 of a service in trouble, in the words of its protocol.
func unavailable(w http.ResponseWriter, r *http.Request, service, message string) {
	form := strings.HasPrefix(r.Header.Get("Content-Type"), "application/x-www-form-urlencoded")
	switch {
	case service == "s3":
		answerS3(w, r, http.StatusServiceUnavailable, "ServiceUnavailable", message)
	case form || service == "route53":
		w.Header().Set("Content-Type", "text/xml")
		w.WriteHeader(http.StatusServiceUnavailable)
		_ = xml.NewEncoder(w).Encode(queryError{Type: "Receiver", Code: "ServiceUnavailable", Message: message, Request: "gateway"})
	default:
		w.Header().Set("X-Amzn-Errortype", "ServiceUnavailableException")
		answerJSON(w, http.StatusServiceUnavailable, map[string]string{"__type": "ServiceUnavailableException", "message": message})
	}
}
