package main

import (
	"fmt"
	"io"
	"log/slog"
	"net"
	"os"
	"os/signal"
	"strings"
	"syscall"

	"github.com/BurntSushi/toml"
	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"hourglass/serve"
	"hourglass/serve/registry"
)

func newServeCommand() *cobra.Command {
	f := serveFlags{Config: serve.DefaultConfig()}
	cmd := &cobra.Command{
		Use:   "serve MODEL...",
		Short: "Put models behind HTTP and gRPC",
		Long: `Serve answers requests for trained models: by the Open Inference Protocol (version 2,
as KServe and Triton speak it) over HTTP and, with --grpc-addr, over gRPC; and by
POST /models/NAME/encode|decode|reconstruct|score|denoise|nearest with JSON, CSV, .npy,
PNG or JPEG. A page at / shows the models and lets one try them; /openapi.json
describes everything, /metrics counts for Prometheus.

MODEL is the folder of a run, a model file, or a folder with folders 1, 2, ... for
versions side by side; NAME=MODEL gives it a name. Encoder and decoder alone are
NAME.encode and NAME.decode. What changes on disk is read again, and on SIGHUP;
SIGTERM lets requests end (--drain).

It listens to this machine only. A public address wants --tls-cert and --tls-key, or
--token-file, or --insecure.

Settings can be in a file (--config, TOML), under the names of the flags; models are
[[model]] with name, path and, for nearest, references. Flags win over the file.`,
		Example: `  hourglass serve runs/stacked
  hourglass serve digits=runs/stacked sensors=sensors.safetensors --addr 127.0.0.1:9000
  hourglass serve --config serve.toml --addr :8443 --tls-cert tls.crt --tls-key tls.key --token-file tokens`,
		Args: arguments(cobra.ArbitraryArgs),
		RunE: func(cmd *cobra.Command, args []string) error { return f.run(cmd, args) },
	}
	f.add(cmd)
	return cmd
}

// serveFlags are the settings of a server, where they are from, and how it talks.
type serveFlags struct {
	serve.Config
	config          string
	references      []string
	logFormat       string
	logLevel        string
	maxBody, memory string
}

func (f *serveFlags) add(cmd *cobra.Command) {
	flags := cmd.Flags()
	flags.StringVar(&f.config, "config", "", "TOML `file` with settings and models")
	flags.StringVar(&f.Addr, "addr", f.Addr, "`address` to listen to, host:port")
	flags.StringVar(&f.GRPCAddr, "grpc-addr", "", "`address` for gRPC (default none)")
	flags.StringArrayVar(&f.Hosts, "host", nil, "`name` the server may be called by, beside localhost and numeric addresses; * for any")
	flags.StringVar(&f.TLSCert, "tls-cert", "", "PEM `file` with the certificate")
	flags.StringVar(&f.TLSKey, "tls-key", "", "PEM `file` with the certificate's key")
	flags.StringVar(&f.Tokens, "token-file", "", "`file` with a token on each line, of which clients must send one")
	flags.BoolVar(&f.Insecure, "insecure", false, "allow a public address with neither TLS nor tokens")
	flags.StringArrayVar(&f.references, "references", nil, "`NAME=DATA`: labelled samples, or codes, among which a model looks for the nearest")
	flags.IntVar(&f.MaxBatch, "max-batch", f.MaxBatch, "samples that run together")
	flags.DurationVar(&f.MaxDelay, "max-delay", f.MaxDelay, "how long a batch waits for requests on their way, while another is running")
	flags.IntVar(&f.MaxQueue, "queue", f.MaxQueue, "requests in line for a model, beyond which they are refused (429)")
	flags.StringVar(&f.maxBody, "max-body", "64M", "`size` of a request and of the values of an answer")
	flags.StringVar(&f.memory, "memory", "1G", "`size` of all requests and answers at a time")
	flags.IntVar(&f.MaxConnections, "max-connections", f.MaxConnections, "connections at a time")
	flags.DurationVar(&f.ReadTimeout, "read-timeout", f.ReadTimeout, "how long a request may take to arrive")
	flags.DurationVar(&f.Timeout, "timeout", f.Timeout, "how long a request may take once it is there")
	flags.DurationVar(&f.IdleTimeout, "idle-timeout", f.IdleTimeout, "how long a connection is kept without a request")
	flags.DurationVar(&f.Drain, "drain", f.Drain, "how long requests may take to end when the server stops")
	flags.BoolVar(&f.Pprof, "pprof", false, "profiles at /debug/pprof/")
	flags.BoolVar(&f.LogRequests, "log-requests", false, "log every request, not only those that fail")
	flags.StringVar(&f.logFormat, "log-format", "text", "`text|json`")
	flags.StringVar(&f.logLevel, "log-level", "info", "`debug|info|warn|error`")
	for _, name := range []string{"config", "tls-cert", "tls-key", "token-file"} {
		cmd.MarkFlagFilename(name)
	}
}

