// Command hourglass trains, inspects and uses autoencoders.
//
//	hourglass run stacked
//
// trains the lecture's stacked autoencoder and writes model, metrics and figures.
// hourglass --help lists the commands.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strings"
	"syscall"
	"time"

	"github.com/spf13/cobra"

	"hourglass/internal/kernel"
)

// Exit statuses.
const (
	exitFailure  = 1
	exitUsage    = 2
	exitOutliers = 3 // of score --fail
	exitDiffers  = 3 // of verify
)

// started is when the program was started, as nearly as it can tell itself.
var started = time.Now()

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	status := start(ctx)
	stop()
	os.Exit(status)
}

// execute runs the command line and returns the exit status. Every error is one
// line on stderr.
func execute(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	return complain(perform(ctx, args, stdout, stderr), stderr)
}

// perform runs the command line.
func perform(ctx context.Context, args []string, stdout, stderr io.Writer) error {
	root := newRootCommand()
	root.SetArgs(args)
	root.SetOut(stdout)
	root.SetErr(stderr)
	if err := kernel.SIMDError(); err != nil {
		return usageError{err}
	}
	return root.ExecuteContext(ctx)
}

// complain says what went wrong, if anything did, and returns the exit status.
func complain(err error, stderr io.Writer) int {
	if err == nil {
		return 0
	}
	// The library's own errors begin with its name, which is also the command's.
	text := strings.TrimPrefix(err.Error(), "hourglass: ") + hint(err)
	fmt.Fprintf(stderr, "hourglass: %s\n", strings.ReplaceAll(text, "\n", "; "))
	switch {
	case errors.As(err, new(usageError)):
		return exitUsage
	case errors.As(err, new(outliersError)):
		return exitOutliers
	case errors.As(err, new(differsError)):
		return exitDiffers
	}
	return exitFailure
}

func newRootCommand() *cobra.Command {
	root := &cobra.Command{
		Use:   "hourglass",
		Short: "Train, inspect and use autoencoders",
		Long: `Hourglass trains, inspects and uses autoencoders: networks that squeeze images
into short codes and draw them again.

Start with the first system of the lecture; it takes some seconds and writes a
model, figures and all numbers into runs/stacked:

  hourglass run stacked`,
		Args:          arguments(cobra.NoArgs),
		RunE:          func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
		SilenceUsage:  true,
		SilenceErrors: true,
	}
	root.PersistentPreRunE = func(cmd *cobra.Command, args []string) error { return refuseAlone(cmd, args) }
	root.SetFlagErrorFunc(flagError)
	root.AddCommand(newRunCommand(), newRecipesCommand(), newSummaryCommand(), newReconstructCommand(),
		newTrainCommand(), newEncodeCommand(), newDecodeCommand(), newDenoiseCommand(), newScoreCommand(),
		newEmbedCommand(), newRecognizeCommand(), newNearestCommand(), newProbeCommand(),
		newGenerateCommand(), newInterpolateCommand(), newTraverseCommand(),
		newServeCommand(), newClientCommand(), newStudioCommand(),
		newReportCommand(), newDataCommand(), newVersionCommand())
	root.AddCommand(newExportCommand(), newImportCommand())
	root.AddCommand(newVerifyCommand(), newSweepCommand())
	return root
}
