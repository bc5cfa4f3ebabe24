package main

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"hourglass/anomaly"
	"hourglass/dataset"
	"hourglass/figure"
	"hourglass/workflow"
)

// scoreFlags are those of score.
type scoreFlags struct {
	data                      loadFlags
	model                     modelFlag
	output                    outputFlags
	out, figure, curves, heat string
	method, normal            string
	quantile, falseAlarms     float64
	top                       int
	explain, failing, live    bool
}

func newScoreCommand() *cobra.Command { return new(scoreFlags).command() }

func (f *scoreFlags) command() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "score DATA --model FILE",
		Short: "Find the samples that do not fit, and say why",
		Long: `Score writes a table (CSV) of all samples with how unusual they are, highest first, and
how likely a normal sample is to score as high (p). Those that score higher than a share
of normal samples (--false-alarms) are expected to are marked as outliers; what that
share really is, is said as an interval, the narrower the more samples were set aside for
validation when the model was trained.

The methods (--method):

  combined        what masked, mixture, neighbors and local say together, of samples of more
                  than 256 values whitened, mixture and neighbors (the default)
  reconstruction  mean squared reconstruction error, in the units the model works in; the
                  only one of models that learned nothing more
  whitened        the same, by how far each error is from what is usual on normal samples
  masked          by how much values differ from what small networks tell of them from the
                  others; of samples of up to 256 values
  mixture         how thin normal samples are there, by a mixture of Gaussian distributions
  neighbors       the distance to the nearest training samples
  local           the same in units of what these are from their own nearest; of samples of
                  up to 256 values that are no windows of a series

With --explain the values that weigh most in each outlier are named, with their share; of
images a figure shows them (--heat-map). With labels (--label) it is measured how well the
scores tell samples that are not --normal from those that are: the area under the ROC
curve and the average precision; --curves draws both curves.

Of a series (see train --window) every row is scored, by the window that ends with it, so
that later rows do not count; the first rows of a stretch by its first window. The table has
the rows in their order, a line each, and the figure shows the series, what the model makes of
it, and the unusual stretches.

With --follow each row of a table is answered as it comes, by the scores that it would have in
the whole table, in memory that does not grow: a line of CSV, or with --json of JSON. The first
rows of a stretch are answered once they fill a window. Rows must come in the order of time.

With --fail the exit status is 3 if there are outliers, 0 if there are none; 1 and 2
remain for errors. The figure (--figure) shows how the scores are spread.

` + dataHelp,
		Example: `  hourglass score digits --model runs/mine/model.safetensors --top 10
  hourglass score parts.csv --model runs/parts/model.safetensors --false-alarms 0.001 --explain --out scores.csv
  hourglass score tested.csv --label verdict --normal good --model runs/parts/model.safetensors --curves curves.png
  tail -n +1 -f log.csv | hourglass score - --model runs/pump --follow --json
  hourglass score today.csv --model runs/sensors/model.safetensors --fail --quiet || echo "look at it"`,
		Args: arguments(cobra.ExactArgs(1)),
		RunE: f.run,
	}
	f.data.add(cmd, testPart)
	f.model.add(cmd, "required")
	f.output.add(cmd)
	flags := cmd.Flags()
	flags.StringVar(&f.out, "out", stdoutPath, "`file` to write, .csv, or - for the standard output")
	flags.StringVar(&f.figure, "figure", "", "PNG `file` of the scores' histogram, or of the series (default --out with .png)")
	flags.StringVar(&f.curves, "curves", "", "PNG `file` of the ROC and the precision-recall curve, for data with labels")
	flags.StringVar(&f.heat, "heat-map", "", "PNG `file` of the most unusual images, with what is unusual about them")
	flags.StringVar(&f.method, "method", "", "how samples are scored, `NAME` of those above")
	flags.StringVar(&f.normal, "normal", "", "`LABEL` of normal samples (default what the model was trained with --only)")
	flags.Float64Var(&f.falseAlarms, "false-alarms", 0.01, "`share` of normal samples that may be called outliers")
	flags.Float64Var(&f.quantile, "quantile", 0.99, "`share` of normal samples that are not to be called outliers: 1 less --false-alarms")
	flags.IntVar(&f.top, "top", 0, "write only so many, the highest (default all)")
	flags.BoolVar(&f.explain, "explain", false, "name the values that weigh most in each outlier")
	flags.BoolVar(&f.live, "follow", false, "answer each row of a table as it comes, without waiting for its end")
	flags.BoolVar(&f.failing, "fail", false, "exit with status 3 if there are outliers")
	return cmd
}

