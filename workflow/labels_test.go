package workflow

import (
	"context"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"hourglass/dataset"
	"hourglass/run"
)

// A model that asks for labels gets them from the data, by their names: a table with other
// classes, or fewer, counts them as the training data did.
func TestLabelsGoByName(t *testing.T) {
	ctx := context.Background()
	table := func(labels ...string) *Input {
		var b strings.Builder
		b.WriteString("a,b,kind\n")
		for i := range 60 {
			fmt.Fprintf(&b, "%d,%d,%s\n", i%7, i%5, labels[i%len(labels)])
		}
		in, err := Load(ctx, writeFile(t, b.String()), dataset.LoadOptions{Label: "kind"})
		if err != nil {
			t.Fatal(err)
		}
		return in
	}
	out := filepath.Join(t.TempDir(), "run")
	train := func(in *Input, from string) (*Metrics, error) {
		o := TrainOptions{Epochs: 1, Validation: 0.1, From: from, Options: run.Options{Out: out}}
		if from == "" {
			o.Architecture = "condition 3 > dense 2 tanh | condition 3 > dense 2"
		}
		return Train(ctx, in.Data, o)
	}
	if _, err := train(table("oak", "ash", "elm"), ""); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(out, run.ModelFile)
	out += "s/another"
	m, err := OpenModel(path)
	if err != nil || !slices.Equal(m.Record.Classes, []string{"ash", "elm", "oak"}) {
		t.Fatalf("the model has recorded the classes %q (%v)", m.Record.Classes, err)
	}
	labels, err := m.labels(table("oak", "elm").Data)
	if err != nil || !slices.Equal(labels[:2], []int{2, 1}) {
		t.Errorf("labels %v (%v), want 2 and 1", labels[:2], err)
	}
	codes, err := m.Encode(ctx, table("oak", "elm"))
	if err != nil {
		t.Fatal(err)
	}
	n := 0
	for _, err := range codes {
		if err != nil {
			t.Fatal(err)
		}
		n++
	}
	if n != 60 {
		t.Errorf("%d codes, want 60", n)
	}
	if _, err := m.Rank(ctx, table("oak", "elm"), RankOptions{}); err != nil {
		t.Error(err)
	}
	_, unknown := m.Encode(ctx, table("yew"))
	bare, err := Load(ctx, writeFile(t, "a,b\n1,2\n3,4\n"), dataset.LoadOptions{})
	if err != nil {
		t.Fatal(err)
	}
	_, none := m.Encode(ctx, bare)
	_, many := train(table("a", "b", "c", "d"), "")
	_, other := train(table("oak", "yew"), path)
	for i, c := range []struct {
		err  error
		want string
	}{
		{unknown, `the label of row 1 is "yew", want one of those that the model knows: ["ash" "elm" "oak"]`},
		{none, "has none; a column or file of labels must be named"},
		{many, "the model asks for labels of 3 classes, but"},
		{other, `is "yew", want one of those that the model knows`},
	} {
		if c.err == nil || !strings.Contains(c.err.Error(), c.want) {
			t.Errorf("%d: error %v, want %q", i, c.err, c.want)
		}
	}
}
