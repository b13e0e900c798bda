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

const (
	settleTime = time.Second             // after the last viewer's start, until all have caught up
	closeTime  = 1500 * time.Millisecond // at the end, for what counts and is under way
)

// steady is what was measured in the window.
type steady struct {
	Measured  bool
	Wall      time.Duration
	Bytes     int64         // that the viewers received
	Delivered float64       // tags received, of those that some viewer of the same stream received
	LagP50    time.Duration // of a picture at a viewer, behind the first viewer who got it
	LagP99    time.Duration
	CPU       time.Duration // of the server
	RSS       int64         // of the server at the end, in bytes
	Memory    int64         // of that, what came since the start of the run, by viewer
	Generator time.Duration // CPU of showload itself
	Idle      float64       // share of the machine's time that nobody used
	Problem   string        // why there is no CPU or memory
}

// perGB is the server's CPU time, in seconds, for each 10^9 bytes delivered.
func (s steady) perGB() float64 {
	if s.Bytes == 0 {
		return 0
	}
	return s.CPU.Seconds() / (float64(s.Bytes) / 1e9)
}

// reading is the state of the counters at one moment.
type reading struct {
	at            time.Time
	server, own   time.Duration // CPU
	idle, machine int64         // ticks of all processors
	rss           int64
}

// readCounters reads the counters; those of the server only when there is a pid.
func readCounters(pid int) (r reading, err error) {
	r.at = time.Now()
	if r.own, _, err = statOf(os.Getpid()); err != nil || pid == 0 {
		return r, err
	}
	if r.server, _, err = statOf(pid); err != nil {
		return r, err
	}
	if r.rss, err = residentOf(pid); err != nil {
		return r, err
	}
	b, err := os.ReadFile("/proc/stat")
	if err != nil {
		return r, err
	}
	r.idle, r.machine, err = parseMachine(b)
	return r, err
}

// residentOf is the resident memory by /proc/PID/smaps_rollup, which counts
// the pages, while stat and statm lag behind by some for each thread.
func residentOf(pid int) (int64, error) {
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/smaps_rollup", pid))
	if err != nil {
		return 0, err
	}
	for line := range bytes.Lines(b) {
		if f := strings.Fields(string(line)); len(f) > 1 && f[0] == "Rss:" {
			kB, err := strconv.ParseInt(f[1], 10, 64)
			return kB << 10, err
		}
	}
	return 0, errors.New("/proc: no Rss")
}

// parseMachine reads the first line of /proc/stat: what nobody used, and all.
func parseMachine(b []byte) (idle, all int64, err error) {
	line, _, _ := bytes.Cut(b, []byte("\n"))
	f := strings.Fields(string(line))
	if len(f) < 9 || f[0] != "cpu" {
		return 0, 0, errors.New("/proc/stat: no line of all processors")
	}
	for i, field := range f[1:9] {
		n, err := strconv.ParseInt(field, 10, 64)
		if err != nil {
			return 0, 0, fmt.Errorf("/proc/stat: %w", err)
		}
		all += n
		if i == 3 || i == 4 { // idle, iowait
			idle += n
		}
	}
	return idle, all, nil
}

// measure waits for the window and measures in it; the function that it
// returns waits for the end of that. before is the server's memory without
// viewers, 0: what it has now.
func measure(ctx context.Context, w window, pid int, before int64, audiences []*audience) func() steady {
	done := make(chan steady, 1)
	if before == 0 && pid != 0 {
		before, _ = residentOf(pid) // an error shows again in the window
	}
	go func() { done <- measureWindow(ctx, w, pid, before, audiences) }()
	return func() steady { return <-done }
}

func measureWindow(ctx context.Context, w window, pid int, before int64, audiences []*audience) (s steady) {
	if !w.to.After(w.from) || !pause(ctx, time.Until(w.from)) {
		return s
	}
	a, err := readCounters(pid)
	for _, au := range audiences {
		au.open()
	}
	if !pause(ctx, time.Until(w.to)) {
		return s
	}
	b, err2 := readCounters(pid)
	for _, au := range audiences {
		au.close()
	}
	if err := errors.Join(err, err2); err != nil {
		s.Problem = err.Error()
	}
	s.Measured, s.Wall = true, b.at.Sub(a.at)
	s.CPU, s.Generator = b.server-a.server, b.own-a.own
	s.RSS, s.Memory = b.rss, b.rss-before
	if all := b.machine - a.machine; all > 0 {
		s.Idle = float64(b.idle-a.idle) / float64(all)
	}
	return s
}

// sum adds what the viewers received in the window.
func (s *steady) sum(audiences []*audience, views []*viewing) {
	if !s.Measured {
		return
	}
	best, viewers := map[*audience]int64{}, map[*audience]int64{}
	var got, all int64
	for _, v := range views {
		s.Bytes += v.steadyBytes
		got += v.steadyTags
		best[v.audience] = max(best[v.audience], v.steadyTags)
		viewers[v.audience]++
	}
	for a, n := range viewers {
		all += n * best[a]
	}
	if all > 0 {
		s.Delivered = float64(got) / float64(all)
	}
	var lag histogram
	for _, a := range audiences {
		a.mu.Lock()
		lag.merge(&a.lag)
		a.mu.Unlock()
	}
	s.LagP50, s.LagP99 = lag.quantile(.5), lag.quantile(.99)
	if len(views) > 0 {
		s.Memory /= int64(len(views))
	}
}
