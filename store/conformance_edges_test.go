package store

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/alexedwards/scs/v2"

	"bookmygig/chat"
)

// testYears checks the order of gigs far from now, and a nanosecond apart.
func testYears(t *testing.T, open place) {
	s := open()
	at := func(year int) time.Time { return time.Date(year, 1, 1, 0, 0, 0, 0, time.UTC) }
	starts := []time.Time{
		at(1).Add(1), at(1677), at(1969), at(1970), at(1970).Add(1), at(1970).Add(2), at(2262).Add(1),
		at(2263), at(9998), at(9998).Add(time.Hour - 1), at(9998).Add(time.Hour), at(9999),
	}
	want := make([]Gig, len(starts))
	for i, start := range starts {
		want[i] = aGig(fmt.Sprintf("%c", 'z'-i), start) // against the order
		mustCreate(t, s, want[i])
	}
	for _, now := range append([]time.Time{at(1).Add(-time.Hour), noon}, starts...) {
		for _, q := range []Query{
			{}, {From: now}, {To: now}, {From: now, To: now.Add(time.Hour)}, {From: at(1970).Add(time.Hour + 1)}, {To: at(1970).Add(1)},
		} {
			q.Now, q.Page, q.PerPage = now, 1, 100
			if got, want := show(mustList(t, s, q)), show(plainListing(want, q)); got != want {
				t.Errorf("%+v: got %s, want %s", q, got, want)
			}
		}
	}
	for _, g := range want {
		if got, err := s.Gig(ctx, g.ID); err != nil || got != g {
			t.Errorf("got  %+v, %v\nwant %+v", got, err, g)
		}
	}
}

// testOddIDs keeps things under ids that mean something to one store or another.
func testOddIDs(t *testing.T, open place) {
	s := open()
	odd := []string{" ", "a b", "{a}", "a}b{", "}", "{}", "*", "a:b", "a\nb", "\x01", "-", "+", "(", "[", "0", "日本 語", strings.Repeat("x", 100)}
	var want []Gig
	for i, id := range odd {
		g := aGig(id, noon.Add(time.Duration(i)*time.Minute))
		g.Owner, g.Title = id, "Show"
		mustCreate(t, s, g)
		want = append(want, g)
		m := say(id, id, id, "text")
		kept := mustAppend(t, s, m, m)
		if kept[0].Seq != 1 || kept[0] != kept[1] {
			t.Errorf("%q: kept %v", id, kept)
		}
		if err := s.sessions.Commit(id, []byte(id), time.Now().Add(time.Hour)); err != nil {
			t.Errorf("%q: %v", id, err)
		}
	}
	if l := mustList(t, s, Query{Now: noon, Live: odd[:5], Page: 1, PerPage: 100}); !slices.Equal(ids(l.Gigs), odd) || l.Live != 5 {
		t.Errorf("listed %q", ids(l.Gigs))
	}
	if l := mustList(t, s, Query{Now: noon, Text: "show", Page: 1, PerPage: 100}); !slices.Equal(ids(l.Gigs), odd) {
		t.Errorf("found %q", ids(l.Gigs))
	}
	for _, g := range want {
		if owned, err := s.GigsByOwner(ctx, g.ID, 9); err != nil || len(owned) != 1 || owned[0] != g {
			t.Errorf("%q: owns %v, %v", g.ID, ids(owned), err)
		}
		if msgs, _, err := s.Messages(ctx, g.ID, 0, 9); err != nil || len(msgs) != 1 || msgs[0].Author != g.ID || msgs[0].ClientID != g.ID {
			t.Errorf("%q: %v, %v", g.ID, msgs, err)
		}
		if data, found, err := s.sessions.Find(g.ID); err != nil || !found || string(data) != g.ID {
			t.Errorf("%q: session %q %v %v", g.ID, data, found, err)
		}
		if id, err := s.Authorize(ctx, "key of "+g.ID); id != g.ID {
			t.Errorf("%q: its key opens %q, %v", g.ID, id, err)
		}
	}
}

