package handlers

import (
	"fmt"
	"mime"
	"net/http"
	"strings"
	"testing"
	"time"

	ics "github.com/arran4/golang-ical"

	"bookmygig/media"
	"bookmygig/store"
)

func TestGigPageInEachState(t *testing.T) {
	ts := newTestServer(t)
	now := time.Now().UTC()
	soon := func(g *store.Gig) { g.Start, g.End = now.Add(26*time.Hour+30*time.Minute), now.Add(28*time.Hour) }
	for _, c := range []struct {
		name   string
		change func(*store.Gig)
		live   bool
		lost   bool

		state, lamp, lit, house string
	}{
		{name: "waiting", change: soon, state: "waiting", lamp: "Not yet on", house: "0 waiting"},
		{name: "live", live: true, state: "live", lamp: "Live", lit: "yes", house: "0 watching"},
		{name: "reconnecting", live: true, lost: true, state: "reconnecting", lamp: "Reconnecting", lit: "dim", house: "0 watching"},
		{name: "ended", change: func(g *store.Gig) {
			g.EndedAt, g.AiredAt, g.AirTime, g.Peak = now, now.Add(-time.Hour), 58*time.Minute+20*time.Second, 141
		}, state: "ended", lamp: "Ended", house: "141 came"},
		{name: "missed", change: func(g *store.Gig) { g.Start, g.End = now.Add(-3*time.Hour), now.Add(-2*time.Hour) },
			state: "ended", lamp: "Ended", house: "0"},
		{name: "cancelled", change: func(g *store.Gig) { soon(g); g.CancelledAt = now },
			state: "cancelled", lamp: "Cancelled", house: "Was to be on"},
	} {
		t.Run(c.name, func(t *testing.T) {
			g := ts.listGig(t, c.change)
			if c.live {
				p := ts.goLive(t, g.ID)
				if c.lost {
					p.Close()
					eventually(t, "the grace runs", func() bool { return ts.Relay.State(g.ID) == media.StateReconnecting })
				}
			}
			p := ts.get(t, "/gigs/"+g.ID)
			if p.StatusCode != 200 {
				t.Fatalf("status %d", p.StatusCode)
			}
			lamp := p.one(t, "#stream-state")
			if attr(lamp, "data-state") != c.state || textOf(lamp) != c.lamp {
				t.Errorf("the lamp says %s, %q", attr(lamp, "data-state"), textOf(lamp))
			}
			if got := attr(p.one(t, "#footlights"), "data-lit"); got != c.lit {
				t.Errorf("the footlights are %q, want %q", got, c.lit)
			}
			if got := p.text(t, "#house"); !strings.HasPrefix(got, c.house) {
				t.Errorf("the house is %q, want %q", got, c.house)
			}
			p.one(t, "video#player[muted][playsinline]")
			p.one(t, "#viewer-count")
			p.one(t, "#chat-log")
			// All curtains stand in the page: a change of state swaps the lamp alone.
			for _, when := range []string{"waiting", "reconnecting", "ended", "cancelled", "trouble", "codec", "restart", "full", "late"} {
				p.one(t, `.curtain[data-when="`+when+`"]`)
			}
			if got := len(p.all(`a[href$="calendar.ics"]`)); (got == 1) != (c.state == "waiting") {
				t.Errorf("%d ways to the calendar", got)
			}
		})
	}
}

func TestEndCurtainWords(t *testing.T) {
	ts := newTestServer(t)
	now := time.Now()
	for _, c := range []struct {
		air  time.Duration
		peak int
		want string
	}{
		{58*time.Minute + 20*time.Second, 141, "Asha Raman played for 58 minutes to a house of 141."},
		{20 * time.Second, 1, "Asha Raman played for less than a minute to a house of 1."},
		{70 * time.Minute, 0, "Asha Raman played for 1 hour and 10 minutes."},
		{2 * time.Hour, 9, "Asha Raman played for 2 hours to a house of 9."},
		{0, 9, "Asha Raman has left the stage."},
	} {
		g := ts.listGig(t, func(g *store.Gig) { g.AiredAt, g.EndedAt, g.AirTime, g.Peak = now, now, c.air, c.peak })
		if got := ts.get(t, "/gigs/"+g.ID).text(t, "#end-curtain > p:not([class])"); got != c.want {
			t.Errorf("%q, want %q", got, c.want)
		}
	}
}

