package store

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	bolt "go.etcd.io/bbolt"
)

// hold makes the writer wait inside a transaction until release is called.
func hold(t *testing.T, e *Embedded) (release func()) {
	t.Helper()
	inside, free := make(chan struct{}), make(chan struct{})
	var wg sync.WaitGroup
	wg.Go(func() {
		_ = e.write(ctx, func(*commit) error {
			close(inside)
			<-free
			return errors.New("nothing to keep")
		})
	})
	<-inside
	release = sync.OnceFunc(func() { close(free); wg.Wait() })
	t.Cleanup(release)
	return release
}

// waitQueued waits until n writes are in the queue.
func waitQueued(t *testing.T, e *Embedded, n int) {
	t.Helper()
	for deadline := time.Now().Add(10 * time.Second); len(e.queue) < n; time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("%d of %d writes in the queue", len(e.queue), n)
		}
	}
}

// transactions returns how many transactions the file has seen.
func transactions(t *testing.T, e *Embedded) (n int) {
	t.Helper()
	if err := e.read(ctx, func(tx *bolt.Tx) error { n = tx.ID(); return nil }); err != nil {
		t.Fatal(err)
	}
	return n
}

func TestWaitingWritesShareATransaction(t *testing.T) {
	e := openEmbedded(t, t.TempDir())
	before := transactions(t, e)
	release := hold(t, e)
	var wg sync.WaitGroup
	const people = 50
	for i := range people {
		wg.Go(func() {
			if err := e.CreateGig(ctx, aGig(fmt.Sprint(i), noon)); err != nil {
				t.Error(err)
			}
		})
	}
	waitQueued(t, e, people)
	release()
	wg.Wait()
	if n := transactions(t, e) - before; n != 1 {
		t.Errorf("%d writes took %d transactions", people, n)
	}
	if l := mustList(t, opened{backend: e}, Query{Now: noon, Page: 1, PerPage: 1}); l.Upcoming != people {
		t.Errorf("%d gigs", l.Upcoming)
	}
}

// TestGroupIsNotSpoilt checks that a write that is refused takes no other of
// its group with it.
func TestGroupIsNotSpoilt(t *testing.T) {
	e := openEmbedded(t, t.TempDir())
	mustCreate(t, opened{backend: e}, aGig("taken", noon))
	release := hold(t, e)
	errs := map[string]error{}
	var mu sync.Mutex
	var wg sync.WaitGroup
	start := func(name string, call func() error) {
		queued := len(e.queue)
		wg.Go(func() {
			err := call()
			mu.Lock()
			defer mu.Unlock()
			errs[name] = err
		})
		waitQueued(t, e, queued+1)
	}
	start("a", func() error { return e.CreateGig(ctx, aGig("a", noon)) })
	start("taken", func() error { return e.CreateGig(ctx, aGig("taken", noon)) })
	start("b", func() error { return e.CreateGig(ctx, aGig("b", noon)) })
	start("b again", func() error { return e.CreateGig(ctx, aGig("b", noon)) })
	release()
	wg.Wait()
	for name, want := range map[string]error{"a": nil, "taken": ErrInvalid, "b": nil, "b again": ErrInvalid} {
		if !errors.Is(errs[name], want) {
			t.Errorf("%s: %v", name, errs[name])
		}
	}
	if got := show(mustList(t, opened{backend: e}, Query{Now: noon, Page: 1, PerPage: 9})); got != "[a b taken] 0 3 0" {
		t.Error(got)
	}
}

// TestBrokenWriteUndoesGroup checks that nothing stays of a transaction in
// which a write failed half-way, in the file and in the listing.
func TestBrokenWriteUndoesGroup(t *testing.T) {
	e := openEmbedded(t, t.TempDir())
	mustCreate(t, opened{backend: e}, aGig("before", noon))
	broken := errors.New("broken")
	release := hold(t, e)
	var wg sync.WaitGroup
	wg.Go(func() {
		if err := e.CreateGig(ctx, aGig("a", noon)); !errors.Is(err, ErrUnavailable) || !errors.Is(err, broken) {
			t.Errorf("the first: %v", err)
		}
	})
	waitQueued(t, e, 1)
	wg.Go(func() {
		err := e.write(ctx, func(c *commit) error {
			g := aGig("b", noon)
			if err := c.putGig(&g, 1, [32]byte{}); err != nil {
				return err
			}
			return broken
		})
		if !errors.Is(err, broken) {
			t.Errorf("the broken one: %v", err)
		}
	})
	waitQueued(t, e, 2)
	wg.Go(func() {
		_, err := e.UpdateGig(ctx, "before", func(g *Gig) error { g.Title = "changed"; return nil })
		if !errors.Is(err, ErrUnavailable) {
			t.Errorf("the last: %v", err)
		}
	})
	waitQueued(t, e, 3)
	release()
	wg.Wait()
	l := mustList(t, opened{backend: e}, Query{Now: noon, Page: 1, PerPage: 9})
	if show(l) != "[before] 0 1 0" || l.Gigs[0].Title != "Show before" {
		t.Errorf("stayed: %+v", l)
	}
	mustCreate(t, opened{backend: e}, aGig("a", noon))
}

