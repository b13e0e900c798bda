package chat

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"
)

func TestComebacksAreSpread(t *testing.T) {
	for _, tt := range []struct {
		members  int
		window   time.Duration
		inSecond int // most that come in any second of the window
	}{
		{1, 2 * time.Second, 1},
		{2, 2 * time.Second, 2},
		{100, 2 * time.Second, 52},
		{1000, 2 * time.Second, 502},
		{5000, 10 * time.Second, 502},
		{10_000, 20 * time.Second, 502},
		{40_000, 20 * time.Second, 2002},
	} {
		t.Run(fmt.Sprint(tt.members), func(t *testing.T) {
			c := newComeback(tt.members)
			var all []time.Duration
			for range tt.members {
				all = append(all, c.deal())
			}
			if len(all) > 10 && slices.IsSorted(all) {
				t.Error("those who were asked first come back first")
			}
			slices.Sort(all)
			first, last := all[0], all[len(all)-1]
			if first < leastAway || last > leastAway+tt.window {
				t.Errorf("from %v to %v", first, last)
			}
			if tt.members >= 100 && last-first < tt.window*9/10 {
				t.Errorf("%v of %v are used", last-first, tt.window)
			}
			from := 0
			for to, at := range all {
				for at-all[from] > time.Second {
					from++
				}
				if n := to - from + 1; n > tt.inSecond {
					t.Fatalf("%d come back in the second before %v", n, at)
				}
			}
		})
	}
}

// More can be told than were counted: those who came in at that moment.
func TestComebackDealsOn(t *testing.T) {
	c := newComeback(0)
	for range 10 {
		if d := c.deal(); d < leastAway || d > leastAway+leastComeback {
			t.Errorf("after %v", d)
		}
	}
}

// Each member of each room is told a moment of its own before it is closed,
// behind what waited for it; one who does not read is not waited for.
func TestDismissTellsWhenToComeBack(t *testing.T) {
	h, stop := runHub(t, NewLocalBroker(newMemoryLog()), HubOptions{})
	defer stop()
	full := join(t, h, "a", named("Slow"), 0)
	for len(full.frames) < cap(full.frames) {
		full.Send([]byte("x"))
	}
	var members []*Member
	for i := range 30 {
		members = append(members, join(t, h, []string{"a", "b"}[i%2], named(fmt.Sprint("Guest ", i)), 0))
	}
	say(t, members[0], "last words")
	mustRead(t, members[2], "last words")
	h.Dismiss()
	h.Dismiss()
	var waits []int
	for i, m := range members {
		read := drain(m)
		lines := strings.Split(strings.TrimSpace(read), "\n")
		var wait int
		if _, err := fmt.Sscanf(lines[len(lines)-1], "! %d", &wait); err != nil {
			t.Fatalf("member %d was told at last %q", i, lines[len(lines)-1])
		}
		if n := strings.Count(read, "! "); n != 1 {
			t.Errorf("member %d was told %d times", i, n)
		}
		if i == 0 && !strings.Contains(read, "last words") {
			t.Error("what waited is lost")
		}
		if err := m.Err(); !errors.Is(err, ErrShutdown) {
			t.Errorf("Err = %v", err)
		}
		waits = append(waits, wait)
		m.Leave()
	}
	slices.Sort(waits)
	if waits[0] < 1000 || waits[29] > 3000 || waits[29]-waits[0] < 1500 {
		t.Errorf("they come back after %v ms", waits)
	}
	if err := full.Err(); !errors.Is(err, ErrSlow) {
		t.Errorf("the one that does not read: %v", err)
	}
	full.Leave()
	// Whoever comes now is told to come again, without waiting for the end of Run.
	if _, err := h.Join(t.Context(), "a", named("Late"), "", 0); !errors.Is(err, ErrShutdown) {
		t.Errorf("Join = %v", err)
	}
}
