package chat

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// tells returns the notices in what the member has been sent so far.
func tells(m *Member) []string {
	synctest.Wait()
	var all []string
	for {
		select {
		case f := <-m.Frames():
			for line := range strings.Lines(string(f)) {
				if strings.HasPrefix(line, "~ ") {
					all = append(all, strings.TrimSpace(line[2:]))
				}
			}
		default:
			return all
		}
	}
}

// inRoom runs a test with a virtual clock, a hub, and somebody who watches
// room a without a name.
func inRoom(t *testing.T, test func(t *testing.T, h *Hub, watcher *Member)) {
	synctest.Test(t, func(t *testing.T) {
		h := startHub(t, newMemoryLog(), HubOptions{})
		watcher := join(t, h, "a", Identity{Author: "u-watcher"}, 0)
		time.Sleep(time.Minute)
		tells(watcher)
		test(t, h, watcher)
	})
}

func expect(t *testing.T, got []string, want ...string) {
	t.Helper()
	if !slices.Equal(got, want) {
		t.Errorf("the room was told %q, want %q", got, want)
	}
}

func TestComingsAndGoingsAreCollapsed(t *testing.T) {
	inRoom(t, func(t *testing.T, h *Hub, watcher *Member) {
		a := join(t, h, "a", named("Zoe"), 0)
		join(t, h, "a", named("bea"), 0)
		join(t, h, "a", Identity{Author: "host", Name: "Marta Okafor", Host: true}, 0)
		time.Sleep(noticeWindow / 2)
		expect(t, tells(watcher))
		time.Sleep(noticeWindow)
		expect(t, tells(watcher), "+Marta Okafor,bea,Zoe+0 --0")
		a.Leave()
		time.Sleep(leaveGrace)
		expect(t, tells(watcher))
		time.Sleep(2 * noticeWindow)
		expect(t, tells(watcher), "++0 -Zoe-0")
		time.Sleep(time.Minute)
		expect(t, tells(watcher))
	})
}

func TestReloadIsNoNews(t *testing.T) {
	inRoom(t, func(t *testing.T, h *Hub, watcher *Member) {
		m := join(t, h, "a", named("Bea"), 0)
		time.Sleep(2 * noticeWindow)
		expect(t, tells(watcher), "+Bea+0 --0")
		for range 5 {
			m.Leave()
			time.Sleep(leaveGrace - time.Second)
			m = join(t, h, "a", named("Bea"), 0)
			time.Sleep(time.Second)
		}
		time.Sleep(time.Minute)
		expect(t, tells(watcher))
		// Away for longer than the grace, but back before it is told.
		m.Leave()
		time.Sleep(leaveGrace + noticeWindow/2)
		join(t, h, "a", named("Bea"), 0)
		time.Sleep(time.Minute)
		expect(t, tells(watcher))
	})
}

func TestComingAndGoingWithinTheWindowIsNoNews(t *testing.T) {
	inRoom(t, func(t *testing.T, h *Hub, watcher *Member) {
		join(t, h, "a", named("Bea"), 0).Leave()
		time.Sleep(time.Minute)
		expect(t, tells(watcher))
		if n := remembered(h); n != 1 {
			t.Errorf("%d people are remembered, want the watcher", n)
		}
	})
}

// remembered returns how many people the room "a" knows of.
func remembered(h *Hub) int {
	r := h.find("a")
	r.mu.Lock()
	defer r.mu.Unlock()
	return len(r.presence.people)
}

// Somebody who leaves before the room is told and comes back is not given a
// new limit, and is forgotten when the limit has nothing more to tell.
func TestComingBackGivesNoNewLimit(t *testing.T) {
	inRoom(t, func(t *testing.T, h *Hub, watcher *Member) {
		said := 0
		for range 3 * personBurst {
			m := join(t, h, "a", named("Bea"), 0)
			if m.Say(t.Context(), "hello", "") == nil {
				said++
			}
			m.Leave()
		}
		if said != personBurst {
			t.Errorf("%d messages at once, want %d", said, personBurst)
		}
		if p := h.People("a"); p.Count != 1 || len(p.Names) != 0 {
			t.Errorf("People = %+v", p)
		}
		if n := remembered(h); n != 2 {
			t.Errorf("%d people are remembered, want the watcher and Bea", n)
		}
		time.Sleep(2 * leaveGrace)
		if n := remembered(h); n != 1 {
			t.Errorf("%d people are remembered, want the watcher", n)
		}
		for _, tell := range tells(watcher) {
			if !strings.Contains(tell, "hello") {
				t.Errorf("the room was told %q", tell)
			}
		}
	})
}

