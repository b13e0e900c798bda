package store

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/alexedwards/scs/v2"

	"bookmygig/chat"
	"bookmygig/media"
)

// backend is what every store is.
type backend interface {
	CreateGig(ctx context.Context, g Gig) error
	Gig(ctx context.Context, id string) (Gig, error)
	UpdateGig(ctx context.Context, id string, change func(*Gig) error) (Gig, error)
	ListGigs(ctx context.Context, q Query) (Listing, error)
	GigsByOwner(ctx context.Context, owner string, limit int) ([]Gig, error)
	chat.Log
	media.Authorizer
	Ready(ctx context.Context) error
	Close() error
}

// opened is a store in use and its sessions.
type opened struct {
	backend
	sessions scs.Store
}

// place is where one test's data lies. Each call opens a store on it, after
// the one before was closed; the test need not close the last one.
type place func() opened

// conform is the suite that every store passes. newPlace makes an empty place.
func conform(t *testing.T, newPlace func(t *testing.T) place) {
	for name, test := range map[string]func(t *testing.T, p place){
		"create":            testCreate,
		"create refuses":    testCreateRefuses,
		"update":            testUpdate,
		"update refuses":    testUpdateRefuses,
		"update together":   testUpdateTogether,
		"update inside":     testUpdateInside,
		"owner":             testOwner,
		"listing":           testListing,
		"listing by model":  testListingByModel,
		"listing follows":   testListingFollows,
		"listing window":    testListingWindow,
		"pages":             testPages,
		"search":            testSearch,
		"authorize":         testAuthorize,
		"key moves":         testKeyMoves,
		"messages":          testMessages,
		"resend":            testResend,
		"history is pruned": testPruning,
		"append together":   testAppendTogether,
		"append refuses":    testAppendRefuses,
		"sessions":          testSessions,
		"reopen":            testReopen,
		"years":             testYears,
		"odd ids":           testOddIDs,
		"update clears":     testUpdateClears,
		"long text":         testLongText,
		"create together":   testCreateTogether,
		"never misses":      testListingNeverMisses,
		"keys together":     testKeysTogether,
		"big batch":         testBigBatch,
		"session context":   testSessionContext,
		"context":           testContext,
		"closed":            testClosed,
	} {
		t.Run(name, func(t *testing.T) { test(t, newPlace(t)) })
	}
}

var ctx = context.Background()

// noon is the present of tests that need a fixed one.
var noon = time.Date(2031, 5, 17, 12, 0, 0, 0, time.UTC)

// aGig returns a valid gig that starts at the time and takes an hour.
func aGig(id string, start time.Time) Gig {
	return Gig{
		ID: id, Owner: "owner-1", CreatorName: "Ada", Title: "Show " + id, Category: Music,
		Start: start, End: start.Add(time.Hour), TimeZone: "Europe/Berlin", ListedAt: noon,
		KeyHash: HashKey("key of " + id), KeyMadeAt: noon,
	}
}

// fullGig returns a gig with every field set, to the nanosecond.
func fullGig() Gig {
	g := aGig("full", noon.Add(time.Hour+1))
	g.Description = "Lines\nand \"quotes\" & <b>tags</b>, ümläute, 日本語, 🎸"
	g.PriceCents = 1250
	g.PaymentPointer = "https://wallet.example/ada"
	g.CancelledAt, g.EndedAt = noon.Add(2), noon.Add(3)
	g.AiredAt, g.AirTime, g.Peak = noon.Add(4), 90*time.Minute+5, 321
	return g
}

func mustCreate(t *testing.T, s opened, gigs ...Gig) {
	t.Helper()
	for _, g := range gigs {
		if err := s.CreateGig(ctx, g); err != nil {
			t.Fatalf("create %s: %v", g.ID, err)
		}
	}
}

func mustList(t *testing.T, s opened, q Query) Listing {
	t.Helper()
	l, err := s.ListGigs(ctx, q)
	if err != nil {
		t.Fatal(err)
	}
	return l
}

func mustBe(t *testing.T, got, want error) {
	t.Helper()
	if !errors.Is(got, want) {
		t.Fatalf("got error %v, want %v", got, want)
	}
}

func ids(gigs []Gig) []string {
	out := []string{}
	for _, g := range gigs {
		out = append(out, g.ID)
	}
	return out
}

// show is a listing as text, to compare and to read.
func show(l Listing) string {
	return fmt.Sprint(ids(l.Gigs), l.Live, l.Upcoming, l.Past)
}