// testUpdateClears takes back everything that a gig may be without.
func testUpdateClears(t *testing.T, open place) {
	s := open()
	full := fullGig()
	mustCreate(t, s, full)
	want := Gig{
		ID: full.ID, Owner: full.Owner, ListedAt: full.ListedAt, Category: Play,
		Start: noon, End: noon.Add(time.Minute), TimeZone: "UTC",
	}
	if got, err := s.UpdateGig(ctx, full.ID, func(g *Gig) error { *g = want; return nil }); err != nil || got != want {
		t.Errorf("got %+v, %v", got, err)
	}
	if got, err := s.Gig(ctx, full.ID); err != nil || got != want {
		t.Errorf("kept %+v, %v", got, err)
	}
	if l := mustList(t, s, Query{Now: noon, Text: "tags", Page: 1, PerPage: 9}); len(l.Gigs) != 0 {
		t.Errorf("found by what it was: %s", show(l))
	}
	if l := mustList(t, s, Query{Now: noon, Page: 1, PerPage: 9}); show(l) != "[full] 0 1 0" {
		t.Errorf("listed: %s", show(l))
	}
}

// testLongText finds a gig by each end of as much text as is kept.
func testLongText(t *testing.T, open place) {
	s := open()
	words := make([]string, 7000)
	for i := range words {
		words[i] = fmt.Sprintf("w%06d", i)
	}
	g := aGig("long", noon)
	g.Description = strings.Join(words, " ")
	mustCreate(t, s, g, aGig("other", noon))
	find := func(text, want string) {
		t.Helper()
		if got := strings.Join(ids(mustList(t, s, Query{Now: noon, Text: text, Page: 1, PerPage: 9}).Gigs), " "); got != want {
			t.Errorf("%q finds %q, want %q", text, got, want)
		}
	}
	find("w000000", "long")
	find("w006999", "long")
	find("w", "long")
	find("show w0069", "long")
	find("show", "long other")
	if _, err := s.UpdateGig(ctx, "long", func(g *Gig) error { g.Description = "w000000 once"; return nil }); err != nil {
		t.Fatal(err)
	}
	find("w000000", "long")
	find("w006999", "")
	find("w", "long")
}

// testCreateTogether lets many create the same gig, or gigs of one stream key:
// one gets through.
func testCreateTogether(t *testing.T, open place) {
	s := open()
	for round := range 5 {
		same, key := fmt.Sprint("same", round), fmt.Sprint("key", round)
		var wg sync.WaitGroup
		var byID, byKey atomic.Int32
		var holder atomic.Value
		for p := range 6 {
			wg.Go(func() {
				g := aGig(same, time.Now())
				g.KeyHash = HashKey(fmt.Sprint(same, p))
				switch err := s.CreateGig(ctx, g); {
				case err == nil:
					byID.Add(1)
				case !errors.Is(err, ErrInvalid):
					t.Errorf("same id: %v", err)
				}
				g = aGig(fmt.Sprint(key, "-", p), time.Now())
				g.KeyHash = HashKey(key)
				switch err := s.CreateGig(ctx, g); {
				case err == nil:
					byKey.Add(1)
					holder.Store(g.ID)
				case !errors.Is(err, ErrInvalid) && !errors.Is(err, ErrUnavailable): // it is not known yet who has it
					t.Errorf("same key: %v", err)
				}
			})
		}
		wg.Wait()
		if byID.Load() != 1 || byKey.Load() != 1 {
			t.Fatalf("created %d times with one id and %d times with one key", byID.Load(), byKey.Load())
		}
		if id, err := s.Authorize(ctx, key); id != holder.Load() {
			t.Errorf("the key opens %q, %v, not %v", id, err, holder.Load())
		}
	}
	if l := mustList(t, s, Query{Page: 1, PerPage: 1}); l.Upcoming != 10 {
		t.Errorf("listed: %s", show(l))
	}
}

