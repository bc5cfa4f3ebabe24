package dataset

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"

	"hourglass/internal/parallel"
	"hourglass/tensor"
)

// Color says how many numbers a pixel of a folder of images has.
type Color string

// The choices of [ImageOptions].
const (
	// ColorAuto is grey if no pixel of any image has a colour, and else colour.
	ColorAuto Color = ""
	// ColorGray keeps the luma of ITU-R BT.601, (19595 R + 38470 G + 7471 B) / 2^16
	// rounded, as Pillow's convert("L") does. The shape of an image is height×width.
	ColorGray Color = "grey"
	// ColorRGB keeps red, green and blue. The shape is height×width×3.
	ColorRGB Color = "rgb"
)

// ImageOptions says how a folder of images is read. The zero value takes images
// as they are.
type ImageOptions struct {
	// Width and Height are what images are scaled to, by a Catmull-Rom spline and
	// without keeping their proportions. Where both are 0 images are not scaled,
	// and one of another size than the first is an error.
	Width, Height int
	Color         Color
	// SkipUnreadable leaves out files that cannot be read and lists them in
	// [Data.Skipped], instead of refusing the folder.
	SkipUnreadable bool `json:"-"`
	// MaxPixels bounds how many pixels a file may unpack to; 0 means 50 million.
	MaxPixels int
	// Memory bounds what all images together may take, in bytes; 0 means
	// [DefaultMemory].
	Memory int64
}

// UnreadableError tells why a file in a folder of images could not be read.
type UnreadableError struct {
	File string // its path below the folder
	Err  error
}

func (e *UnreadableError) Error() string { return printable(e.File) + ": " + e.Err.Error() }

func (e *UnreadableError) Unwrap() error { return e.Err }

const (
	defaultMaxPixels = 50_000_000
	// maxSide bounds the sides of images, before and after scaling.
	maxSide = 1 << 14
	// maxDepth is how deep folders may lie in each other; links can make a circle.
	maxDepth = 32
)

// ReadImageFolder reads the PNG and JPEG files in the folder at dir, in the order
// of their names. Its sub-folders, where it has any with images, are the labels of
// the images at any depth below them. Hidden files and folders (whose names start
// with a dot) and files that are no images are left out.
//
// Photographs are turned as their Exif orientation says, and transparent pixels
// shown on white. A file that is damaged, too large, of the wrong size or of a
// format that is not read is an [*UnreadableError], the first by name if there are
// several, unless o says to skip such files. The error wraps ctx's where ctx ended.
func ReadImageFolder(ctx context.Context, dir string, o ImageOptions) (*Data, error) {
	if err := o.check(); err != nil {
		return nil, fmt.Errorf("dataset: read %s: %w", dir, err)
	}
	f := &imageFolder{dir: dir, options: o}
	err := f.list()
	if err != nil {
		return nil, fmt.Errorf("dataset: read %s: %w", dir, err)
	}
	images, err := f.read(ctx)
	if err != nil {
		return nil, fmt.Errorf("dataset: read %s: %w", dir, err)
	}
	data := &Data{Path: dir, Format: FormatImages, Largest: 255, Samples: images, names: f.files, Skipped: f.skipped}
	if labels := folderLabels(f.files); labels != nil {
		data.setLabels(labels)
		images.Classes = data.Classes
		images.Labels = byteLabels(data.Labels, len(data.Classes))
	}
	return data, nil
}

// check refuses options that contradict themselves and fills in the defaults.
func (o *ImageOptions) check() error {
	if o.Width < 0 || o.Height < 0 || o.Width > maxSide || o.Height > maxSide || (o.Width == 0) != (o.Height == 0) {
		return fmt.Errorf("an image size of %d×%d (width×height), want both from 1 to %d", o.Width, o.Height, maxSide)
	}
	switch o.Color {
	case ColorAuto, ColorGray, ColorRGB:
	default:
		return fmt.Errorf("colours %.40q, want grey or rgb", o.Color)
	}
	if o.MaxPixels == 0 {
		o.MaxPixels = defaultMaxPixels
	}
	if o.Memory == 0 {
		o.Memory = DefaultMemory
	}
	return nil
}

