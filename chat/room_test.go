package chat

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
)

func TestEverybodyGetsEverythingInOneOrder(t *testing.T) {
	h := startHub(t, newMemoryLog(), HubOptions{})
	a, b := join(t, h, "a", named("Bea"), 0), join(t, h, "a", named("Dan"), 0)
	say(t, a, "one")
	say(t, b, "two")
	say(t, a, "  three\nlines ")
	want := "#1 u-Bea/Bea/false: one\n#2 u-Dan/Dan/false: two\n#3 u-Bea/Bea/false: three lines\n"
	for _, m := range []*Member{a, b} {
		if got := mustRead(t, m, "#3 "); !strings.Contains(got, want) {
			t.Errorf("got:\n%s", got)
		}
	}
}

func TestHostIsMarked(t *testing.T) {
	h := startHub(t, newMemoryLog(), HubOptions{})
	host := join(t, h, "a", Identity{Author: "host", Name: "Marta Okafor", Host: true}, 0)
	join(t, h, "a", named("Aaron"), 0)
	say(t, host, "hello")
	mustRead(t, host, "host/Marta Okafor/true: hello")
	if p := h.People("a"); !p.Host || p.Count != 2 || !slices.Equal(p.Names, []string{"Marta Okafor", "Aaron"}) {
		t.Errorf("People = %+v", p)
	}
	if err := host.SetName("Somebody"); err != nil || host.Name() != "Marta Okafor" {
		t.Errorf("the host became %q, %v", host.Name(), err)
	}
}

func TestRoomsAreApart(t *testing.T) {
	l := newMemoryLog()
	h := startHub(t, l, HubOptions{})
	a, b := join(t, h, "a", named("Bea"), 0), join(t, h, "b", named("Bea"), 0)
	for i := range 20 {
		if _, err := sayFast(a, fmt.Sprint("secret of a ", i), "same"+fmt.Sprint(i)); err != nil {
			t.Fatal(err)
		}
		if _, err := sayFast(b, fmt.Sprint("secret of b ", i), "same"+fmt.Sprint(i)); err != nil {
			t.Fatal(err)
		}
	}
	h.Broadcast("a", []byte("frame of a\n"))
	mustRead(t, a, "frame of a")
	got := mustRead(t, b, "secret of b 19")
	b.Leave()
	if got += drain(b); strings.Contains(got, "of a") {
		t.Errorf("b got what belongs to a:\n%s", got)
	}
	if n := seqs(got); len(n) != 20 || n[19] != 20 {
		t.Errorf("b's messages are %v", n)
	}
	if got := h.Rooms(); !slices.Equal(got, []string{"a"}) {
		t.Errorf("Rooms = %v", got)
	}
	later := join(t, h, "b", named("Eve"), 0)
	if got := mustRead(t, later, "#20 "); strings.Contains(got, "of a") {
		t.Errorf("b's history has what belongs to a:\n%s", got)
	}
}

func TestHistoryOnEntry(t *testing.T) {
	tests := []struct {
		name     string
		said     int
		after    uint64
		from, to uint64 // 0: nothing
		gap      bool
	}{
		{"an empty room", 0, 0, 0, 0, false},
		{"a few", 3, 0, 1, 3, false},
		{"as many as are shown", HistoryOnEntry, 0, 1, HistoryOnEntry, false},
		{"more than are shown", 250, 0, 51, 250, false},
		{"back, nothing new", 250, 250, 0, 0, false},
		{"back, one new", 250, 249, 250, 250, false},
		{"back, more new than on entry", 900, 10, 11, 900, false},
		{"all that is kept", HistoryKept + 500, 500, 501, 1500, false},
		{"one is no longer kept", HistoryKept + 500, 499, 501, 1500, true},
		{"much is no longer kept", HistoryKept + 500, 1, 501, 1500, true},
		{"the newest of a long history", HistoryKept + 500, 0, 1301, 1500, false},
		{"from another life", 5, 77, 0, 0, false},
		{"the greatest number", 5, 1<<64 - 1, 0, 0, false},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			l := newMemoryLog()
			l.fill("a", test.said)
			h := startHub(t, l, HubOptions{})
			m := join(t, h, "a", named("Bea"), test.after)
			got := mustRead(t, m, "= ")
			if has := strings.Contains(got, "~ gap\n"); has != test.gap {
				t.Errorf("gap: %v, want %v", has, test.gap)
			}
			if test.gap && !strings.HasPrefix(got, "~ gap\n") {
				t.Error("the gap does not come first")
			}
			if test.from == 0 {
				if n := seqs(got); len(n) > 0 {
					t.Errorf("got %v, want nothing", n)
				}
				return
			}
			checkRun(t, seqs(got), test.from, test.to)
		})
	}
}

