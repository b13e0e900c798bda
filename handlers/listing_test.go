package handlers

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"bookmygig/store"
)

func titled(title string, change func(*store.Gig)) func(*store.Gig) {
	return func(g *store.Gig) {
		g.Title = title
		if change != nil {
			change(g)
		}
	}
}

func starts(in time.Duration) func(*store.Gig) {
	return func(g *store.Gig) {
		g.Start = time.Now().UTC().Add(in)
		g.End = g.Start.Add(time.Hour)
	}
}

func TestListingSections(t *testing.T) {
	ts := newTestServer(t)
	ts.listGig(t, titled("Later", starts(48*time.Hour)))
	ts.listGig(t, titled("Sooner", starts(2*time.Hour)))
	ts.listGig(t, titled("Long ago", starts(-72*time.Hour)))
	ts.listGig(t, titled("Yesterday", func(g *store.Gig) { starts(-24 * time.Hour)(g); g.Peak = 212 }))
	ts.listGig(t, titled("Called off", func(g *store.Gig) { starts(5 * time.Hour)(g); g.CancelledAt = time.Now() }))
	ts.listGig(t, titled("Ended early", func(g *store.Gig) { starts(-10 * time.Minute)(g); g.EndedAt = time.Now() }))
	quiet := ts.listGig(t, titled("Quiet", starts(-5*time.Minute)))
	full := ts.listGig(t, titled("Full", func(g *store.Gig) { starts(-5 * time.Minute)(g); g.PriceCents = 0 }))
	lost := ts.listGig(t, titled("Lost", starts(-5*time.Minute)))
	ts.goLive(t, quiet.ID)
	ts.goLive(t, full.ID)
	ts.goLive(t, lost.ID).Close()
	eventually(t, "the publisher is gone", func() bool { return ts.Relay.State(lost.ID) == "reconnecting" })
	for _, n := range []string{"v1", "v2"} {
		v, err := ts.Relay.Join(full.ID, n)
		if err != nil {
			t.Fatal(err)
		}
		defer v.Close()
	}
	p := ts.get(t, "/")
	if p.StatusCode != 200 {
		t.Fatal(p.StatusCode)
	}
	if got := p.texts(".heading"); !slices.Equal(got, []string{"Live now 3", "Upcoming 2", "Past"}) {
		t.Errorf("headings %q", got)
	}
	live := p.texts(".wall-live .poster-title")
	if len(live) != 3 || live[0] != "Full" {
		t.Errorf("live %q, want the fullest house first", live)
	}
	if got := p.texts(".wall:not(.wall-live):not(.wall-past) .poster-title"); !slices.Equal(got, []string{"Sooner", "Later"}) {
		t.Errorf("upcoming %q", got)
	}
	past := p.texts(".wall-past .poster-title")
	slices.Sort(past)
	if !slices.Equal(past, []string{"Called off", "Ended early", "Long ago", "Yesterday"}) {
		t.Errorf("past %q", past)
	}
	card := func(g store.Gig, inside string) string { return p.text(t, "#gig-"+g.ID+" "+inside) }
	if got := card(full, ".lamp[data-state=live]"); got != "Live · 2 watching" {
		t.Errorf("lamp %q", got)
	}
	if got := card(full, ".price"); got != "Free" {
		t.Errorf("price %q", got)
	}
	if got := card(quiet, ".lamp[data-state=live]"); got != "Live" {
		t.Errorf("lamp %q", got)
	}
	card(lost, ".lamp[data-state=reconnecting]")
	if got := p.text(t, `.lamp[data-state="cancelled"]`); got != "Cancelled" {
		t.Errorf("lamp %q", got)
	}
	if !strings.Contains(p.text(t, ".wall-past"), "212 came") {
		t.Error("nobody came yesterday")
	}
	if got := attr(p.one(t, "#bulbs"), "data-lit"); got != "yes" {
		t.Errorf("bulbs %q", got)
	}
	for _, g := range []store.Gig{quiet, full} {
		if a := p.one(t, "#gig-"+g.ID+"-link"); attr(a, "href") != "/gigs/"+g.ID {
			t.Errorf("the title leads to %q", attr(a, "href"))
		}
	}
}

func TestBulbsAreDimWhileAllReconnect(t *testing.T) {
	ts := newTestServer(t)
	g := ts.listGig(t, starts(-time.Minute))
	if n := p0(ts.get(t, "/").all("#bulbs[data-lit], .wall-live")); n != 0 {
		t.Errorf("with nothing live %d things are lit", n)
	}
	ts.goLive(t, g.ID).Close()
	eventually(t, "the publisher is gone", func() bool { return ts.Relay.State(g.ID) == "reconnecting" })
	if got := attr(ts.get(t, "/").one(t, "#bulbs"), "data-lit"); got != "dim" {
		t.Errorf("bulbs %q", got)
	}
}

