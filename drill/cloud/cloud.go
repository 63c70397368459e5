// Package cloud is the whole local cloud of the drill: the gateway, the
// emulator behind it, and a real OpenSearch node for each domain that exists in
// the emulator. A node runs before its domain is ready and is gone before its
// domain is; Stop, the end of Start's context and the death of this process
// leave no process behind.
package cloud

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"sync"
	"syscall"
	"time"

	"github.com/opensearch-dr/osdr/drill/certs"
	"github.com/opensearch-dr/osdr/drill/emulator"
	"github.com/opensearch-dr/osdr/drill/gateway"
	"github.com/opensearch-dr/osdr/drill/install"
	"github.com/opensearch-dr/osdr/drill/node"
)

// DefaultAccount is the emulator's. Any 12 digits will do.
const DefaultAccount = "000000000000"

// Options of a cloud; the zero value is ready to use.
type Options struct {
	Dir     string    // of the installation; empty: install.DefaultDir
	Folder  string    // of this run, emptied at the start; empty: Dir/run
	Regions []string  // empty: us-east-1 and us-west-2
	Names   []string  // custom endpoints and records that need a certificate
	Account string    // 12 digits
	Heap    string    // of each node, "512m"
	Log     io.Writer // progress; nil: nowhere
	// Creation is the least time a domain's creation takes.
	Creation time.Duration
	// Kind names what this cloud leaves out of the service's unkindnesses.
	Kind []Unkindness
	// Hour is how long an hour of the service takes; 0 is a minute.
	Hour time.Duration
}

func (o *Options) defaults() error {
	if o.Log == nil {
		o.Log = io.Discard
	}
	if len(o.Regions) == 0 {
		o.Regions = []string{"us-east-1", "us-west-2"}
	}
	if len(o.Names) == 0 {
		o.Names = []string{"search.example.com"}
	}
	if o.Account == "" {
		o.Account = DefaultAccount
	}
	var err error
	if o.Dir == "" {
		if o.Dir, err = install.DefaultDir(); err != nil {
			return err
		}
	}
	if o.Folder == "" {
		o.Folder = filepath.Join(o.Dir, "run")
	}
	if o.Hour == 0 {
		o.Hour = time.Minute
	}
	if err = checkKind(o.Kind); err != nil {
		return err
	}
	o.Folder, err = filepath.Abs(o.Folder)
	return err
}

// Cloud that runs.
type Cloud struct {
	Tools    *install.Tools
	Certs    *certs.Files
	Gateway  *gateway.Gateway
	Emulator *emulator.Emulator
	// Admin is an IAM user that may do everything, for deploys. The emulator's
	// root key is used by nothing.
	Admin gateway.Identity

	options    Options
	domains    *domains
	control    *http.Server
	address    string // of control
	bundle     string // SSL_CERT_FILE of a shell
	lock       *os.File
	serviceLog *os.File // what the service's own calls could not do
	ended      bool     // the emulator
	cancel     context.CancelFunc
	serving    sync.WaitGroup
	failed     chan error
}

// Start installs what is missing and starts a cloud with no domain in it.
func Start(ctx context.Context, options Options) (_ *Cloud, err error) {
	if err := options.defaults(); err != nil {
		return nil, fmt.Errorf("start the local cloud: %w", err)
	}
	c := &Cloud{options: options, failed: make(chan error, 4)}
	if c.Tools, err = install.Install(ctx, install.Options{Dir: options.Dir, Log: options.Log}); err != nil {
		return nil, fmt.Errorf("start the local cloud: %w", err)
	}
	live, cancel := context.WithCancel(ctx)
	c.cancel = cancel
	if err := c.start(live); err != nil {
		return nil, errors.Join(fmt.Errorf("start the local cloud: %w", err), c.Stop())
	}
	return c, nil
}

