package main

import (
	"fmt"
	"io"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"

	"github.com/spf13/cobra"

	"hourglass/dataset"
	"hourglass/report"
	runs "hourglass/run"
	"hourglass/studio"
)

func newStudioCommand() *cobra.Command { return new(studioFlags).command() }

// studioFlags are those of studio.
type studioFlags struct {
	data      loadFlags
	config    studio.Config
	samples   string
	notToOpen bool
	export    string
}

func (f *studioFlags) command() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "studio [RUN|MODEL|FOLDER|DATA...]",
		Short: "See an autoencoder learn and explore what it learned, on a web page",
		Long: `Studio shows a web page, made of nothing but this program, and opens it:

  Learn    edit the layers of an autoencoder, train it, watch, pause, step
  Explore  a map of the codes: what lies where, what is alike, what is between
  Draw     a sample drawn by hand, and what the model makes of it
  Judge    what a model reconstructs badly, and a threshold for outliers

RUN is the folder of a run and MODEL a model file; of a FOLDER all runs in it are shown,
also those that are still to come, or are being trained elsewhere: their epochs are followed. DATA is what one can train
on, beside the data sets that are on this machine. Without any it shows the folder runs,
if there is one. New trainings make folders in --out.

A model is shown on the samples that its run was given (those for testing, if there are
some), or on --samples.

With --export it serves nothing but writes a page into a folder that explores one RUN or
MODEL by itself, to be put on a web site or opened from a disk: the maps, the first 1000
samples with their reconstructions and those most alike, ways between some, new samples,
and how well it all comes out.

The page is for this machine only: it has a token in its address that nobody can guess,
and asks nobody else for anything. Ctrl-C ends it; trainings are saved and can go on with
"hourglass train --resume".

` + dataHelp,
		Example: `  hourglass studio
  hourglass studio runs/stacked --addr 127.0.0.1:8090
  hourglass studio model.safetensors --samples photos/
  hourglass studio sensors.csv --label state --no-open
  hourglass studio runs/stacked --export site`,
		Args: arguments(cobra.ArbitraryArgs),
		RunE: f.run,
	}
	f.data.add(cmd, "")
	flags := cmd.Flags()
	flags.StringVar(&f.config.Addr, "addr", "127.0.0.1:8090", "`address` on this machine to listen to; port 0 takes a free one")
	flags.BoolVar(&f.notToOpen, "no-open", false, "print the address and open no browser")
	flags.StringVar(&f.samples, "samples", "", "`DATA` to show models on, instead of what they were trained for")
	flags.StringVar(&f.config.Out, "out", "", "`folder` in which new trainings make theirs (default the first FOLDER, or runs)")
	cmd.MarkFlagDirname("out")
	flags.StringVar(&f.export, "export", "", "write a page that needs no server into a `folder`, and serve nothing")
	cmd.MarkFlagDirname("export")
	flags.IntVar(&f.config.Threads, "threads", 0, "cores that a training uses; the result does not depend on it (default all)")
	return cmd
}

func (f *studioFlags) run(cmd *cobra.Command, args []string) error {
	if cmd.Flags().Changed("threads") && f.config.Threads < 1 {
		return usagef("--threads is %d, want at least 1", f.config.Threads)
	}
	var err error
	if f.config.Data.Options, err = f.data.options(cmd, cmd.ErrOrStderr()); err != nil {
		return err
	}
	if err := f.sort(cmd, args); err != nil {
		return err
	}
	f.config.Version, f.config.DataOf, f.config.Report = currentVersion().Version, dataOfRun, reportOfRun
	s, err := studio.New(f.config)
	if err != nil {
		return err
	}
	if f.export != "" {
		return f.write(cmd, s)
	}
	return s.Run(cmd.Context(), func(address string) {
		fmt.Fprintf(cmd.OutOrStdout(), "Hourglass Studio is at %s\nCtrl-C ends it\n", address)
		if !f.notToOpen {
			openBrowser(address)
		}
	})
}

// write writes the page that needs no server.
func (f *studioFlags) write(cmd *cobra.Command, s *studio.Studio) error {
	if len(f.config.Paths) != 1 || f.config.Train.Path != "" {
		return usagef("--export is for one RUN or MODEL")
	}
	defer s.Close()
	path, err := s.Export(cmd.Context(), f.export)
	if err != nil {
		return err
	}
	info, err := os.Stat(path)
	if err != nil {
		return fmt.Errorf("studio: %w", err)
	}
	fmt.Fprintf(cmd.OutOrStdout(), "written to %s, %.1f MB: open it in a browser, or put it on a web site\n", path, float64(info.Size())/1e6)
	return nil
}

