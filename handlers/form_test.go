package handlers

import (
	"bytes"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"bookmygig/store"
)

// goodForm is a form that is taken; pairs change it.
func goodForm(pairs ...string) url.Values {
	f := url.Values{
		"name": {"Noor Haddad"}, "title": {"Knees, Again"}, "description": {"Floor work for two left knees."},
		"category": {"dance"}, "price": {"12.50"}, "date": {time.Now().AddDate(0, 0, 14).Format("2006-01-02")},
		"time_from": {"23:00"}, "time_to": {"01:00"}, "time_zone": {"Asia/Beirut"},
		"payment_pointer": {"$wallet.example/noor"},
	}
	for i := 0; i < len(pairs); i += 2 {
		f.Set(pairs[i], pairs[i+1])
	}
	return f
}

// noRedirect is a client that stops at a redirect.
func noRedirect(c *http.Client) *http.Client {
	stop := *c
	stop.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	return &stop
}

func TestListingAGig(t *testing.T) {
	ts := newTestServer(t)
	form := goodForm()
	resp := ts.post(t, noRedirect(ts.client), "/gigs", form)
	id, ok := strings.CutPrefix(resp.Header.Get("Location"), "/studio/gigs/")
	if resp.StatusCode != http.StatusSeeOther || !ok || id == "" {
		t.Fatalf("%d to %q\n%s", resp.StatusCode, resp.Header.Get("Location"), resp.body)
	}
	g, err := ts.data.Gig(t.Context(), id)
	if err != nil {
		t.Fatal(err)
	}
	beirut, _ := time.LoadLocation("Asia/Beirut")
	start := g.Start.In(beirut)
	if g.CreatorName != "Noor Haddad" || g.Title != "Knees, Again" || g.Description != "Floor work for two left knees." ||
		g.Category != store.Dance || g.PriceCents != 1250 || g.TimeZone != "Asia/Beirut" ||
		g.PaymentPointer != "https://wallet.example/noor" || g.Owner == "" || g.ListedAt.IsZero() || g.KeyMadeAt.IsZero() {
		t.Errorf("kept %+v", g)
	}
	if start.Format("2006-01-02 15:04") != form.Get("date")+" 23:00" || g.End.Sub(g.Start) != 2*time.Hour {
		t.Errorf("from %v to %v", start, g.End.In(beirut))
	}
	key, ok := ts.keys.take(id, g.Owner)
	if !ok || store.HashKey(key) != g.KeyHash || len(key) < 22 {
		t.Errorf("the key that waits is not the gig's: %v", ok)
	}
	if id == key || strings.Contains(key, id) {
		t.Error("the key is the id")
	}
	// A second gig from this browser has the same owner, one from another has not.
	for client, same := range map[*http.Client]bool{ts.client: true, ts.newBrowser(t): false} {
		resp := ts.post(t, noRedirect(client), "/gigs", goodForm())
		g2, err := ts.data.Gig(t.Context(), strings.TrimPrefix(resp.Header.Get("Location"), "/studio/gigs/"))
		if err != nil || (g2.Owner == g.Owner) != same {
			t.Errorf("owner %q after %q, %v, want the same: %v", g2.Owner, g.Owner, err, same)
		}
	}
}

