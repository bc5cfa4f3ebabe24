package dataset

import (
	"compress/gzip"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"

	"hourglass/internal/atomicfile"
	"hourglass/tensor"
)

// spellings returns the names under which a file may lie in a folder: plain or
// compressed, and with the dot that some unpacking programs put for a hyphen.
func spellings(name string) []string {
	dotted := strings.Replace(name, "-idx", ".idx", 1)
	return []string{name, name + ".gz", dotted, dotted + ".gz"}
}

// findFiles returns the paths of the four files in dir, empty where one is
// absent, and how many there are.
func findFiles(dir string) (paths [fileCount]string, count int) {
	for i, name := range fileNames {
		for _, spelling := range spellings(name) {
			path := filepath.Join(dir, spelling)
			if stat, err := os.Stat(path); err == nil && !stat.IsDir() {
				paths[i] = path
				count++
				break
			}
		}
	}
	return paths, count
}

// loadFolder reads the training and test images in dir, all four files at once.
// With info they must be those that info describes.
func loadFolder(dir string, info *Info) (train, test *Images, err error) {
	paths, _ := findFiles(dir)
	for i, path := range paths {
		if path == "" {
			return nil, nil, fmt.Errorf("dataset: read %s: no %s or %[2]s.gz in it", dir, fileNames[i])
		}
	}
	var arrays [fileCount]IDX
	var errs [fileCount]error
	var readers sync.WaitGroup
	for i, path := range paths {
		readers.Go(func() {
			if info != nil {
				arrays[i], errs[i] = readPublished(path, info, info.Files[i])
			} else {
				arrays[i], errs[i] = ReadIDXFile(path)
			}
		})
	}
	readers.Wait()
	for _, err := range errs { // the first of the files, not the first to fail
		if err != nil {
			return nil, nil, err
		}
	}
	if train, err = labelled(paths[:trainLabels+1], arrays[:trainLabels+1]); err != nil {
		return nil, nil, err
	}
	if test, err = labelled(paths[testImages:], arrays[testImages:]); err != nil {
		return nil, nil, err
	}
	if !test.Shape.Equal(train.Shape) {
		return nil, nil, fmt.Errorf("dataset: read %s: holds images of %v, want %v as for training", paths[testImages], test.Shape, train.Shape)
	}
	classes := numberNames(int(max(slices.Max(train.Labels), slices.Max(test.Labels))) + 1)
	if info != nil {
		classes = info.Classes
	}
	train.Classes, test.Classes = classes, classes
	return train, test, nil
}

// readPublished reads a file of a known data set and compares it with the
// published SHA-256, which is computed beside the decompression.
func readPublished(path string, info *Info, file File) (IDX, error) {
	pieces := make(chan []byte, 64)
	sum := make(chan string)
	go func() {
		hash := sha256.New()
		for piece := range pieces {
			hash.Write(piece)
		}
		sum <- hex.EncodeToString(hash.Sum(nil))
	}()
	a, err := readIDXFile(path, idxDecoder{limit: math.MaxInt, seen: func(piece []byte) { pieces <- piece }})
	close(pieces)
	got := <-sum
	if err != nil {
		return IDX{}, err
	}
	if got != file.SHA256 {
		return IDX{}, fmt.Errorf("dataset: read %s: is not the %s of %s: SHA-256 %.8s…, want %.8s… (to use a data set of your own, give its folder as the data set)",
			path, file.Name, info.Title, got, file.SHA256)
	}
	return a, nil
}

// labelled joins the arrays of images and of labels.
func labelled(paths []string, arrays []IDX) (*Images, error) {
	pixels, ok := arrays[0].Data.([]uint8)
	shape := arrays[0].Shape
	if !ok || len(shape) != 3 && len(shape) != 4 {
		return nil, fmt.Errorf("dataset: read %s: holds %T of shape %v, want bytes of shape images×height×width", paths[0], arrays[0].Data, shape)
	}
	labels, ok := arrays[1].Data.([]uint8)
	if !ok || !arrays[1].Shape.Equal(tensor.Shape{shape[0]}) {
		return nil, fmt.Errorf("dataset: read %s: holds %T of shape %v, want one byte for each of %d images", paths[1], arrays[1].Data, arrays[1].Shape, shape[0])
	}
	return &Images{Shape: shape[1:], Pixels: pixels, Labels: labels}, nil
}

// Save writes training and test images into dir, which it creates if need be,
// as the four files, compressed, that [Open] reads. Each file appears whole or
// not at all.
func Save(dir string, train, test *Images) error {
	if err := os.MkdirAll(dir, 0o777); err != nil {
		return fmt.Errorf("dataset: %w", err)
	}
	for i, d := range []*Images{train, test} {
		n := d.Len()
		if len(d.Labels) != n {
			return fmt.Errorf("dataset: save %s: %d labels for %d images", d.Name, len(d.Labels), n)
		}
		images := IDX{Shape: append(tensor.Shape{n}, d.Shape...), Data: d.Pixels}
		labels := IDX{Shape: tensor.Shape{n}, Data: d.Labels}
		if err := saveIDX(dir, fileNames[2*i], images); err != nil {
			return err
		}
		if err := saveIDX(dir, fileNames[2*i+1], labels); err != nil {
			return err
		}
	}
	return nil
}

func saveIDX(dir, name string, a IDX) error {
	err := atomicfile.Write(filepath.Join(dir, name+".gz"), func(w io.Writer) error {
		zip := gzip.NewWriter(w)
		if err := writeIDX(zip, a); err != nil {
			return err
		}
		return zip.Close()
	})
	if err != nil {
		return fmt.Errorf("dataset: %w", err)
	}
	return nil
}