// sort tells runs and models from data.
func (f *studioFlags) sort(cmd *cobra.Command, args []string) error {
	const usual = "runs"
	if len(args) == 0 {
		if info, err := os.Stat(usual); err == nil && info.IsDir() {
			f.config.Paths = []string{usual}
		}
	}
	for _, arg := range args {
		isData, err := isDataArgument(arg)
		switch {
		case err != nil:
			return err
		case !isData:
			f.config.Paths = append(f.config.Paths, arg)
		case f.config.Train.Path != "":
			return usagef("%s and %s are both data; want one", f.config.Train.Path, arg)
		default:
			f.config.Train.Path = arg
		}
	}
	f.config.Train.Options = f.config.Data.Options
	f.config.Train.Flags = readingFlags(cmd)
	f.config.Data.Path = f.samples
	return nil
}

// readingFlags returns the flags of a command that say how data is read, as those of train.
func readingFlags(cmd *cobra.Command) map[string][]string {
	reading := &cobra.Command{}
	new(loadFlags).add(reading, "")
	all := rememberedCommand(cmd, nil).Flags
	maps.DeleteFunc(all, func(name string, _ []string) bool { return reading.Flags().Lookup(name) == nil })
	return all
}

// isDataArgument reports whether an argument is data rather than a run, a folder of runs or
// a model.
func isDataArgument(arg string) (bool, error) {
	if _, known := dataset.Lookup(arg); known {
		return true, nil
	}
	info, err := os.Stat(arg)
	if err != nil {
		return false, fmt.Errorf("studio: %w", err)
	}
	if !info.IsDir() {
		return filepath.Ext(arg) != filepath.Ext(runs.ModelFile), nil
	}
	entries, err := os.ReadDir(arg)
	if err != nil {
		return false, fmt.Errorf("studio: %w", err)
	}
	holdsFiles := false
	for _, e := range entries {
		if e.Name() == studio.DroppedFolder {
			continue // which is in a folder of runs
		}
		if isRunFile(e.Name()) || e.IsDir() && holdsRun(filepath.Join(arg, e.Name())) {
			return false, nil
		}
		holdsFiles = true
	}
	return holdsFiles, nil // an empty folder is one for runs to come
}

// holdsRun reports whether a folder is that of a run.
func holdsRun(dir string) bool {
	entries, _ := os.ReadDir(dir) // one that cannot be read holds none
	return slices.ContainsFunc(entries, func(e os.DirEntry) bool { return isRunFile(e.Name()) })
}

// isRunFile reports whether only runs have files of that name.
func isRunFile(name string) bool {
	return name == runs.NotesFile || name == runs.MetricsFile || name == runs.ModelFile
}

// dataOfRun returns the samples that a run was given, read as it was told to.
func dataOfRun(n *runs.Notes) (data studio.Data, err error) {
	known := func(name string) bool { _, ok := dataset.Lookup(name); return ok }
	switch n.Command.Name {
	case trainCommand:
		f := new(trainCommandFlags)
		cmd := f.command()
		if err := setFlags(cmd, n); err != nil {
			return data, err
		}
		if len(n.Command.Args) == 1 && n.Command.Args[0] != stdoutPath { // what came in there is gone
			data.Path = n.Command.Args[0]
		}
		data.Options, err = f.data.options(cmd, io.Discard)
		return data, err
	default:
		data.Path = n.Record.Dataset
		for _, path := range n.Command.Flags["dataset"] {
			data.Path = path
		}
		for _, dir := range n.Command.Flags["data-dir"] {
			data.Options.DataDir = dir
		}
		if _, err := os.Stat(data.Path); err != nil && !known(data.Path) {
			data.Path = ""
		}
		return data, nil
	}
}

// reportOfRun writes the report of the run in a folder.
func reportOfRun(w io.Writer, dir string) error {
	r, err := report.Read(dir)
	if err != nil {
		return err
	}
	return report.Page(w, r)
}

// openBrowser opens an address in the reader's browser. Where that fails the address that
// was printed will do.
func openBrowser(address string) {
	command := []string{"xdg-open"}
	switch runtime.GOOS {
	case "darwin":
		command = []string{"open"}
	case "windows":
		command = []string{"rundll32", "url.dll,FileProtocolHandler"}
	}
	opener := exec.Command(command[0], append(command[1:], address)...)
	if opener.Start() == nil {
		go opener.Wait() // so that it leaves nothing behind
	}
}