func TestKeyStandsInNoFile(t *testing.T) {
	dir := t.TempDir()
	data, err := store.OpenEmbedded(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer data.Close()
	ts := newTestServer(t)
	ts.Gigs, ts.sessions.Store = data, data.Sessions()
	resp := ts.post(t, noRedirect(ts.client), "/gigs", goodForm())
	id := strings.TrimPrefix(resp.Header.Get("Location"), "/studio/gigs/")
	g, err := data.Gig(t.Context(), id)
	if err != nil {
		t.Fatal(err)
	}
	key, ok := ts.keys.take(id, g.Owner)
	if !ok {
		t.Fatal("no key waits")
	}
	found := 0
	err = filepath.WalkDir(dir, func(path string, d os.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		b, err := os.ReadFile(path)
		found++
		if bytes.Contains(b, []byte(key)) {
			t.Errorf("the key stands in %s", d.Name())
		}
		return err
	})
	if err != nil || found == 0 {
		t.Errorf("%d files searched, %v", found, err)
	}
}

func TestSessionCookie(t *testing.T) {
	ts := newTestServer(t)
	resp := ts.post(t, noRedirect(ts.client), "/gigs", goodForm())
	i := slices.IndexFunc(resp.Cookies(), func(c *http.Cookie) bool { return c.Name == "session" })
	if i < 0 {
		t.Fatalf("no session in %v", resp.Header)
	}
	c := resp.Cookies()[i]
	if !c.HttpOnly || c.SameSite != http.SameSiteLaxMode || c.Path != "/" || c.Secure || c.MaxAge < 89*24*3600 {
		t.Errorf("cookie %s", c.Raw)
	}
	if resp := ts.get(t, "/"); len(resp.Cookies()) > 0 {
		t.Errorf("reading sets %v", resp.Cookies())
	}
	if !newSessions(Options{PublicURL: "https://gigs.example"}).Cookie.Secure {
		t.Error("the cookie is not Secure on https")
	}
}

func TestFormErrorsStandBesideTheirFields(t *testing.T) {
	ts := newTestServer(t)
	long := strings.Repeat("x", 3000)
	for _, c := range []struct{ field, value, text, summary string }{
		{"title", "", "Give it a title", "The title is missing"},
		{"title", " \u200b ", "Give it a title", "The title is missing"},
		{"title", "\u2800", "Give it a title", "The title is missing"},
		{"title", "\ufe0f", "Give it a title", "The title is missing"},
		{"title", long, "At most 80", "too long"},
		{"name", "", "know you by", "stage name is missing"},
		{"name", "\u3164", "know you by", "stage name is missing"},
		{"name", "\u200d", "know you by", "stage name is missing"},
		{"name", long, "At most 60", "too long"},
		{"category", "", "Choose one", "category is missing"},
		{"category", "opera", "Choose one", "category is missing"},
		{"description", long, "At most 2,000", "too long"},
		{"price", "five", "in figures", "price is not clear"},
		{"date", "", "Choose a day", "date is missing"},
		{"time_from", "late", "time of day", "start is missing"},
		{"time_to", "22:30", "At most 12 hours after", "From 23:00 to 22:30 is 23 and a half hours; a gig may last 12"},
		{"time_to", "23:00", "after the start", "no time at all"},
		{"time_zone", "Mars/Olympus", "from the list", "time zone is missing"},
		{"payment_pointer", "https://ex\u202eample.com", "cannot be seen", "not an address that wallets know"},
		{"payment_pointer", "wallet.example/noor", "Begin it with $ or https://", "should begin with $ or https://"},
	} {
		p := ts.post(t, ts.client, "/gigs", goodForm(c.field, c.value))
		if p.StatusCode != http.StatusUnprocessableEntity {
			t.Fatalf("%s %.20q: %d", c.field, c.value, p.StatusCode)
		}
		if got := p.text(t, "#"+c.field+"-error"); !strings.Contains(got, c.text) {
			t.Errorf("%s %.20q: %q beside it, want %q", c.field, c.value, got, c.text)
		}
		target := "#" + c.field
		if c.field == "category" {
			target = "#category-comedy"
		}
		if got := p.text(t, `.form-errors a[href="`+target+`"]`); !strings.Contains(got, c.summary) {
			t.Errorf("%s %.20q: %q in the summary, want %q", c.field, c.value, got, c.summary)
		}
		p.one(t, target)
		invalid := p.all(`[aria-invalid="true"]`)
		if len(invalid) != 1 || !strings.Contains(attr(invalid[0], "aria-describedby"), c.field+"-error") {
			t.Errorf("%s: %d fields are marked", c.field, len(invalid))
		}
		if got := p.text(t, "#errors"); got != "One thing to put right" {
			t.Errorf("%s: %q", c.field, got)
		}
		if got := p.text(t, "title"); !strings.HasPrefix(got, "List a gig, one thing to put right") {
			t.Errorf("%s: title %q", c.field, got)
		}
	}
	if l, err := ts.data.ListGigs(t.Context(), store.Query{Now: time.Now(), Page: 1, PerPage: 10}); err != nil || l.Upcoming != 0 {
		t.Errorf("%d gigs were listed, %v", l.Upcoming, err)
	}
}

func TestFormKeepsWhatWasTyped(t *testing.T) {
	ts := newTestServer(t)
	form := goodForm("payment_pointer", "oops", "title", `"Quoted" & <b>bold</b>`, "category", "Workshops", "description", "one\n\ntwo </textarea>")
	p := ts.post(t, ts.client, "/gigs", form)
	for _, name := range []string{"name", "title", "price", "date", "time_from", "time_to", "payment_pointer"} {
		if got := attr(p.one(t, "#"+name), "value"); got != form.Get(name) {
			t.Errorf("%s: %q, want %q", name, got, form.Get(name))
		}
	}
	if got := attr(p.one(t, `[name="category"][checked]`), "value"); got != "workshop" {
		t.Errorf("category %q", got)
	}
	if got := attr(p.one(t, "#time_zone option[selected]"), "value"); got != "Asia/Beirut" {
		t.Errorf("zone %q", got)
	}
	if got := p.one(t, "#description").FirstChild.Data; got != form.Get("description") {
		t.Errorf("description %q", got)
	}
	if n := len(p.all(".form b")); n != 0 {
		t.Errorf("%d elements came out of a field", n)
	}
}

func TestFreshForm(t *testing.T) {
	ts := newTestServer(t)
	p := ts.get(t, "/gigs/new", "Cookie", "time_zone=Asia/Calcutta")
	if p.StatusCode != 200 || len(p.all(".error, .form-errors, [aria-invalid=true]")) > 0 {
		t.Fatalf("%d\n%s", p.StatusCode, p.body)
	}
	if got := attr(p.one(t, "#time_zone option[selected]"), "value"); got != "Asia/Kolkata" {
		t.Errorf("zone %q, want the visitor's by its name of today", got)
	}
	if help := p.text(t, "#price-help"); !strings.Contains(help, "does not sell seats yet") || !strings.Contains(help, "everybody may come in") {
		t.Errorf("about the price: %q", help)
	}
	for _, cookie := range []string{"", "time_zone=Nowhere/Land", "time_zone=Local"} {
		p := ts.get(t, "/gigs/new", "Cookie", cookie)
		if got := attr(p.one(t, "#time_zone option[selected]"), "value"); got != "UTC" {
			t.Errorf("%q: zone %q", cookie, got)
		}
	}
	fields := []string{"name", "title", "description", "category", "price", "date", "time_from", "time_to", "time_zone", "payment_pointer"}
	for _, name := range fields {
		if len(p.all(`form[action="/gigs"][method="post"] [name="`+name+`"]`)) == 0 {
			t.Errorf("no field %s", name)
		}
	}
}

func TestFormIsBounded(t *testing.T) {
	ts := newTestServer(t)
	p := ts.post(t, ts.client, "/gigs", goodForm("description", strings.Repeat("x", maxForm+1)))
	if p.StatusCode != http.StatusRequestEntityTooLarge {
		t.Errorf("%d bytes: %d", maxForm+1, p.StatusCode)
	}
	req, _ := http.NewRequestWithContext(t.Context(), "POST", ts.URL+"/gigs", strings.NewReader("title=%zz"))
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	if p := do(t, ts.client, req); p.StatusCode != http.StatusBadRequest {
		t.Errorf("a broken encoding: %d", p.StatusCode)
	}
}

func TestFormRefusesOtherSites(t *testing.T) {
	ts := newTestServer(t)
	for _, header := range []string{"Sec-Fetch-Site: cross-site", "Sec-Fetch-Site: same-site", "Origin: https://evil.example", "Origin: null"} {
		req, _ := http.NewRequestWithContext(t.Context(), "POST", ts.URL+"/gigs", strings.NewReader(goodForm().Encode()))
		req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		name, value, _ := strings.Cut(header, ": ")
		req.Header.Set(name, value)
		if p := do(t, noRedirect(ts.client), req); p.StatusCode != http.StatusForbidden || p.text(t, "h1") != "Not this way" {
			t.Errorf("%s: %d", header, p.StatusCode)
		}
	}
}

// Editing leaves a schedule valid that has passed meanwhile, but takes no new
// one that has.
func TestEditingAnOldGig(t *testing.T) {
	listed := time.Date(2026, 11, 1, 12, 0, 0, 0, time.UTC)
	g := store.Gig{ID: "abc", Owner: "me", CreatorName: "Noor", Title: "Knees", Category: store.Dance, PriceCents: 1250,
		Start: at(t, "2026-11-20 21:00"), End: at(t, "2026-11-20 23:00"), TimeZone: "Asia/Beirut",
		PaymentPointer: "https://wallet.example/noor", ListedAt: listed, KeyHash: [32]byte{1}}
	m := formOf(g)
	if m.Action != "/studio/gigs/abc" || m.Values.Date != "2026-11-20" || m.Values.TimeFrom != "23:00" || m.Values.TimeTo != "01:00" {
		t.Fatalf("%+v", m.Values)
	}
	form := url.Values{"name": {m.Values.Name}, "title": {"Knees, Again"}, "category": {m.Values.Category}, "price": {m.Values.Price},
		"date": {m.Values.Date}, "time_from": {m.Values.TimeFrom}, "time_to": {m.Values.TimeTo}, "time_zone": {m.Values.TimeZone},
		"payment_pointer": {m.Values.PaymentPointer}}
	got, m := readGigForm(form, &g, testNow)
	want := g
	want.Title = "Knees, Again"
	if len(m.Errors) > 0 || got != want {
		t.Errorf("got %+v, %v", got, m.Errors)
	}
	form.Set("date", "2026-11-21")
	if _, m := readGigForm(form, &g, testNow); len(m.Errors) != 1 || m.Errors[0].Field != "date" {
		t.Errorf("moved to another past day: %+v", m.Errors)
	}
	form.Set("date", "2026-11-23")
	if got, m := readGigForm(form, &g, testNow); len(m.Errors) != 0 || !got.Start.Equal(at(t, "2026-11-23 21:00")) {
		t.Errorf("moved on: %+v, %v", m.Errors, got.Start)
	}
}

func TestCategoryInAnyCase(t *testing.T) {
	for in, want := range map[string]string{"comedy": "comedy", "Comedy": "comedy", "Plays": "play", "WORKSHOPS": "workshop",
		" music ": "music", "opera": "", "": "", "s": "", "playss": ""} {
		if got := parseCategory(in); got != want {
			t.Errorf("%q: %q, want %q", in, got, want)
		}
	}
}

// FuzzForm: whatever is typed, the form comes back, and what is taken keeps
// the promises of a gig.
func FuzzForm(f *testing.F) {
	f.Add("Noor", "Knees", "Floor", "dance", "5", "2026-12-06", "20:00", "21:00", "Asia/Beirut", "$wallet.example/noor")
	f.Add("", "", "", "", "", "", "", "", "", "")
	f.Add("a\u202eb", strings.Repeat("long ", 40), "\x00\xff", "Workshops", "1,50", "2027-03-28", "01:30", "03:00", "Europe/London", "https://[::1]:80/x#y")
	f.Add("Z\u0335\u0336\u0337\u0338", "<script>", "</textarea>", "play", "$9,999.99", "2027-10-31", "01:30", "01:30", "UTC", "$bücher.example")
	f.Fuzz(func(t *testing.T, name, title, description, category, price, date, from, to, zone, pointer string) {
		g, m := readGigForm(url.Values{"name": {name}, "title": {title}, "description": {description}, "category": {category},
			"price": {price}, "date": {date}, "time_from": {from}, "time_to": {to}, "time_zone": {zone}, "payment_pointer": {pointer}}, nil, testNow)
		seen := map[string]bool{}
		for _, e := range m.Errors {
			if e.Field == "" || e.Summary == "" || e.Text == "" || seen[e.Field] {
				t.Errorf("error %+v", e)
			}
			seen[e.Field] = true
		}
		if len(m.Errors) > 0 {
			return
		}
		long := g.End.Sub(g.Start)
		switch {
		case g.Title == "" || len([]rune(g.Title)) > maxTitle, g.CreatorName == "" || len([]rune(g.CreatorName)) > maxCreator,
			len([]rune(g.Description)) > maxDescription, parseCategory(string(g.Category)) == "":
			t.Errorf("texts of %+v", g)
		case g.PriceCents < 0 || g.PriceCents > maxCents:
			t.Errorf("price %d", g.PriceCents)
		case long <= 0 || long > maxShow || !g.End.After(testNow) || g.Start.Sub(testNow) > maxAhead:
			t.Errorf("from %v to %v", g.Start, g.End)
		case g.PaymentPointer != "" && (!strings.HasPrefix(g.PaymentPointer, "https://") || len(g.PaymentPointer) > maxPointer):
			t.Errorf("pointer %q", g.PaymentPointer)
		}
		// What was taken once is taken again, unchanged, when it is edited.
		v := valuesOf(&g)
		again, m := readGigForm(url.Values{"name": {v.Name}, "title": {v.Title}, "description": {v.Description}, "category": {v.Category},
			"price": {v.Price}, "date": {v.Date}, "time_from": {v.TimeFrom}, "time_to": {v.TimeTo}, "time_zone": {v.TimeZone},
			"payment_pointer": {v.PaymentPointer}}, nil, testNow)
		if len(m.Errors) > 0 || again != g {
			t.Errorf("taken as %+v, then as %+v %+v", g, again, m.Errors)
		}
	})
}