func (c *Cloud) start(ctx context.Context) error {
	if err := c.claim(); err != nil {
		return err
	}
	folder := func(name string) string { return filepath.Join(c.options.Folder, name) }
	names := c.options.Names
	for _, region := range c.options.Regions {
		names = append(names, "*."+region+".es.amazonaws.com")
	}
	var err error
	if c.Certs, err = certs.Make(folder("certs"), names); err != nil {
		return err
	}
	if c.bundle, err = c.Certs.Bundle(); err != nil {
		return err
	}
	certificate, err := c.Certs.ServerCertificate()
	if err != nil {
		return err
	}
	calls, err := os.Create(folder("calls.log"))
	if err != nil {
		return err
	}
	service, err := os.Create(folder("service.log"))
	if err != nil {
		return errors.Join(err, calls.Close())
	}
	c.serviceLog = service
	c.domains = &domains{cloud: c, ctx: ctx, creation: c.options.Creation, pace: paceOf(c.options.Hour), all: map[key]*domain{}, options: map[key]node.Options{},
		outages: map[string]gateway.Mode{}, links: map[string]bool{}}
	c.Gateway, err = gateway.New(gateway.Config{
		Directory:     c.domains,
		NodeKey:       c.domains.byKey,
		Certificate:   certificate,
		CA:            c.Certs.Pool(),
		StateFile:     folder("repositories.json"),
		Log:           calls,
		AllOperations: !c.options.unkind(Operations),
		Searched:      c.domains.searched,
	})
	if err != nil {
		return errors.Join(err, calls.Close(), service.Close())
	}
	c.serve("gateway", func() error {
		return errors.Join(c.Gateway.Serve(ctx), calls.Close())
	})
	if err := c.listen(ctx); err != nil {
		return err
	}
	c.Emulator, err = emulator.Start(ctx, emulator.Options{
		Folder:       folder("emulator"),
		Tools:        c.Tools,
		Certs:        c.Certs,
		Account:      c.options.Account,
		Control:      c.Control(),
		Front:        c.Gateway.AWSURL(),
		ConnectProxy: c.Gateway.ConnectProxyURL(),
		AnyRequest:   !c.options.unkind(Requests),
	})
	if err != nil {
		return err
	}
	c.Gateway.SetAuthority(c.Emulator)
	if err := c.Gateway.SetEmulator(c.Emulator.URL()); err != nil {
		return err
	}
	if c.Admin, err = c.Emulator.CreateUser(ctx, "drill-admin", Allow("*", "*")); err != nil {
		return err
	}
	exited := c.Emulator.Exited()
	go func() {
		select {
		case <-exited:
			c.failed <- errors.New("the emulator ended")
		case <-ctx.Done():
		}
	}()
	return c.writeState()
}

// Allow is a policy of one statement.
func Allow(action, resource string) emulator.Policy {
	return emulator.Policy{"Version": "2012-10-17", "Statement": []any{
		map[string]any{"Effect": "Allow", "Action": action, "Resource": resource},
	}}
}

// claim empties the run's folder for this process alone. The lock is the
// kernel's: it ends with the process.
func (c *Cloud) claim() error {
	if err := os.MkdirAll(c.options.Folder, 0o755); err != nil {
		return err
	}
	f, err := os.OpenFile(lockFile(c.options.Folder), os.O_CREATE|os.O_RDWR, 0o644)
	if err != nil {
		return err
	}
	if err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		return errors.Join(fmt.Errorf("a drill runs already in %s: stop it with `drill stop`, or give this one another folder", c.options.Folder), f.Close())
	}
	c.lock = f
	if err := os.RemoveAll(c.options.Folder); err != nil {
		return err
	}
	return os.MkdirAll(c.options.Folder, 0o755)
}

func lockFile(folder string) string { return folder + ".lock" }

func (c *Cloud) listen(ctx context.Context) error {
	listener, err := new(net.ListenConfig).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return fmt.Errorf("open the control address: %w", err)
	}
	c.address = "http://" + listener.Addr().String()
	c.control = &http.Server{Handler: c.controls(), ReadHeaderTimeout: time.Minute}
	c.serve("control", func() error { return c.control.Serve(listener) })
	return nil
}

func (c *Cloud) serve(name string, run func() error) {
	c.serving.Go(func() {
		if err := run(); err != nil && !errors.Is(err, http.ErrServerClosed) {
			c.failed <- fmt.Errorf("%s: %w", name, err)
		}
	})
}

// Control is the address of the control API, http on loopback.
func (c *Cloud) Control() string { return c.address }

// Folder of this run: logs, certificates, data.
func (c *Cloud) Folder() string { return c.options.Folder }

// Failed tells that a part of the cloud ended by itself. It must be stopped then.
func (c *Cloud) Failed() <-chan error { return c.failed }

// Stop ends everything, nodes first so that they close in order. It may be
// called twice.
func (c *Cloud) Stop() error {
	var faults []error
	// The emulator waits for answers of the control address: it goes first, or
	// it would see its domains' creations fail.
	c.cancel()
	if c.Emulator != nil && !c.ended { // creations that are being cut off still read it
		c.ended = true
		faults = append(faults, c.Emulator.Stop())
	}
	if c.domains != nil {
		faults = append(faults, c.domains.stop())
	}
	if c.control != nil {
		faults = append(faults, c.control.Close())
	}
	if c.serviceLog != nil {
		c.domains.attending.Wait()
		faults = append(faults, c.serviceLog.Close())
		c.serviceLog = nil
	}
	if c.Gateway != nil {
		faults = append(faults, c.Gateway.Close())
	}
	c.serving.Wait()
	if c.lock != nil {
		if err := os.Remove(c.stateFile()); err != nil && !errors.Is(err, os.ErrNotExist) {
			faults = append(faults, err)
		}
		faults = append(faults, c.lock.Close())
		c.lock = nil
	}
	return errors.Join(faults...)
}
