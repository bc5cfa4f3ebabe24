package report

import (
	"encoding/json"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"

	"hourglass/tensor"
)

// labels are the words for the keys of metrics.json. Those of a group, such as
// "points" of "tsne", stand under "tsne.points" where they differ.
var labels = map[string]string{
	"recipe": "Recipe", "dataset": "Data", "dataset.name": "Data set", "dataset.train": "Training samples",
	"dataset.validation": "Validation samples", "dataset.test": "Test samples",
	"seed": "Seed", "threads": "Threads", "simd": "Instruction set", "parameters": "Parameters", "loss": "Loss",
	"optimizer": "Optimiser", "learning_rate": "Learning rate", "batch_size": "Batch size", "epochs": "Epochs",
	"train_size": "Training samples", "test_loss": "Test loss", "version": "Version of Hourglass",
	"interrupted": "Stopped before its end", "first_step_seconds": "Seconds to the first step", "codes": "Numbers in a code",

	"epoch": "Epoch", "seconds": "Seconds", "val_loss": "Validation loss",
	"rounded_accuracy": "Rounded accuracy", "val_rounded_accuracy": "Validation rounded accuracy",
	"mse": "Mean squared error", "val_mse": "Validation mean squared error",
	"mae": "Mean absolute error", "val_mae": "Validation mean absolute error",

	"summed_loss": "Loss summed over the steps of an epoch",

	"baseline":                      "The autoencoder against PCA with as many numbers",
	"baseline.components":           "Principal components",
	"baseline.part":                 "Part of the data that both are measured on",
	"baseline.pca_mse":              "Mean squared error, PCA",
	"baseline.autoencoder_mse":      "Mean squared error, autoencoder",
	"baseline.pca_test_mse":         "Mean squared error on the test data, PCA",         // as older runs have it
	"baseline.autoencoder_test_mse": "Mean squared error on the test data, autoencoder", // likewise

	"pca":                          "The learned plane against that of PCA",
	"pca.principal_angles_degrees": "Principal angles between the planes",
	"pca.autoencoder_mse":          "Mean squared error, autoencoder",
	"pca.pca_mse":                  "Mean squared error, PCA: the least of any plane",

	"tsne":            "Map of the codes by t-SNE",
	"tsne.points":     "Codes on the map",
	"tsne.perplexity": "Perplexity",
	"tsne.iterations": "Iterations",
	"tsne.kl":         "Kullback–Leibler divergence",
	"tsne.seconds":    "Seconds",

	"recognition":                  "Recognition by the nearest labelled code",
	"recognition.per_class":        "Labelled images of each class",
	"recognition.draws":            "Draws of the labelled images",
	"recognition.accuracy":         "Recognised, mean over the draws",
	"recognition.spread":           "Standard deviation over the draws",
	"recognition.lecture_accuracy": "Recognised by the lecture's program, one draw of 100",
}

// lossNames are what the losses are called in prose.
var lossNames = map[string]string{
	"mse": "mean squared error", "mae": "mean absolute error", "binary_crossentropy": "binary cross-entropy",
	"huber": "Huber loss",
}

// optimizerNames are how the optimisers are written.
var optimizerNames = map[string]string{"sgd": "SGD", "adam": "Adam"}

// label returns words for a key of a group, "" being the file itself: those of
// labels, or the key itself as words.
func label(group, key string) string {
	if words, ok := labels[group+"."+key]; ok {
		return words
	}
	if words, ok := labels[key]; ok {
		return words
	}
	words := strings.TrimSpace(strings.NewReplacer("_", " ", "-", " ").Replace(key))
	if words == "" {
		return "(no name)"
	}
	if first := words[0]; 'a' <= first && first <= 'z' {
		words = string(first-'a'+'A') + words[1:]
	}
	return words
}

// format writes the value of a key of a group; what has no form of its own is
// written as JSON.
func format(group, key string, value any) string {
	switch v := value.(type) {
	case json.Number:
		// Beyond the whole numbers of a float64 (a seed may be) the digits of the
		// file are the number.
		if x, ok := toFloat(v); ok && math.Abs(x) < 1<<53 {
			return formatAs(group, key, x)
		}
		return v.String()
	case string:
		return formatWord(key, v)
	case bool:
		if v {
			return "yes"
		}
		return "no"
	case []any:
		return formatList(group, key, v)
	}
	return compact(value)
}

// formatList joins numbers and words by commas.
func formatList(group, key string, list []any) string {
	var parts []string
	for _, v := range list {
		switch v.(type) {
		case json.Number, string, bool:
			parts = append(parts, format(group, key, v))
		default:
			return compact(list)
		}
	}
	return strings.Join(parts, ", ")
}