// However many come, write and go, no more than so many are remembered.
func TestThoseAwayAreBounded(t *testing.T) {
	p, now := newPresence(), time.Now()
	for i := range 2 * awayKept {
		one := p.enter(Identity{Author: fmt.Sprint("u", i)}, "", now)
		take(one.pace, now)
		p.leave(one, now)
	}
	if len(p.people) != awayKept || len(p.away) != awayKept || p.here() != 0 {
		t.Errorf("%d people, %d away", len(p.people), len(p.away))
	}
	p.notice(now.Add(leaveGrace))
	if len(p.people) != 0 || len(p.away) != 0 {
		t.Errorf("later %d people, %d away", len(p.people), len(p.away))
	}
}

func TestOnlyTheNamedAreNews(t *testing.T) {
	inRoom(t, func(t *testing.T, h *Hub, watcher *Member) {
		m := join(t, h, "a", Identity{Author: "u1"}, 0)
		time.Sleep(time.Minute)
		expect(t, tells(watcher))
		if err := m.SetName("Bea"); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Minute)
		expect(t, tells(watcher), "+Bea+0 --0")
		if err := m.SetName("Beatrice"); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Minute)
		expect(t, tells(watcher))
		m.Leave()
		time.Sleep(time.Minute)
		expect(t, tells(watcher), "++0 -Beatrice-0")
		join(t, h, "a", Identity{Author: "u2"}, 0).Leave()
		time.Sleep(time.Minute)
		expect(t, tells(watcher))
	})
}

func TestTwoWindowsAreOnePerson(t *testing.T) {
	inRoom(t, func(t *testing.T, h *Hub, watcher *Member) {
		one, two := join(t, h, "a", named("Bea"), 0), join(t, h, "a", named("Bea"), 0)
		time.Sleep(time.Minute)
		expect(t, tells(watcher), "+Bea+0 --0")
		if p := h.People("a"); p.Count != 2 || !slices.Equal(p.Names, []string{"Bea"}) {
			t.Errorf("People = %+v", p)
		}
		one.Leave()
		time.Sleep(time.Minute)
		expect(t, tells(watcher))
		two.Leave()
		time.Sleep(time.Minute)
		expect(t, tells(watcher), "++0 -Bea-0")
	})
}

// After a restart of the node everybody comes back: that is no news.
func TestComingBackIsNoNews(t *testing.T) {
	inRoom(t, func(t *testing.T, h *Hub, watcher *Member) {
		who := named("Bea")
		who.Back = true
		m := join(t, h, "a", who, 0)
		time.Sleep(time.Minute)
		expect(t, tells(watcher))
		m.Leave()
		time.Sleep(time.Minute)
		expect(t, tells(watcher), "++0 -Bea-0")
	})
}

func TestBusyRoomIsToldSeldom(t *testing.T) {
	inRoom(t, func(t *testing.T, h *Hub, watcher *Member) {
		for i := range 30 {
			join(t, h, "a", named(fmt.Sprintf("Guest %02d", i)), 0)
		}
		time.Sleep(noticeWindowBusy - time.Second)
		expect(t, tells(watcher))
		time.Sleep(2 * time.Second)
		expect(t, tells(watcher), "+Guest 00,Guest 01,Guest 02,Guest 03,Guest 04,Guest 05+24 --0")
		for i := range 20 {
			time.Sleep(time.Second)
			join(t, h, "a", named(fmt.Sprintf("Late %02d", i)), 0)
		}
		time.Sleep(noticeWindowBusy)
		if n := len(tells(watcher)); n < 2 || n > 3 {
			t.Errorf("20 comings in 20 seconds made %d lines", n)
		}
	})
}

// Thousands of reconnects do not make thousands of frames for each member.
func TestPeopleAreToldSeldomInACrowd(t *testing.T) {
	inRoom(t, func(t *testing.T, h *Hub, watcher *Member) {
		for i := range 600 {
			m := join(t, h, "a", Identity{Author: fmt.Sprint("u", i)}, 0)
			if i%2 == 0 {
				m.Leave()
			}
			time.Sleep(10 * time.Millisecond)
		}
		synctest.Wait()
		if n := len(watcher.Frames()); n > 15 {
			t.Errorf("600 comings in 6 seconds made %d frames", n)
		}
		time.Sleep(time.Minute)
		last := ""
		for len(watcher.Frames()) > 0 {
			last = string(<-watcher.Frames())
		}
		if !strings.HasPrefix(last, "= 301 ") {
			t.Errorf("the last word is %q", last)
		}
	})
}

