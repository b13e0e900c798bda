package handlers

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"

	"bookmygig/store"
)

// The tests in this file use the listing and the form as visitors do.

func TestSearchAsYouType(t *testing.T) {
	ts := newTestServer(t)
	ts.listGig(t, titled("Tango for Two", func(g *store.Gig) { g.Category = store.Dance }))
	ts.listGig(t, titled("Kettle Songs", func(g *store.Gig) { g.Category, g.CreatorName = store.Music, "نور حداد" }))
	w := openWindow(t, startChromium(t))
	w.watchPolicy()
	w.open(ts.URL)
	// A name from right to left stands where the others do.
	if got := eval[[]float64](w, `[...document.querySelectorAll(".card")].map((c) => { const range = document.createRange();
		range.selectNodeContents(c.querySelector(".who")); return Math.round(range.getBoundingClientRect().left - c.querySelector(".when").getBoundingClientRect().left) })`); !slices.Equal(got, []float64{0, 0}) {
		t.Errorf("the names stand %v pixels beside the rest", got)
	}
	eval[int](w, "window.kept = 1") // gone if the page were loaded again
	w.types("#q", "tang")
	w.waitFor(`location.search === "?q=tang" && document.querySelectorAll(".card").length === 1`)
	w.types("#q", "o")
	w.waitFor(`location.search === "?q=tango"`)
	if got := eval[string](w, `document.activeElement.id + " " + document.activeElement.value`); got != "q tango" {
		t.Errorf("typing goes on in %q", got)
	}
	w.waitFor(`document.title.startsWith("“tango”")`)
	if got := w.text("#found"); got != "1 upcoming" {
		t.Errorf("said %q", got)
	}

	// A chip keeps what is typed, and the focus.
	w.do(chromedp.Click(chromedp.CSS("#chip-music")))
	w.waitFor(`location.search === "?category=music&q=tango" && document.querySelector(".empty")`)
	if got := eval[string](w, `[document.activeElement.id, q.value, category.value, document.querySelector(".chip[aria-current]").id].join()`); got != "chip-music,tango,music,chip-music" {
		t.Errorf("after the chip: %q", got)
	}
	w.set("q", "")
	w.waitFor(`location.search === "?category=music" && document.querySelectorAll(".card").length === 1`)
	w.set("when", "month")
	w.waitFor(`location.search === "?category=music&when=month"`)
	if eval[int](w, "window.kept ?? 0") != 1 {
		t.Error("the page was loaded anew")
	}

	// Going back brings the whole page of that address, with times as they should be.
	w.do(chromedp.NavigateBack())
	w.waitFor(`location.search === "?category=music" && document.getElementById("when").value === "" && document.querySelector(".chip[aria-current]").id === "chip-music"`)
	w.waitFor(`document.querySelector(".card time[data-local]") && document.querySelectorAll("main").length === 1`)
	w.do(chromedp.NavigateBack())
	w.waitFor(`location.search === "?q=tango" && document.getElementById("q").value === "tango"`)
	w.keptPolicy("going back")
}

func TestPagesTurnInPlace(t *testing.T) {
	ts := newTestServer(t)
	for i := range perPage + 2 {
		ts.listGig(t, starts(time.Duration(i+1)*time.Hour))
	}
	w := openWindow(t, startChromium(t))
	w.open(ts.URL)
	eval[int](w, "window.kept = 1")
	w.do(chromedp.Click(chromedp.CSS(`.pager a[rel="next"]`)))
	w.waitFor(`location.search === "?page=2" && document.querySelectorAll(".card").length === 2`)
	w.waitFor(`document.activeElement.id === "results" && document.getElementById("results").getBoundingClientRect().top >= 0`)
	if eval[int](w, "window.kept ?? 0") != 1 {
		t.Error("the page was loaded anew")
	}
	for _, width := range []int64{phone, narrowest} {
		w.look(width, light)
		if lines := eval[int](w, `(() => { const range = document.createRange();
			return new Set([...document.querySelectorAll(".pager > *")].flatMap((e) => { range.selectNodeContents(e);
				return [...range.getClientRects()].map((r) => Math.round((r.top + r.bottom) / 2 / 8)) })).size })()`); lines != 1 && width == phone {
			t.Errorf("at %d the pager's words take %d lines", width, lines)
		}
		if over := eval[float64](w, `(() => { const q = document.getElementById("q"), style = getComputedStyle(q);
			const pen = document.createElement("canvas").getContext("2d"); pen.font = style.font;
			return pen.measureText(q.placeholder).width + parseFloat(style.paddingLeft) + parseFloat(style.paddingRight) - q.clientWidth })()`); over > 0 {
			t.Errorf("at %d the search field's hint is %.0f pixels too long", width, over)
		}
		w.shot(fmt.Sprintf("pager-%d", width))
	}
}

