package main

import (
	"fmt"
	"io"
	"path/filepath"

	"github.com/spf13/cobra"

	"hourglass/report"
)

// reportFile is the name of the page in a run's folder.
const reportFile = "report.html"

func newReportCommand() *cobra.Command {
	var (
		output outputFlags
		out    string
	)
	cmd := &cobra.Command{
		Use:   "report DIR...",
		Short: "Write one web page about one or several runs",
		Long: `Report writes a page about the runs in one or several folders: what was trained,
curves, figures, numbers, and how to repeat it. The page is one file that needs
nothing else; it can be mailed, printed, and read on a phone.`,
		Example: `  hourglass report runs/stacked
  hourglass report runs/all/* --out lecture.html`,
		Args: arguments(cobra.MinimumNArgs(1)),
		RunE: func(cmd *cobra.Command, dirs []string) error {
			if out == "" {
				out = filepath.Join(dirs[0], reportFile)
			}
			if err := report.Write(out, dirs...); err != nil {
				return err
			}
			if output.json {
				return writeJSON(cmd, map[string]string{"report": out})
			}
			fmt.Fprintf(output.log(cmd), "%s\n", out)
			return nil
		},
	}
	output.add(cmd)
	cmd.Flags().StringVar(&out, "out", "", "`file` to write (default report.html in the first folder)")
	cmd.MarkFlagFilename("out", "html")
	return cmd
}

// writeReport writes the page about some runs into a folder and tells where.
func writeReport(log io.Writer, folder string, dirs ...string) error {
	path := filepath.Join(folder, reportFile)
	if err := report.Write(path, dirs...); err != nil {
		return err
	}
	_, err := fmt.Fprintf(log, "report: %s\n", path)
	return err
}
