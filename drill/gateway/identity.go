package gateway

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// How long answers of the authority are good: keys are made and dropped rarely,
// but a function that is made again under its name must not wait long for its
// new role; a session lives 15 minutes at least.
const (
	identityAge = 20 * time.Second
	unknownAge  = time.Second
	sessionAge  = 10 * time.Minute
)

var errNoAuthority = errors.New("the gateway has no authority yet: the emulator is not up")

type knownIdentity struct {
	Identity
	err   error
	until time.Time
}

// SetAuthority gives, or replaces, the authority; what the old one said is
// forgotten.
func (g *Gateway) SetAuthority(a Authority) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.authority = a
	g.known, g.sessions = map[string]knownIdentity{}, map[string]knownIdentity{}
}

func (g *Gateway) theAuthority() (Authority, error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.authority == nil {
		return nil, errNoAuthority
	}
	return g.authority, nil
}

func (g *Gateway) identify(ctx context.Context, key string) (Identity, error) {
	return g.cached(&g.known, key, identityAge, func(a Authority) (Identity, error) { return a.Identify(ctx, key) })
}

// assume gives a session of the role as the OpenSearch service takes it for the
// domain.
func (g *Gateway) assume(ctx context.Context, roleARN string, d Domain) (Identity, error) {
	return g.cached(&g.sessions, roleARN+" "+d.ARN, sessionAge, func(a Authority) (Identity, error) {
		if s, ok := a.(ServiceAuthority); ok {
			return s.AssumeForService(ctx, roleARN, d.Name, "es.amazonaws.com", d.ARN, d.Account)
		}
		return a.Assume(ctx, roleARN, d.Name)
	})
}

func (g *Gateway) cached(in *map[string]knownIdentity, key string, age time.Duration, ask func(Authority) (Identity, error)) (Identity, error) {
	a, err := g.theAuthority()
	if err != nil {
		return Identity{}, err
	}
	g.mu.Lock()
	found, ok := (*in)[key]
	g.mu.Unlock()
	if ok && g.now().Before(found.until) {
		return found.Identity, found.err
	}
	id, err := ask(a)
	switch {
	case err == nil:
	case errors.Is(err, ErrUnknownKey):
		age = unknownAge
	default:
		return Identity{}, fmt.Errorf("ask the authority: %w", err) // never kept
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	(*in)[key] = knownIdentity{id, err, g.now().Add(age)}
	return id, err
}

// forget the session of a role that S3 no longer takes.
func (g *Gateway) forget(roleARN string, d Domain) {
	g.mu.Lock()
	defer g.mu.Unlock()
	delete(g.sessions, roleARN+" "+d.ARN)
}

func (g *Gateway) allowed(ctx context.Context, who Identity, action, resource string) (bool, error) {
	a, err := g.theAuthority()
	if err != nil {
		return false, err
	}
	d, err := a.Allowed(ctx, Question{PrincipalARN: who.PrincipalARN, RoleARN: who.RoleARN, Action: action, Resource: resource,
		Context: map[string]string{"aws:SecureTransport": "true"}})
	if err != nil {
		return false, fmt.Errorf("ask whether %s is allowed: %w", action, err)
	}
	return d.Allowed, nil
}
