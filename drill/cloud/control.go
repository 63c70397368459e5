package cloud

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/opensearch-dr/osdr/drill/gateway"
	"github.com/opensearch-dr/osdr/drill/node"
)

// controls is the control API: JSON by POST, 204 or {error}. The emulator calls
// /domains..., people and tests the rest.
func (c *Cloud) controls() http.Handler {
	mux := http.NewServeMux()
	handle(mux, "/domains", func(ctx context.Context, r request) error { return c.domains.create(ctx, r) })
	handle(mux, "/domains/update", func(_ context.Context, r request) error { return c.domains.update(r) })
	handle(mux, "/domains/delete", func(_ context.Context, r request) error { return c.domains.delete(key{r.Region, r.Name}) })
	handle(mux, "/nodes/kill", func(_ context.Context, r NodeRequest) error { return c.KillNode(r.Region, r.Name) })
	handle(mux, "/nodes/start", func(ctx context.Context, r NodeRequest) error { return c.StartNode(ctx, r.Region, r.Name) })
	handle(mux, "/creation-time", func(_ context.Context, r CreationRequest) error {
		return c.SetCreation(time.Duration(r.Seconds * float64(time.Second)))
	})
	handle(mux, "/outage", func(_ context.Context, r OutageRequest) error { return c.SetOutage(r.Region, r.Mode) })
	handle(mux, "/link", func(_ context.Context, r LinkRequest) error { return c.SetLink(r.From, r.To, r.Cut) })
	handle(mux, "/refuse-registration", func(_ context.Context, r RefusalRequest) error {
		c.Gateway.RefuseRegistrations(r.Forms...)
		return nil
	})
	handle(mux, "/node-options", func(_ context.Context, r NodeOptionsRequest) error {
		c.SetNodeOptions(r.Region, r.Name, r.Options)
		return nil
	})
	handle(mux, "/domain-state", func(ctx context.Context, r DomainStateRequest) error {
		return c.SetDomainState(ctx, r.Region, r.Name, r.State)
	})
	mux.HandleFunc("GET /status", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		_ = json.NewEncoder(w).Encode(c.Status()) // a reader that went away
	})
	return mux
}

// Bodies of the control API.
type (
	// NodeRequest is for /nodes/kill and /nodes/start.
	NodeRequest struct {
		Region string `json:"region"`
		Name   string `json:"name"` // the domain's
	}
	// NodeOptionsRequest is for /node-options.
	NodeOptionsRequest struct {
		Region string `json:"region"`
		Name   string `json:"name"`
		node.Options
	}
	// DomainStateRequest is for /domain-state.
	DomainStateRequest struct {
		Region string `json:"region"`
		Name   string `json:"name"`
		State  string `json:"state"` // active, processing, upgrading, isolated, updating, update-required
	}
	// CreationRequest is for /creation-time.
	CreationRequest struct {
		Seconds float64 `json:"seconds"` // the least that a domain's creation takes
	}
	// OutageRequest is for /outage.
	OutageRequest struct {
		Region string       `json:"region"`
		Mode   gateway.Mode `json:"mode"` // none, refuse, silent
	}
	// LinkRequest is for /link, which has no direction.
	LinkRequest struct {
		From string `json:"from"`
		To   string `json:"to"`
		Cut  bool   `json:"cut"` // false mends it
	}
	// RefusalRequest is for /refuse-registration.
	RefusalRequest struct {
		Forms []string `json:"forms"` // region+endpoint, region, endpoint
	}
)

// Status of the cloud.
type Status struct {
	Domains         []DomainStatus          `json:"domains"`
	Outages         map[string]gateway.Mode `json:"outages,omitempty"`
	CutLinks        []string                `json:"cutLinks,omitempty"` // "a b"
	CreationSeconds float64                 `json:"creationSeconds"`
}

// DomainStatus is one domain with its node.
type DomainStatus struct {
	Name           string `json:"name"`
	Region         string `json:"region"`
	State          string `json:"state"` // creating, running, lost, deleting
	Endpoint       string `json:"endpoint"`
	CustomEndpoint string `json:"customEndpoint,omitempty"`
	Node           string `json:"node,omitempty"` // host:port, only the gateway may call it
	PID            int    `json:"pid,omitempty"`
	Folder         string `json:"folder"`
}

