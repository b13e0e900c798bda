package store

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"bookmygig/media"
)

func testCreate(t *testing.T, open place) {
	s := open()
	_, err := s.Gig(ctx, "full")
	mustBe(t, err, ErrNotFound)

	bare := Gig{ID: "bare", Owner: "o", Category: Play, Start: noon, End: noon.Add(12 * time.Hour), TimeZone: "UTC"}
	other := bare // without a stream key, as is the one before
	other.ID = "other"
	want := fullGig()
	mustCreate(t, s, bare, other, want)
	for _, g := range []Gig{bare, other, want} {
		if got, err := s.Gig(ctx, g.ID); err != nil || got != g {
			t.Errorf("got  %+v, %v\nwant %+v", got, err, g)
		}
	}

	// Times come back in UTC, whatever they were given in.
	tokyo := time.FixedZone("Tokyo", 9*3600)
	zoned := aGig("zoned", noon.In(tokyo))
	zoned.ListedAt = time.Now()
	mustCreate(t, s, zoned)
	got, err := s.Gig(ctx, "zoned")
	if err != nil || got.Start != noon || got.ListedAt != zoned.ListedAt.UTC().Round(0) {
		t.Errorf("got %+v, %v", got, err)
	}
}

// badGigs are changes that no store takes.
var badGigs = map[string]func(*Gig){
	"ends as it starts":      func(g *Gig) { g.End = g.Start },
	"ends before it starts":  func(g *Gig) { g.End = g.Start.Add(-time.Hour) },
	"takes over 12 hours":    func(g *Gig) { g.End = g.Start.Add(12*time.Hour + 1) },
	"no start":               func(g *Gig) { g.Start, g.End = time.Time{}, time.Time{}.Add(time.Hour) },
	"year 10000":             func(g *Gig) { g.Start = g.Start.AddDate(9000, 0, 0); g.End = g.Start.Add(time.Hour) },
	"no zone":                func(g *Gig) { g.TimeZone = "" },
	"the server's zone":      func(g *Gig) { g.TimeZone = "Local" },
	"unknown zone":           func(g *Gig) { g.TimeZone = "Europe/Atlantis" },
	"zone outside":           func(g *Gig) { g.TimeZone = "../../etc/passwd" },
	"unknown category":       func(g *Gig) { g.Category = "opera" },
	"negative price":         func(g *Gig) { g.PriceCents = -1 },
	"script as pointer":      func(g *Gig) { g.PaymentPointer = "javascript:alert(1)" },
	"text that is not UTF-8": func(g *Gig) { g.Title = "a\xff" },
	"far too long":           func(g *Gig) { g.Description = strings.Repeat("x", 1<<20) },
}

func testCreateRefuses(t *testing.T, open place) {
	s := open()
	mustCreate(t, s, aGig("a", noon))
	again := aGig("a", noon)
	again.KeyHash = HashKey("free")
	mustBe(t, s.CreateGig(ctx, again), ErrInvalid)
	again = aGig("b", noon)
	again.KeyHash = HashKey("key of a")
	mustBe(t, s.CreateGig(ctx, again), ErrInvalid)

	for name, spoil := range badGigs {
		g := aGig("bad", noon)
		spoil(&g)
		if err := s.CreateGig(ctx, g); !errors.Is(err, ErrInvalid) {
			t.Errorf("%s: %v", name, err)
		}
	}
	for _, id := range []string{"", "a\x00b", "\xff", strings.Repeat("x", 101)} {
		g := aGig(id, noon)
		mustBe(t, s.CreateGig(ctx, g), ErrInvalid)
		g = aGig("bad", noon)
		g.Owner = id
		mustBe(t, s.CreateGig(ctx, g), ErrInvalid)
	}
	if l := mustList(t, s, Query{Now: noon, Page: 1, PerPage: 9}); show(l) != "[a] 0 1 0" {
		t.Errorf("kept: %s", show(l))
	}
	if id, err := s.Authorize(ctx, "free"); err == nil {
		t.Errorf("the key of a refused gig opens %s", id)
	}
}