// reasons is how many values --explain names.
const reasons = 3

// options checks the flags and returns what they mean.
func (f *scoreFlags) options(cmd *cobra.Command) (o workflow.RankOptions, err error) {
	changed := cmd.Flags().Changed
	switch {
	case !(f.quantile >= 0 && f.quantile <= 1):
		return o, usagef("--quantile is %v, want 0 to 1", f.quantile)
	case !(f.falseAlarms >= 0 && f.falseAlarms <= 1):
		return o, usagef("--false-alarms is %v, want 0 to 1", f.falseAlarms)
	case changed("quantile") && changed("false-alarms"):
		return o, usagef("--quantile and --false-alarms say the same; want one of them")
	case changed("top") && f.top < 1:
		return o, usagef("--top is %d, want at least 1", f.top)
	}
	o = workflow.RankOptions{Rate: f.falseAlarms, Normal: f.normal}
	if changed("quantile") {
		o.Rate = 1 - f.quantile
	}
	if f.explain {
		o.Explain = reasons
	}
	if f.method != "" {
		if o.Method, err = anomaly.ByName(f.method); err != nil {
			return o, usageError{err}
		}
	}
	return o, checkFile("out", f.out, workflow.Table)
}

func (f *scoreFlags) run(cmd *cobra.Command, args []string) error {
	o, err := f.options(cmd)
	if err != nil {
		return err
	}
	if f.live {
		return f.follow(cmd, args[0], o)
	}
	log := f.output.logBeside(cmd, f.out)
	m, err := f.model.open(cmd)
	if err != nil {
		return err
	}
	in, err := f.data.load(cmd, m, args[0], log)
	if err != nil {
		return err
	}
	defer in.Close()
	if f.normal != "" && in.Labels == nil {
		return usagef("--normal is for data with labels; want --label, too")
	}
	o.Progress = meter(log, "score")
	ranked, err := m.Rank(cmd.Context(), in, o)
	if err != nil {
		return err
	}
	r := ranking{*ranked, 1 - o.Rate, in.Series != nil}
	if err := f.checkThreshold(cmd, &r, log); err != nil {
		return err
	}
	if err := r.write(cmd, in, f.out, f.top, &f.output); err != nil {
		return err
	}
	if err := f.draw(cmd, m, in, &r); err != nil {
		return err
	}
	if r.Curve != nil {
		fmt.Fprintf(log, "against the labels: ROC AUC %.4f, average precision %.4f\n", r.Curve.ROCAUC, r.Curve.AveragePrecision)
	}
	if r.Threshold == nil {
		return nil
	}
	said := r.describe(m.ThresholdSamples())
	if f.failing && r.Outliers > 0 {
		return outliersError{errors.New(said)}
	}
	fmt.Fprintln(log, said)
	return nil
}

// checkThreshold reports a threshold that is missing: as an error if one was asked for.
func (f *scoreFlags) checkThreshold(cmd *cobra.Command, r *ranking, log io.Writer) error {
	if r.Threshold != nil {
		return nil
	}
	if f.failing || cmd.Flags().Changed("quantile") || cmd.Flags().Changed("false-alarms") {
		return errors.New("the model has not learned how normal samples score, so that there is no threshold")
	}
	fmt.Fprintln(log, "none of the samples is called an outlier: the model has not learned how normal samples score")
	return nil
}

