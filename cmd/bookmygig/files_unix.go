//go:build unix

package main

import (
	"math"
	"syscall"
)

// openFiles is how many files the process may have open. At its start Go has
// raised that to the most that the system allows it.
func openFiles() int {
	var l syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_NOFILE, &l); err != nil {
		return math.MaxInt32
	}
	return int(min(uint64(l.Cur), math.MaxInt32))
}