func TestGigPageTellsEverything(t *testing.T) {
	ts := newTestServer(t)
	start := time.Now().UTC().Add(50 * time.Hour).Truncate(time.Minute)
	g := ts.listGig(t, func(g *store.Gig) {
		g.Start, g.End = start, start.Add(70*time.Minute)
		g.Description = "First line.\r\n\r\nSecond\nthird."
		g.PaymentPointer = "https://wallet.example/asha"
	})
	p := ts.get(t, "/gigs/"+g.ID)
	if got := p.text(t, "h1"); got != g.Title {
		t.Errorf("the title is %q", got)
	}
	if got := p.text(t, ".by"); got != "with Asha Raman, from Kolkata" {
		t.Errorf("by: %q", got)
	}
	if got := strings.Join(p.texts(".about .flow > p"), "|"); got != "First line.|Second|third." {
		t.Errorf("the description is %q", got)
	}
	when := p.one(t, ".facts time")
	if attr(when, "datetime") != start.Format(time.RFC3339) || attr(when, "data-zone") != "Asia/Kolkata" {
		t.Errorf("when: %v", when.Attr)
	}
	if got := p.texts(".facts dd")[1]; got != "$8 Shown for information: seats are not sold here yet, everybody comes in free" {
		t.Errorf("the price is %q", got)
	}
	if got := attr(p.one(t, `head link[rel="monetization"]`), "href"); got != g.PaymentPointer {
		t.Errorf("the payment pointer is %q", got)
	}
	if got := p.text(t, ".tip h3"); got != "Support Asha Raman while this page is open" {
		t.Errorf("the tip says %q", got)
	}
	timer := p.one(t, `[role="timer"]`)
	if attr(timer, "data-until") != start.Format(time.RFC3339) || !strings.HasPrefix(attr(timer, "aria-label"), "Starts in 2 days, 1 hour and 59 minutes") {
		t.Errorf("the countdown is %v", timer.Attr)
	}

	plain := ts.get(t, "/gigs/"+ts.listGig(t, func(g *store.Gig) { g.PriceCents, g.TimeZone = 0, "UTC" }).ID)
	if len(plain.all(`link[rel="monetization"], .tip`)) != 0 {
		t.Error("a tip line without a payment pointer")
	}
	if got := plain.texts(".facts dd")[1]; got != "Free" {
		t.Errorf("a price of 0 is %q", got)
	}
	if got := plain.text(t, ".by"); got != "with Asha Raman" {
		t.Errorf("by: %q", got)
	}
}

func TestCountdownIsOver(t *testing.T) {
	ts := newTestServer(t)
	start := time.Now().UTC().Truncate(time.Minute)
	for _, c := range []struct {
		name   string
		change func(*store.Gig)
		want   string
	}{
		{"before", func(g *store.Gig) { g.Start = start.Add(2 * time.Minute) }, "Starts in"},
		{"a moment after", func(g *store.Gig) { g.Start = start.Add(-2 * time.Minute) }, "Starts any moment now"},
		{"late", func(g *store.Gig) { g.Start, g.TimeZone = start.Add(-6*time.Minute), "UTC" }, "Late: it was to start at " + start.Add(-6*time.Minute).Format("15:04")},
		{"stopped", func(g *store.Gig) { g.Start, g.AiredAt = start.Add(-6*time.Minute), start }, "Off air for now. It goes on here when Asha Raman comes back."},
	} {
		p := ts.get(t, "/gigs/"+ts.listGig(t, c.change).ID)
		if got := p.text(t, "#starts-in > p:first-of-type:not([hidden]), #starts-in > #soon:not([hidden])"); got != c.want {
			t.Errorf("%s: %q, want %q", c.name, got, c.want)
		}
		if got, want := p.text(t, "#stream-state"), map[bool]string{true: "Off air", false: "Not yet on"}[c.name == "stopped"]; got != want {
			t.Errorf("%s: the lamp says %q", c.name, got)
		}
	}
}

func TestHostFindsTheStudio(t *testing.T) {
	ts := newTestServer(t)
	id, _ := ts.listInBrowser(t, nil)
	ts.get(t, "/gigs/"+id).one(t, `.playbill a[href="/studio/gigs/`+id+`"]`)
	ts.client = ts.newBrowser(t)
	if len(ts.get(t, "/gigs/"+id).all(`a[href^="/studio/gigs"]`)) != 0 {
		t.Error("everybody is led to the studio")
	}
}

