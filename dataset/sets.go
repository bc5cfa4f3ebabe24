package dataset

import (
	"slices"
	"strconv"

	"hourglass/dataset/digits"
	"hourglass/tensor"
)

// Info describes a data set that [Open] knows by name.
type Info struct {
	// Name is what Open and the command line call it: "fashion-mnist".
	Name string `json:"name"`
	// Title is what people call it: "Fashion-MNIST".
	Title       string `json:"title"`
	Description string `json:"description"`
	// Credit names its authors, Licence the terms it is published under.
	Credit  string `json:"credit"`
	Licence string `json:"licence"`
	// Shape is that of one image.
	Shape tensor.Shape `json:"shape"`
	// Train and Test count its images; validation images are taken from Train.
	Train int `json:"train"`
	Test  int `json:"test"`
	// Classes names what each label stands for.
	Classes []string `json:"classes"`
	// Files are the files it is published in; none for one that is drawn.
	Files []File `json:"files,omitempty"`
	// Mirrors are the addresses that the files, compressed by gzip, can be
	// downloaded from, in the order in which they are tried.
	Mirrors []string `json:"mirrors,omitempty"`

	// folders are where other programs keep it below their data folder.
	folders []string
}

// File is one file of a published data set.
type File struct {
	Name string `json:"name"` // without ".gz"
	// Size in bytes and SHA256 in hexadecimal are those of the content, not of
	// its compressed form.
	Size   int64  `json:"size"`
	SHA256 string `json:"sha256"`
}

// The four files of a data set in the manner of MNIST, as an index into
// fileNames and Info.Files.
const (
	trainImages = iota
	trainLabels
	testImages
	testLabels
	fileCount
)

var fileNames = [fileCount]string{
	"train-images-idx3-ubyte",
	"train-labels-idx1-ubyte",
	"t10k-images-idx3-ubyte",
	"t10k-labels-idx1-ubyte",
}

// digitNames are the classes of the sets of digits.
var digitNames = numberNames(10)

// numberNames returns "0" … "n-1".
func numberNames(n int) []string {
	names := make([]string, n)
	for i := range names {
		names[i] = strconv.Itoa(i)
	}
	return names
}

// mnistFiles lists the files of a set of the size of MNIST with their hashes.
func mnistFiles(hashes [fileCount]string) []File {
	sizes := [fileCount]int64{47040016, 60008, 7840016, 10008}
	files := make([]File, fileCount)
	for i := range files {
		files[i] = File{Name: fileNames[i], Size: sizes[i], SHA256: hashes[i]}
	}
	return files
}

var sets = []Info{
	{
		Name:        "mnist",
		Title:       "MNIST",
		Description: "handwritten digits, grey, centred",
		Credit:      "Y. LeCun, C. Cortes, C. Burges",
		Licence:     "CC BY-SA 3.0",
		Shape:       tensor.Shape{28, 28},
		Train:       60000,
		Test:        10000,
		Classes:     digitNames,
		Files: mnistFiles([fileCount]string{
			"ba891046e6505d7aadcbbe25680a0738ad16aec93bde7f9b65e87a2fc25776db",
			"65a50cbbf4e906d70832878ad85ccda5333a97f0f4c3dd2ef09a8a9eef7101c5",
			"0fa7898d509279e482958e8ce81c8e77db3f2f8254e26661ceb7762c4d494ce7",
			"ff7bcfd416de33731a308c3f266cc351222c34898ecbeaf847f06e48f7ec33f2",
		}),
		Mirrors: []string{
			"https://ossci-datasets.s3.amazonaws.com/mnist/",
			"https://storage.googleapis.com/cvdf-datasets/mnist/",
		},
		folders: []string{"mnist", "MNIST/raw"},
	},
	{
		Name:        "fashion-mnist",
		Title:       "Fashion-MNIST",
		Description: "articles of clothing from a shop's photographs, grey",
		Credit:      "H. Xiao, K. Rasul, R. Vollgraf, Zalando Research",
		Licence:     "MIT",
		Shape:       tensor.Shape{28, 28},
		Train:       60000,
		Test:        10000,
		Classes: []string{
			"T-shirt/top", "Trouser", "Pullover", "Dress", "Coat",
			"Sandal", "Shirt", "Sneaker", "Bag", "Ankle boot",
		},
		Files: mnistFiles([fileCount]string{
			"c59f468a2f672dc815687fe0f83887768d799fd8a3f3276145d20f83aa44d888",
			"bad3541b69d912435c50bb6ba87bec294ff4f6a2e1246121d8633921760443d9",
			"5b4141f0afbad91edebe8549f8fcffe087ea10ca49f1dbef5c9a5cd8815ce37b",
			"0402a96d92fd2663957122ceb108a494c5af83dab82d92729df917d7dec38c34",
		}),
		Mirrors: []string{"http://fashion-mnist.s3-website.eu-central-1.amazonaws.com/"},
		folders: []string{"fashion-mnist", "FashionMNIST/raw"},
	},
	{
		Name:        Digits,
		Title:       "Built-in digits",
		Description: "digits the program draws itself with a simulated hand, grey, centred like MNIST",
		Credit:      "Hourglass",
		Licence:     "that of Hourglass",
		Shape:       tensor.Shape{digits.Side, digits.Side},
		Train:       digits.Train,
		Test:        digits.Test,
		Classes:     digitNames,
	},
}

// Sets lists the data sets that [Open] knows by name.
func Sets() []Info { return slices.Clone(sets) }

// Lookup returns the data set of that name.
func Lookup(name string) (Info, bool) {
	for _, s := range sets {
		if s.Name == name {
			return s, true
		}
	}
	return Info{}, false
}