// A gig that goes live moves to the top by itself; whoever is reading or has
// the focus on a card is not disturbed.
func TestListingRefreshesItself(t *testing.T) {
	ts := newTestServer(t)
	first := ts.listGig(t, titled("First", starts(time.Minute)))
	var last store.Gig
	for i := range 12 {
		last = ts.listGig(t, titled("Gig", starts(time.Duration(i+1)*time.Hour)))
	}
	w := openWindow(t, startChromium(t))
	// Ten seconds are long for a test.
	w.before("const every = window.setInterval; window.setInterval = (f, ms) => every(f, ms / 20)")
	w.open(ts.URL)
	link := "gig-" + last.ID + "-link"
	eval[bool](w, `(() => { const a = document.getElementById("`+link+`"); a.scrollIntoView({block: "center"}); a.focus({preventScroll: true}); return true })()`)
	before := eval[float64](w, `document.activeElement.getBoundingClientRect().top`)
	p := ts.goLive(t, first.ID)
	w.waitFor(`document.querySelector(".wall-live #gig-` + first.ID + ` .lamp[data-state=live]")`)
	w.waitFor(`document.getElementById("bulbs").dataset.lit === "yes"`)
	if got := eval[string](w, "document.activeElement.id"); got != link {
		t.Errorf("the focus went to %q", got)
	}
	if after := eval[float64](w, `document.activeElement.getBoundingClientRect().top`); after < before-2 || after > before+2 {
		t.Errorf("the card jumped from %.0f to %.0f", before, after)
	}
	if got := w.text("#gig-" + first.ID + " .when"); strings.Contains(got, "UTC") {
		t.Errorf("a time that came later is not the visitor's: %q", got)
	}
	// Numbers change in place: the card itself stays the same.
	eval[int](w, `document.getElementById("gig-`+first.ID+`").kept = 1`)
	v, err := ts.Relay.Join(first.ID, "someone")
	if err != nil {
		t.Fatal(err)
	}
	defer v.Close()
	w.waitFor(`document.querySelector("#gig-` + first.ID + ` .lamp").textContent === "Live · 1 watching"`)
	if eval[int](w, `document.getElementById("gig-`+first.ID+`").kept ?? 0`) != 1 {
		t.Error("the card was replaced for a number")
	}
	p.Close()
	w.waitFor(`document.querySelector("#gig-` + first.ID + ` .lamp[data-state=reconnecting]") && document.getElementById("bulbs").dataset.lit === "dim"`)
	ts.Relay.End(first.ID)
	w.waitFor(`!document.querySelector(".wall-live") && !document.getElementById("bulbs").dataset.lit`)
}