func TestPeopleNamesTheHostFirstAndNoMoreThanFit(t *testing.T) {
	h := startHub(t, newMemoryLog(), HubOptions{})
	for i := range 60 {
		join(t, h, "a", named(fmt.Sprintf("Guest %02d", i)), 0)
	}
	join(t, h, "a", Identity{Author: "host", Name: "Zoe", Host: true}, 0)
	join(t, h, "a", Identity{Author: "u-nameless"}, 0)
	p := h.People("a")
	if p.Count != 62 || len(p.Names) != MaxNamesShown || !p.Host || p.Names[0] != "Zoe" || p.Names[1] != "Guest 00" || p.Names[49] != "Guest 48" {
		t.Errorf("People = %+v", p)
	}
	if p := h.People("elsewhere"); p.Count != 0 || p.Names != nil {
		t.Errorf("People of an empty room = %+v", p)
	}
}

func TestNamesInARoom(t *testing.T) {
	h := startHub(t, newMemoryLog(), HubOptions{})
	bea := join(t, h, "a", named("Bea"), 0)
	dan := join(t, h, "a", Identity{Author: "u-dan"}, 0)
	refused := func(name string, want *NameError) {
		t.Helper()
		var got *NameError
		if err := dan.SetName(name); !errors.As(err, &got) || got != want {
			t.Errorf("SetName(%q) = %v, want %v", name, err, want)
		}
		// What is tested is not the rate.
		dan.person.pace.SetBurst(1000)
		dan.person.pace.SetLimit(1e9)
	}
	refused("Bea", errNameTaken)
	refused("B E A", errNameTaken)
	refused("Веа", errNameTaken) // Cyrillic
	refused("béa", errNameTaken)
	refused("Marta Okafor", errNameHost)
	refused("MARTA_0KAFOR", errNameHost)
	refused("Μarta Οkafοr", errNameMixed) // Greek
	refused("ΒΕΑ", errNameTaken)          // Greek
	refused("Marta Okafor (Host)", errNameHost)
	refused("admin Marta Okafor", errNameHost)
	if dan.Name() != "" {
		t.Fatalf("the name is %q", dan.Name())
	}
	if err := dan.SetName("  Dan   from row two "); err != nil || dan.Name() != "Dan from row two" {
		t.Fatalf("SetName: %v, the name is %q", err, dan.Name())
	}
	if err := dan.SetName("Dan from row 2"); err != nil {
		t.Errorf("a new name: %v", err)
	}
	if err := dan.SetName("dan from row 2"); err != nil {
		t.Errorf("one's own name in other letters: %v", err)
	}
	eve := join(t, h, "a", Identity{Author: "u-eve", Name: "Dan from row two"}, 0)
	if eve.Name() != "Dan from row two" {
		t.Errorf("a name that was given up cannot be had: %q", eve.Name())
	}
	bea.Leave()
	if err := dan.SetName("Bea"); err != nil {
		t.Errorf("the name of somebody who left: %v", err)
	}
	// Remembered from another room, but not to be had here.
	for _, name := range []string{"Bea", "Marta Okafor", "x", "moderator"} {
		m := join(t, h, "a", Identity{Author: "u-" + name + "2", Name: name}, 0)
		if m.Name() != "" {
			t.Errorf("joined as %q", m.Name())
		}
	}
	if m := join(t, h, "b", Identity{Author: "u-dan", Name: "Bea"}, 0); m.Name() != "Bea" {
		t.Errorf("in another room the name is %q", m.Name())
	}
}

// Somebody whose name was taken while away is asked again, and keeps no claim.
func TestNameTakenWhileAway(t *testing.T) {
	inRoom(t, func(t *testing.T, h *Hub, watcher *Member) {
		first := join(t, h, "a", named("Bea"), 0)
		time.Sleep(2 * noticeWindow)
		first.Leave()
		other := join(t, h, "a", Identity{Author: "u-other", Name: "Bea"}, 0)
		if other.Name() != "Bea" {
			t.Fatalf("the name is %q", other.Name())
		}
		back := join(t, h, "a", named("Bea"), 0)
		if back.Name() != "" {
			t.Errorf("the name is %q, and two have it", back.Name())
		}
		if err := back.SetName("Bea 2"); err != nil {
			t.Error(err)
		}
		if p := h.People("a"); p.Count != 3 || !slices.Equal(p.Names, []string{"Bea", "Bea 2"}) {
			t.Errorf("People = %+v", p)
		}
	})
}