func p0[T any](s []T) int { return len(s) }

func TestListingTimesWithoutScript(t *testing.T) {
	ts := newTestServer(t)
	g := ts.listGig(t, func(g *store.Gig) {
		g.Start = time.Date(time.Now().Year()+1, 3, 6, 15, 0, 0, 0, time.UTC)
		g.End, g.TimeZone = g.Start.Add(time.Hour), "Asia/Kolkata"
	})
	p := ts.get(t, "/")
	want := g.Start.Add(5*time.Hour+30*time.Minute).Format("Mon 2 Jan 2006, 15:04") + " UTC+5:30"
	if got := p.text(t, ".when time"); got != want {
		t.Errorf("%q, want %q", got, want)
	}
	if got := p.text(t, ".there"); got != "in Kolkata" {
		t.Errorf("%q", got)
	}
	if got := attr(p.one(t, ".when time"), "datetime"); got != g.Start.Format("2006-01-02T15:04:05Z") {
		t.Errorf("datetime %q", got)
	}
}

func TestListingFilters(t *testing.T) {
	ts := newTestServer(t)
	// Thursday evening in New York is Friday in UTC: the visitor's day counts.
	ny, _ := time.LoadLocation("America/New_York")
	now := time.Now().In(ny)
	today := time.Date(now.Year(), now.Month(), now.Day(), 23, 59, 0, 0, ny)
	ts.listGig(t, titled("Tango for Two", func(g *store.Gig) {
		g.Category, g.Start, g.End = store.Dance, today.UTC(), today.Add(time.Hour).UTC()
	}))
	ts.listGig(t, titled("Kettle Songs", func(g *store.Gig) {
		g.Category, g.CreatorName, g.Start, g.End = store.Music, "Noor Tango", today.AddDate(0, 2, 0).UTC(), today.AddDate(0, 2, 0).Add(time.Hour).UTC()
	}))
	cookie := []string{"Cookie", "time_zone=America/New_York"}
	for query, want := range map[string][]string{
		"":                                    {"Tango for Two", "Kettle Songs"},
		"q=tango":                             {"Tango for Two", "Kettle Songs"},
		"q=TANGO+for":                         {"Tango for Two"},
		"q=%20%20":                            {"Tango for Two", "Kettle Songs"},
		"category=music":                      {"Kettle Songs"},
		"category=Music":                      {"Kettle Songs"},
		"category=opera":                      {"Tango for Two", "Kettle Songs"},
		"when=today":                          {"Tango for Two"},
		"when=tomorrow":                       {"Tango for Two", "Kettle Songs"},
		"q=tango&category=music&when=":        {"Kettle Songs"},
		"page=0":                              {"Tango for Two", "Kettle Songs"},
		"page=-5":                             {"Tango for Two", "Kettle Songs"},
		"page=7":                              {"Tango for Two", "Kettle Songs"},
		"page=99999999999999999999":           {"Tango for Two", "Kettle Songs"},
		"page=x&when=%00&category=%ff&q=%ff!": nil,
	} {
		p := ts.get(t, "/?"+query, cookie...)
		if got := p.texts(".poster-title"); p.StatusCode != 200 || !slices.Equal(got, want) {
			t.Errorf("%q: %d, %q, want %q", query, p.StatusCode, got, want)
		}
	}
}

func TestListingKeepsTheFilter(t *testing.T) {
	ts := newTestServer(t)
	ts.listGig(t, nil)
	p := ts.get(t, "/?when=month&q=a%26b+%22c%22&category=play")
	if got := attr(p.one(t, "#q"), "value"); got != `a&b "c"` {
		t.Errorf("q %q", got)
	}
	if got := attr(p.one(t, "#category"), "value"); got != "play" {
		t.Errorf("category %q", got)
	}
	if got := attr(p.one(t, "#when option[selected]"), "value"); got != "month" {
		t.Errorf("when %q", got)
	}
	if got := attr(p.one(t, `.chip[aria-current="true"]`), "id"); got != "chip-play" {
		t.Errorf("chosen %q", got)
	}
	if got := attr(p.one(t, "#chip-dance"), "href"); got != "/?category=dance&q=a%26b+%22c%22&when=month" {
		t.Errorf("the chip leads to %q", got)
	}
	if got := attr(p.one(t, "#chip-all"), "href"); got != "/?q=a%26b+%22c%22&when=month" {
		t.Errorf("the chip leads to %q", got)
	}
	if got := len(p.all(".chip")); got != 7 {
		t.Errorf("%d chips", got)
	}
}