func testUpdate(t *testing.T, open place) {
	s := open()
	_, err := s.UpdateGig(ctx, "a", func(*Gig) error { t.Error("called without a gig"); return nil })
	mustBe(t, err, ErrNotFound)

	want := aGig("full", noon)
	mustCreate(t, s, want, aGig("b", noon))
	want = fullGig()
	got, err := s.UpdateGig(ctx, "full", func(g *Gig) error {
		*g = want
		g.Start = g.Start.In(time.FixedZone("", 3600))
		return nil
	})
	if err != nil || got != want {
		t.Fatalf("returned %+v, %v", got, err)
	}
	if got, err := s.Gig(ctx, "full"); err != nil || got != want {
		t.Fatalf("kept %+v, %v", got, err)
	}
	if got, err := s.Gig(ctx, "b"); err != nil || got != aGig("b", noon) {
		t.Fatalf("the other one is %+v, %v", got, err)
	}
}

func testUpdateRefuses(t *testing.T, open place) {
	s := open()
	want := aGig("a", noon)
	mustCreate(t, s, want, aGig("b", noon))
	changes := map[string]func(*Gig){
		"id":        func(g *Gig) { g.ID = "c" },
		"owner":     func(g *Gig) { g.Owner = "c" },
		"listed at": func(g *Gig) { g.ListedAt = noon.Add(1) },
		"key of b":  func(g *Gig) { g.KeyHash = HashKey("key of b") },
	}
	for name, spoil := range badGigs {
		changes[name] = spoil
	}
	for name, spoil := range changes {
		if _, err := s.UpdateGig(ctx, "a", func(g *Gig) error { spoil(g); return nil }); !errors.Is(err, ErrInvalid) {
			t.Errorf("%s: %v", name, err)
		}
	}
	no := errors.New("no")
	_, err := s.UpdateGig(ctx, "a", func(g *Gig) error { g.Title = "changed"; return no })
	mustBe(t, err, no)
	if got, err := s.Gig(ctx, "a"); err != nil || got != want {
		t.Errorf("changed to %+v, %v", got, err)
	}
	for key, id := range map[string]string{"key of a": "a", "key of b": "b"} {
		// These gigs lie in the future of every run of this test.
		if got, err := s.Authorize(ctx, key); got != id {
			t.Errorf("%s opens %q, %v", key, got, err)
		}
	}
}

func testUpdateTogether(t *testing.T, open place) {
	s := open()
	mustCreate(t, s, aGig("a", noon), aGig("b", noon))
	const people, times = 8, 20
	var wg sync.WaitGroup
	for range people {
		wg.Go(func() {
			for range times {
				for _, id := range []string{"a", "b"} {
					if _, err := s.UpdateGig(ctx, id, func(g *Gig) error {
						g.Peak++
						g.AirTime += time.Second
						return nil
					}); err != nil {
						t.Error(err)
					}
				}
			}
		})
	}
	wg.Wait()
	for _, id := range []string{"a", "b"} {
		g, err := s.Gig(ctx, id)
		if err != nil || g.Peak != people*times || g.AirTime != people*times*time.Second {
			t.Errorf("%s: %d, %v, %v", id, g.Peak, g.AirTime, err)
		}
	}
}

// testUpdateInside checks that a change may use the store, and that one that
// panics harms nobody else.
func testUpdateInside(t *testing.T, open place) {
	s := open()
	mustCreate(t, s, aGig("a", noon), aGig("b", noon))
	calls := 0
	got, err := s.UpdateGig(ctx, "a", func(a *Gig) error {
		if calls++; calls == 1 { // another update comes first
			if _, err := s.UpdateGig(ctx, "a", func(g *Gig) error { g.Peak = 7; return nil }); err != nil {
				return err
			}
		}
		b, err := s.UpdateGig(ctx, "b", func(g *Gig) error { g.Title += "!"; return nil })
		a.Title = b.Title
		return err
	})
	if err != nil || got.Title != "Show b!!" || got.Peak != 7 || calls != 2 {
		t.Errorf("%+v, %v after %d calls", got, err, calls)
	}
	func() {
		defer func() {
			if recover() == nil {
				t.Error("the panic is gone")
			}
		}()
		_, _ = s.UpdateGig(ctx, "a", func(*Gig) error { panic("oh") })
	}()
	if _, err := s.UpdateGig(ctx, "a", func(g *Gig) error { g.Peak = 8; return nil }); err != nil {
		t.Error(err)
	}
}