func TestNextGigs(t *testing.T) {
	ts := newTestServer(t)
	now := time.Now().UTC()
	over := ts.listGig(t, func(g *store.Gig) { g.EndedAt = now })
	list := func(title string, change func(*store.Gig)) {
		ts.listGig(t, func(g *store.Gig) { g.Title = title; change(g) })
	}
	list("like it", func(g *store.Gig) {})
	list("other kind", func(g *store.Gig) { g.Category = store.Music })
	list("own", func(g *store.Gig) { g.Owner, g.Category = over.Owner, store.Music })
	list("own, cancelled", func(g *store.Gig) { g.Owner, g.CancelledAt = over.Owner, now })
	for i := range 4 {
		list(fmt.Sprint("later ", i), func(g *store.Gig) { g.Start, g.End = g.Start.Add(24*time.Hour), g.End.Add(24*time.Hour) })
	}
	got := ts.get(t, "/gigs/"+over.ID).texts(".wall-next .poster-title")
	if len(got) != 3 || got[0] != "own" || got[1] != "like it" || !strings.HasPrefix(got[2], "later") {
		t.Errorf("next are %q", got)
	}
}

func TestUnknownGig(t *testing.T) {
	ts := newTestServer(t)
	for _, path := range []string{"/gigs/nosuchgig", "/gigs/nosuchgig/calendar.ics", "/gigs/..%2f..%2fetc", "/gigs/%00"} {
		if p := ts.get(t, path); p.StatusCode != http.StatusNotFound {
			t.Errorf("%s answers %d", path, p.StatusCode)
		}
	}
}

func TestCalendar(t *testing.T) {
	ts := newTestServer(t)
	start := time.Date(2027, 11, 28, 23, 0, 0, 0, time.UTC)
	g := ts.listGig(t, func(g *store.Gig) {
		g.Start, g.End = start, start.Add(2*time.Hour)
		g.Title = "Tea; biscuits, and \\ a very long title that must be folded more than once ☕☕☕☕"
		g.Description = "One\nEND:VEVENT\nBEGIN:VALARM"
	})
	p := ts.get(t, "/gigs/"+g.ID+"/calendar.ics")
	if p.StatusCode != 200 || p.Header.Get("Content-Type") != "text/calendar; charset=utf-8" {
		t.Fatalf("%d %s", p.StatusCode, p.Header.Get("Content-Type"))
	}
	for line := range strings.SplitSeq(strings.TrimSuffix(p.body, "\r\n"), "\r\n") {
		if len(line) > 75 || strings.ContainsAny(line, "\r\n") {
			t.Errorf("a line of %d octets: %q", len(line), line)
		}
	}
	cal, err := ics.ParseCalendar(strings.NewReader(p.body))
	if err != nil || len(cal.Events()) != 1 || len(cal.Components) != 1 {
		t.Fatalf("%v\n%s", err, p.body)
	}
	e := cal.Events()[0]
	from, err1 := e.GetStartAt()
	to, err2 := e.GetEndAt()
	if err1 != nil || err2 != nil || !from.Equal(g.Start) || !to.Equal(g.End) {
		t.Errorf("from %v to %v (%v, %v)", from, to, err1, err2)
	}
	if got := e.GetProperty(ics.ComponentPropertySummary).Value; got != g.Title+" (Asha Raman)" {
		t.Errorf("the summary is %q", got)
	}
	if got := e.GetProperty(ics.ComponentPropertyUrl).Value; got != ts.URL+"/gigs/"+g.ID {
		t.Errorf("the link is %q", got)
	}
	if !strings.Contains(p.body, "PRODID:-//BookMyGig//BookMyGig//EN\r\n") {
		t.Errorf("the product is another: %s", p.body)
	}
	if got := p.Header.Get("Content-Disposition"); got != "attachment; filename=tea-biscuits-and-a-very-long-title-that-must-be-folded-more-than-once.ics" {
		t.Errorf("the file: %s", got)
	}
	bare := ts.listGig(t, func(g *store.Gig) { g.Title, g.Description = "☕ Čaj/..", "" })
	p = ts.get(t, "/gigs/"+bare.ID+"/calendar.ics")
	if !strings.Contains(p.body, "DESCRIPTION:http") {
		t.Errorf("the description of a gig without one: %s", p.body)
	}
	if _, params, err := mime.ParseMediaType(p.Header.Get("Content-Disposition")); err != nil || params["filename"] != "čaj.ics" {
		t.Errorf("the file: %s", p.Header.Get("Content-Disposition"))
	}
	if got := fileName("☕ / .."); got != "gig" {
		t.Errorf("no letters: %q", got)
	}
	cancelled := ts.listGig(t, func(g *store.Gig) { g.CancelledAt = time.Now() })
	if body := ts.get(t, "/gigs/"+cancelled.ID+"/calendar.ics").body; !strings.Contains(body, "STATUS:CANCELLED") {
		t.Errorf("a cancelled gig:\n%s", body)
	}
}

