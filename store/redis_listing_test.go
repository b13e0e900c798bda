package store

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
)

// TestRedisTwoNodes changes gigs on two nodes at once and checks that each sees
// what the other did, at once.
func TestRedisTwoNodes(t *testing.T) {
	t.Parallel()
	_, first, second := twoNodes(t)
	nodes := []opened{first, second}
	for i := range 10 {
		mustCreate(t, nodes[i%2], aGig(fmt.Sprint("g", i), noon.Add(time.Duration(i)*time.Minute)))
		for _, n := range nodes {
			if l := mustList(t, n, Query{Now: noon, Text: fmt.Sprint("g", i), PerPage: 9}); len(l.Gigs) != 1 {
				t.Fatalf("gig %d: %s", i, show(l))
			}
		}
	}
	var wg sync.WaitGroup
	for p := range 6 {
		wg.Go(func() {
			for i := range 15 {
				n := nodes[(p+i)%2]
				title := []string{"Old show", "New show", "No show", "Old"}[(p+i)%4]
				g, err := n.UpdateGig(ctx, fmt.Sprint("g", (p*7+i)%10), func(g *Gig) error {
					g.Title, g.Category = title, Categories[(p+2*i)%5]
					g.Start = g.Start.Add(time.Minute)
					g.End = g.Start.Add(time.Hour)
					g.Peak++
					return nil
				})
				if err != nil {
					t.Error(err)
				}
				if _, err := n.ListGigs(ctx, Query{Text: "old", Category: g.Category}); err != nil {
					t.Error(err)
				}
			}
		})
	}
	wg.Wait()
	var all []Gig
	peak := 0
	for i := range 10 {
		g, err := first.Gig(ctx, fmt.Sprint("g", i))
		if err != nil {
			t.Fatal(err)
		}
		peak += g.Peak
		all = append(all, g)
	}
	if peak != 90 {
		t.Errorf("%d of 90 updates took effect", peak)
	}
	for _, n := range nodes {
		mustAgree(t, "in the end", n, all...)
	}
	r := first.backend.(*Redis)
	if n := raw(t, r, "ZCARD", keyIntents); n != int64(0) {
		t.Errorf("%d intents are left", n)
	}
	mustHaveOnlyWordsOf(t, r, all)
}

// mustHaveOnlyWordsOf checks that the search index holds nothing else.
func mustHaveOnlyWordsOf(t *testing.T, r *Redis, gigs []Gig) {
	t.Helper()
	var want []string
	for i := range gigs {
		want = append(want, gigWords(&gigs[i])...)
	}
	slices.Sort(want)
	want = slices.Compact(want)
	var got []string
	for _, w := range raw(t, r, "ZRANGE", keyWords, 0, -1).([]any) {
		got = append(got, string(w.([]byte)))
	}
	if !slices.Equal(got, want) {
		t.Errorf("words %v, want %v", got, want)
	}
	if keys := raw(t, r, "KEYS", keyWord("*")).([]any); len(keys) != len(want) {
		t.Errorf("%d sets of words, want %d", len(keys), len(want))
	}
}

// TestRedisLostIndex checks that a page shows what the gigs say when a server
// among several has lost its last writes.
func TestRedisLostIndex(t *testing.T) {
	t.Parallel()
	r := openRedis(t, freshDB(t))
	s := opened{backend: r}
	a, b, c := aGig("a", noon), aGig("b", noon.Add(time.Hour)), aGig("c", noon.Add(2*time.Hour))
	mustCreate(t, s, a, b, c)
	mustAgree(t, "at first", s, a, b, c)

	raw(t, r, "DEL", keyGig("b")) // the server of b has forgotten it
	mustAgree(t, "lost gig", s, a, c)
	b.KeyHash = HashKey("another")
	mustCreate(t, s, b)
	mustAgree(t, "listed again", s, a, b, c)

	c.Start, c.End, c.Category = noon.Add(-time.Hour), noon.Add(-time.Minute), Dance // and this one is what it was before
	raw(t, r, "HSET", keyGig("c"), "start", fieldTime(c.Start), "end", fieldTime(c.End), "category", string(c.Category))
	mustAgree(t, "older gig", s, a, b, c)
	mustHaveOnlyWordsOf(t, r, []Gig{a, b, c})

	raw(t, r, "HSET", keyIndexed, "a", "x")
	if _, err := r.UpdateGig(ctx, "a", func(g *Gig) error { g.Title = "New"; return nil }); err != nil {
		t.Error(err)
	}
	if _, err := r.ListGigs(ctx, Query{}); !errors.Is(err, ErrUnavailable) || !strings.Contains(err.Error(), "damaged") {
		t.Errorf("damaged record: %v", err)
	}
}

