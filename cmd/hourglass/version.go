package main

import (
	"fmt"
	"runtime"
	"runtime/debug"

	"github.com/spf13/cobra"

	"hourglass/internal/kernel"
)

func newVersionCommand() *cobra.Command {
	var output outputFlags
	cmd := &cobra.Command{
		Use:   "version",
		Short: "Show version, platform and instruction set",
		Example: `  hourglass version
  HOURGLASS_SIMD=avx2 hourglass version --json`,
		Args: arguments(cobra.NoArgs),
		RunE: func(cmd *cobra.Command, _ []string) error {
			v := currentVersion()
			if output.json {
				return writeJSON(cmd, v)
			}
			_, err := fmt.Fprintf(cmd.OutOrStdout(), "hourglass %s, %s, %s, kernels %s, %d cores\n", v.Version, v.Go, v.Platform, v.SIMD, v.Cores)
			return err
		},
	}
	output.addJSON(cmd)
	return cmd
}

// release is the version of a release, which the linker is told (deploy/release.sh).
var release string

type version struct {
	Version  string `json:"version"`
	Go       string `json:"go"`
	Platform string `json:"platform"`
	SIMD     string `json:"simd"`
	Cores    int    `json:"cores"`
}

func currentVersion() version {
	v := version{"(devel)", runtime.Version(), runtime.GOOS + "/" + runtime.GOARCH, kernel.SIMD(), runtime.NumCPU()}
	if info, ok := debug.ReadBuildInfo(); ok && info.Main.Version != "" {
		v.Version = info.Main.Version
	}
	if release != "" {
		v.Version = release
	}
	return v
}