func TestRoomKeepsABoundedHistory(t *testing.T) {
	h := startHub(t, newMemoryLog(), HubOptions{Queue: 3000})
	m := join(t, h, "a", named("Bea"), 0)
	for i := range HistoryKept + 300 {
		if _, err := sayFast(m, "x", fmt.Sprint(i)); err != nil {
			t.Fatal(err)
		}
	}
	mustRead(t, m, fmt.Sprintf("#%d ", HistoryKept+300))
	if n := len(m.room.items); n != HistoryKept {
		t.Errorf("%d items kept, want %d", n, HistoryKept)
	}
	late := join(t, h, "a", named("Dan"), 100)
	got := mustRead(t, late, "= ")
	if !strings.HasPrefix(got, "~ gap\n") {
		t.Error("no gap is told")
	}
	checkRun(t, seqs(got), 301, HistoryKept+300)
}

// A member that comes and goes all the time while others write gets each
// message once, in order.
func TestNoHolesNoDoublesOverReconnects(t *testing.T) {
	const reconnects = 1000
	h := startHub(t, newMemoryLog(), HubOptions{Queue: 4096})
	stop := make(chan struct{})
	var senders sync.WaitGroup
	var said [4]uint64
	for i := range said {
		m := join(t, h, "a", named(fmt.Sprint("sender", i)), 0)
		senders.Go(func() {
			go drain(m)
			for n := 0; ; n++ {
				select {
				case <-stop:
					m.Leave()
					return
				default:
				}
				got, err := sayFast(m, "x", fmt.Sprint(n))
				if err != nil {
					t.Error(err)
					return
				}
				said[i] = got.Seq
				if n%3 == 0 {
					time.Sleep(time.Millisecond)
				}
			}
		})
	}
	var last uint64
	take := func(read string) {
		for _, n := range seqs(read) {
			if n != last+1 {
				t.Fatalf("#%d after #%d", n, last)
			}
			last = n
		}
	}
	for range reconnects {
		m, err := h.Join(context.Background(), "a", Identity{Author: "u-reader", Name: "Reader", Back: true}, "", last)
		if err != nil {
			t.Fatal(err)
		}
		for range rand.IntN(4) {
			take(string(<-m.Frames()))
		}
		m.Leave() // what waits in the queue is lost, as with a socket
		if rand.IntN(2) == 0 {
			take(drain(m))
		}
	}
	close(stop)
	senders.Wait()
	m := join(t, h, "a", named("Reader"), last)
	total := slices.Max(said[:])
	m.Leave()
	take(drain(m))
	if last != total || total < 200 {
		t.Errorf("the reader has #%d, %d were said", last, total)
	}
}

func TestSlowMemberIsCutAndNobodyWaits(t *testing.T) {
	h := startHub(t, newMemoryLog(), HubOptions{Queue: 16})
	slow, quick := join(t, h, "a", named("Slow"), 0), join(t, h, "a", named("Quick"), 0)
	var read string
	for i := range 100 {
		if _, err := sayFast(quick, "x", fmt.Sprint(i)); err != nil {
			t.Fatal(err)
		}
		read += mustRead(t, quick, fmt.Sprintf("#%d ", i+1))
	}
	checkRun(t, seqs(read), 1, 100)
	if err := slow.Err(); !errors.Is(err, ErrSlow) {
		t.Fatalf("Err = %v", err)
	}
	// What it got before is whole, so that it can go on from there.
	got := seqs(drain(slow))
	checkRun(t, got, 1, uint64(len(got)))
	if s := h.Stats(); s.Cut != 1 || s.Members != 1 {
		t.Errorf("Stats = %+v", s)
	}
	slow.Send([]byte("too late"))
	slow.Leave()
	back := join(t, h, "a", named("Slow"), got[len(got)-1])
	checkRun(t, seqs(mustRead(t, back, "= ")), uint64(len(got))+1, 100)
}

func TestSendReachesOneMember(t *testing.T) {
	h := startHub(t, newMemoryLog(), HubOptions{})
	a, b := join(t, h, "a", named("Bea"), 0), join(t, h, "a", named("Dan"), 0)
	a.Send([]byte("for Bea\n"))
	mustRead(t, a, "for Bea")
	b.Leave()
	if got := drain(b); strings.Contains(got, "for Bea") {
		t.Errorf("Dan got %q", got)
	}
}

func TestRoomIsFull(t *testing.T) {
	h := startHub(t, newMemoryLog(), HubOptions{MaxMembers: 2})
	first := join(t, h, "a", named("Bea"), 0)
	join(t, h, "a", named("Dan"), 0)
	if _, err := h.Join(context.Background(), "a", named("Eve"), "", 0); !errors.Is(err, ErrFull) {
		t.Fatalf("Join = %v", err)
	}
	join(t, h, "b", named("Eve"), 0)
	first.Leave()
	first.Leave()
	join(t, h, "a", named("Eve"), 0)
	if s := h.Stats(); s.Rooms != 2 || s.Members != 3 {
		t.Errorf("Stats = %+v", s)
	}
}