func (f *serveFlags) run(cmd *cobra.Command, args []string) error {
	specs, err := f.settings(cmd, args)
	if err != nil {
		return err
	}
	f.Models = specs
	log, err := f.logger(cmd.ErrOrStderr())
	if err != nil {
		return err
	}
	if err := f.Config.Check(); err != nil {
		return usageError{err}
	}
	server, err := serve.New(cmd.Context(), f.Config, currentVersion().Version, log)
	if err != nil {
		return err
	}
	hangups := make(chan os.Signal, 1)
	signal.Notify(hangups, syscall.SIGHUP)
	defer signal.Stop(hangups)
	done := make(chan struct{})
	defer close(done)
	go func() {
		for {
			select {
			case <-done:
				return
			case <-hangups:
				specs, err := f.models(args)
				if err != nil {
					log.Error("reload failed; what was there stays in use", "error", err)
					continue
				}
				server.Reload(cmd.Context(), specs) // logs what went wrong
			}
		}
	}()
	return server.Run(cmd.Context(), func(http, grpc net.Addr) {
		scheme := "http"
		if f.TLSCert != "" {
			scheme = "https"
		}
		fmt.Fprintf(cmd.OutOrStdout(), "serving %d models at %s://%s\n", len(specs), scheme, http)
		if grpc != nil {
			fmt.Fprintf(cmd.OutOrStdout(), "gRPC at %s\n", grpc)
		}
	})
}

// logger returns where the server writes what happens.
func (f *serveFlags) logger(w io.Writer) (*slog.Logger, error) {
	var o slog.HandlerOptions
	var level slog.Level
	if err := level.UnmarshalText([]byte(f.logLevel)); err != nil {
		return nil, usagef("--log-level is %q, want debug, info, warn or error", f.logLevel)
	}
	o.Level = level
	switch f.logFormat {
	case "text":
		return slog.New(slog.NewTextHandler(w, &o)), nil
	case "json":
		return slog.New(slog.NewJSONHandler(w, &o)), nil
	}
	return nil, usagef("--log-format is %q, want text or json", f.logFormat)
}

// configFile is what a configuration file may have beside the names of flags.
type configFile struct {
	Models []registry.Spec `toml:"model"`
}

// modelsKey is the table of models in a configuration file.
const modelsKey = "model"

// settings reads the configuration file into the flags that were not given, and
// returns the models.
func (f *serveFlags) settings(cmd *cobra.Command, args []string) ([]registry.Spec, error) {
	if f.config != "" {
		values := map[string]any{}
		if _, err := toml.DecodeFile(f.config, &values); err != nil {
			return nil, fmt.Errorf("serve: %s: %w", f.config, err)
		}
		for name, value := range values {
			if err := setFlag(cmd.Flags(), name, value); err != nil {
				return nil, fmt.Errorf("serve: %s: %w", f.config, err)
			}
		}
	}
	if !parseBytes(f.maxBody, &f.MaxBody) {
		return nil, usagef("--max-body is %q, want a size as 64M", f.maxBody)
	}
	if !parseBytes(f.memory, &f.Memory) {
		return nil, usagef("--memory is %q, want a size as 1G", f.memory)
	}
	specs, err := f.models(args)
	if err == nil && len(specs) == 0 {
		err = usagef("want a model to serve; see '%s --help'", cmd.CommandPath())
	}
	return specs, err
}

// setFlag sets a flag to a value of a configuration file, unless the command line
// has set it already.
func setFlag(flags *pflag.FlagSet, name string, value any) error {
	flag := flags.Lookup(name)
	if name == modelsKey {
		return nil
	}
	if flag == nil || name == "config" || name == "help" {
		return fmt.Errorf("there is no setting %q", name)
	}
	if flag.Changed {
		return nil
	}
	values, isList := value.([]any)
	if !isList {
		values = []any{value}
	}
	for _, v := range values {
		if err := flag.Value.Set(fmt.Sprint(v)); err != nil {
			return fmt.Errorf("%s is %v: %w", name, v, err)
		}
	}
	return nil
}

// configured lists the models of the configuration file.
func (f *serveFlags) configured() ([]registry.Spec, error) {
	if f.config == "" {
		return nil, nil
	}
	var file configFile
	meta, err := toml.DecodeFile(f.config, &file)
	if err != nil {
		return nil, fmt.Errorf("serve: %s: %w", f.config, err)
	}
	for _, key := range meta.Undecoded() { // the names of flags, and of nothing else
		if key[0] == modelsKey {
			return nil, fmt.Errorf("serve: %s: there is no setting %q, want name, path and references of a model", f.config, key)
		}
	}
	for i, spec := range file.Models {
		if file.Models[i], err = spec.Named(); err != nil {
			return nil, fmt.Errorf("serve: %s: %w", f.config, err)
		}
	}
	return file.Models, nil
}

// models lists the models of the command line and of the configuration file as it
// is now.
func (f *serveFlags) models(args []string) ([]registry.Spec, error) {
	specs, err := f.configured()
	if err != nil {
		return nil, err
	}
	for _, arg := range args {
		spec, err := registry.ParseSpec(arg)
		if err != nil {
			return nil, usageError{err}
		}
		specs = append(specs, spec)
	}
	for _, r := range f.references {
		name, path, _ := strings.Cut(r, "=")
		found := false
		for i := range specs {
			if specs[i].Name == name {
				specs[i].References, found = path, true
			}
		}
		if !found {
			return nil, usagef("--references %s is for a model %q, which there is not", r, name)
		}
	}
	return specs, nil
}
