package dataset

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
)

// dataDirVariable names the environment variable with the user's data folder.
const dataDirVariable = "HOURGLASS_DATA"

// CacheDir is the folder that data sets are downloaded into: hourglass in the
// user's cache folder (os.UserCacheDir). The error says why there is none.
func CacheDir() (string, error) {
	cache, err := os.UserCacheDir()
	if err != nil {
		return "", fmt.Errorf("dataset: %w", err)
	}
	return filepath.Join(cache, "hourglass"), nil
}

// Locate returns the folder that [Open] would read the data set's files from:
// in dataDir if that is not empty, else in $HOURGLASS_DATA or the user's cache.
// It is not found where it would have to be downloaded, or drawn.
func (s Info) Locate(dataDir string) (dir string, found bool) {
	if len(s.Files) == 0 {
		return "", false
	}
	if dataDir != "" {
		return s.below(dataDir)
	}
	if root := os.Getenv(dataDirVariable); root != "" {
		if dir, found := s.below(root); found {
			return dir, true
		}
	}
	root, err := CacheDir()
	if err != nil {
		return "", false
	}
	dir = filepath.Join(root, s.Name)
	// An interrupted download leaves some of the files there; going on with it
	// is the way to get the others.
	_, count := findFiles(dir)
	return dir, count == fileCount
}

// below looks for the files in the folders that root may keep them in, and then
// in root itself. A folder with only some of them counts as found, so that
// reading it says what is missing.
func (s Info) below(root string) (dir string, found bool) {
	for _, folder := range append(s.folders[:len(s.folders):len(s.folders)], ".") {
		dir := filepath.Join(root, filepath.FromSlash(folder))
		if _, count := findFiles(dir); count > 0 {
			return dir, true
		}
	}
	return "", false
}

// locateOrDownload returns the folder with the data set's files.
func locateOrDownload(ctx context.Context, s Info, o Options) (string, error) {
	if dir, found := s.Locate(o.DataDir); found {
		return dir, nil
	}
	if o.DataDir != "" {
		return "", fmt.Errorf("dataset: open %s: no %s in %s, want it and the other three files there or in %s",
			s.Name, fileNames[0], o.DataDir, filepath.Join(o.DataDir, s.folders[0]))
	}
	cache, err := CacheDir()
	if err != nil {
		return "", fmt.Errorf("dataset: open %s: %w in $%s, and there is no cache: %w", s.Name, ErrUnavailable, dataDirVariable, err)
	}
	if !o.Download {
		return "", fmt.Errorf("dataset: open %s: %w, neither in $%s nor in %s", s.Name, ErrUnavailable, dataDirVariable, cache)
	}
	dir := filepath.Join(cache, s.Name)
	if err := s.download(ctx, dir, o.Progress); err != nil {
		if ctx.Err() != nil {
			return "", fmt.Errorf("dataset: download %s: %w", s.Name, err)
		}
		return "", fmt.Errorf("dataset: open %s: %w, and downloading it failed: %w", s.Name, ErrUnavailable, err)
	}
	return dir, nil
}
