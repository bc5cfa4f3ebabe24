package main

import (
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"hourglass/recipe"
)

func newRecipesCommand() *cobra.Command {
	var output outputFlags
	cmd := &cobra.Command{
		Use:   "recipes",
		Short: "List the lecture's systems and what each shows",
		Example: `  hourglass recipes
  hourglass recipes --json`,
		Args: arguments(cobra.NoArgs),
		RunE: func(cmd *cobra.Command, _ []string) error {
			if output.json {
				return writeJSON(cmd, recipeRows())
			}
			for _, r := range recipeRows() {
				fmt.Fprintf(cmd.OutOrStdout(), "%s - %s\n    %s\n    %d epochs, batches of %d, loss %s, optimiser %s at %v\n    makes %s\n",
					r.Name, r.Title, r.About, r.Epochs, r.BatchSize, r.Loss, r.Optimizer, r.LearningRate, strings.Join(r.Shows, ", "))
			}
			return nil
		},
	}
	output.addJSON(cmd)
	return cmd
}

// recipeRow is what is told of a recipe.
type recipeRow struct {
	Name         string   `json:"name"`
	Title        string   `json:"title"`
	About        string   `json:"about"`
	Epochs       int      `json:"epochs"`
	BatchSize    int      `json:"batch_size"`
	Loss         string   `json:"loss"`
	Optimizer    string   `json:"optimizer"`
	LearningRate float64  `json:"learning_rate"`
	Shows        []string `json:"shows"`
}

func recipeRows() []recipeRow {
	var rows []recipeRow
	for _, r := range recipe.All() {
		rows = append(rows, recipeRow{r.Name, r.Title, r.About, r.Epochs, r.BatchSize,
			r.Loss.Name(), r.Optimizer.Name(), r.Optimizer.Rate(), r.Shows})
	}
	return rows
}