// Status now.
func (c *Cloud) Status() Status {
	d := c.domains
	d.mu.Lock()
	defer d.mu.Unlock()
	s := Status{Domains: []DomainStatus{}, CreationSeconds: d.creation.Seconds(), Outages: map[string]gateway.Mode{}}
	for _, domain := range d.all {
		one := DomainStatus{
			Name: domain.Name, Region: domain.Region, State: domain.state, Endpoint: domain.Endpoint,
			CustomEndpoint: domain.CustomEndpoint, Node: domain.Address, Folder: domain.spec.Folder,
		}
		if domain.node != nil {
			one.PID = domain.node.PID()
		}
		s.Domains = append(s.Domains, one)
	}
	slices.SortFunc(s.Domains, func(a, b DomainStatus) int { return strings.Compare(a.Region+"/"+a.Name, b.Region+"/"+b.Name) })
	for region, mode := range d.outages {
		s.Outages[region] = mode
	}
	for link := range d.links {
		s.CutLinks = append(s.CutLinks, link)
	}
	slices.Sort(s.CutLinks)
	return s
}

// Domains that exist, as the gateway sees them.
func (c *Cloud) Domains() []gateway.Domain { return c.domains.List() }

// KillNode is SIGKILL to the domain's node; the domain stays.
func (c *Cloud) KillNode(region, name string) error { return c.domains.kill(key{region, name}) }

// StartNode brings a killed node back on its data and waits until it is ready.
func (c *Cloud) StartNode(ctx context.Context, region, name string) error {
	return c.domains.start(ctx, key{region, name})
}

// SetNodeOptions of a domain, for each start of its node from now on: settings and
// files that this Region's domain has and the other's has not.
func (c *Cloud) SetNodeOptions(region, name string, options node.Options) {
	c.domains.mu.Lock()
	defer c.domains.mu.Unlock()
	c.domains.options[key{region, name}] = options
}

// SetDomainState puts a domain into a state that only the service brings about
// (emulator.Processing and so on), until it is set to another.
func (c *Cloud) SetDomainState(ctx context.Context, region, name, state string) error {
	return c.Emulator.SetDomain(ctx, c.options.Account, region, name, state)
}

// SetCreation sets the least time the creation of the next domains takes.
func (c *Cloud) SetCreation(least time.Duration) error {
	if least < 0 {
		return fmt.Errorf("set the time of creation: %s is negative", least)
	}
	c.domains.mu.Lock()
	defer c.domains.mu.Unlock()
	c.domains.creation = least
	return nil
}

// SetOutage takes a Region away, or gives it back.
func (c *Cloud) SetOutage(region string, mode gateway.Mode) error {
	if !slices.Contains(c.options.Regions, region) {
		return fmt.Errorf("set outage: %q is none of %v", region, c.options.Regions)
	}
	if err := c.Gateway.SetOutage(region, mode); err != nil {
		return err
	}
	c.domains.mu.Lock()
	defer c.domains.mu.Unlock()
	if mode == gateway.None {
		delete(c.domains.outages, region)
	} else {
		c.domains.outages[region] = mode
	}
	return nil
}

// SetLink cuts the link between two Regions, or mends it.
func (c *Cloud) SetLink(from, to string, cut bool) error {
	for _, region := range []string{from, to} {
		if !slices.Contains(c.options.Regions, region) {
			return fmt.Errorf("set link: %q is none of %v", region, c.options.Regions)
		}
	}
	c.Gateway.SetLink(from, to, cut)
	if from > to {
		from, to = to, from
	}
	c.domains.mu.Lock()
	defer c.domains.mu.Unlock()
	if cut {
		c.domains.links[from+" "+to] = true
	} else {
		delete(c.domains.links, from+" "+to)
	}
	return nil
}

func handle[T any](mux *http.ServeMux, path string, do func(context.Context, T) error) {
	mux.HandleFunc("POST "+path, func(w http.ResponseWriter, r *http.Request) {
		var body T
		decoder := json.NewDecoder(io.LimitReader(r.Body, 1<<20))
		decoder.DisallowUnknownFields()
		err := decoder.Decode(&body)
		status := http.StatusBadRequest
		if err == nil {
			// The server notices a caller that went away only once the body is read.
			err = do(r.Context(), body)
			status = http.StatusConflict
		}
		if err == nil {
			w.WriteHeader(http.StatusNoContent)
			return
		}
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(status)
		_ = json.NewEncoder(w).Encode(failure{err.Error()}) // a caller that went away
	})
}

type failure struct {
	Error string `json:"error"`
}

func (f failure) err() error { return errors.New(f.Error) }
