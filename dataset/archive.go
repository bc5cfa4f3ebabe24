package dataset

import (
	"fmt"
	"slices"
	"strings"

	"hourglass/dataset/npy"
)

// loadNPZ loads the samples of an archive, their labels, and perhaps others to
// test with.
func loadNPZ(path string, o LoadOptions) (*Data, error) {
	archive, err := npy.OpenArchive(path)
	if err != nil {
		return nil, err
	}
	defer archive.Close()
	name, err := samplesIn(archive, path, o.Array)
	if err != nil {
		return nil, err
	}
	data, err := loadArray(archive, path, name, o.Label, o.Memory)
	if err != nil {
		return nil, err
	}
	if name == "x_train" && slices.Contains(archive.Names(), "x_test") && o.Array == "" {
		if data.Test, err = loadArray(archive, path, "x_test", "", o.Memory); err != nil {
			return nil, err
		}
		if err := data.checkTest(); err != nil {
			return nil, fmt.Errorf("dataset: load %s: %w", path, err)
		}
	}
	return data, nil
}

// samplesIn returns the name of the array with the samples, which is the one
// asked for or the one there can be no doubt about.
func samplesIn(archive *npy.Archive, path, asked string) (string, error) {
	names := archive.Names()
	if asked != "" {
		return asked, nil
	}
	if slices.Contains(names, "x_train") {
		return "x_train", nil
	}
	var candidates []string
	for _, name := range names {
		if h, err := archive.Header(name); err == nil && checkAxes(h.Shape) == nil {
			candidates = append(candidates, name)
		}
	}
	if len(candidates) != 1 {
		return "", fmt.Errorf("dataset: load %s: %d arrays of 2 to 4 axes among %s, want the name of the one with the samples", path, len(candidates), quotedNames(names))
	}
	return candidates[0], nil
}

// loadArray loads an array of samples, and its labels from the array called
// label, or from the one that belongs to it by name.
func loadArray(archive *npy.Archive, path, name, label string, memory int64) (*Data, error) {
	a, err := archive.Read(name, memory)
	if err != nil {
		return nil, err
	}
	if err := checkAxes(a.Shape); err != nil {
		return nil, fmt.Errorf("dataset: load %s: array %.40q %w", path, name, err)
	}
	data := &Data{Path: path, Format: FormatNPZ, Samples: sourceOfArray(name, a), Largest: a.Type.Max()}
	if label == "" {
		label = labelsFor(archive, name)
	}
	if label == "" {
		return data, nil
	}
	labels, err := archive.ReadInts(label, memory)
	if err != nil {
		return nil, err
	}
	return data, data.setIntLabels(labels, path, fmt.Sprintf("array %.40q", label))
}

// labelsFor returns the name of the integers along one axis that an array of
// samples called x… has in y…, or "".
func labelsFor(archive *npy.Archive, name string) string {
	rest, isX := strings.CutPrefix(strings.Replace(name, "X", "x", 1), "x")
	label := "y" + rest
	if !isX || !slices.Contains(archive.Names(), label) {
		return ""
	}
	if h, err := archive.Header(label); err != nil || len(h.Shape) != 1 || h.Type.Kind == npy.Float {
		return ""
	}
	return label
}

// checkTest makes sure that training and test samples are of the same kind, and
// numbers their classes alike.
func (d *Data) checkTest() error {
	if !d.Test.Shape().Equal(d.Shape()) {
		return fmt.Errorf("samples to test with are of %v, want %v as for training", d.Test.Shape(), d.Shape())
	}
	if d.Labels == nil || d.Test.Labels == nil {
		return nil
	}
	number := make(map[string]int, len(d.Classes))
	for i, class := range d.Classes {
		number[class] = i
	}
	for i, label := range d.Test.Labels {
		class := d.Test.Classes[label]
		at, known := number[class]
		if !known {
			return fmt.Errorf("sample %d to test with has label %s, which no sample for training has", i, class)
		}
		d.Test.Labels[i] = at
	}
	d.Test.Classes = d.Classes
	return nil
}