// TestListingFollowsFileAfterError checks that the listing shows what the file
// holds even when the commit that put it there reported an error, as when the
// very last sync fails.
func TestListingFollowsFileAfterError(t *testing.T) {
	e := openEmbedded(t, t.TempDir())
	mustCreate(t, opened{backend: e}, aGig("a", noon))
	changed := aGig("a", noon)
	changed.Title = "Changed"
	value, err := encodeGig(&changed, 2)
	if err != nil {
		t.Fatal(err)
	}
	broken := errors.New("broken")
	if err := e.write(ctx, func(c *commit) error {
		c.gigs, c.wrote = append(c.gigs, "a", "never there"), true
		return broken
	}); !errors.Is(err, broken) {
		t.Fatal(err)
	}
	if got := show(mustList(t, opened{backend: e}, Query{Now: noon, Text: "show", Page: 1, PerPage: 9})); got != "[a] 0 1 0" {
		t.Errorf("nothing changed, but listed is %s", got)
	}
	if err := e.db.Update(func(tx *bolt.Tx) error { return tx.Bucket(bucketGigs).Put([]byte("a"), value) }); err != nil {
		t.Fatal(err)
	}
	if err := e.write(ctx, func(c *commit) error {
		c.gigs, c.wrote = append(c.gigs, "a"), true
		return broken
	}); !errors.Is(err, broken) {
		t.Fatal(err)
	}
	if got := show(mustList(t, opened{backend: e}, Query{Now: noon, Text: "changed", Page: 1, PerPage: 9})); got != "[a] 0 1 0" {
		t.Errorf("listed: %s", got)
	}
}

// TestContextEndsWhileWaiting checks that a caller who gives up is let go at
// once, and that what was still in the queue then is not written.
func TestContextEndsWhileWaiting(t *testing.T) {
	e := openEmbedded(t, t.TempDir())
	release := hold(t, e)
	short, cancel := context.WithCancel(ctx)
	gone := make(chan error)
	go func() { gone <- e.CreateGig(short, aGig("a", noon)) }()
	waitQueued(t, e, 1)
	cancel()
	if err := <-gone; !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
	// The same with the queue full, when the caller is not even in it.
	var wg sync.WaitGroup
	defer wg.Wait()
	for range queueLength - 1 {
		wg.Go(func() { _ = e.write(ctx, func(*commit) error { return nil }) })
	}
	waitQueued(t, e, queueLength)
	timed, cancel := context.WithTimeout(ctx, time.Millisecond)
	defer cancel()
	if err := e.CreateGig(timed, aGig("b", noon)); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("got %v", err)
	}
	// Reading goes on meanwhile.
	if l := mustList(t, opened{backend: e}, Query{Now: noon, Page: 1, PerPage: 9}); len(l.Gigs) != 0 {
		t.Errorf("listed: %s", show(l))
	}
	release()
	wg.Wait()
	if _, err := e.Gig(ctx, "a"); !errors.Is(err, ErrNotFound) {
		t.Errorf("written after all: %v", err)
	}
}

// TestCloseAnswersEverybody checks that writes in the queue are finished, and
// that each caller's answer is true.
func TestCloseAnswersEverybody(t *testing.T) {
	for round := range 20 {
		dir := t.TempDir()
		e, err := OpenEmbedded(dir)
		if err != nil {
			t.Fatal(err)
		}
		const people = 40
		done := make([]error, people)
		var wg sync.WaitGroup
		started := make(chan struct{}, people)
		for i := range people {
			wg.Go(func() {
				started <- struct{}{}
				done[i] = e.CreateGig(ctx, aGig(fmt.Sprint(i), noon))
			})
		}
		for range round * 2 {
			<-started
		}
		if err := e.Close(); err != nil {
			t.Fatal(err)
		}
		wg.Wait()
		e = openEmbedded(t, dir)
		for i, err := range done {
			_, missing := e.Gig(ctx, fmt.Sprint(i))
			if (err == nil) != (missing == nil) || err != nil && !errors.Is(err, ErrUnavailable) {
				t.Fatalf("answer %v, but %v", err, missing)
			}
		}
	}
}

// TestIndexKeepsInStep compares the index after many changes with one that is
// read from the file.
func TestIndexKeepsInStep(t *testing.T) {
	e := openEmbedded(t, t.TempDir())
	var wg sync.WaitGroup
	for p := range 4 {
		wg.Go(func() {
			for i := range 25 {
				id := fmt.Sprint(p, "-", i)
				if err := e.CreateGig(ctx, aGig(id, noon.Add(time.Duration(i%3)*time.Hour))); err != nil {
					t.Error(err)
				}
				if _, err := e.UpdateGig(ctx, fmt.Sprint(p, "-", i/2), func(g *Gig) error {
					g.Start, g.Title = g.Start.Add(-time.Minute), fmt.Sprint("take ", i)
					return nil
				}); err != nil {
					t.Error(err)
				}
			}
		})
	}
	wg.Wait()
	var fresh index
	if err := e.read(ctx, fresh.load); err != nil {
		t.Fatal(err)
	}
	text := func(x *index) string {
		var b strings.Builder
		for _, n := range x.byStart {
			fmt.Fprintln(&b, n.id, n.start, n.end, n.past, n.over, n.category, x.byID[n.id] == n)
		}
		ids := map[uint32]string{}
		for _, n := range x.byID {
			ids[n.slot] = n.id
		}
		for _, p := range x.words.sorted {
			var gigs []string
			for _, slot := range p.slots {
				gigs = append(gigs, ids[slot])
			}
			slices.Sort(gigs)
			fmt.Fprintln(&b, p.word, gigs, x.words.byWord[p.word] == p)
		}
		fmt.Fprintln(&b, len(x.byID), len(x.words.byWord), x.slots)
		return b.String()
	}
	if got, want := text(&e.index), text(&fresh); got != want {
		t.Errorf("in memory:\n%s\nin the file:\n%s", got, want)
	}
}
