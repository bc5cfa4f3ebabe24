// Package atomicfile writes files that appear whole or not at all.
//
// Contents go to a temporary file in the same folder, are flushed to the disk
// and then take the place of the old file in one rename. Whatever interrupts
// that (a full disk, an error of the writer, a crash) leaves the old file as it
// was, and no half-written one under its name.
package atomicfile

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
)

// bufferSize is large enough that writers of small pieces cost few system calls.
const bufferSize = 1 << 16

// Write creates or replaces the file at path with what write produces.
//
// A new file gets the permissions that the process' umask leaves of 0666, a
// replaced one keeps its own. A symbolic link stays, and what it points to is
// replaced; one that points nowhere is refused. Anything else that is not a regular file (a folder, a device) is
// refused, as a rename would destroy it. The error names path and is one line;
// after it path holds what it held before.
func Write(path string, write func(w io.Writer) error) error {
	if err := replaceWith(path, write); err != nil {
		return fmt.Errorf("write %s: %w", path, err)
	}
	return nil
}

// WriteFile creates or replaces the file at path with data, as Write does.
func WriteFile(path string, data []byte) error {
	return Write(path, func(w io.Writer) error {
		_, err := w.Write(data)
		return err
	})
}

// Replace puts the finished file temp in the place of path, both in the same
// folder, after flushing it to the disk. It is the second half of Write, for
// a file that was built up by other means, such as a resumed download.
func Replace(temp, path string) error {
	if err := flushAndRename(temp, path); err != nil {
		return fmt.Errorf("write %s: %w", path, withoutPath(err, temp))
	}
	return nil
}

func flushAndRename(temp, path string) error {
	// Windows flushes only handles that may write.
	f, err := os.OpenFile(temp, os.O_RDWR, 0)
	if err != nil {
		return err
	}
	err = f.Sync()
	if closing := f.Close(); err == nil {
		err = closing
	}
	if err != nil {
		return err
	}
	return rename(temp, path)
}

func replaceWith(path string, write func(w io.Writer) error) (err error) {
	path, mode, err := target(path)
	if err != nil {
		return err
	}
	temp := tempName(path)
	f, err := os.OpenFile(temp, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o666)
	if err != nil {
		return withoutPath(err, temp)
	}
	defer func() {
		if err != nil {
			f.Close() // a second Close only returns an error
			os.Remove(temp)
			err = withoutPath(err, temp)
		}
	}()
	if mode != 0 {
		if err := f.Chmod(mode); err != nil {
			return err
		}
	}
	buf := bufio.NewWriterSize(f, bufferSize)
	if err := write(buf); err != nil {
		return err
	}
	if err := buf.Flush(); err != nil {
		return err
	}
	if err := f.Sync(); err != nil {
		return err
	}
	if err := f.Close(); err != nil {
		return err
	}
	return rename(temp, path)
}

// target follows symbolic links to the file to replace and returns its
// permissions, 0 where there is none yet.
func target(path string) (string, fs.FileMode, error) {
	resolved, err := filepath.EvalSymlinks(path)
	if err == nil {
		path = resolved
	} else if info, err := os.Lstat(path); err == nil && info.Mode()&fs.ModeSymlink != 0 {
		return "", 0, errors.New("is a symbolic link to something that is not there")
	}
	info, err := os.Stat(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return path, 0, nil
	case err != nil:
		return "", 0, withoutPath(err, path)
	case info.IsDir():
		return "", 0, errors.New("is a folder, want a file")
	case !info.Mode().IsRegular():
		return "", 0, errors.New("is not a regular file")
	}
	return path, info.Mode().Perm(), nil
}

// tempName is a new name beside path. The file is opened without os.CreateTemp,
// which would keep it from everyone but its owner whatever the umask says.
func tempName(path string) string {
	name := "." + filepath.Base(path) + "." + strconv.FormatUint(rand.Uint64(), 36) + ".tmp"
	return filepath.Join(filepath.Dir(path), name)
}

// rename moves temp over path and makes the move itself durable where the
// system can: on Windows a folder cannot be flushed, and some file systems
// refuse it, which costs durability in a power cut but never wholeness.
func rename(temp, path string) error {
	if err := os.Rename(temp, path); err != nil {
		return err
	}
	if runtime.GOOS == "windows" {
		return nil
	}
	if dir, err := os.Open(filepath.Dir(path)); err == nil {
		_ = dir.Sync()
		dir.Close()
	}
	return nil
}

// withoutPath strips the name of the temporary file from an error of the
// system, whose place the name that the user knows takes. Errors about other
// files, which a writer may read from, stay as they are.
func withoutPath(err error, temp string) error {
	if e, ok := errors.AsType[*fs.PathError](err); ok && e.Path == temp {
		return e.Err
	}
	if e, ok := errors.AsType[*os.LinkError](err); ok && e.Old == temp {
		return e.Err
	}
	return err
}
