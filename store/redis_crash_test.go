package store

import (
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"bookmygig/chat"
)

// twoNodes are two stores on one database; the first goes through a forward.
func twoNodes(t *testing.T) (name *forward, first, second opened) {
	return nodesOf(t, patience)
}

// nodesOf is twoNodes with another patience of the first.
func nodesOf(t *testing.T, patience time.Duration) (name *forward, first, second opened) {
	url := freshDB(t)
	address, db, _ := strings.Cut(strings.TrimPrefix(url, "redis://"), "/")
	name = startForward(t, address)
	a, b := openHasty(t, "redis://"+name.addr+"/"+db, patience), openRedis(t, url)
	return name, opened{a, a.Sessions()}, opened{b, b.Sessions()}
}

// mustAgree checks that all that finds gigs finds exactly these.
func mustAgree(t *testing.T, what string, s opened, want ...Gig) {
	t.Helper()
	for _, q := range []Query{
		{}, {Category: Music}, {Category: Dance}, {Text: "show"}, {Text: "old"}, {Text: "new"}, {Text: "n"}, {Text: "ada"},
		{From: noon.Add(time.Hour)}, {To: noon.Add(time.Hour)}, {Live: []string{"a", "b"}},
	} {
		q.Now, q.Page, q.PerPage = noon, 1, 100
		if got, want := show(mustList(t, s, q)), show(plainListing(want, q)); got != want {
			t.Errorf("%s: %+v: got %s, want %s", what, q, got, want)
		}
	}
	owned, err := s.GigsByOwner(ctx, "owner-1", 100)
	if err != nil || len(owned) != len(want) {
		t.Errorf("%s: the owner has %v, %v", what, ids(owned), err)
	}
	for _, g := range want {
		if got, err := s.Gig(ctx, g.ID); err != nil || got != g {
			t.Errorf("%s: %+v, %v; want %+v", what, got, err, g)
		}
	}
}

// mustOpen checks which of the keys open the gig "a".
func mustOpen(t *testing.T, what string, s opened, which string, others ...string) {
	t.Helper()
	if id, err := s.Authorize(ctx, which); which != "" && id != "a" {
		t.Errorf("%s: %s opens %q, %v", what, which, id, err)
	}
	for _, key := range others {
		if id, err := s.Authorize(ctx, key); id != "" || errors.Is(err, ErrUnavailable) {
			t.Errorf("%s: %s opens %q, %v", what, key, id, err)
		}
	}
}

// TestRedisWriterDies lets a node die before and after each step of a write.
// The other one sees the gig as it was, or as it is to be, but never anything
// between, and what was acknowledged always.
func TestRedisWriterDies(t *testing.T) {
	t.Parallel()
	before := aGig("a", noon)
	before.Title = "Old show"
	after := before
	after.Title, after.Category = "New show", Dance
	after.Start, after.End = after.Start.Add(time.Hour), after.End.Add(2*time.Hour)
	after.KeyHash = HashKey("new key")
	other := aGig("b", noon.Add(30*time.Minute))

	writes := map[string]func(s opened) error{
		"create": func(s opened) error { return s.CreateGig(ctx, after) },
		"update": func(s opened) error {
			_, err := s.UpdateGig(ctx, "a", func(g *Gig) error { *g = after; return nil })
			return err
		},
	}
	var wg sync.WaitGroup
	for step, sc := range map[string]*script{"begun": begun, "claim": claim, "put": put, "apply": apply, "release": release} {
		for how, then := range map[string]fate{"before": cut, "after": answered} {
			for write, do := range writes {
				if write == "create" && sc == release {
					continue // there is none
				}
				// All at once: they mostly wait.
				wg.Go(func() {
					t.Run(fmt.Sprint(write, " dies ", how, " ", step), func(t *testing.T) {
						name, first, second := nodesOf(t, 2*time.Second)
						mustCreate(t, second, other)
						old := []Gig{other}
						if write == "update" {
							mustCreate(t, second, before)
							old = []Gig{before, other}
						}
						mustAgree(t, "at first", second, old...) // and the schedules are remembered
						name.strike(sc, then, cut)
						err := do(first)
						acknowledged := sc == apply || sc == release
						if acknowledged != (err == nil) || err != nil && !errors.Is(err, ErrUnavailable) {
							t.Errorf("error %v", err)
						}
						check := func() {
							t.Helper()
							if acknowledged || sc == put && then == answered {
								mustAgree(t, "written", second, after, other)
								mustOpen(t, "written", second, "new key", "key of a")
								return
							}
							mustAgree(t, "not written", second, old...)
							mustOpen(t, "not written", second, map[string]string{"update": "key of a"}[write], "new key")
						}
						check()
						clearLater(t, second.backend.(*Redis))
						check()
					})
				})
			}
		}
	}
	wg.Wait()
}

