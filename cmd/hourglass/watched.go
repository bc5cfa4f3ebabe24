package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"

	runs "hourglass/run"
	"hourglass/studio"
	"hourglass/workflow"
)

// openToWatch opens a studio that shows a training, on a free port. The training is to
// have the context that comes back; ended is to be called with its error, and returns once
// the page is not needed any more: at once after a failure, else when the command is
// interrupted.
func (f *trainCommandFlags) openToWatch(cmd *cobra.Command, path string, in *workflow.Input, o *workflow.TrainOptions) (training context.Context, ended func(error) error, err error) {
	c := studio.Config{Out: filepath.Dir(o.Out), Threads: o.Threads, Version: currentVersion().Version, DataOf: dataOfRun, Report: reportOfRun}
	c.Train = studio.Data{Path: path, Options: o.LoadOptions}
	if info, err := os.Stat(c.Out); err == nil && info.IsDir() {
		c.Paths = []string{c.Out} // the runs beside it
	}
	s, err := studio.New(c)
	if err != nil {
		return nil, nil, err
	}
	training, told, err := s.Follow(cmd.Context(), in, o)
	if err != nil {
		return nil, nil, err
	}
	serving, stop := context.WithCancel(cmd.Context())
	ready, served := make(chan string, 1), make(chan error, 1)
	go func() { served <- s.Run(serving, func(address string) { ready <- address }) }()
	select {
	case err = <-served:
		stop()
		told(err)
		return nil, nil, err
	case address := <-ready:
		fmt.Fprintf(cmd.ErrOrStderr(), "Hourglass Studio shows this training at %s\n", address)
		if !f.notToOpen {
			openBrowser(address)
		}
	}
	return training, func(err error) error {
		told(err)
		if err != nil && !errors.As(err, new(*runs.Interrupted)) {
			stop()
		} else if cmd.Context().Err() == nil {
			fmt.Fprintln(cmd.ErrOrStderr(), "the training is over; the studio stays open until Ctrl-C")
		}
		defer stop()
		return <-served
	}, nil
}
