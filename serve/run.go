package serve

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"sync/atomic"
	"time"

	"golang.org/x/net/netutil"
)

// headerTimeout is how long a request's header may take, and maxHeader how long it
// may be.
const (
	headerTimeout = 5 * time.Second
	maxHeader     = 16 << 10
	maxStreams    = 100 // requests at a time on a connection that can have several
)

// certificate is the server's own, which may be replaced while it runs.
type certificate struct {
	current atomic.Pointer[tls.Certificate]
}

// load reads the certificate and its key.
func (c *certificate) load(cert, key string) error {
	pair, err := tls.LoadX509KeyPair(cert, key)
	if err != nil {
		return fmt.Errorf("serve: TLS: %w", err)
	}
	c.current.Store(&pair)
	return nil
}

// config returns what a listener needs to show it.
func (c *certificate) config() *tls.Config {
	return &tls.Config{
		MinVersion:     tls.VersionTLS12,
		GetCertificate: func(*tls.ClientHelloInfo) (*tls.Certificate, error) { return c.current.Load(), nil },
	}
}

// Run serves until ctx ends, and then lets requests that have begun end within the
// time to drain. Started, if not nil, is told the addresses once they are open.
func (s *Server) Run(ctx context.Context, started func(http, grpc net.Addr)) error {
	listener, err := s.listen(s.config.Addr)
	if err != nil {
		return err
	}
	defer listener.Close()
	ctx, stop := context.WithCancelCause(ctx)
	defer stop(nil)
	var grpcAddr net.Addr
	stopGRPC := func(context.Context) error { return nil }
	if s.config.GRPCAddr != "" {
		if grpcAddr, stopGRPC, err = s.startGRPC(stop); err != nil {
			return err
		}
	}
	watcher, err := s.watch(ctx)
	if err != nil {
		return err
	}
	defer watcher.Close()
	server := s.httpServer()
	go func() {
		stop(fmt.Errorf("serve: %w", s.serveHTTP(server, listener)))
	}()
	s.log.Info("serving", "address", listener.Addr().String(), "tls", s.config.TLSCert != "", "tokens", s.config.Tokens != "", "ready", s.Ready())
	if started != nil {
		started(listener.Addr(), grpcAddr)
	}
	<-ctx.Done()
	if cause := context.Cause(ctx); !errors.Is(cause, context.Canceled) {
		return cause
	}
	return s.drain(server, stopGRPC)
}

// listen opens an address for a bounded number of connections.
func (s *Server) listen(addr string) (net.Listener, error) {
	listener, err := net.Listen("tcp", addr)
	if err != nil {
		return nil, fmt.Errorf("serve: %w", err)
	}
	return netutil.LimitListener(listener, s.config.MaxConnections), nil
}

func (s *Server) httpServer() *http.Server {
	c := s.config
	return &http.Server{
		Handler:           s.Handler(),
		ReadHeaderTimeout: min(headerTimeout, c.ReadTimeout),
		ReadTimeout:       c.ReadTimeout,
		// The answer may take as long to be read as the request took to arrive.
		WriteTimeout:   2*c.ReadTimeout + c.Timeout,
		IdleTimeout:    c.IdleTimeout,
		MaxHeaderBytes: maxHeader,
		ConnContext:    withConn,
		HTTP2:          &http.HTTP2Config{MaxConcurrentStreams: maxStreams},
		ErrorLog:       slog.NewLogLogger(s.log.Handler(), slog.LevelDebug), // of connections that strangers broke
	}
}

// serveHTTP serves until the server is closed.
func (s *Server) serveHTTP(server *http.Server, listener net.Listener) error {
	if s.config.TLSCert == "" {
		return server.Serve(holdingListener{listener})
	}
	server.TLSConfig = s.certificate.config()
	return server.ServeTLS(listener, "", "")
}

// drain stops taking requests and waits for those that have begun.
func (s *Server) drain(server *http.Server, stopGRPC func(context.Context) error) error {
	s.draining.Store(true)
	s.log.Info("stopping", "drain", s.config.Drain.String())
	ctx, cancel := context.WithTimeout(context.Background(), s.config.Drain)
	defer cancel()
	grpcDone := make(chan error, 1)
	go func() { grpcDone <- stopGRPC(ctx) }()
	err := errors.Join(server.Shutdown(ctx), <-grpcDone)
	if err != nil {
		server.Close()
		return fmt.Errorf("serve: requests were cut off that did not end within %v: %w", s.config.Drain, err)
	}
	s.log.Info("stopped")
	return nil
}