func TestTimesAreTheVisitors(t *testing.T) {
	ts := newTestServer(t)
	year := time.Now().Year() + 1
	add := func(zone string, month time.Month, day, hour, minute int) string {
		return "#gig-" + ts.listGig(t, func(g *store.Gig) {
			g.Start = time.Date(year, month, day, hour, minute, 0, 0, time.UTC)
			g.End, g.TimeZone = g.Start.Add(time.Hour), zone
		}).ID
	}
	mumbai := add("Asia/Kolkata", 3, 6, 15, 0)
	dublin := add("Europe/Dublin", 3, 7, 21, 0)
	mexico := add("America/Mexico_City", 3, 8, 2, 0)
	nowhere := add("UTC", 7, 9, 12, 0)
	day := func(month time.Month, d int) string {
		return strings.Replace(time.Date(year, month, d, 0, 0, 0, 0, time.UTC).Format("Mon 2 Jan 2006"), "Sep", "Sept", 1)
	}
	browser := startChromium(t)
	for _, c := range []struct{ zone, locale, card, when, there string }{
		{"Europe/London", "en-GB", mumbai, day(3, 6) + ", 15:00", "20:30 in Kolkata"},
		{"Europe/London", "en-GB", dublin, day(3, 7) + ", 21:00", ""},
		{"Europe/London", "en-GB", mexico, day(3, 8) + ", 02:00", day(3, 7) + ", 20:00 in Mexico City"},
		{"Europe/London", "en-GB", nowhere, day(7, 9) + ", 13:00", "12:00 in UTC"},
		{"America/New_York", "en-US", mumbai, day(3, 6) + ", 10:00 am", "8:30 pm in Kolkata"},
		{"Pacific/Auckland", "de-DE", dublin, day(3, 8) + ", 10:00", day(3, 7) + ", 21:00 in Dublin"},
		{"Asia/Kolkata", "fr-FR", mumbai, day(3, 6) + ", 20:30", ""},
	} {
		w := openWindow(t, browser)
		w.clock(c.zone, c.locale)
		w.open(ts.URL)
		if got := w.text(c.card + " .when"); got != c.when {
			t.Errorf("%s %s: %q, want %q", c.zone, c.locale, got, c.when)
		}
		if got := w.text(c.card + " .there"); got != c.there {
			t.Errorf("%s %s: %q, want %q", c.zone, c.locale, got, c.there)
		}
		if shown := eval[bool](w, "document.querySelector("+quote(c.card+" .there")+").checkVisibility()"); shown != (c.there != "") {
			t.Errorf("%s %s: the line beneath, %q, is shown: %v", c.zone, c.locale, c.there, shown)
		}
	}
}

func TestListingWithoutScript(t *testing.T) {
	ts := newTestServer(t)
	ts.listGig(t, titled("Tango for Two", func(g *store.Gig) { g.Category = store.Dance }))
	ts.listGig(t, titled("Kettle Songs", func(g *store.Gig) { g.Category = store.Music }))
	w := openWindow(t, startChromium(t))
	w.scripts(false)
	w.open(ts.URL)
	w.do(chromedp.Click(chromedp.CSS("#chip-dance")))
	w.waitFor(`location.search === "?category=dance" && document.querySelectorAll(".card").length === 1`)
	w.types("#q", "songs")
	w.do(chromedp.Click(chromedp.CSS(".ask .button")))
	w.waitFor(`location.search.includes("category=dance") && location.search.includes("q=songs") && document.querySelector(".empty")`)
	if got := w.text("#whose-time"); got != "Times are shown in each creator’s time zone." {
		t.Errorf("foot says %q", got)
	}
}

func TestListingAGigInTheBrowser(t *testing.T) {
	ts := newTestServer(t)
	w := openWindow(t, startChromium(t))
	w.clock("Asia/Kolkata", "en-GB") // which browsers call Asia/Calcutta
	w.open(ts.URL + "/gigs/new")
	if got := eval[string](w, "time_zone.value"); got != "Asia/Kolkata" {
		t.Errorf("zone %q", got)
	}
	day := time.Now().AddDate(0, 0, 9)
	w.types("#title", "Knees, Again")
	w.types("#name", "Noor Haddad")
	w.do(chromedp.Click(chromedp.CSS("#category-fitness")))
	w.types("#description", "Floor work.")
	for id, value := range map[string]string{"date": day.Format("2006-01-02"), "time_from": "20:30", "time_to": "21:30", "price": "1,250.5"} {
		w.set(id, value)
	}
	preview := eval[string](w, `["poster-kind", "poster-title", "who", "price", "when"].map((c) => preview.querySelector("." + c).textContent.trim()).join("|") + "|" + preview.querySelector(".poster").dataset.category`)
	if want := "Fitness|Knees, Again|Noor Haddad|$1,250.50|" + day.Format("Mon 2 Jan") + ", 20:30|fitness"; preview != want {
		t.Errorf("preview %q, want %q", preview, want)
	}
	w.types("#title", "\r")
	w.waitFor(`location.pathname.startsWith("/studio/gigs/")`)
	id := strings.TrimPrefix(eval[string](w, "location.pathname"), "/studio/gigs/")
	g, err := ts.data.Gig(t.Context(), id)
	kolkata, _ := time.LoadLocation("Asia/Kolkata")
	if err != nil || g.Start.In(kolkata).Format("2006-01-02 15:04") != day.Format("2006-01-02")+" 20:30" || g.PriceCents != 125050 {
		t.Errorf("kept %+v, %v", g, err)
	}
}