// formatWord writes the names of losses and optimisers as people do.
func formatWord(key, word string) string {
	words := map[string]map[string]string{"loss": lossNames, "optimizer": optimizerNames}[key]
	if name, ok := words[word]; ok {
		return name
	}
	return word
}

// formatAs writes a number as its key asks for: a share in per cent, an angle in
// degrees, a seed without marks between its digits.
func formatAs(group, key string, x float64) string {
	switch {
	case group == "recognition" && slices.Contains([]string{"accuracy", "spread", "lecture_accuracy"}, key):
		return fmt.Sprintf("%.1f %%", 100*x)
	case strings.HasSuffix(key, "_degrees"):
		return fmt.Sprintf("%.2f°", x)
	case key == "seconds":
		return formatSeconds(x)
	case key == "seed", key == "version":
		return strconv.FormatFloat(x, 'f', -1, 64)
	}
	return formatNumber(x)
}

// formatNumber writes whole numbers in full, thousands apart, and others with
// five significant digits.
func formatNumber(x float64) string {
	if x == math.Trunc(x) && math.Abs(x) < 1e15 {
		return formatInt(int(x))
	}
	s := strconv.FormatFloat(x, 'g', 5, 64)
	if mantissa, exponent, ok := strings.Cut(s, "e"); ok {
		power, _ := strconv.Atoi(exponent)
		return fmt.Sprintf("%s·10%s", mantissa, superscript(power))
	}
	return s
}

// formatColumn writes the numbers of a column with equally many decimals, enough
// for four significant digits of the smallest; times with those that matter for
// the longest.
func formatColumn(key string, values []float64) []string {
	const digits, mostDecimals = 4, 8
	cells := make([]string, len(values))
	if key == "seconds" {
		decimals := secondsDecimals(slices.Max(values))
		for i, x := range values {
			cells[i] = strconv.FormatFloat(x, 'f', decimals, 64)
		}
		return cells
	}
	least, whole := math.Inf(1), true
	for _, x := range values {
		if x != 0 {
			least = min(least, math.Abs(x))
		}
		whole = whole && x == math.Trunc(x)
	}
	decimals := max(0, digits-1-int(math.Floor(math.Log10(least))))
	for i, x := range values {
		if whole || decimals > mostDecimals {
			cells[i] = formatNumber(x)
		} else {
			cells[i] = strconv.FormatFloat(x, 'f', decimals, 64)
		}
	}
	return cells
}

// formatInt separates thousands by commas.
func formatInt(n int) string {
	digits := strconv.Itoa(n)
	sign := ""
	if n < 0 {
		sign, digits = "-", digits[1:]
	}
	for i := len(digits) - 3; i > 0; i -= 3 {
		digits = digits[:i] + "," + digits[i:]
	}
	return sign + digits
}

// formatSeconds writes a time as exactly as it matters.
func formatSeconds(s float64) string {
	return strconv.FormatFloat(s, 'f', secondsDecimals(s), 64)
}

func secondsDecimals(s float64) int {
	switch {
	case s >= 100:
		return 0
	case s >= 10:
		return 1
	case s >= 0.1:
		return 2
	}
	return 4
}

// superscript writes an exponent.
func superscript(n int) string {
	digits := []rune("⁰¹²³⁴⁵⁶⁷⁸⁹")
	var b strings.Builder
	for _, r := range strconv.Itoa(n) {
		if r == '-' {
			b.WriteRune('⁻')
		} else {
			b.WriteRune(digits[r-'0'])
		}
	}
	return b.String()
}

// formatShape writes 28×28×1.
func formatShape(s tensor.Shape) string {
	parts := make([]string, len(s))
	for i, n := range s {
		parts[i] = strconv.Itoa(n)
	}
	return strings.Join(parts, "×")
}

// compact writes a value as JSON on one line, an object's fields in their order.
func compact(v any) string {
	switch v := v.(type) {
	case Object:
		parts := make([]string, len(v))
		for i, f := range v {
			parts[i] = fmt.Sprintf("%q: %s", f.Key, compact(f.Value))
		}
		return "{" + strings.Join(parts, ", ") + "}"
	case []any:
		parts := make([]string, len(v))
		for i, element := range v {
			parts[i] = compact(element)
		}
		return "[" + strings.Join(parts, ", ") + "]"
	case nil:
		return "null"
	case string:
		return strconv.Quote(v)
	}
	return fmt.Sprint(v)
}