func TestShutdownClosesMembersAndWaitsForThem(t *testing.T) {
	h, stop := runHub(t, NewLocalBroker(newMemoryLog()), HubOptions{})
	m := join(t, h, "a", named("Bea"), 0)
	stopped := make(chan struct{})
	go func() { defer close(stopped); stop() }()
	drain(m)
	if err := m.Err(); !errors.Is(err, ErrShutdown) {
		t.Errorf("Err = %v", err)
	}
	if _, err := h.Join(context.Background(), "a", named("Dan"), "", 0); !errors.Is(err, ErrShutdown) {
		t.Errorf("Join = %v", err)
	}
	// Until its caller lets it leave, the hub and its broker are there.
	if err := m.Say(context.Background(), "last words", ""); err != nil {
		t.Errorf("Say = %v", err)
	}
	select {
	case <-stopped:
		t.Error("Run did not wait for the member to leave")
	default:
	}
	m.Leave()
	<-stopped
	if err := m.Say(context.Background(), "too late", ""); !errors.Is(err, ErrShutdown) {
		t.Errorf("Say after the end = %v", err)
	}
	if _, err := h.Join(context.Background(), "b", named("Dan"), "", 0); !errors.Is(err, ErrShutdown) {
		t.Errorf("Join after the end = %v", err)
	}
	h.Broadcast("a", nil)
}

func TestStatsCountWhatIsRefused(t *testing.T) {
	l := newMemoryLog()
	h := startHub(t, l, HubOptions{})
	m := join(t, h, "a", Identity{Author: "u1"}, 0)
	ctx := context.Background()
	for _, try := range []struct {
		err  error
		want error
	}{
		{m.Say(ctx, "hello", ""), ErrNoName},
		{m.SetName("Bea"), nil},
		{m.Say(ctx, " \u200b ", ""), ErrEmpty},
		{m.Say(ctx, strings.Repeat("x", MaxText+1), ""), ErrTooLong},
		{m.Say(ctx, strings.Repeat("x", MaxText), ""), nil},
		{m.SetName("host"), errNameReserved},
	} {
		if !errors.Is(try.err, try.want) {
			t.Errorf("got %v, want %v", try.err, try.want)
		}
	}
	l.mu.Lock()
	l.fail = errors.New("broken")
	l.mu.Unlock()
	if err := m.Say(ctx, "hello", ""); err == nil {
		t.Error("a message that is not kept was taken")
	}
	s := h.Stats()
	for _, reason := range []string{"no_name", "empty", "too_long", "name", "broker"} {
		if s.Refused[reason] != 1 {
			t.Errorf("refused for %s: %d, want 1", reason, s.Refused[reason])
		}
	}
	if s.Messages != 1 {
		t.Errorf("%d messages, want 1", s.Messages)
	}
}

// One hundred bots write as fast as they can. Somebody who writes now and then
// is heard, and hears everything.
func TestFloodDoesNotDrownOthers(t *testing.T) {
	// The queue holds all that the bots may write while this test waits for
	// something: how a member who cannot keep up is cut is another test's matter.
	h := startHub(t, newMemoryLog(), HubOptions{Queue: 8192})
	honest := join(t, h, "a", Identity{Author: "u-honest", Name: "Honest", Addr: "192.0.2.1"}, 0)
	stop := make(chan struct{})
	var bots sync.WaitGroup
	end := sync.OnceFunc(func() {
		close(stop)
		bots.Wait()
	})
	defer end()
	var mu sync.Mutex
	taken := 0
	for i := range 100 {
		who := named(fmt.Sprint("bot ", i))
		who.Addr = "198.51.100.7"
		m := join(t, h, "a", who, 0)
		bots.Go(func() {
			go drain(m)
			defer m.Leave()
			for {
				select {
				case <-stop:
					return
				default:
				}
				err := m.Say(context.Background(), "buy now", "")
				var fast *TooFastError
				mu.Lock()
				switch {
				case err == nil:
					taken++
				case !errors.As(err, &fast) || fast.Wait <= 0:
					t.Errorf("Say = %v", err)
				}
				mu.Unlock()
				time.Sleep(time.Millisecond)
			}
		})
	}
	var heard strings.Builder
	var reader sync.WaitGroup
	reader.Go(func() {
		for f := range honest.Frames() {
			mu.Lock()
			heard.Write(f)
			mu.Unlock()
		}
	})
	hears := func(text string) func() bool {
		return func() bool {
			mu.Lock()
			defer mu.Unlock()
			return strings.Contains(heard.String(), text)
		}
	}
	refused := func() uint64 { return h.Stats().Refused["too_fast"] }
	for i := range 4 {
		waitFor(t, "the flood to be refused", func() bool { return refused() > uint64(500*i+500) })
		text := fmt.Sprint("is there an interval? ", i)
		say(t, honest, text)
		waitFor(t, "the honest message", hears(text))
	}
	end()
	honest.Leave()
	reader.Wait()
	n := seqs(heard.String())
	checkRun(t, n, 1, uint64(len(n)))
	// Each bot has its first few, then one a second.
	if taken < 100 || uint64(taken) >= refused() {
		t.Errorf("%d of the bots' messages were taken, %d refused", taken, refused())
	}
}