// list finds the images below the folder, sorted by folder and then by name.
func (f *imageFolder) list() error {
	if err := f.listFolder("", 0); err != nil {
		return err
	}
	if len(f.files) == 0 {
		return errors.New("no PNG or JPEG files in it")
	}
	inside, below := 0, 0
	for _, file := range f.files {
		if folderOf(file) == "" {
			inside++
		} else {
			below++
		}
	}
	if inside > 0 && below > 0 {
		return fmt.Errorf("%d images in it and %d in its folders, want labels for all of them or for none", inside, below)
	}
	return nil
}

// listFolder appends the images in folder, a path relative to that of all.
func (f *imageFolder) listFolder(folder string, depth int) error {
	if depth > maxDepth {
		return fmt.Errorf("folder %s lies more than %d folders deep", printable(folder), maxDepth)
	}
	entries, err := os.ReadDir(filepath.Join(f.dir, folder)) // sorted by name
	if err != nil {
		return err
	}
	for _, entry := range entries {
		if strings.HasPrefix(entry.Name(), ".") {
			continue
		}
		path := filepath.Join(folder, entry.Name())
		info, err := os.Stat(filepath.Join(f.dir, path)) // follows links
		switch {
		case err != nil:
			err = f.refuse(path, err)
		case info.IsDir():
			err = f.listFolder(path, depth+1)
		case !isImageName(path):
			err = nil
		case !isReadName(path):
			err = f.refuse(path, errors.New("is an image of a format that is not read, want PNG or JPEG"))
		case !info.Mode().IsRegular():
			err = f.refuse(path, errors.New("is not a regular file"))
		default:
			f.files = append(f.files, path)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// isReadName reports whether a file is called as those that are read.
func isReadName(path string) bool {
	return slices.Contains([]string{".png", ".jpg", ".jpeg"}, strings.ToLower(filepath.Ext(path)))
}

// isImageName reports whether a file is called as an image of any format.
func isImageName(path string) bool {
	others := []string{".gif", ".bmp", ".tif", ".tiff", ".webp", ".heic", ".avif"}
	return isReadName(path) || slices.Contains(others, strings.ToLower(filepath.Ext(path)))
}

// refuse notes that a file cannot be read, or returns the error that it cannot.
func (f *imageFolder) refuse(file string, err error) error {
	bad := UnreadableError{file, err}
	if !f.options.SkipUnreadable {
		return &bad
	}
	f.skipped = append(f.skipped, bad)
	return nil
}

// folderOf is the first folder of a path, empty for a file that is in none.
func folderOf(path string) string {
	folder, _, found := strings.Cut(filepath.ToSlash(path), "/")
	if !found {
		return ""
	}
	return folder
}

// folderLabels returns the label of each file, nil where they have none.
func folderLabels(files []string) []string {
	if folderOf(files[0]) == "" {
		return nil
	}
	labels := make([]string, len(files))
	for i, file := range files {
		labels[i] = folderOf(file)
	}
	return labels
}

// byteLabels returns labels as bytes, as [Images] has them, or nil where there
// are more classes than that.
func byteLabels(labels []int, classes int) []uint8 {
	if classes > 256 {
		return nil
	}
	bytes := make([]uint8, len(labels))
	for i, label := range labels {
		bytes[i] = uint8(label)
	}
	return bytes
}

// imageFolder is a folder of images as it is read.
type imageFolder struct {
	dir     string
	files   []string // relative to dir
	options ImageOptions
	skipped []UnreadableError

	width, height, channels int
	pixels                  []byte
	colored                 atomic.Bool // whether any pixel has a colour
}

// read decodes all images.
func (f *imageFolder) read(ctx context.Context) (*Images, error) {
	if err := f.setSize(); err != nil {
		return nil, err
	}
	f.channels = 3
	if f.options.Color == ColorGray {
		f.channels = 1
	}
	// Division spares an overflow.
	each := f.width * f.height * f.channels
	if int64(len(f.files)) > f.options.Memory/int64(each) {
		return nil, fmt.Errorf("%d images of %d×%d pixels take more than the %d bytes of memory allowed, want a smaller image size or less of them",
			len(f.files), f.width, f.height, f.options.Memory)
	}
	f.pixels = make([]byte, len(f.files)*each)
	if err := f.decodeAll(ctx); err != nil {
		return nil, err
	}
	shape := tensor.Shape{f.height, f.width}
	switch {
	case f.options.Color == ColorRGB || f.options.Color == ColorAuto && f.colored.Load():
		shape = append(shape, 3)
	case f.channels == 3:
		f.dropColors()
	}
	return (&Images{Name: filepath.Base(f.dir), Shape: shape, Pixels: f.pixels}).Raw(), nil
}

// setSize takes the size of all images from the options or the first of them that
// can be read.
func (f *imageFolder) setSize() error {
	if f.options.Width > 0 {
		f.width, f.height = f.options.Width, f.options.Height
		return nil
	}
	for len(f.files) > 0 {
		p, err := f.open(f.files[0])
		if err == nil {
			f.width, f.height = p.size()
			return nil
		}
		if err := f.refuse(f.files[0], err); err != nil {
			return err
		}
		f.files = f.files[1:]
	}
	return f.errNone()
}

// errNone says that no file is left.
func (f *imageFolder) errNone() error {
	return fmt.Errorf("none of its %d images can be read; the first is %w", len(f.skipped), &f.skipped[0])
}

// open reads a file and what it says of its picture.
func (f *imageFolder) open(file string) (*picture, error) {
	return openPicture(filepath.Join(f.dir, file), f.options.MaxPixels)
}

// printable writes the name of a file that was found so that it stays on one line.
func printable(name string) string {
	if strconv.CanBackquote(name) {
		return name
	}
	return strconv.Quote(name)
}

// decodeAll decodes the images on all cores. They are taken in order, so that
// the first that fails is the same however many cores there are.
func (f *imageFolder) decodeAll(ctx context.Context) error {
	errs := make([]error, len(f.files))
	err := parallel.Each(ctx, 0, len(f.files), func(_, i int) error {
		errs[i] = f.decode(i)
		if errs[i] == nil || f.options.SkipUnreadable {
			return nil
		}
		return f.refuse(f.files[i], errs[i])
	})
	if err != nil {
		return err
	}
	return f.leaveOut(errs)
}

// leaveOut takes out the images that could not be decoded, or returns the error of
// the first.
func (f *imageFolder) leaveOut(errs []error) error {
	each := f.width * f.height * f.channels
	kept := 0
	for i, file := range f.files {
		if errs[i] != nil {
			if err := f.refuse(file, errs[i]); err != nil {
				return err
			}
			continue
		}
		copy(f.pixels[kept*each:], f.pixels[i*each:(i+1)*each])
		f.files[kept] = file
		kept++
	}
	f.files, f.pixels = f.files[:kept], f.pixels[:kept*each]
	if kept == 0 {
		return f.errNone()
	}
	return nil
}

// decode puts image i where it belongs.
func (f *imageFolder) decode(i int) error {
	p, err := f.open(f.files[i])
	if err != nil {
		return err
	}
	if w, h := p.size(); f.options.Width == 0 && (w != f.width || h != f.height) {
		return fmt.Errorf("is %d×%d pixels, want %d×%d as the first, %s (or an image size to scale all to)",
			w, h, f.width, f.height, printable(f.files[0]))
	}
	pixels, err := p.decode(f.width, f.height)
	if err != nil {
		return err
	}
	each := f.width * f.height * f.channels
	dst := f.pixels[i*each : (i+1)*each]
	if f.channels == 1 {
		copyLuma(dst, pixels.Pix)
	} else if copyRGB(dst, pixels.Pix) {
		f.colored.Store(true)
	}
	return nil
}

// copyRGB drops the opacity of pixels and reports whether any has a colour.
func copyRGB(dst, rgba []byte) (colored bool) {
	for ; len(rgba) >= 4; dst, rgba = dst[3:], rgba[4:] {
		r, g, b := rgba[0], rgba[1], rgba[2]
		dst[0], dst[1], dst[2] = r, g, b
		colored = colored || r != g || g != b
	}
	return colored
}

// copyLuma takes the luma of pixels.
func copyLuma(dst, rgba []byte) {
	for i := range dst {
		r, g, b := uint32(rgba[4*i]), uint32(rgba[4*i+1]), uint32(rgba[4*i+2])
		dst[i] = byte((19595*r + 38470*g + 7471*b + 1<<15) >> 16)
	}
}

// dropColors keeps one number of the three, all the same, of each pixel.
func (f *imageFolder) dropColors() {
	n := len(f.pixels) / 3
	for i := range n {
		f.pixels[i] = f.pixels[3*i]
	}
	f.pixels = slices.Clone(f.pixels[:n]) // lets the rest go
}
