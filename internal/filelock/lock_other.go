//go:build !(linux || darwin || freebsd || netbsd || openbsd || dragonfly || windows)

package filelock

import "os"

// removesOpenFiles says that a file can be removed while it is open.
const removesOpenFiles = true

// tryLock does nothing on systems without locks.
func tryLock(*os.File, bool) (held bool, err error) { return false, ErrNoLocks }