func TestListingPages(t *testing.T) {
	ts := newTestServer(t)
	for i := range 2*perPage + 3 {
		ts.listGig(t, titled(fmt.Sprintf("Gig %02d", i), starts(time.Duration(i+1)*time.Hour)))
	}
	seen := map[string]bool{}
	path := "/?category=play"
	for page := 1; path != ""; page++ {
		p := ts.get(t, path)
		titles := p.texts(".poster-title")
		for _, title := range titles {
			if seen[title] {
				t.Errorf("%s comes twice", title)
			}
			seen[title] = true
		}
		if want := fmt.Sprintf("Page %d of 3", page); p.text(t, ".pager .num") != want {
			t.Errorf("%q, want %q", p.text(t, ".pager .num"), want)
		}
		if page > 1 && attr(p.one(t, `.pager a[rel="prev"]`), "href") == "" {
			t.Error("no way back")
		}
		path = ""
		if next := p.all(`.pager a[rel="next"]`); len(next) == 1 {
			path = attr(next[0], "href")
		}
		if page > 3 {
			t.Fatal("there is no last page")
		}
	}
	if len(seen) != 2*perPage+3 {
		t.Errorf("%d gigs on all pages", len(seen))
	}
	p := ts.get(t, "/?page=50", "HX-Request", "true")
	if got := p.Header.Get("HX-Push-Url"); got != "/?page=3" || len(p.all(".card")) != 3 {
		t.Errorf("beyond the last page: %q with %d cards", got, len(p.all(".card")))
	}
	if p := ts.get(t, "/?q=01"); len(p.all(".pager")) != 0 {
		t.Error("one page has a pager")
	}
}

func TestListingFragment(t *testing.T) {
	ts := newTestServer(t)
	ts.listGig(t, nil)
	p := ts.get(t, "/?category=play&q=&when=&page=1", "HX-Request", "true", "HX-Trigger", "chip-play")
	for _, no := range []string{"<html", "<body", "<head", "<!doctype", "<script", "id=\"q\"", "<main"} {
		if strings.Contains(strings.ToLower(p.body), no) {
			t.Errorf("the fragment has %s", no)
		}
	}
	p.one(t, "#results .card")
	if got := p.one(t, "#chips"); attr(got, "hx-swap-oob") == "" || len(p.all("#chips .chip")) != 7 {
		t.Error("the chips do not follow")
	}
	if got := p.one(t, "#category"); attr(got, "value") != "play" || attr(got, "hx-swap-oob") == "" {
		t.Error("the category does not follow")
	}
	if got := p.text(t, "#found"); got != "1 upcoming" {
		t.Errorf("said %q", got)
	}
	if got := p.text(t, "title"); got != "Plays · BookMyGig" {
		t.Errorf("title %q", got)
	}
	if got := p.Header.Get("HX-Push-Url"); got != "/?category=play" {
		t.Errorf("address %q", got)
	}
	if p := ts.get(t, "/?q=under", "HX-Request", "true", "HX-Trigger", "q"); p.Header.Get("HX-Replace-Url") != "/?q=under" || p.Header.Get("HX-Push-Url") != "" {
		t.Errorf("typing: %v", p.Header)
	}
	whole := ts.get(t, "/?category=play", "HX-Request", "true", "HX-History-Restore-Request", "true")
	for _, p := range []page{p, whole, ts.get(t, "/")} {
		if !strings.Contains(strings.Join(p.Header.Values("Vary"), ","), "HX-Request") {
			t.Errorf("Vary %q", p.Header.Values("Vary"))
		}
	}
	if whole.Header.Get("HX-Push-Url") != "" || len(whole.all("html > body > main #q")) != 1 {
		t.Error("going back does not bring the whole page")
	}
}

func TestListingIsToldUnchanged(t *testing.T) {
	ts := newTestServer(t)
	g := ts.listGig(t, nil)
	first := ts.get(t, "/", "HX-Request", "true")
	tag := first.Header.Get("ETag")
	again := ts.get(t, "/", "HX-Request", "true", "If-None-Match", tag)
	if tag == "" || again.StatusCode != http.StatusNotModified || again.body != "" {
		t.Errorf("%q: %d with %d bytes", tag, again.StatusCode, len(again.body))
	}
	if p := ts.get(t, "/", "If-None-Match", tag); p.StatusCode != 200 {
		t.Errorf("the whole page for the fragment's tag: %d", p.StatusCode)
	}
	ts.goLive(t, g.ID)
	if p := ts.get(t, "/", "HX-Request", "true", "If-None-Match", tag); p.StatusCode != 200 {
		t.Errorf("after a change: %d", p.StatusCode)
	}
}

