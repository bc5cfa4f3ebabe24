package report

import (
	"slices"
	"strconv"
	"strings"

	"hourglass/dataset"
	"hourglass/recipe"
)

// command returns the command line that repeats a run, or "" where the metrics
// do not say enough. A command that they hold themselves is taken as it is.
func command(m Object, h history) string {
	if own := m.text("command"); own != "" {
		return own
	}
	r, err := recipe.ByName(m.text("recipe"))
	if err != nil {
		return ""
	}
	words := []string{"hourglass", "run", r.Name}
	if data := m.object("dataset"); r.Own == nil {
		words = append(words, "--dataset", quote(data.text("name")))
		if dir := data.text("dir"); dir != "" {
			words = append(words, "--data-dir", quote(dir))
		}
		if n, ok := data.integer("train"); ok && !isWhole(r, data.text("name"), n) {
			words = append(words, "--train-size", strconv.Itoa(n))
		}
	}
	// A run that was stopped does not say how long it was to be.
	if n := len(h.epochs); n != r.Epochs && m.Get("interrupted") != true {
		words = append(words, "--epochs", strconv.Itoa(n))
	}
	if n, ok := m.integer("batch_size"); ok && n != r.BatchSize {
		words = append(words, "--batch-size", strconv.Itoa(n))
	}
	if rate, ok := m.number("learning_rate"); ok && rate != r.Optimizer.Rate() {
		words = append(words, "--learning-rate", strconv.FormatFloat(rate, 'g', -1, 64))
	}
	if m.Get("baseline") != nil {
		words = append(words, "--baseline", "pca")
	}
	if seed := m.Get("seed"); seed != nil {
		words = append(words, "--seed", quote(format("", "seed", seed)))
	}
	return strings.Join(words, " ")
}

// isWhole reports whether n are all training images that a data set has beside
// those the recipe validates with. Of one's own data nobody knows.
func isWhole(r recipe.Recipe, name string, n int) bool {
	info, ok := dataset.Lookup(name)
	return ok && n == info.Train-r.Validation
}

// quote writes a word so that a shell takes it as it is.
func quote(word string) string {
	plain := func(r rune) bool {
		return 'a' <= r && r <= 'z' || 'A' <= r && r <= 'Z' || '0' <= r && r <= '9' || slices.Contains([]rune("-_./:=@%+,"), r)
	}
	if word != "" && !strings.ContainsFunc(word, func(r rune) bool { return !plain(r) }) {
		return word
	}
	return "'" + strings.ReplaceAll(word, "'", `'\''`) + "'"
}
