package handlers

import (
	"testing"
	"time"

	"bookmygig/store"
)

// house lists gigs of every kind, two of them live and one reconnecting.
func (ts *testServer) house(t *testing.T) (live store.Gig) {
	t.Helper()
	now := time.Now().UTC()
	titles := map[store.Category]string{
		store.Comedy: "Bad Advice", store.Play: "Two Ghosts and a Kettle", store.Dance: "Bharatanatyam by Candlelight",
		store.Fitness: "Seven Minutes to Sweat", store.Music: "Songs for an Empty Chair", store.Workshop: "Bind a Book in an Hour",
	}
	for i, c := range store.Categories {
		day := time.Duration(i+1) * 24 * time.Hour
		ts.listGig(t, func(g *store.Gig) {
			g.Category, g.Title, g.PriceCents = c, titles[c], i*250
			g.Start, g.End = now.Add(day), now.Add(day+time.Hour)
		})
		ts.listGig(t, func(g *store.Gig) {
			g.Category, g.Title, g.Peak, g.ListedAt = c, titles[c], i*41, now.Add(-2*day)
			g.Start, g.End = now.Add(-day), now.Add(-day+time.Hour)
			if i == 2 {
				g.CancelledAt = now.Add(-day)
			}
		})
	}
	on := func(title string, c store.Category) store.Gig {
		return ts.listGig(t, func(g *store.Gig) {
			g.Title, g.Category, g.Start, g.TimeZone = title, c, now.Add(-20*time.Minute), "Africa/Lagos"
			g.Description = "An hour of new jokes, tried out in the order they were written on the bus. Requests from the chat after the interval, and a raffle if the kettle boils in time."
		})
	}
	live = on("Late & Unprepared", store.Comedy)
	ts.goLive(t, live.ID)
	ts.goLive(t, on("Kitchen Sink Opera", store.Music).ID)
	ts.goLive(t, on("Knees", store.Dance).ID).Close()
	return live
}

func TestListingLooksGood(t *testing.T) {
	ts := newTestServer(t)
	ts.house(t)
	w := openWindow(t, startChromium(t))
	w.open(ts.URL)
	inAllLooks(t, w, "listing")
	w.open(ts.URL + "/?q=tango&category=dance&when=weekend")
	inAllLooks(t, w, "listing-empty")
}

func TestEmptyHouseLooksGood(t *testing.T) {
	ts := newTestServer(t)
	w := openWindow(t, startChromium(t))
	w.open(ts.URL)
	inAllLooks(t, w, "listing-house")
}

func TestFormLooksGood(t *testing.T) {
	ts := newTestServer(t)
	w := openWindow(t, startChromium(t))
	w.open(ts.URL + "/gigs/new")
	inAllLooks(t, w, "form-fresh")
	eval[bool](w, `(() => {
		const set = (n, v) => { document.getElementById(n).value = v };
		set("title", "Knees, Again"); set("name", "Noor Haddad"); set("time_from", "20:00"); set("time_to", "19:30");
		set("date", "2027-12-06"); set("payment_pointer", "wallet.example/noor");
		document.getElementById("category-dance").checked = true;
		document.getElementById("gig-form").requestSubmit();
		return true })()`)
	w.waitFor(`document.querySelector(".form-errors")`)
	inAllLooks(t, w, "form")
	w.console() // the 422
}

func TestWrongDoorLooksGood(t *testing.T) {
	ts := newTestServer(t)
	w := openWindow(t, startChromium(t))
	w.open(ts.URL + "/gigs/nowhere")
	inAllLooks(t, w, "404")
	w.console() // the 404
}