func TestNothingFound(t *testing.T) {
	ts := newTestServer(t)
	ts.listGig(t, titled("Two Left Feet", func(g *store.Gig) { g.Category = store.Dance; starts(400 * 24 * time.Hour)(g) }))
	p := ts.get(t, "/?q=tango&category=dance&when=weekend")
	if got := p.text(t, ".empty h2"); got != "Nothing on under “tango” in dance this weekend" {
		t.Errorf("%q", got)
	}
	if got := p.texts(".empty .button"); !slices.Equal(got, []string{"All dance", "Everything that is on"}) {
		t.Errorf("ways out %q: only ones that lead somewhere, two at most", got)
	}
	for _, a := range p.all(".empty .row .button") {
		if out := ts.get(t, attr(a, "href")); len(out.all(".card")) != 1 {
			t.Errorf("%s leads nowhere", attr(a, "href"))
		}
	}
	if got := p.texts(".heading, .pager"); len(got) != 0 {
		t.Errorf("headings over nothing: %q", got)
	}
	for query, want := range map[string]string{
		"q=%3Cb%3E&when=today": "Nothing on under “<b>” today",
		"category=workshop":    "Nothing on in workshops",
		"when=month":           "Nothing on this month",
	} {
		if got := ts.get(t, "/?"+query).text(t, ".empty h2"); got != want {
			t.Errorf("%s: %q, want %q", query, got, want)
		}
	}
}

func TestEmptyHouseInvites(t *testing.T) {
	ts := newTestServer(t)
	for _, path := range []string{"/", "/?q=tango", "/?page=9"} {
		p := ts.get(t, path)
		if got := attr(p.one(t, ".empty .button.primary"), "href"); p.StatusCode != 200 || got != "/gigs/new" {
			t.Errorf("%s: %d, leads to %q", path, p.StatusCode, got)
		}
	}
}

// Only finished text goes to a page: no user's words become markup.
func TestListingEscapes(t *testing.T) {
	ts := newTestServer(t)
	g := ts.listGig(t, func(g *store.Gig) {
		g.Title, g.CreatorName, g.Description = `"><script>x()</script>`, `<img src=x onerror=x()>`, `' hx-get="/x" hx-on:click="x()`
	})
	ts.goLive(t, g.ID)
	p := ts.get(t, `/?q=%22%3E%3Cscript%3Ex()%3C/script%3E`)
	if got := p.text(t, ".poster-title"); got != g.Title {
		t.Errorf("title %q", got)
	}
	if got := attr(p.one(t, "#q"), "value"); got != g.Title {
		t.Errorf("q %q", got)
	}
	if n := p0(p.all("main script, main img, .card [hx-get], [onerror]")); n != 0 {
		t.Errorf("%d elements came out of texts", n)
	}
}

func TestErrorPages(t *testing.T) {
	ts := newTestServer(t)
	for path, want := range map[string]string{"/gigs/nowhere": "Wrong door", "/nothing/here": "Wrong door", "/studio/gigs/nowhere": "Wrong door"} {
		p := ts.get(t, path)
		if p.StatusCode != 404 || p.text(t, "h1") != want || len(p.all(".ghost-light")) != 1 {
			t.Errorf("%s: %d %q", path, p.StatusCode, p.text(t, "h1"))
		}
		if p.Header.Get("Content-Security-Policy") != contentSecurityPolicy || p.Header.Get("X-Content-Type-Options") != "nosniff" {
			t.Errorf("%s: headers %v", path, p.Header)
		}
	}
}

// Every link, script and stylesheet of the pages leads somewhere.
func TestNoDeadLinks(t *testing.T) {
	ts := newTestServer(t)
	ts.listGig(t, nil)
	for _, path := range []string{"/", "/gigs/new", "/gigs/nowhere", "/?q=nothing"} {
		p := ts.get(t, path)
		for _, n := range p.all("a[href], link[href], script[src]") {
			to := attr(n, "href") + attr(n, "src")
			if strings.HasPrefix(to, "#") {
				p.one(t, to)
				continue
			}
			if got := ts.get(t, to); got.StatusCode != 200 {
				t.Errorf("%s: %s answers %d", path, to, got.StatusCode)
			}
		}
		if n := p0(p.all("[style], style, script:not([src]), [onclick]")); n != 0 {
			t.Errorf("%s: %d things that the policy forbids", path, n)
		}
	}
}