// draw draws the figures that are asked for.
func (f *scoreFlags) draw(cmd *cobra.Command, m *workflow.Model, in *workflow.Input, r *ranking) error {
	if path := pictureBeside(cmd, f.figure, f.out); path != "" {
		if err := r.drawScores(cmd, m, in, path); err != nil {
			return err
		}
	}
	if f.curves != "" {
		if r.Curve == nil {
			return usagef("--curves is for data with labels, some of them not normal; want --label and --normal")
		}
		picture, err := workflow.DrawCurve(r.Curve)
		if err != nil {
			return err
		}
		if err := figure.Save(f.curves, picture); err != nil {
			return err
		}
	}
	if f.heat == "" {
		return nil
	}
	picture, err := m.HeatMaps(cmd.Context(), in, r.Scores, heatMaps)
	if err != nil {
		return err
	}
	return figure.Save(f.heat, picture)
}

// heatMaps is how many images are drawn with what is unusual about them.
const heatMaps = 16

// learnedFrom says from how many samples a threshold was learned, if that is known.
func learnedFrom(samples int) string {
	if samples == 0 {
		return ""
	}
	return fmt.Sprintf(" (learned from %d samples)", samples)
}

// outliersError says that there are outliers, which is an error to those who asked.
type outliersError struct{ error }

// ranking is the result of the command.
type ranking struct {
	workflow.Ranking
	Quantile float64 `json:"quantile"`
	rows     bool    // of a series
}

// describe says how many outliers there are and what that means.
func (r *ranking) describe(learnedFromSamples int) string {
	what := "samples"
	if r.rows {
		what = "rows"
	}
	text := fmt.Sprintf("%d of %d %s are outliers, above %.6g, which ", r.Outliers, r.Samples, what, *r.Threshold)
	t := r.FalseAlarms
	if t == nil {
		return text + fmt.Sprintf("%.6g %% of normal ones are not expected to exceed%s", 100*r.Quantile, learnedFrom(learnedFromSamples))
	}
	if t.Seen {
		return text + fmt.Sprintf("%.4g %% of normal ones are to exceed, learned from windows that count as %d, rows of training among them, so that more may do", 100*t.Rate, t.HeldOut)
	}
	return text + fmt.Sprintf("%.4g %% of normal ones are expected to exceed, and with a probability of 0.9 %.2g to %.2g %% do (learned from %d samples)",
		100*t.Rate, 100*t.Low, 100*t.High, t.HeldOut)
}

// write writes the highest scores, to the standard output as JSON if that is asked for.
func (r *ranking) write(cmd *cobra.Command, in *workflow.Input, out string, top int, output *outputFlags) error {
	shown := *r
	if top > 0 {
		shown.Scores = r.highest(top)
	}
	c := scoreColumns{judged: r.Threshold != nil, labelled: in.Labels != nil,
		likely:    slices.ContainsFunc(r.Scores, func(s workflow.Scored) bool { return s.P != nil }),
		explained: slices.ContainsFunc(r.Scores, func(s workflow.Scored) bool { return s.Because != nil })}
	if in.Series != nil {
		c.group = in.Series.Options.Group
	}
	fill := func(w *dataset.CSVWriter) error {
		for _, s := range shown.Scores {
			if err := w.Append(nil, c.cells(s)...); err != nil {
				return err
			}
		}
		return nil
	}
	if output.json {
		if err := writeJSON(cmd, shown); err != nil || out == stdoutPath {
			return err
		}
	}
	return writeTable(cmd, out, c.names(), fill)
}

// scoreColumns says which columns a table of scores has.
type scoreColumns struct {
	group                               string // the name of the column of groups, or empty
	likely, explained, judged, labelled bool
}

