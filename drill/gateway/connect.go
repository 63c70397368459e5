package gateway

import (
	"bufio"
	"bytes"
	"context"
	"crypto/tls"
	"io"
	"net"
	"net/http"
	"sync"
)

type connKey struct{}

// rememberConn lets a request know the connection it came on.
func rememberConn(ctx context.Context, c net.Conn) context.Context {
	return context.WithValue(ctx, connKey{}, c)
}

// tunnel is a connection that CONNECT led to one domain.
type tunnel struct {
	net.Conn
	early  io.Reader // what the client sent before it had the answer
	domain Domain
}

func (t *tunnel) Read(p []byte) (int, error) {
	if n, err := t.early.Read(p); err == nil {
		return n, nil
	}
	return t.Conn.Read(p)
}

// early copies what the server has read of a connection beyond the request.
func early(b *bufio.Reader) io.Reader {
	held, _ := b.Peek(b.Buffered()) // never more than is there
	return bytes.NewReader(bytes.Clone(held))
}

// connectedTo is the domain whose endpoint the client connected to, if it came
// by CONNECT.
func connectedTo(ctx context.Context) (Domain, bool) {
	conn, _ := ctx.Value(connKey{}).(net.Conn)
	if t, ok := conn.(*tls.Conn); ok {
		conn = t.NetConn()
	}
	if t, ok := conn.(*tunnel); ok {
		return t.domain, true
	}
	return Domain{}, false
}

// joinedListener accepts from a listener and from hand-overs.
type joinedListener struct {
	net.Listener
	conns chan net.Conn
	errs  chan error
	done  chan struct{}
	start sync.Once
	stop  sync.Once
}

func newJoinedListener(l net.Listener) *joinedListener {
	return &joinedListener{Listener: l, conns: make(chan net.Conn), errs: make(chan error, 1), done: make(chan struct{})}
}

func (j *joinedListener) Accept() (net.Conn, error) {
	j.start.Do(func() {
		go func() {
			for {
				c, err := j.Listener.Accept()
				if err != nil {
					j.errs <- err
					return
				}
				if !j.give(c) {
					return
				}
			}
		}()
	})
	select {
	case c := <-j.conns:
		return c, nil
	case err := <-j.errs:
		return nil, err
	case <-j.done:
		return nil, net.ErrClosed
	}
}

// give hands a connection over; false if the listener is closed.
func (j *joinedListener) give(c net.Conn) bool {
	select {
	case j.conns <- c:
		return true
	case <-j.done:
		_ = c.Close()
		return false
	}
}

func (j *joinedListener) Close() error {
	j.stop.Do(func() { close(j.done) })
	return j.Listener.Close()
}

// established answers a CONNECT and takes the connection over.
func established(w *recorder) (net.Conn, io.Reader, error) {
	conn, buffered, err := http.NewResponseController(w).Hijack()
	if err != nil {
		return nil, nil, err
	}
	if _, err := io.WriteString(conn, "HTTP/1.1 200 Connection established\r\n\r\n"); err != nil {
		_ = conn.Close()
		return nil, nil, err
	}
	w.status = http.StatusOK
	return conn, early(buffered.Reader), nil
}

// serveConnect is the HTTPS proxy of functions and clients: a known domain
// leads to the domain front, loopback to itself, anything else nowhere, for
// nothing may leave the machine.
func (g *Gateway) serveConnect(rw http.ResponseWriter, r *http.Request) {
	w := &recorder{ResponseWriter: rw}
	call := g.begin("connect", r)
	call.Path = ""
	host, port, err := net.SplitHostPort(r.Host)
	if r.Method != http.MethodConnect || err != nil {
		call.Effect = "refused: not CONNECT host:port"
		http.Error(w, "this proxy of the drill takes CONNECT host:port only", http.StatusMethodNotAllowed)
		g.end(call, w, nil)
		return
	}
	if ip := net.ParseIP(host); host == "localhost" || ip != nil && ip.IsLoopback() {
		g.passThrough(r.Context(), w, net.JoinHostPort("127.0.0.1", port), call)
		return
	}
	d, ok := g.owner(r.Context(), hostOnly(host))
	if !ok || port != "443" {
		call.Effect = "refused: not a domain of this drill"
		http.Error(w, "the drill has no domain "+r.Host+", and nothing leaves this machine", http.StatusForbidden)
		g.end(call, w, nil)
		return
	}
	call.TargetRegion, call.Service = d.Region, "es"
	if mode, why, _ := g.outages.effect("", d.Region); mode == Silent {
		call.Effect = why
		g.hold(w, r, "", d.Region)
		g.end(call, w, nil)
		return
	}
	conn, sent, err := established(w)
	g.end(call, w, nil)
	if err == nil {
		g.tunnels.give(&tunnel{Conn: conn, early: sent, domain: d})
	}
}

// passThrough joins the client with a loopback address.
func (g *Gateway) passThrough(ctx context.Context, w *recorder, addr string, call *Call) {
	defer func() { g.end(call, w, nil) }()
	call.Effect = "passed to loopback"
	up, err := new(net.Dialer).DialContext(ctx, "tcp", addr)
	if err != nil {
		call.Effect = "loopback refused"
		http.Error(w, "nothing listens there", http.StatusBadGateway)
		return
	}
	defer func() { _ = up.Close() }()
	conn, sent, err := established(w)
	if err != nil {
		return
	}
	defer func() { _ = conn.Close() }()
	ended := make(chan struct{}, 2)
	pipe := func(to net.Conn, from io.Reader) {
		_, _ = io.Copy(to, from)
		if half, ok := to.(*net.TCPConn); ok {
			_ = half.CloseWrite()
		}
		ended <- struct{}{}
	}
	go pipe(up, io.MultiReader(sent, conn))
	go pipe(conn, up)
	for range 2 {
		select {
		case <-ended:
		case <-g.done:
			return
		}
	}
}