// TestRedisFollows changes gigs behind the back of a node that has read the
// schedule: whether it can follow the changes one by one or not, it shows what
// there is.
func TestRedisFollows(t *testing.T) {
	t.Parallel()
	_, first, second := twoNodes(t)
	a, r := aGig("a", noon), first.backend.(*Redis)
	mustCreate(t, first, a, aGig("b", noon.Add(time.Hour)))
	b, err := second.Gig(ctx, "b")
	if err != nil {
		t.Fatal(err)
	}
	for i, forget := range []func(){
		func() {},
		func() { raw(t, r, "XTRIM", keyChanges, "MAXLEN", 1) }, // what was seen is gone
		func() {}, // and followed again
		func() { // too many to look at
			for range maxFollowed + 1 {
				raw(t, r, "XADD", keyChanges, "*", "gig", "nobody")
			}
		},
		func() { raw(t, r, "DEL", keyChanges) },
		func() {},
	} {
		mustAgree(t, fmt.Sprint("before ", i), second, a, b)
		a, err = first.UpdateGig(ctx, "a", func(g *Gig) error {
			g.Title = []string{"Old show", "New show"}[i%2]
			g.Category = []Category{Music, Dance}[i%2]
			g.Start = g.Start.Add(40 * time.Minute)
			g.End = g.Start.Add(time.Hour)
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
		forget()
		mustAgree(t, fmt.Sprint("after ", i), second, a, b)
		mustAgree(t, fmt.Sprint("at home ", i), first, a, b)
	}
	if n := len(second.backend.(*Redis).schedules.found); n == 0 || n > maxFound {
		t.Errorf("%d beginnings are remembered", n)
	}
	for i := range maxFound + 5 {
		mustList(t, second, Query{Text: fmt.Sprint("x", i)})
	}
	if n := len(second.backend.(*Redis).schedules.found); n == 0 || n > maxFound {
		t.Errorf("%d beginnings are remembered", n)
	}
}

// TestRedisTakenBack takes Redis back to an older state, as a restart from an
// old file does. A node that saw the newer one shows what there is, also when
// other changes came in the place of those lost.
func TestRedisTakenBack(t *testing.T) {
	t.Parallel()
	r := openRedis(t, freshDB(t))
	s := opened{backend: r}
	a, b := aGig("a", noon), aGig("b", noon.Add(time.Hour))
	a.Title = "Old show"
	mustCreate(t, s, a, b)
	mustAgree(t, "old", s, a, b)
	old := map[string]any{}
	for _, key := range raw(t, r, "KEYS", "*").([]any) {
		old[string(key.([]byte))] = raw(t, r, "DUMP", key)
	}
	change := func(title string, start time.Time) (g Gig) {
		t.Helper()
		g, err := s.UpdateGig(ctx, "a", func(g *Gig) error {
			g.Title, g.Start, g.End = title, start, start.Add(time.Hour)
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
		return g
	}
	lost := aGig("c", noon)
	mustCreate(t, s, lost)
	mustAgree(t, "new", s, change("New show", noon.Add(2*time.Hour)), b, lost)

	raw(t, r, "FLUSHDB")
	for key, value := range old {
		raw(t, r, "RESTORE", key, 0, value)
	}
	mustAgree(t, "taken back", s, a, b)
	mustAgree(t, "another way", s, change("Next show", noon.Add(3*time.Hour)), b)
	if _, lost := r.Epoch(); lost != 0 {
		t.Errorf("lost %d times, though it was not all", lost)
	}
}
