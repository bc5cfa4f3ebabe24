package main

import (
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"hourglass/client"
	"hourglass/internal/atomicfile"
)

func newClientCommand() *cobra.Command {
	var (
		server, tokenFile string
		timeout           time.Duration
		attempts          int
	)
	cmd := &cobra.Command{
		Use:   "client",
		Short: "Ask a server of models",
		Long: `Client asks a server that "hourglass serve" runs: from a shell, a cron job, or a
container that has no other program. Where the server is busy or restarts it tries
again (--attempts).`,
		Args: arguments(cobra.NoArgs),
		RunE: func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	flags := cmd.PersistentFlags()
	flags.StringVar(&server, "server", "http://127.0.0.1:8080", "`URL` of the server")
	flags.StringVar(&tokenFile, "token-file", "", "`file` whose first line is the token to show")
	flags.DurationVar(&timeout, "timeout", time.Minute, "how long to wait for an answer, attempts included")
	flags.IntVar(&attempts, "attempts", 10, "how often to try")
	connect := func() (*client.Client, error) {
		if attempts < 1 || timeout <= 0 {
			return nil, usagef("--attempts is %d and --timeout %v, want both above 0", attempts, timeout)
		}
		options := []client.Option{client.Attempts(attempts), client.HTTP(&http.Client{Timeout: timeout})}
		if tokenFile != "" {
			text, err := os.ReadFile(tokenFile)
			if err != nil {
				return nil, fmt.Errorf("client: %w", err)
			}
			token, _, _ := strings.Cut(string(text), "\n")
			options = append(options, client.Token(strings.TrimSpace(token)))
		}
		c, err := client.New(server, options...)
		if err != nil {
			return nil, usageError{err}
		}
		return c, nil
	}
	cmd.AddCommand(newClientReadyCommand(connect), newClientModelsCommand(connect))
	for _, verb := range []struct{ name, short string }{
		{"encode", "Turn samples into codes"},
		{"decode", "Turn codes into samples"},
		{"reconstruct", "Encode samples and decode them again"},
		{"denoise", "Clean samples"},
		{"score", "Say how badly samples are reconstructed"},
		{"nearest", "Find the references whose codes are nearest"},
	} {
		cmd.AddCommand(newClientVerbCommand(verb.name, verb.short, connect))
	}
	return cmd
}

// connector returns a client as the flags say.
type connector func() (*client.Client, error)

func newClientReadyCommand(connect connector) *cobra.Command {
	return &cobra.Command{
		Use:     "ready",
		Short:   "Exit with status 0 if all models of the server can be used",
		Example: `  hourglass client ready --server http://127.0.0.1:8080 && echo yes`,
		Args:    arguments(cobra.NoArgs),
		RunE: func(cmd *cobra.Command, _ []string) error {
			c, err := connect()
			if err != nil {
				return err
			}
			ready, err := c.Ready(cmd.Context())
			if err == nil && !ready {
				err = fmt.Errorf("client: the server is not ready")
			}
			return err
		},
	}
}

func newClientModelsCommand(connect connector) *cobra.Command {
	return &cobra.Command{
		Use:     "models",
		Short:   "List the models of the server, as JSON",
		Example: `  hourglass client models`,
		Args:    arguments(cobra.NoArgs),
		RunE: func(cmd *cobra.Command, _ []string) error {
			c, err := connect()
			if err != nil {
				return err
			}
			_, body, err := c.Do(cmd.Context(), http.MethodGet, "/models", nil, nil)
			if err == nil {
				_, err = cmd.OutOrStdout().Write(body)
			}
			return err
		},
	}
}

// mediaTypes are the forms of samples by the extensions of files.
var mediaTypes = map[string]string{
	".json": "application/json", ".csv": "text/csv", ".npy": "application/x-npy",
	".png": "image/png", ".jpg": "image/jpeg", ".jpeg": "image/jpeg",
}

const wantedFiles = "want .json, .csv, .npy, .png or .jpg"

func newClientVerbCommand(verb, short string, connect connector) *cobra.Command {
	var out string
	cmd := &cobra.Command{
		Use:   verb + " MODEL FILE",
		Short: short,
		Long: short + `, by a model of the server. FILE is a .json, .csv or .npy file with rows of numbers,
or a .png or .jpg picture; "-" is JSON from the standard input. The answer is of the
same kind, or of that of --out.`,
		Example: fmt.Sprintf("  hourglass client %s stacked digit.png\n  hourglass client %s stacked rows.csv --out answer.json", verb, verb),
		Args:    arguments(cobra.ExactArgs(2)),
		RunE: func(cmd *cobra.Command, args []string) error {
			header := http.Header{"Content-Type": {mediaTypes[".json"]}}
			in := cmd.InOrStdin()
			if args[1] != stdoutPath {
				kind, ok := mediaTypes[strings.ToLower(filepath.Ext(args[1]))]
				if !ok {
					return usagef("the samples are in %q, %s", args[1], wantedFiles)
				}
				header.Set("Content-Type", kind)
				f, err := os.Open(args[1])
				if err != nil {
					return fmt.Errorf("client: %w", err)
				}
				defer f.Close()
				in = f
			}
			if out != stdoutPath {
				kind, ok := mediaTypes[strings.ToLower(filepath.Ext(out))]
				if !ok {
					return usagef("--out is %q, %s", out, wantedFiles)
				}
				header.Set("Accept", kind)
			}
			c, err := connect()
			if err != nil {
				return err
			}
			body, err := io.ReadAll(in)
			if err != nil {
				return fmt.Errorf("client: %w", err)
			}
			path, query := "/models/"+url.PathEscape(args[0])+"/"+verb, url.Values{}
			for flag, parameter := range map[string]string{"quantile": "quantile", "count": "k"} {
				if cmd.Flags().Changed(flag) {
					query.Set(parameter, cmd.Flags().Lookup(flag).Value.String())
				}
			}
			if len(query) > 0 {
				path += "?" + query.Encode()
			}
			_, answer, err := c.Do(cmd.Context(), http.MethodPost, path, header, body)
			if err != nil {
				return err
			}
			if out == stdoutPath {
				_, err = cmd.OutOrStdout().Write(answer)
				return err
			}
			return atomicfile.Write(out, func(w io.Writer) error {
				_, err := w.Write(answer)
				return err
			})
		},
	}
	cmd.Flags().StringVar(&out, "out", stdoutPath, "`file` to write, or - for the standard output")
	switch verb {
	case "score":
		cmd.Flags().Float64("quantile", 0.99, "`share` of the training data that is no outlier")
	case "nearest":
		cmd.Flags().Int("count", 5, "how many neighbours to find")
	}
	return cmd
}