// testReopen checks that all that was kept is there after closing and opening.
func testReopen(t *testing.T, open place) {
	s := open()
	gigs := []Gig{fullGig(), aGig("b", noon.Add(-time.Hour)), aGig("c", noon)}
	mustCreate(t, s, gigs...)
	if _, err := s.UpdateGig(ctx, "c", func(g *Gig) error {
		g.Title, g.KeyHash = "Another one", HashKey("new")
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	said := mustAppend(t, s, say("b", "ada", "1", "hello"), say("b", "ada", "2", "again"))
	expiry := time.Now().Add(time.Hour)
	if err := s.sessions.Commit("token", []byte("data"), expiry); err != nil {
		t.Fatal(err)
	}
	before := mustList(t, s, Query{Now: noon, Page: 1, PerPage: 10})
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}

	s = open()
	if got, err := s.Gig(ctx, "full"); err != nil || got != gigs[0] {
		t.Errorf("gig: %+v, %v", got, err)
	}
	after := mustList(t, s, Query{Now: noon, Page: 1, PerPage: 10})
	if show(after) != show(before) {
		t.Errorf("listing %s, before %s", show(after), show(before))
	}
	if l := mustList(t, s, Query{Now: noon, Text: "another", Page: 1, PerPage: 10}); len(l.Gigs) != 1 {
		t.Errorf("search found %s", show(l))
	}
	if owned, err := s.GigsByOwner(ctx, "owner-1", 10); err != nil || len(owned) != 3 {
		t.Errorf("owner has %v, %v", ids(owned), err)
	}
	mustHaveHistory(t, s, "b", said)
	if next := mustAppend(t, s, say("b", "ada", "3", "back")); next[0].Seq != 3 {
		t.Errorf("seq %d after reopening", next[0].Seq)
	}
	if data, found, err := s.sessions.Find("token"); err != nil || !found || string(data) != "data" {
		t.Errorf("session %q %v %v", data, found, err)
	}
}

// testContext checks that a context that has ended stops everything, and that
// nothing was written.
func testContext(t *testing.T, open place) {
	s := open()
	mustCreate(t, s, aGig("a", noon))
	ended, cancel := context.WithCancel(ctx)
	cancel()
	calls := map[string]func() error{
		"create": func() error { return s.CreateGig(ended, aGig("b", noon)) },
		"gig":    func() error { _, err := s.Gig(ended, "a"); return err },
		"update": func() error {
			_, err := s.UpdateGig(ended, "a", func(g *Gig) error { g.Title = "no"; return nil })
			return err
		},
		"list":      func() error { _, err := s.ListGigs(ended, Query{Page: 1, PerPage: 1}); return err },
		"owner":     func() error { _, err := s.GigsByOwner(ended, "owner-1", 1); return err },
		"authorize": func() error { _, err := s.Authorize(ended, "key of a"); return err },
		"append": func() error {
			_, _, err := s.AppendMessages(ended, []chat.Message{say("a", "x", "", "no")})
			return err
		},
		"messages": func() error { _, _, err := s.Messages(ended, "a", 0, 1); return err },
		"ready":    func() error { return s.Ready(ended) },
	}
	for name, call := range calls {
		if err := call(); !errors.Is(err, context.Canceled) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if l := mustList(t, s, Query{Now: noon, Page: 1, PerPage: 9}); len(l.Gigs) != 1 || l.Gigs[0].Title != "Show a" {
		t.Errorf("something was written: %+v", l)
	}
	mustHaveHistory(t, s, "a", nil)
}

// testClosed checks that a closed store says that it is unavailable.
func testClosed(t *testing.T, open place) {
	s := open()
	mustCreate(t, s, aGig("a", noon))
	if err := s.Ready(ctx); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
	}
	mustBe(t, s.Ready(ctx), ErrUnavailable)
	mustBe(t, s.CreateGig(ctx, aGig("b", noon)), ErrUnavailable)
	_, err := s.Gig(ctx, "a")
	mustBe(t, err, ErrUnavailable)
	_, err = s.ListGigs(ctx, Query{Page: 1, PerPage: 1})
	mustBe(t, err, ErrUnavailable)
	_, err = s.Authorize(ctx, "key of a")
	mustBe(t, err, ErrUnavailable)
	_, _, err = s.AppendMessages(ctx, []chat.Message{say("a", "x", "", "no")})
	mustBe(t, err, ErrUnavailable)
	_, _, err = s.Messages(ctx, "a", 0, 1)
	mustBe(t, err, ErrUnavailable)
	mustBe(t, s.sessions.Commit("t", nil, time.Now().Add(time.Hour)), ErrUnavailable)
	_, _, err = s.sessions.Find("t")
	mustBe(t, err, ErrUnavailable)
}

// random returns numbers that are the same in every run.
func random() *rand.Rand { return rand.New(rand.NewPCG(1, 2)) }