func testOwner(t *testing.T, open place) {
	s := open()
	var want []string
	for i := range 5 {
		g := aGig(fmt.Sprint("g", i), noon)
		g.Owner = "own"
		g.ListedAt = noon.Add(time.Duration(i) * time.Minute)
		mustCreate(t, s, g)
		want = append(want, g.ID)
	}
	slices.Reverse(want)
	early := aGig("early", noon) // listed before 1970, and never
	early.Owner, early.ListedAt = "own", time.Date(1969, 1, 1, 0, 0, 0, 0, time.UTC)
	never := aGig("never", noon)
	never.Owner, never.ListedAt = "own", time.Time{}
	mustCreate(t, s, early, never)
	want = append(want, "early", "never")
	for i, owner := range []string{"ow", "owm", "own\x01", "own ", "owner", "owo"} {
		g := aGig(fmt.Sprint("x", i), noon)
		g.Owner = owner
		mustCreate(t, s, g)
	}
	for _, c := range []struct {
		owner string
		limit int
		want  []string
	}{
		{"own", 10, want},
		{"own", 7, want},
		{"own", 2, want[:2]},
		{"own", 0, nil},
		{"own", -1, nil},
		{"owo", 9, []string{"x5"}},
		{"o", 9, nil},
		{"", 9, nil},
		{"zzz", 9, nil},
	} {
		got, err := s.GigsByOwner(ctx, c.owner, c.limit)
		if err != nil || !slices.Equal(ids(got), c.want) {
			t.Errorf("%q, %d: %v, %v", c.owner, c.limit, ids(got), err)
		}
	}
}

func testAuthorize(t *testing.T, open place) {
	s := open()
	now := time.Now()
	for id, change := range map[string]func(*Gig){
		"soon":      func(g *Gig) {},
		"in a year": func(g *Gig) { g.Start = now.AddDate(1, 0, 0) },
		"late":      func(g *Gig) { g.Start = now.Add(-12*time.Hour - 50*time.Minute) },
		"too late":  func(g *Gig) { g.Start = now.Add(-13*time.Hour - 10*time.Minute) },
		"ended":     func(g *Gig) { g.EndedAt = now },
		"cancelled": func(g *Gig) { g.CancelledAt = now },
	} {
		g := aGig(id, now.Add(time.Hour))
		change(&g)
		g.End = g.Start.Add(time.Hour)
		mustCreate(t, s, g)
	}
	empty := aGig("empty", now) // no key is no key, whatever is stored
	empty.KeyHash = HashKey("")
	mustCreate(t, s, empty)
	for _, c := range []struct{ key, id, says string }{
		{"key of soon", "soon", ""},
		{"key of in a year", "in a year", ""},
		{"key of late", "late", ""},
		{"key of too late", "", "time of this gig has passed"},
		{"key of ended", "", "was ended"},
		{"key of cancelled", "", "was cancelled"},
		{"key of nobody", "", "not known"},
		{"soon", "", "not known"},
		{"", "", "not known"},
		{strings.Repeat("x", 1<<20), "", "not known"},
	} {
		id, err := s.Authorize(ctx, c.key)
		if id != c.id || (err == nil) != (c.says == "") {
			t.Errorf("%.20s: %q, %v", c.key, id, err)
		}
		var r *media.Refusal
		if err != nil && (!errors.As(err, &r) || !strings.Contains(r.Text, c.says) || !strings.HasSuffix(r.Text, ".")) {
			t.Errorf("%.20s: %v", c.key, err)
		}
	}
}

// testKeyMoves checks that at any moment exactly one of a gig's keys opens it.
func testKeyMoves(t *testing.T, open place) {
	s := open()
	mustCreate(t, s, aGig("a", time.Now()), aGig("b", time.Now()))
	opens := func(key, want string) {
		t.Helper()
		if id, err := s.Authorize(ctx, key); id != want {
			t.Fatalf("%s opens %q, %v; want %q", key, id, err, want)
		}
	}
	give := func(id, key string) {
		t.Helper()
		if _, err := s.UpdateGig(ctx, id, func(g *Gig) error { g.KeyHash = HashKey(key); return nil }); err != nil {
			t.Fatal(err)
		}
	}
	old := "key of a"
	for i := range 20 {
		key := fmt.Sprint("key ", i)
		give("a", key)
		opens(old, "")
		opens(key, "a")
		old = key
	}
	give("b", "key of a") // free again
	opens("key of a", "b")
	opens("key of b", "")
	if _, err := s.UpdateGig(ctx, "a", func(g *Gig) error { g.KeyHash = [32]byte{}; return nil }); err != nil {
		t.Fatal(err)
	}
	opens(old, "")
}
