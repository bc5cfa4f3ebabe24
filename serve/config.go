package serve

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"time"

	"hourglass/serve/registry"
)

// Config says what a server offers, where, and within which limits.
type Config struct {
	Models []registry.Spec

	Addr     string // of HTTP, host:port
	GRPCAddr string // of gRPC; "" for none
	// Hosts are the names the server may be called by, beside localhost and numeric
	// addresses; "*" is any name.
	Hosts    []string
	TLSCert  string // PEM files, both or none; read again when they change
	TLSKey   string
	Tokens   string // file with a token on each line, of which clients send one; "" for none
	Insecure bool   // allows a public address with neither TLS nor tokens

	MaxBatch int           // samples that run together
	MaxDelay time.Duration // how long a busy batch waits for requests that are being read
	MaxQueue int           // requests in line, for each model

	MaxBody        int64         // bytes of a request, and of the values of its answer
	Memory         int64         // bytes of all requests and answers at a time
	MaxConnections int           // at a time
	ReadTimeout    time.Duration // for a request to arrive
	Timeout        time.Duration // for a request to be computed, its time in line included
	IdleTimeout    time.Duration // for a connection without a request
	Drain          time.Duration // for requests to end when the server stops

	Pprof       bool // profiles at /debug/pprof/
	LogRequests bool // a line for each request, and not only for those that failed
}

// DefaultConfig returns the settings that a server has unless told otherwise.
func DefaultConfig() Config {
	return Config{
		Addr:     "127.0.0.1:8080",
		MaxBatch: 64, MaxDelay: 200 * time.Microsecond, MaxQueue: 1024,
		MaxBody: 64 << 20, Memory: 1 << 30, MaxConnections: 1024,
		ReadTimeout: 30 * time.Second, Timeout: 30 * time.Second, IdleTimeout: 2 * time.Minute, Drain: 30 * time.Second,
	}
}

// Check refuses settings that make no sense, or that would leave the door open.
func (c *Config) Check() error {
	for _, n := range []struct {
		name  string
		value int64
		least int64
	}{
		{"max-batch", int64(c.MaxBatch), 1}, {"queue", int64(c.MaxQueue), 0}, {"max-delay", int64(c.MaxDelay), 0},
		{"max-body", c.MaxBody, 1}, {"memory", c.Memory, c.MaxBody}, {"max-connections", int64(c.MaxConnections), 1},
		{"read-timeout", int64(c.ReadTimeout), 1}, {"timeout", int64(c.Timeout), 1},
		{"idle-timeout", int64(c.IdleTimeout), 1}, {"drain", int64(c.Drain), 0},
	} {
		if n.value < n.least {
			return fmt.Errorf("serve: %s is %d, want at least %d", n.name, n.value, n.least)
		}
	}
	const mostSamples = 1 << 16
	if c.MaxBatch > mostSamples {
		return fmt.Errorf("serve: max-batch is %d, want at most %d", c.MaxBatch, mostSamples)
	}
	if (c.TLSCert == "") != (c.TLSKey == "") {
		return errors.New("serve: want both a TLS certificate and its key, or none")
	}
	if len(c.Models) == 0 {
		return errors.New("serve: no models")
	}
	for _, addr := range []string{c.Addr, c.GRPCAddr} {
		if err := c.checkAddr(addr); err != nil {
			return err
		}
	}
	return nil
}

// checkAddr refuses an address that strangers reach and nothing protects.
func (c *Config) checkAddr(addr string) error {
	if addr == "" {
		return nil
	}
	host, _, err := net.SplitHostPort(addr)
	if err != nil {
		return fmt.Errorf("serve: address %q, want host:port", addr)
	}
	if c.TLSCert == "" && c.Tokens == "" && !c.Insecure && !isLoopback(host) {
		return fmt.Errorf("serve: %s can be reached from other machines, want TLS or tokens, or that it be called insecure", addr)
	}
	return nil
}

// isLoopback reports whether a host is this machine and seen by no other.
func isLoopback(host string) bool {
	if host == "localhost" {
		return true
	}
	ip, err := netip.ParseAddr(host)
	return err == nil && ip.Unmap().IsLoopback()
}