// testListingNeverMisses lists while gigs move to and fro: each is always there
// once, in one place or the other.
func testListingNeverMisses(t *testing.T, open place) {
	s := open()
	for i := range 4 {
		mustCreate(t, s, aGig(fmt.Sprint("g", i), noon))
	}
	stop := make(chan struct{})
	var wg sync.WaitGroup
	for i := range 2 {
		wg.Go(func() {
			for n := 0; ; n++ {
				select {
				case <-stop:
					return
				default:
				}
				if _, err := s.UpdateGig(ctx, fmt.Sprint("g", i), func(g *Gig) error {
					g.Start = noon.Add(time.Duration(n%3) * time.Hour)
					g.End = g.Start.Add(time.Hour)
					g.Title, g.Category = fmt.Sprint("Show ", n), Categories[n%2]
					g.EndedAt = []time.Time{{}, noon}[n%2]
					return nil
				}); err != nil {
					t.Error(err)
				}
			}
		})
	}
	for i := range 60 {
		q := Query{Now: noon, Page: 1, PerPage: 9, Text: []string{"", "show"}[i%2]}
		l := mustList(t, s, q)
		got := ids(l.Gigs)
		slices.Sort(got)
		if strings.Join(got, " ") != "g0 g1 g2 g3" || l.Upcoming+l.Past != 4 {
			t.Errorf("%q: %s", q.Text, show(l))
		}
		if owned, err := s.GigsByOwner(ctx, "owner-1", 9); err != nil || len(owned) != 4 {
			t.Errorf("owner: %v, %v", ids(owned), err)
		}
	}
	close(stop)
	wg.Wait()
}

// testKeysTogether rotates one gig's key from many sides: in the end the gig's
// own key opens it, and no other.
func testKeysTogether(t *testing.T, open place) {
	s := open()
	mustCreate(t, s, aGig("a", time.Now()))
	keys := []string{"key of a", "k0", "k1", "k2"}
	var wg sync.WaitGroup
	for p := range 4 {
		wg.Go(func() {
			for i := range 8 {
				key := keys[(p+i)%len(keys)] // also keys that it had before
				if _, err := s.UpdateGig(ctx, "a", func(g *Gig) error { g.KeyHash = HashKey(key); return nil }); err != nil {
					t.Error(err)
				}
			}
		})
	}
	wg.Wait()
	g, err := s.Gig(ctx, "a")
	if err != nil {
		t.Fatal(err)
	}
	for _, key := range keys {
		id, err := s.Authorize(ctx, key)
		if opens := id == "a"; opens != (HashKey(key) == g.KeyHash) {
			t.Errorf("%s opens %q, %v", key, id, err)
		}
	}
}

// testBigBatch appends as much at once as the broker may, to several rooms.
func testBigBatch(t *testing.T, open place) {
	s := open()
	var msgs []chat.Message
	for i := range 256 {
		msgs = append(msgs, say(fmt.Sprint("room", i%3), "ada", fmt.Sprint(i), strings.Repeat("🎸", chat.MaxText)))
	}
	kept := mustAppend(t, s, msgs...)
	for i, m := range kept {
		if m.Seq != uint64(i/3+1) || m.Room != msgs[i].Room || m.Text != msgs[i].Text {
			t.Fatalf("message %d: %s %d", i, m.Room, m.Seq)
		}
	}
	again, added, err := s.AppendMessages(ctx, msgs)
	if err != nil || !slices.Equal(again, kept) || slices.Contains(added, true) {
		t.Errorf("sent again: %v, %v", added, err)
	}
	history, oldest, err := s.Messages(ctx, "room0", 0, chat.HistoryKept)
	if err != nil || oldest != 1 || len(history) != 86 {
		t.Errorf("%d messages from %d, %v", len(history), oldest, err)
	}
}

// testSessionContext checks that sessions heed contexts too, and hold much.
func testSessionContext(t *testing.T, open place) {
	s := open().sessions.(scs.CtxStore)
	later := time.Now().Add(time.Hour)
	big := bytes.Repeat([]byte{0, 1, 2, 255}, 50_000)
	if err := s.CommitCtx(ctx, "big", big, later); err != nil {
		t.Fatal(err)
	}
	ended, cancel := context.WithCancel(ctx)
	cancel()
	if err := s.CommitCtx(ended, "big", nil, later); !errors.Is(err, context.Canceled) {
		t.Errorf("commit: %v", err)
	}
	if err := s.DeleteCtx(ended, "big"); !errors.Is(err, context.Canceled) {
		t.Errorf("delete: %v", err)
	}
	if _, _, err := s.FindCtx(ended, "big"); !errors.Is(err, context.Canceled) {
		t.Errorf("find: %v", err)
	}
	if data, found, err := s.FindCtx(ctx, "big"); err != nil || !found || !bytes.Equal(data, big) {
		t.Errorf("%d bytes, %v, %v", len(data), found, err)
	}
	mustBe(t, s.CommitCtx(ctx, "", nil, later), ErrInvalid)
	mustBe(t, s.CommitCtx(ctx, strings.Repeat("x", maxID+1), nil, later), ErrInvalid)
}