// TestNothingRuns puts scripts and htmx attributes into every text of a gig
// and opens its pages: nothing of it runs, nothing is asked of the server.
func TestNothingRuns(t *testing.T) {
	ts := newTestServer(t)
	evil := []string{
		`<script>window.ran=1</script>`, `"><img src=x onerror=window.ran=1>`, `<b hx-get="/studio" hx-trigger="load">`,
		`<i hx-on:load="window.ran=1">`, `javascript:window.ran=1`, `</title><script>window.ran=1</script>`, `{{7*7}}`, `<svg/onload=window.ran=1>`,
	}
	id, _ := ts.listInBrowser(t, nil)
	w := openWindow(t, startChromium(t))
	w.before(`window.reports = 0; document.addEventListener("securitypolicyviolation", () => window.reports++);
		document.addEventListener("htmx:beforeRequest", (e) => { if (e.detail.pathInfo.requestPath === "/studio") window.ran = 1 })`)
	for _, text := range evil {
		for _, state := range []string{"waiting", "cancelled"} {
			g := ts.listGig(t, func(g *store.Gig) {
				g.Title, g.CreatorName, g.Description, g.PaymentPointer = text, text, text, "https://wallet.example/"+text
				g.Owner = ts.gig(t, id).Owner
				if state == "cancelled" {
					g.CancelledAt = time.Now()
				}
			})
			w.open(ts.URL + "/gigs/" + g.ID)
			w.waitFor(`document.querySelector("#link-state").dataset.link !== "down"`)
			if got := w.text("h1"); got != text {
				t.Errorf("the title %q became %q", text, got)
			}
			if n := eval[int](w, `(window.ran ? 100 : 0) + window.reports + document.querySelectorAll(".about [hx-get], h1 > *, .by > *").length`); n != 0 {
				t.Errorf("%q in a gig that is %s: %d", text, state, n)
			}
		}
	}
}

// waitsForTheStart opens gigs around the time of their start.
func (ts *testServer) waitsForTheStart(t *testing.T, w *window) {
	t.Helper()
	london, err := time.LoadLocation("Europe/London")
	if err != nil {
		t.Fatal(err)
	}
	for after, want := range map[time.Duration]string{
		0: "#soon Starts any moment now", 5 * time.Minute: "#late Late: it was to start at ",
	} {
		start := time.Now().UTC().Add(3 * time.Second).Add(-after)
		w.open(ts.URL + "/gigs/" + ts.listGig(t, func(g *store.Gig) { g.Start = start }).ID)
		id, text, _ := strings.Cut(want, " ")
		if after > 0 {
			text += start.In(london).Format("15:04")
		}
		w.waitFor(`[...document.querySelectorAll("#starts-in > :is(#late, #soon):not([hidden])")].map((e) => "#" + e.id + e.textContent.trim().replace(/\s+/g, " ")).join() === ` + quote(id+text))
	}
}

// TestThanksAndTheStart: the browser says that it has paid; the page says thank
// you, once. What it says of the start follows the clock.
func TestThanksAndTheStart(t *testing.T) {
	ts := newTestServer(t)
	g := ts.listGig(t, func(g *store.Gig) { g.PaymentPointer = "https://wallet.example/asha" })
	w := openWindow(t, startChromium(t))
	w.open(ts.URL + "/gigs/" + g.ID)
	pay := `(document.querySelector("link[rel=monetization]").dispatchEvent(new Event("monetization", {bubbles: true})), true)`
	eval[bool](w, pay)
	if got := w.text("#thanks"); got != "Thank you. Your browser has just sent Asha Raman a little." {
		t.Errorf("the page says %q", got)
	}
	eval[bool](w, `(document.querySelector("#thanks").textContent = "", true)`)
	eval[bool](w, pay)
	if got := w.text("#thanks"); got != "" {
		t.Errorf("said again: %q", got)
	}
	if eval[string](w, `document.querySelector("#thanks").getAttribute("role")`) != "status" {
		t.Error("it is not announced")
	}
	ts.waitsForTheStart(t, w)
}
