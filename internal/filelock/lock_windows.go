package filelock

import (
	"errors"
	"os"

	"golang.org/x/sys/windows"
)

// removesOpenFiles says that a file can be removed while it is open.
const removesOpenFiles = false

// lockedByte is the byte that is locked: far behind the text, which others may then
// read.
const lockedByte = 1 << 30

// tryLock locks an open file unless somebody else holds it.
func tryLock(f *os.File) (held bool, err error) {
	at := &windows.Overlapped{Offset: lockedByte}
	err = windows.LockFileEx(windows.Handle(f.Fd()), windows.LOCKFILE_EXCLUSIVE_LOCK|windows.LOCKFILE_FAIL_IMMEDIATELY, 0, 1, 0, at)
	if errors.Is(err, windows.ERROR_LOCK_VIOLATION) || errors.Is(err, windows.ERROR_IO_PENDING) {
		return true, nil
	}
	return false, err
}
