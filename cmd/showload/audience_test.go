package main

import (
	"math"
	"testing"
	"time"
)

// show plays pictures of every 40 ms to viewers, all but those that lose says,
// and sets the window between the given pictures.
func showTo(viewers, from, to int, loses func(viewer, picture int) bool) ([]*audience, []*viewing) {
	begin := time.Now()
	a := &audience{window: window{begin, begin.Add(time.Hour)}}
	var views []*viewing
	for range viewers {
		views = append(views, newViewing(a))
	}
	for i := range 400 {
		switch i {
		case from:
			a.open()
		case to:
			a.close()
		}
		for n, v := range views {
			b := newStream()
			if i > 0 {
				b.Reset()
			} else {
				b.header()
			}
			kind := byte(0x17)
			b.tag(tagVideo, uint32(i*40), kind, 1).sound(uint32(i * 40))
			if !loses(n, i) {
				// The second viewer is always 7 ms later than the first.
				_ = v.take(b.Bytes(), begin.Add(time.Duration(i*40+n*7)*time.Millisecond))
			}
		}
	}
	return []*audience{a}, views
}

func TestDeliveredIsOfWhatTheBestViewerGot(t *testing.T) {
	tests := []struct {
		name  string
		loses func(viewer, picture int) bool
		want  float64
	}{
		{"nothing lost", func(int, int) bool { return false }, 1},
		{"lost before the window", func(v, i int) bool { return v == 1 && i < 100 && i > 0 }, 1},
		{"lost after the window", func(v, i int) bool { return v == 1 && i > 350 }, 1},
		{"one of ten lost by one of two", func(v, i int) bool { return v == 1 && i%10 == 5 }, .95},
		{"all lost by one of two", func(v, i int) bool { return v == 1 && i > 0 }, .5},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			audiences, views := showTo(2, 100, 300, tt.loses)
			s := steady{Measured: true, Memory: 4096}
			s.sum(audiences, views)
			if math.Abs(s.Delivered-tt.want) > 1e-9 {
				t.Errorf("delivered %v, want %v", s.Delivered, tt.want)
			}
			if s.Memory != 2048 || s.Bytes == 0 {
				t.Errorf("%d bytes of memory by viewer, %d received", s.Memory, s.Bytes)
			}
		})
	}
}

// The window ends where no viewer has been yet, so that all have the same
// tags to receive: 200 pictures and as many sounds.
func TestWindowIsTheSameForAll(t *testing.T) {
	audiences, views := showTo(3, 100, 300, func(int, int) bool { return false })
	for i, v := range views {
		if v.steadyTags != 400 {
			t.Errorf("viewer %d: %d tags", i, v.steadyTags)
		}
	}
	a := audiences[0]
	if a.lag.total != 3*200 {
		t.Errorf("%d pictures were compared", a.lag.total)
	}
	s := steady{Measured: true}
	s.sum(audiences, views)
	if s.LagP50 != 7500*time.Microsecond || s.LagP99 != 14500*time.Microsecond {
		t.Errorf("lag p50 %v, p99 %v", s.LagP50, s.LagP99)
	}
}

func TestVeryLateIsLate(t *testing.T) {
	begin := time.Now()
	a := &audience{window: window{from: begin}}
	a.open()
	picture := func(ts uint32, after time.Duration) {
		a.note(tag{kind: tagVideo, timestamp: ts}, begin.Add(after))
	}
	picture(1000, time.Second)
	picture(1000+remembered, 6*time.Second)
	picture(1000, 7*time.Second) // its place has gone
	if got := a.lag.quantile(1); got < 4*time.Second {
		t.Errorf("the latest: %v", got)
	}
	if got := a.lag.quantile(.5); got != histogramStep {
		t.Errorf("the median: %v", got)
	}
	if got := new(histogram).quantile(.5); got != 0 {
		t.Errorf("of nothing: %v", got)
	}
}

func TestWindowHoldsBytesByTime(t *testing.T) {
	begin := time.Now()
	a := &audience{window: window{begin.Add(time.Second), begin.Add(2 * time.Second)}}
	v := newViewing(a)
	b := newStream().header().key(0).Bytes()
	for i, at := range []time.Duration{0, time.Second, 1999 * time.Millisecond, 2 * time.Second} {
		if err := v.take(b[i:i+1], begin.Add(at)); err != nil {
			t.Fatal(err)
		}
	}
	if v.steadyBytes != 2 {
		t.Errorf("%d bytes in the window, want 2", v.steadyBytes)
	}
}
