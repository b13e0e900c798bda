package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"testing"
	"time"
)

func TestRoomCountsLossAndDoubles(t *testing.T) {
	li := func(seq int) string {
		return fmt.Sprintf(`<li id="m-%d" data-author="x"><time>now</time> load 0 %d %d.</li>`, seq, seq, time.Now().UnixNano())
	}
	tests := []struct {
		name                            string
		first, second                   []string // frames that the two chatters receive
		lost, doubled, disorder, echoed int
	}{
		{"all well", []string{li(1), li(2) + li(3)}, []string{li(1) + li(2), li(3)}, 0, 0, 0, 3},
		{"late comer", []string{li(1), li(2), li(3)}, []string{li(3)}, 0, 0, 0, 3},
		{"hole", []string{li(1), li(3)}, []string{li(1), li(2), li(3)}, 1, 0, 0, 2},
		{"end missing", []string{li(1)}, []string{li(1), li(2), li(3)}, 2, 0, 0, 1},
		{"double", []string{li(1), li(1)}, []string{li(1)}, 0, 1, 0, 2},
		{"order", []string{li(2), li(1)}, []string{li(1), li(2)}, 0, 0, 1, 2},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			r := newRoom(2)
			for i, frames := range [][]string{tt.first, tt.second} {
				r.members[i] = member{joined: true, seqs: map[uint64]int{}}
				for _, f := range frames {
					r.received(i, f, time.Now())
				}
			}
			s := r.sum()
			if s.Lost != tt.lost || s.Doubled != tt.doubled || s.Disordered != tt.disorder || s.Echoed != tt.echoed {
				t.Errorf("lost %d doubled %d disordered %d echoed %d", s.Lost, s.Doubled, s.Disordered, s.Echoed)
			}
			if clean := tt.lost+tt.doubled+tt.disorder == 0; clean != (report{Chat: s}.faults() == 0) {
				t.Errorf("faults: %d", report{Chat: s}.faults())
			}
		})
	}
}

func TestQuantile(t *testing.T) {
	var d []time.Duration
	for i := 100; i >= 0; i-- {
		d = append(d, time.Duration(i))
	}
	for q, want := range map[float64]time.Duration{0: 0, .5: 50, .99: 99, 1: 100} {
		if got := quantile(d, q); got != want {
			t.Errorf("quantile %v: %d, want %d", q, got, want)
		}
	}
	if quantile(nil, .5) != 0 {
		t.Error("quantile of nothing")
	}
}

func TestPlanIsBounded(t *testing.T) {
	for _, args := range []string{
		"", "-gig", "-gig x -url localhost:8080", "-gig x -viewers 9999 -slow 2", "-gig x -viewers -1",
		"-gig x -chatters 2001", "-gig x -rate 101", "-gig x -duration 2h", "-gig x -duration 0s",
		"-gig x -ramp 1m", "-gig x -slow 1 -slow-kbps 0", "-gig x -clip y", "-gig x -shows 2", "-clip y -shows 201",
		"-clip y -shows 0", "-clip y -shows 2 -slow 1", "-clip y -chatters 1",
	} {
		if _, err := parsePlan(strings.Fields(args), &bytes.Buffer{}); err == nil {
			t.Errorf("showload %s: no error", args)
		}
	}
	p, err := parsePlan(strings.Fields("-url http://h:1/ -gig x -viewers 3"), &bytes.Buffer{})
	if err != nil || p.url != "http://h:1" || p.viewers != 3 {
		t.Errorf("%+v, %v", p, err)
	}
}

func TestWatchesAProcess(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), 700*time.Millisecond)
	defer cancel()
	u := watchProcess(ctx, os.Getpid())()
	if !u.Watched || u.RSSFirst < 1<<20 || u.RSSMax < u.RSSSecond || u.Wall < 400*time.Millisecond {
		t.Errorf("%+v", u)
	}
	if u := watchProcess(ctx, 1<<30)(); u.Watched || u.Problem == "" {
		t.Errorf("no such process: %+v", u)
	}
	cpu, rss, err := parseStat([]byte("7 (a ) b) R 1 2 3 4 5 6 7 8 9 10 150 50 0 0 20 0 8 0 99 12345 3 0"))
	if err != nil || cpu != 2*time.Second || rss != int64(3*os.Getpagesize()) {
		t.Errorf("stat: %v %d %v", cpu, rss, err)
	}
}

func TestTableNamesEverything(t *testing.T) {
	var b bytes.Buffer
	r := report{
		Viewers: viewersReport{Asked: 2, Started: 1, FaultsIn: 1, Faults: []string{"went back"}, Refused: map[int]int{409: 1}},
		Chat:    chatReport{Asked: 1, Joined: 1, Lost: 3},
		Steady: steady{Measured: true, Wall: 2 * time.Second, Bytes: 2e9, Delivered: .9876, CPU: time.Second, Memory: 2048,
			Generator: time.Second, Idle: .25},
		Server: usage{Watched: true, CPU: time.Second, Wall: 2 * time.Second, RSSMax: 5e6},
	}
	if err := r.print(&b); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"1 of 2 started", "went back", "409:1", "1 of 1 joined", "lost", "50 % of one core", "5.0 MB",
		"0.9876", "0.50 CPU s/GB", "2.0 KiB a viewer", "25 %"} {
		if !strings.Contains(b.String(), want) {
			t.Errorf("the table lacks %q:\n%s", want, b.String())
		}
	}
}

// A run in which nobody got a picture has measured nothing, and says so.
func TestNobodySawTheShow(t *testing.T) {
	empty := httptest.NewServer(http.NotFoundHandler())
	defer empty.Close()
	var out bytes.Buffer
	err := run(t.Context(), strings.Fields("-gig none -viewers 2 -duration 300ms -ramp 0s -url "+empty.URL), &out)
	if !errors.Is(err, errNothing) || !strings.Contains(out.String(), "404:2") {
		t.Errorf("%v\n%s", err, &out)
	}
}