// clearLater has the intents cleared that dead writers left, as if much time
// had passed.
func clearLater(t *testing.T, r *Redis) {
	t.Helper()
	for _, intent := range raw(t, r, "ZRANGE", keyIntents, 0, -1).([]any) {
		raw(t, r, "ZADD", keyIntents, "XX", "INCR", -2*intentAge.Milliseconds(), intent)
	}
	if err := r.clearIntents(ctx); err != nil {
		t.Error(err)
	}
	if n := raw(t, r, "ZCARD", keyIntents); n != int64(0) {
		t.Errorf("%d intents are left", n)
	}
}

// TestRedisLateWriter holds a writer up for longer than its intent is kept.
func TestRedisLateWriter(t *testing.T) {
	t.Parallel()
	r := openRedis(t, freshDB(t))
	w := &writing{r: r, before: &stored{}, after: &stored{Gig: aGig("a", noon), revision: 1}, moved: true, indexed: true}
	c := within(t, time.Minute)
	if err := w.begin(c); err != nil {
		t.Fatal(err)
	}
	w.deadline -= (intentWrite + time.Second).Milliseconds()
	if err := w.put(c); !errors.Is(err, errLate) || !errors.Is(err, ErrUnavailable) {
		t.Errorf("put: %v", err)
	}
	mustAgree(t, "late", opened{backend: r})
}

// TestRedisStaleClaim checks that another gig gets a stream key that somebody
// claimed in vain, but not at once.
func TestRedisStaleClaim(t *testing.T) {
	t.Parallel()
	r := openRedis(t, freshDB(t))
	s := opened{backend: r}
	mustCreate(t, s, aGig("a", time.Now()))
	g := aGig("b", time.Now())
	g.KeyHash = HashKey("wanted")
	key := keyStreamKey(g.KeyHash)
	raw(t, r, "SET", key, "a\x00token\x00"+fmt.Sprint(time.Now().UnixMilli()))
	if err := r.CreateGig(ctx, g); !errors.Is(err, ErrUnavailable) {
		t.Errorf("fresh claim: %v", err)
	}
	if n := raw(t, r, "ZCARD", keyIntents); n != int64(0) {
		t.Errorf("%d intents are left", n)
	}
	raw(t, r, "SET", key, "a\x00token\x00"+fmt.Sprint(time.Now().Add(-2*intentAge).UnixMilli()))
	mustCreate(t, s, g)
	if id, err := s.Authorize(ctx, "wanted"); id != "b" {
		t.Errorf("opens %q, %v", id, err)
	}
	// A claim of a gig that is not there is in vain as well, or damaged.
	g.ID, g.KeyHash = "c", HashKey("damaged")
	raw(t, r, "SET", keyStreamKey(g.KeyHash), "nobody")
	mustCreate(t, s, g)
	if id, err := s.Authorize(ctx, "damaged"); id != "c" {
		t.Errorf("opens %q, %v", id, err)
	}
}

// TestRedisLostAnswers loses the answer to the first try of each write: it is
// tried again, and has happened once.
func TestRedisLostAnswers(t *testing.T) {
	t.Parallel()
	name, first, second := twoNodes(t)
	mustCreate(t, second, aGig("a", noon))
	for i, sc := range []*script{begun, put, apply, claim, release, put, put} {
		name.strike(sc, answered, passed)
		g, err := first.UpdateGig(ctx, "a", func(g *Gig) error {
			g.Peak++
			g.Title, g.KeyHash = fmt.Sprint("Show ", i), HashKey(fmt.Sprint("key ", i))
			return nil
		})
		if err != nil || g.Peak != i+1 {
			t.Errorf("update %d: peak %d, %v", i, g.Peak, err)
		}
		mustAgree(t, "updated", second, g)
	}
	for i := range 3 {
		name.strike(appendRoom, answered, passed)
		kept := mustAppend(t, first, say("a", "ada", fmt.Sprint(i), "x"), say("b", "ada", fmt.Sprint(i), "y"))
		if kept[0].Seq != uint64(i+1) || kept[1].Seq != uint64(i+1) {
			t.Errorf("seqs %v", seqs(kept))
		}
	}
	// Without an id it would be kept twice: it is not tried again.
	name.strike(appendRoom, answered, passed)
	if _, _, err := first.AppendMessages(ctx, []chat.Message{say("a", "ada", "", "x")}); !errors.Is(err, ErrUnavailable) {
		t.Errorf("no id: %v", err)
	}
	mustHaveHistoryOf(t, second, "a", 4)
	// But where it cannot have arrived, it is.
	name.watch.Store(nil)
	first.backend.(*Redis).generation.Add(1)
	nobody := "127.0.0.1:1"
	away := name.to.Swap(&nobody)
	time.AfterFunc(200*time.Millisecond, func() { name.to.Store(away) })
	if err := first.Ready(ctx); err != nil {
		t.Error(err)
	}
}
