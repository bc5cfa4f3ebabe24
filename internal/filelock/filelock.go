// Package filelock locks a file against other processes. The system gives the lock
// up when its holder ends, however it ends, so that none outlives its process.
package filelock

import (
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"time"
)

// Lock is a locked file.
type Lock struct {
	file *os.File
	path string
}

// HeldError is the error of a lock that somebody else holds.
type HeldError struct{ Holder string } // what the holder wrote of itself; may be empty

// Error names the holder.
func (e *HeldError) Error() string {
	if e.Holder == "" {
		return "it is locked by another process"
	}
	return "it is locked by " + e.Holder
}

// ErrNoLocks is the error of a system, or a file system, that has no locks.
var ErrNoLocks = errors.New("there are no locks here")

// Held reports whether a process holds the lock at path, as far as can be told without
// taking it. Where there are no locks the error is ErrNoLocks.
func Held(path string) (bool, error) {
	f, err := os.Open(path)
	if errors.Is(err, os.ErrNotExist) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	defer f.Close()
	return tryLock(f, true)
}

// ThisProcess says who holds a lock: "process 7 on host since 2026-11-27 12:41:31".
func ThisProcess() string {
	host, _ := os.Hostname() // only to be told
	return fmt.Sprintf("process %d on %s since %s", os.Getpid(), host, time.Now().Format(time.DateTime))
}

// Acquire locks the file at path, which it makes if need be, and writes there who
// holds it: one line. It does not wait: where the lock is held, the error is a
// *HeldError. On a system that has no locks it succeeds.
func Acquire(path, holder string) (*Lock, error) {
	// Somebody who asks whether it is held shares it for a moment.
	const tries, pause = 5, 2 * time.Millisecond
	for try := 1; ; {
		f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o666)
		if err != nil {
			return nil, err
		}
		held, err := tryLock(f, false)
		if errors.Is(err, ErrNoLocks) {
			err = nil
		}
		if err == nil && held && try < tries {
			f.Close()
			try++
			time.Sleep(pause)
			continue
		}
		if err == nil && held {
			err = &HeldError{readHolder(f)}
		}
		if err != nil {
			f.Close()
			return nil, err
		}
		if !isAt(f, path) {
			f.Close() // its last holder has removed it meanwhile
			continue
		}
		l := &Lock{f, path}
		if err := l.write(holder); err != nil {
			return nil, errors.Join(err, l.Release())
		}
		return l, nil
	}
}

// isAt reports whether f is the file at path.
func isAt(f *os.File, path string) bool {
	there, err := os.Stat(path)
	if err != nil {
		return false
	}
	here, err := f.Stat()
	return err == nil && os.SameFile(here, there)
}

func (l *Lock) write(holder string) error {
	if err := l.file.Truncate(0); err != nil {
		return err
	}
	_, err := fmt.Fprintln(l.file, holder)
	return err
}

// readHolder returns the first line of a lock's file.
func readHolder(f *os.File) string {
	const most = 200
	text, err := io.ReadAll(io.LimitReader(f, most))
	if err != nil {
		return ""
	}
	line, _, _ := strings.Cut(string(text), "\n")
	return strings.TrimSpace(line)
}

// Release gives the lock up and removes the file.
func (l *Lock) Release() error {
	if !removesOpenFiles {
		l.file.Close()
		os.Remove(l.path) // fails where somebody has it already, who then keeps it
		return nil
	}
	err := os.Remove(l.path)
	return errors.Join(err, l.file.Close())
}