// The summary takes the focus and leads to the fields; the zone as typed stays.
func TestFormErrorsInTheBrowser(t *testing.T) {
	ts := newTestServer(t)
	w := openWindow(t, startChromium(t))
	w.open(ts.URL + "/gigs/new")
	eval[bool](w, `(() => { time_zone.value = "UTC"; document.getElementById("gig-form").requestSubmit(); return true })()`)
	w.waitFor(`document.activeElement?.classList.contains("form-errors")`)
	if got := w.text("#errors"); got != "Six things to put right" {
		t.Errorf("%q", got)
	}
	w.do(chromedp.Click(chromedp.CSS(`.form-errors a[href="#time_from"]`)))
	w.waitFor(`document.activeElement.id === "time_from"`)
	if got := eval[string](w, "time_zone.value"); got != "UTC" {
		t.Errorf("zone %q after the form came back", got)
	}
	w.console() // the 422
}

// payloads are what people try. Each would set window.pwned if it ran.
var payloads = []string{
	`<script>window.pwned=1</script>`,
	`"><img src=x onerror="window.pwned=1">`,
	`'><svg onload=window.pwned=1>`,
	`</title></textarea><script>window.pwned=1</script>`,
	`<a hx-get="/gigs/new" hx-trigger="load" hx-target="body">x</a>`,
	`<b hx-on:load="window.pwned=1" hx-on::load="window.pwned=1">x</b>`,
	`" autofocus onfocus="window.pwned=1`,
	`<iframe srcdoc="<script>parent.pwned=1</script>">`,
	`javascript:window.pwned=1`,
	`{{constructor.constructor('window.pwned=1')()}}`,
	`<meta http-equiv=refresh content="0;url=/nowhere">`,
	`<style>body{display:none}</style>`,
}

func TestNothingTypedIsRun(t *testing.T) {
	ts := newTestServer(t)
	browser := startChromium(t)
	w := openWindow(t, browser)
	w.watchPolicy()
	check := func(where string) {
		t.Helper()
		if got := eval[int](w, "window.pwned ?? 0"); got != 0 {
			t.Errorf("%s: a script was run", where)
		}
		w.keptPolicy(where)
		if got := eval[int](w, `document.querySelectorAll("main :is(script, iframe, style, meta, img), .card [hx-get], .form [hx-get], .poster b, .card b").length`); got != 0 {
			t.Errorf("%s: %d elements came out of texts", where, got)
		}
	}
	for _, p := range payloads {
		g := ts.listGig(t, func(g *store.Gig) { g.Title, g.CreatorName, g.Description = p, p, p })
		ts.goLive(t, g.ID)
	}
	w.open(ts.URL)
	w.waitFor(`document.querySelectorAll(".wall-live .card").length === ` + "12")
	check("listing")
	titles := eval[[]string](w, `[...document.querySelectorAll(".poster-title")].map((e) => e.textContent.trim())`)
	for _, p := range payloads {
		found := false
		for _, title := range titles {
			found = found || title == p
		}
		if !found {
			t.Errorf("%q is not shown as it was typed", p)
		}
	}
	for _, p := range payloads {
		w.set("q", p)
		w.waitFor(`new URLSearchParams(location.search).get("q") === ` + quote(p))
		check("search, swapped")
		w.do(chromedp.Reload())
		check("search")
	}
	for _, p := range payloads {
		w.open(ts.URL + "/gigs/new")
		eval[bool](w, `(() => {
			for (const e of document.getElementById("gig-form").elements) {
				if (e.type === "radio" || e.tagName === "BUTTON" || e.tagName === "FIELDSET") continue;
				if (["date", "time"].includes(e.type)) e.type = "text";
				if (e.tagName === "SELECT") e.append(new Option("x", `+quote(p)+`));
				e.value = `+quote(p)+`;
			}
			document.getElementById("category-play").value = `+quote(p)+`;
			document.getElementById("category-play").checked = true;
			document.getElementById("gig-form").requestSubmit();
			return true })()`)
		w.waitFor(`document.querySelector(".form-errors")`)
		check("form")
	}
	w.console() // the 422s
}
