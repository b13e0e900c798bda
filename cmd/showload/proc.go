package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"
	"time"
)

// clockTick is the unit of CPU times in /proc, which on Linux is 10 ms
// wherever Go runs.
const clockTick = 10 * time.Millisecond

// usage is what a process used while it was watched.
type usage struct {
	Watched      bool
	CPU          time.Duration // processor time
	Wall         time.Duration
	RSSFirst     int64 // bytes: mean of the first half
	RSSSecond    int64 // mean of the second half
	RSSMax       int64
	Problem      string
	samples      []int64
	first, last  time.Duration
	begun, ended time.Time
}

// watchProcess samples the process twice a second until ctx ends; the function
// that it returns waits for that and gives the result.
func watchProcess(ctx context.Context, pid int) func() usage {
	if pid == 0 {
		return func() usage { return usage{} }
	}
	done := make(chan usage, 1)
	go func() {
		u := usage{begun: time.Now()}
		for {
			if err := u.sample(pid); err != nil {
				u.Problem = err.Error()
				break
			}
			if !pause(ctx, 500*time.Millisecond) {
				break
			}
		}
		done <- u.close()
	}()
	return func() usage { return <-done }
}

func (u *usage) sample(pid int) error {
	cpu, rss, err := statOf(pid)
	if err != nil {
		return err
	}
	if len(u.samples) == 0 {
		u.first = cpu
	}
	u.last, u.ended = cpu, time.Now()
	u.samples = append(u.samples, rss)
	return nil
}

func (u usage) close() usage {
	if len(u.samples) < 2 {
		return u
	}
	u.Watched = true
	u.CPU, u.Wall = u.last-u.first, u.ended.Sub(u.begun)
	half := len(u.samples) / 2
	u.RSSFirst, u.RSSSecond = mean(u.samples[:half]), mean(u.samples[half:])
	for _, s := range u.samples {
		u.RSSMax = max(u.RSSMax, s)
	}
	return u
}

func mean(s []int64) int64 {
	var sum int64
	for _, v := range s {
		sum += v
	}
	return sum / int64(len(s))
}

// statOf returns the CPU time of a process and its resident memory in bytes.
func statOf(pid int) (cpu time.Duration, rss int64, err error) {
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return 0, 0, err
	}
	return parseStat(b)
}

// parseStat reads the CPU time and the resident memory, in bytes, from
// /proc/PID/stat; see proc(5).
func parseStat(b []byte) (cpu time.Duration, rss int64, err error) {
	// The name in brackets may hold anything, brackets and blanks included.
	f := strings.Fields(string(b[bytes.LastIndexByte(b, ')')+1:]))
	if len(f) < 22 {
		return 0, 0, errors.New("/proc: too few fields")
	}
	var n [3]int64
	for i, field := range []int{11, 12, 21} { // utime, stime, rss, counted from the state
		if n[i], err = strconv.ParseInt(f[field], 10, 64); err != nil {
			return 0, 0, fmt.Errorf("/proc: %w", err)
		}
	}
	return time.Duration(n[0]+n[1]) * clockTick, n[2] * int64(os.Getpagesize()), nil
}
