package main

import (
	"os"
	"testing"
	"time"
)

func TestReadsCounters(t *testing.T) {
	a, err := readCounters(os.Getpid())
	if err != nil {
		t.Fatal(err)
	}
	var b reading
	// A tick of the CPU times is 10 ms, which may take long on a busy machine.
	for end := time.Now().Add(20 * time.Second); err == nil && b.server <= a.server && time.Now().Before(end); {
		b, err = readCounters(os.Getpid())
	}
	if err != nil || b.server <= a.server || b.machine <= a.machine || b.idle < a.idle || b.rss < 1<<20 {
		t.Errorf("%+v, then %+v, %v", a, b, err)
	}
	if _, err := readCounters(1 << 30); err == nil {
		t.Error("counters of no process")
	}
	if r, err := readCounters(0); err != nil || r.server != 0 || r.own == 0 {
		t.Errorf("without a server: %+v, %v", r, err)
	}
}

func TestParseMachine(t *testing.T) {
	idle, all, err := parseMachine([]byte("cpu  10 1 20 300 40 5 6 7 8 9\ncpu0 1 1 1 1 1 1 1 1\n"))
	if err != nil || idle != 340 || all != 389 {
		t.Errorf("%d of %d idle, %v", idle, all, err)
	}
	for _, bad := range []string{"", "cpu 1 2 3", "intr 1 2 3 4 5 6 7 8 9", "cpu 1 2 3 4 x 6 7 8"} {
		if _, _, err := parseMachine([]byte(bad)); err == nil {
			t.Errorf("%q: no error", bad)
		}
	}
}

func TestSecondsByGigabyte(t *testing.T) {
	if got := (steady{CPU: 3 * time.Second, Bytes: 2e9}).perGB(); got != 1.5 {
		t.Errorf("%v s/GB, want 1.5", got)
	}
	if got := (steady{CPU: time.Second}).perGB(); got != 0 {
		t.Errorf("nothing delivered: %v", got)
	}
}

// Without a window, or when the run ends early, nothing is measured.
func TestNoWindowNoMeasurement(t *testing.T) {
	now := time.Now()
	if s := measureWindow(t.Context(), window{now, now}, 0, 0, nil); s.Measured {
		t.Errorf("measured in no time: %+v", s)
	}
	s := measureWindow(t.Context(), window{now, now.Add(50 * time.Millisecond)}, 0, 0, nil)
	if !s.Measured || s.Wall < 40*time.Millisecond || s.Problem != "" {
		t.Errorf("%+v", s)
	}
	if s := measureWindow(t.Context(), window{now, time.Now().Add(time.Millisecond)}, 1<<30, 0, nil); s.Problem == "" {
		t.Error("no such server, and no problem")
	}
}
