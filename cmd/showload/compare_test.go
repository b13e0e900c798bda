package main

import (
	"bytes"
	"context"
	"io"
	"os"
	"slices"
	"strings"
	"testing"
	"time"
)

// A server and the floor in turn: both rows are filled and the table shows
// their ratio. The server is this very process.
func TestCompare(t *testing.T) {
	t.Parallel()
	var log bytes.Buffer
	c := comparison{pid: os.Getpid(), viewers: []int{4}, window: time.Second, rounds: 1, log: &log}
	rows, err := c.measureRows(t.Context(), []string{source(t, 30_000, 0).URL + "/show"})
	if err != nil {
		t.Fatal(err, log.String())
	}
	for _, s := range []side{rows[0].product, rows[0].floor} {
		if s.asked != 4 || s.started != 4 || s.faults != 0 || s.bytes < 1e6 || s.wall < c.window/2 {
			t.Errorf("%+v", s)
		}
	}
	if !strings.Contains(log.String(), "4 viewers, floor") {
		t.Errorf("log: %s", log.String())
	}
}

func TestComparisonIsChecked(t *testing.T) {
	c, err := parseComparison(strings.Fields("-url http://h/ -gig x -pid 7 -viewers 100,10,1000"), io.Discard)
	if err != nil || c.url != "http://h" || !slices.Equal(c.viewers, []int{10, 100, 1000}) {
		t.Errorf("%+v, %v", c, err)
	}
	for _, args := range []string{
		"-pid 7", "-gig x", "-gig x -clip y -pid 7", "-gig x -pid 7 -shows 2", "-clip y -pid 7 -shows 201", "-gig x -pid 7 -viewers 1,,2",
		"-gig x -pid 7 -viewers 0", "-gig x -pid 7 -viewers 10001", "-gig x -pid 7 -window 1ms", "-gig x -pid 7 -rounds 0", "-gig x -pid 7 -fill -1s",
	} {
		if _, err := parseComparison(strings.Fields(args), io.Discard); err == nil {
			t.Errorf("showload compare %s: no error", args)
		}
	}
}

func TestCompareEndsEarly(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	c := comparison{pid: os.Getpid(), viewers: []int{1}, window: time.Second, rounds: 1, log: io.Discard}
	if _, err := c.measureRows(ctx, []string{"http://127.0.0.1:1/"}); err == nil {
		t.Error("no error though it was interrupted")
	}
	c.pid = 1 << 30
	if _, err := c.measureRows(t.Context(), nil); err == nil {
		t.Error("no error though there is no server")
	}
	if _, err := startFloor(t.Context(), []string{"http://127.0.0.1:1/"}); err == nil {
		t.Error("no error though the floor cannot start")
	}
}

func TestRoundsAddUp(t *testing.T) {
	var s side
	for _, r := range []report{
		{Viewers: viewersReport{Asked: 10, Started: 10, FirstP99: 5e6},
			Steady: steady{Wall: time.Second, CPU: time.Second, Bytes: 1e9, Delivered: 1, LagP99: 9e6, Memory: 3, Idle: .5}},
		{Viewers: viewersReport{Asked: 10, Started: 9, Stalled: 1, FirstP99: 4e6, FaultsIn: 2},
			Steady: steady{Wall: time.Second, CPU: 2 * time.Second, Bytes: 1e9, Delivered: .9, LagP99: 8e6, Memory: 2, Idle: .7}},
	} {
		s.add(r)
	}
	if s.perGB() != 1.5 || s.delivered != .9 || s.idle != .5 || s.memory != 3 || s.first99 != 5e6 || s.lag99 != 9e6 ||
		s.asked != 20 || s.started != 19 || s.stalled != 1 || s.faults != 2 {
		t.Errorf("%+v", s)
	}
}

func TestTableHasRatioAndLimits(t *testing.T) {
	cpu := func(d time.Duration, idle float64) side {
		return side{asked: 20, started: 20, cpu: d, wall: 2 * time.Second, bytes: 1e9, memory: 10 << 10, delivered: 1, idle: idle, generator: time.Second}
	}
	rows := []row{
		{1, 10, cpu(3*time.Second, .5), cpu(2*time.Second, .5)},
		{100, 2000, cpu(time.Second, .04), side{}},
	}
	for _, markdown := range []bool{false, true} {
		var b bytes.Buffer
		if err := writeTable(&b, rows, markdown); err != nil {
			t.Fatal(err)
		}
		for _, want := range []string{"1.50", "1.0000", "100", "2000", "10.0", "–", "4 % idle", "50 % of one core"} {
			if !strings.Contains(b.String(), want) {
				t.Errorf("the table lacks %q:\n%s", want, b.String())
			}
		}
		if got := strings.HasPrefix(b.String(), "| "); got != markdown {
			t.Errorf("markdown %t:\n%s", markdown, b.String())
		}
		if markdown && strings.Count(b.String(), "|") != 4*(len(columns)+1) {
			t.Errorf("cells:\n%s", b.String())
		}
	}
}
