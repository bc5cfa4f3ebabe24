package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"runtime"
	"time"

	"github.com/spf13/cobra"

	"hourglass/ranks"
	"hourglass/ranks/mpi"
	runs "hourglass/run"
)

// start runs the command line that the program was started with, as one of several ranks if
// mpirun or its like has started it, and returns the exit status.
func start(ctx context.Context) int {
	group, err := mpi.Join()
	if err != nil {
		if rank, _ := mpi.Launched(); rank > 0 {
			return 0 // one line is enough, and launchers end all once one fails
		}
		return complain(usageError{err}, os.Stderr)
	}
	if group == nil {
		return execute(ctx, os.Args[1:], os.Stdout, os.Stderr)
	}
	runtime.GOMAXPROCS(group.Threads())
	return together(ctx, group)
}

// lastWords is how long ranks that say nothing wait for the one that does before they end all.
const lastWords = 2 * time.Second

// together runs the command line as one of several ranks, of which rank 0 does the talking. It
// returns once all are done.
func together(ctx context.Context, group *mpi.Group) int {
	stdout, stderr := io.Writer(os.Stdout), io.Writer(os.Stderr)
	if group.Rank() > 0 {
		stdout, stderr = io.Discard, io.Discard
	}
	err := perform(context.WithValue(ctx, ranksKey{}, ranks.Group(group)), os.Args[1:], stdout, stderr)
	lost := (*ranks.Lost)(nil)
	if errors.As(err, &lost) && lost.Rank == 0 && group.Rank() == 1 {
		stderr = os.Stderr // rank 0 does not say it
	}
	status := complain(err, stderr)
	if lost != nil && stderr == io.Discard {
		time.Sleep(lastWords)
	} else if lost != nil {
		time.Sleep(lastWords / 4) // for the line to come through the launcher, which ends with the job
	}
	group.WaitForever() // what rank 0 does with a trained model may take long
	message := []byte("it has ended before the others")
	if err != nil {
		var b bytes.Buffer
		complain(err, &b)
		message = bytes.TrimPrefix(bytes.TrimSpace(b.Bytes()), []byte("hourglass: "))
	}
	if lost != nil || ranks.NewExchange(group).Leave(message) != nil {
		group.Kill(max(status, exitFailure))
	}
	group.Finish()
	if group.Rank() > 0 {
		return 0 // rank 0 says for all how it went
	}
	return status
}

// ranksKey is the key of the group in a command's context.
type ranksKey struct{}

// ranksOf returns the group that the command is run by, or nil.
func ranksOf(cmd *cobra.Command) ranks.Group {
	g, _ := cmd.Context().Value(ranksKey{}).(ranks.Group)
	return g
}

// refuseAlone refuses commands that are for one process where there are several.
func refuseAlone(cmd *cobra.Command, args []string) error {
	g := ranksOf(cmd)
	if g == nil {
		return nil
	}
	alone := cmd.Name()
	switch {
	case cmd.Name() == runCommand && len(args) == 1 && args[0] == allRecipes:
		alone = runCommand + " " + allRecipes
	case cmd.Name() == trainCommand && cmd.Flags().Changed("studio"):
		alone = trainCommand + " --studio"
	case cmd.Name() == runCommand || cmd.Name() == trainCommand:
		return nil
	}
	return usagef("%s is for one process, and this is one of %d ranks; several can run: hourglass run RECIPE, hourglass train", alone, g.Size())
}

// follow gives a run its ranks. Those but rank 0 write into a folder aside, which is removed
// by the function that comes back, and leave out what comes after the training.
func follow(cmd *cobra.Command, o *runs.Options) (aside func(), err error) {
	o.Ranks = ranksOf(cmd)
	if o.Ranks == nil || o.Ranks.Rank() == 0 {
		return func() {}, nil
	}
	temp, err := os.MkdirTemp("", fmt.Sprintf("hourglass-rank-%d-*", o.Ranks.Rank()))
	if err != nil {
		return nil, err
	}
	o.Follows, o.Out, o.TrainOnly, o.Log = o.Out, temp, true, io.Discard
	return func() { os.RemoveAll(temp) }, nil
}