// names returns the names of the columns.
func (c scoreColumns) names() []string {
	list := []string{workflow.SampleColumn}
	if c.group != "" {
		list = append(list, c.group)
	}
	list = append(list, "score")
	for _, column := range []struct {
		there bool
		name  string
	}{{c.likely, "p"}, {c.explained, "because"}, {c.judged, "outlier"}, {c.labelled, workflow.LabelColumn}} {
		if column.there {
			list = append(list, column.name)
		}
	}
	return list
}

// cells returns the row of a sample.
func (c scoreColumns) cells(s workflow.Scored) []string {
	row := []string{s.Sample}
	if c.group != "" {
		row = append(row, s.Group)
	}
	row = append(row, numberUnless(s.Unscored, s.Score, 8))
	if c.likely {
		row = append(row, numberUnless(s.P == nil, valueOf(s.P), 4))
	}
	if c.explained {
		row = append(row, because(s.Because))
	}
	if c.judged {
		row = append(row, yesNo(s.Outlier))
	}
	if c.labelled {
		row = append(row, s.Label)
	}
	return row
}

// highest returns the highest scores, so many of them.
func (r *ranking) highest(top int) []workflow.Scored {
	list := slices.DeleteFunc(slices.Clone(r.Scores), func(s workflow.Scored) bool { return s.Unscored })
	slices.SortStableFunc(list, func(a, b workflow.Scored) int { return cmp.Compare(b.Score, a.Score) })
	return list[:min(top, len(list))]
}

// numberUnless writes a number with so many digits, or an empty cell.
func numberUnless(missing bool, v float64, digits int) string {
	if missing {
		return ""
	}
	return strconv.FormatFloat(v, 'g', digits, 64)
}

// valueOf returns what p points to, 0 if that is nothing.
func valueOf(p *float64) float64 {
	if p == nil {
		return 0
	}
	return *p
}

// because says which values make a sample unusual: "ash 41 %, hue 20 %".
func because(list []workflow.Reason) string {
	var texts []string
	for _, r := range list {
		texts = append(texts, fmt.Sprintf("%s %.0f %%", r.Value, 100*r.Share))
	}
	return strings.Join(texts, ", ")
}

func yesNo(b bool) string {
	if b {
		return "yes"
	}
	return "no"
}

// writeTable writes rows to a file or the standard output.
func writeTable(cmd *cobra.Command, out string, columns []string, fill func(*dataset.CSVWriter) error) error {
	if out != stdoutPath {
		return dataset.WriteCSVFileFunc(out, columns, fill)
	}
	w, err := dataset.NewCSVWriter(cmd.OutOrStdout(), columns)
	if err != nil {
		return err
	}
	return errors.Join(fill(w), w.Close())
}

// drawScores draws a series with what is unusual about it, and of other samples how the
// scores are spread.
func (r *ranking) drawScores(cmd *cobra.Command, m *workflow.Model, in *workflow.Input, path string) error {
	if in.Series == nil {
		return r.draw(path)
	}
	f, err := m.Timeline(cmd.Context(), in, &r.Ranking)
	if err != nil {
		return err
	}
	return figure.Save(path, f)
}

// draw draws how the scores are spread, and the threshold.
func (r *ranking) draw(path string) error {
	values := make([]float64, len(r.Scores))
	for i, s := range r.Scores {
		values[i] = s.Score
	}
	o := figure.HistogramOptions{XLabel: r.axis()}
	if r.Threshold != nil {
		o.Thresholds = []figure.Threshold{{Name: fmt.Sprintf("%.4g %% of normal samples", 100*r.Quantile), Value: *r.Threshold}}
	}
	f, err := figure.Histogram([]figure.Sample{{Name: "samples", Values: values}}, o)
	if err != nil {
		return err
	}
	return figure.Save(path, f)
}

// axis names the scores.
func (r *ranking) axis() string {
	if r.Method == anomaly.Reconstruction {
		return "reconstruction error"
	}
	return "score (" + string(r.Method) + ")"
}
