//go:build !linux && !darwin

package main

import "os"

func maxResident(*os.ProcessState) (int64, bool) { return 0, false }

func ownMaxResident() int64 { return 0 }
