package main

import (
	"fmt"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"hourglass/dataset"
)

func newDataCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "data",
		Short: "List, describe and fetch data sets",
		Example: `  hourglass data list
  hourglass data get fashion-mnist`,
		Args: arguments(cobra.NoArgs),
		RunE: func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	cmd.AddCommand(newDataListCommand(), newDataInfoCommand(), newDataGetCommand())
	return cmd
}

func newDataListCommand() *cobra.Command {
	var (
		output outputFlags
		dir    string
	)
	cmd := &cobra.Command{
		Use:   "list",
		Short: "List the data sets known by name and where they are",
		Example: `  hourglass data list
  hourglass data list --json`,
		Args: arguments(cobra.NoArgs),
		RunE: func(cmd *cobra.Command, _ []string) error {
			var rows []dataRow
			for _, info := range dataset.Sets() {
				rows = append(rows, newDataRow(info, dir))
			}
			if output.json {
				return writeJSON(cmd, rows)
			}
			for _, r := range rows {
				fmt.Fprintf(cmd.OutOrStdout(), "%-14s %6d + %-6d %-8v %s\n", r.Name, r.Train, r.Test, r.Shape, r.where())
			}
			return nil
		},
	}
	addDataDir(cmd, &dir)
	output.addJSON(cmd)
	return cmd
}

func newDataInfoCommand() *cobra.Command {
	var (
		output outputFlags
		dir    string
	)
	cmd := &cobra.Command{
		Use:   "info NAME|PATH",
		Short: "Describe a data set: what it shows, its size, licence and place",
		Example: `  hourglass data info fashion-mnist
  hourglass data info ./my-idx-files --json`,
		Args:              arguments(cobra.ExactArgs(1)),
		ValidArgsFunction: completeDataset,
		RunE: func(cmd *cobra.Command, args []string) error {
			info, ok := dataset.Lookup(args[0])
			if !ok {
				return describeFolder(cmd, args[0], output)
			}
			r := newDataRow(info, dir)
			if output.json {
				return writeJSON(cmd, r)
			}
			fmt.Fprintf(cmd.OutOrStdout(), "%s: %s\n%d training and %d test images of %v\nclasses: %s\nby %s; %s\n%s\n",
				info.Title, info.Description, info.Train, info.Test, info.Shape,
				strings.Join(info.Classes, ", "), info.Credit, info.Licence, r.where())
			return nil
		},
	}
	addDataDir(cmd, &dir)
	output.addJSON(cmd)
	return cmd
}

// describeFolder describes a data set in a folder of its own.
func describeFolder(cmd *cobra.Command, path string, output outputFlags) error {
	split, err := dataset.Open(cmd.Context(), path, dataset.Options{})
	if err != nil {
		return err
	}
	r := dataRow{Info: dataset.Info{Name: path, Shape: split.Train.Shape, Train: split.Train.Len(),
		Test: split.Test.Len(), Classes: split.Train.Classes}, Folder: path}
	if output.json {
		return writeJSON(cmd, r)
	}
	fmt.Fprintf(cmd.OutOrStdout(), "%s: %d training and %d test images of %v\n", path, r.Train, r.Test, r.Shape)
	return nil
}

func newDataGetCommand() *cobra.Command {
	var (
		output outputFlags
		dir    string
	)
	cmd := &cobra.Command{
		Use:   "get NAME",
		Short: "Download a data set, or draw the built-in digits, into a folder",
		Long: `Get downloads a data set into the cache, or into NAME below --data-dir, and checks its
content. An interrupted download goes on where it stopped. The built-in digits are
drawn and written in the same format (IDX).`,
		Example: `  hourglass data get fashion-mnist
  hourglass data get digits --data-dir ./data`,
		Args:              arguments(cobra.ExactArgs(1)),
		ValidArgsFunction: completeDataset,
		RunE: func(cmd *cobra.Command, args []string) error {
			info, ok := dataset.Lookup(args[0])
			if !ok {
				return usagef("unknown data set %q, want one of: %s", args[0], strings.Join(datasetNames(), ", "))
			}
			target, err := targetFolder(dir, info.Name)
			if err != nil {
				return err
			}
			if err := getData(cmd, info, target, output); err != nil {
				return err
			}
			if output.json {
				return writeJSON(cmd, map[string]string{"name": info.Name, "folder": target})
			}
			fmt.Fprintf(output.log(cmd), "%s is in %s\n", info.Name, target)
			return nil
		},
	}
	cmd.Flags().StringVar(&dir, "data-dir", "", "`folder` to put it below (default the cache)")
	cmd.MarkFlagDirname("data-dir")
	output.add(cmd)
	return cmd
}

// getData downloads the data set, or draws it if it is the built-in one.
func getData(cmd *cobra.Command, info dataset.Info, target string, output outputFlags) error {
	if info.Name != dataset.Digits {
		return info.Download(cmd.Context(), target, downloadBar(output.log(cmd)))
	}
	split, err := dataset.Open(cmd.Context(), dataset.Digits, dataset.Options{})
	if err != nil {
		return err
	}
	return dataset.Save(target, split.Train, split.Test)
}

// targetFolder returns where a data set is put.
func targetFolder(dir, name string) (string, error) {
	if dir == "" {
		cache, err := dataset.CacheDir()
		if err != nil {
			return "", err
		}
		dir = cache
	}
	return filepath.Join(dir, name), nil
}

// dataRow is what is told of a data set.
type dataRow struct {
	dataset.Info
	Folder string `json:"folder,omitempty"` // where its files are; empty if they are not here
}

func newDataRow(info dataset.Info, dir string) dataRow {
	folder, _ := info.Locate(dir)
	return dataRow{info, folder}
}

func (r dataRow) where() string {
	switch {
	case r.Name == dataset.Digits:
		return "built in"
	case r.Folder == "":
		return "not on this machine; hourglass data get " + r.Name
	}
	return "in " + r.Folder
}

func addDataDir(cmd *cobra.Command, dir *string) {
	cmd.Flags().StringVar(dir, "data-dir", "", "`folder` to look in, instead of $HOURGLASS_DATA and the cache")
	cmd.MarkFlagDirname("data-dir")
}

func completeDataset(_ *cobra.Command, args []string, _ string) ([]string, cobra.ShellCompDirective) {
	if len(args) > 0 {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	return datasetNames(), cobra.ShellCompDirectiveDefault
}
