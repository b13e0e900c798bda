package store

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"
)

// gigsAround makes one gig of each standing around noon.
func gigsAround(t *testing.T, s opened) {
	mustCreate(t, s,
		aGig("tomorrow", noon.AddDate(0, 0, 1)),
		aGig("soon", noon.Add(time.Hour)),
		aGig("soon-too", noon.Add(time.Hour)),
		aGig("running", noon.Add(-30*time.Minute)),
		aGig("just-waiting", noon.Add(-90*time.Minute)), // its LateAllowance ends now
		aGig("just-over", noon.Add(-90*time.Minute-1)),  // and this one's ended
		aGig("yesterday-too", noon.AddDate(0, 0, -1)),
		aGig("yesterday", noon.AddDate(0, 0, -1)),
	)
	cancelled := aGig("cancelled", noon.Add(2*time.Hour))
	cancelled.CancelledAt = noon.Add(-time.Hour)
	ended := aGig("ended", noon.Add(-10*time.Minute))
	ended.EndedAt = noon.Add(-time.Minute)
	dance := aGig("dance", noon.Add(3*time.Hour))
	dance.Category = Dance
	mustCreate(t, s, cancelled, ended, dance)
}

func testListing(t *testing.T, open place) {
	s := open()
	if l := mustList(t, s, Query{Now: noon, Live: []string{"x"}, Page: 1, PerPage: 24}); show(l) != "[] 0 0 0" {
		t.Errorf("empty store: %s", show(l))
	}
	gigsAround(t, s)
	const upcoming = "just-waiting running soon soon-too dance tomorrow"
	const past = "cancelled ended just-over yesterday-too yesterday"
	for _, c := range []struct {
		name string
		q    Query
		want string
	}{
		{"all", Query{}, "[" + upcoming + " " + past + "] 0 6 5"},
		{"live first, in their order, each once",
			Query{Live: []string{"yesterday", "nobody", "running", "tomorrow", "running"}},
			"[yesterday running tomorrow just-waiting soon soon-too dance cancelled ended just-over yesterday-too] 3 4 4"},
		{"over is never live", Query{Live: []string{"ended", "cancelled", "just-over"}},
			"[just-over " + upcoming + " cancelled ended yesterday-too yesterday] 1 6 4"},
		{"category", Query{Category: Dance}, "[dance] 0 1 0"},
		{"category, live ones too", Query{Category: Dance, Live: []string{"soon", "dance"}}, "[dance] 1 0 0"},
		{"no such category", Query{Category: Fitness, Live: []string{"soon"}}, "[] 0 0 0"},
		{"text", Query{Text: "tomorrow"}, "[tomorrow] 0 1 0"},
		{"text, live ones too", Query{Text: "yesterday", Live: []string{"soon", "yesterday"}}, "[yesterday yesterday-too] 1 0 1"},
		{"text and category", Query{Text: "show", Category: Dance}, "[dance] 0 1 0"},
		{"later", Query{Now: noon.AddDate(1, 0, 0), Text: "to"}, "[tomorrow soon-too yesterday-too] 0 0 3"},
	} {
		c.q.Page, c.q.PerPage, c.q.Now = 1, 24, cmp.Or(c.q.Now, noon)
		if got := show(mustList(t, s, c.q)); got != c.want {
			t.Errorf("%s:\ngot  %s\nwant %s", c.name, got, c.want)
		}
	}
	// Without a time it is the present, in which all of these are to come.
	if l := mustList(t, s, Query{Page: 1, PerPage: 1}); l.Past != 2 {
		t.Errorf("at present: %s", show(l))
	}
}

func testListingWindow(t *testing.T, open place) {
	s := open()
	for i, start := range []int{0, 1, 2, 3} { // hours after noon, one hour each
		mustCreate(t, s, aGig(fmt.Sprint(i), noon.Add(time.Duration(start)*time.Hour)))
	}
	at := func(d time.Duration) time.Time { return noon.Add(d) }
	for _, c := range []struct {
		from, to time.Time
		want     string
	}{
		{time.Time{}, time.Time{}, "[0 1 2 3] 0 4 0"},
		{at(time.Hour), at(2 * time.Hour), "[1] 0 1 0"},
		{at(time.Hour - 1), at(2*time.Hour + 1), "[0 1 2] 0 3 0"},
		{at(90 * time.Minute), at(91 * time.Minute), "[1] 0 1 0"},
		{at(2 * time.Hour), time.Time{}, "[2 3] 0 2 0"},
		{time.Time{}, at(2 * time.Hour), "[0 1] 0 2 0"},
		{at(4 * time.Hour), time.Time{}, "[] 0 0 0"},
		{time.Time{}, noon, "[] 0 0 0"},
		{at(2 * time.Hour), at(time.Hour), "[] 0 0 0"},
	} {
		got := show(mustList(t, s, Query{Now: noon, From: c.from, To: c.to, Page: 1, PerPage: 9}))
		if got != c.want {
			t.Errorf("%v to %v: got %s, want %s", c.from, c.to, got, c.want)
		}
	}
}

func testPages(t *testing.T, open place) {
	s := open()
	gigsAround(t, s)
	q := Query{Now: noon, Live: []string{"soon", "yesterday"}, Page: 1, PerPage: 100}
	all := mustList(t, s, q)
	for _, size := range []int{1, 2, 3, 4, 10, 11, 12} {
		var got []string
		q.PerPage = size
		for q.Page = 1; q.Page < 15; q.Page++ {
			l := mustList(t, s, q)
			if l.Live != all.Live || l.Upcoming != all.Upcoming || l.Past != all.Past {
				t.Errorf("page %d of %d: counts of %s", q.Page, size, show(l))
			}
			got = append(got, ids(l.Gigs)...)
		}
		if !slices.Equal(got, ids(all.Gigs)) {
			t.Errorf("in pages of %d: %v", size, got)
		}
	}
	for _, c := range []struct{ page, size, want int }{
		{0, 3, 3}, {-9, 3, 3}, {1, 0, 1}, {1, -5, 1}, {1, 1 << 40, 11}, {1 << 62, 1 << 62, 0}, {-1 << 62, 100, 11},
	} {
		q.Page, q.PerPage = c.page, c.size
		if l := mustList(t, s, q); len(l.Gigs) != c.want || l.Upcoming != all.Upcoming {
			t.Errorf("page %d of %d: %s", c.page, c.size, show(l))
		}
	}
}

// testListingFollows checks that a listing shows a change as soon as the call
// that made it has returned.
func testListingFollows(t *testing.T, open place) {
	s := open()
	mustCreate(t, s, aGig("a", noon), aGig("b", noon.Add(time.Hour)))
	for _, c := range []struct {
		change func(*Gig)
		text   string
		want   string
	}{
		{func(g *Gig) {}, "", "[a b] 0 2 0"},
		{func(g *Gig) { g.Start, g.End = noon.Add(2*time.Hour), noon.Add(3*time.Hour) }, "", "[b a] 0 2 0"},
		{func(g *Gig) { g.Description = "Ukulele" }, "uku", "[a] 0 1 0"},
		{func(g *Gig) { g.Description = "Banjo" }, "uku", "[] 0 0 0"},
		{func(g *Gig) { g.CancelledAt = noon }, "", "[b a] 0 1 1"},
		{func(g *Gig) { g.CancelledAt = time.Time{} }, "banjo", "[a] 0 1 0"},
	} {
		if _, err := s.UpdateGig(ctx, "a", func(g *Gig) error { c.change(g); return nil }); err != nil {
			t.Fatal(err)
		}
		if got := show(mustList(t, s, Query{Now: noon, Text: c.text, Page: 1, PerPage: 9})); got != c.want {
			t.Errorf("got %s, want %s", got, c.want)
		}
	}
}

func testSearch(t *testing.T, open place) {
	s := open()
	for _, g := range []struct{ id, title, creator, text string }{
		{"cafe", "Café del Mar", "Zoë Kravitz", "An evening, with the sea-side band."},
		{"strasse", "Straßenmusik", "Łukasz Ørsted", "Don't miss it — ＦＵＬＬ width"},
		{"greek", "ΟΔΥΣΣΕΥΣ", "Ἀθηνᾶ", "Ulysses sings"},
		{"other", "Москва́ вечером", "İpek Kılıç", "Ёлка, 한국어, 東京の夜 and ﬁre №5, ᎠᎡ"},
	} {
		gig := aGig(g.id, noon)
		gig.Title, gig.CreatorName, gig.Description = g.title, g.creator, g.text
		mustCreate(t, s, gig)
	}
	for _, c := range []struct{ text, want string }{
		{"cafe", "cafe"}, {"CAFÉ", "cafe"}, {"Cafe\u0301", "cafe"}, {"caf", "cafe"}, {"c", "cafe"},
		{"zoe", "cafe"}, {"zoe mar sea", "cafe"}, {"side", "cafe"}, {"sea-side", "cafe"}, {"seaside", ""},
		{"afe", ""}, {"zoe ulysses", ""}, {"  band\t.cafe  ", "cafe"},
		{"strasse", "strasse"}, {"STRASSEN", "strasse"}, {"straße", "strasse"}, {"musik", ""},
		{"lukasz orsted", "strasse"}, {"don't", "strasse"}, {"don’t", "strasse"}, {"full", "strasse"}, {"ｆｕｌｌ", "strasse"},
		{"οδυσσευς", "greek"}, {"οδυσσευσ", "greek"}, {"αθηνα", "greek"},
		{"москва", "other"}, {"елка", "other"}, {"ipek kilic", "other"}, {"한국", "other"}, {"東京", "other"}, {"fire", "other"}, {"ꭰꭱ", "other"}, {"no5", "other"},
		{"s", "cafe greek strasse"},
		{"", "cafe greek other strasse"}, {" \n", "cafe greek other strasse"},
		{"?!", ""}, {"🎸", ""}, {"\x00", ""}, {"\xff\xfe", ""},
		{"a b c d e f g h i j", ""},
		// No more than eight words and a hundred characters are looked at.
		{"cafe del mar zoe kravitz an evening with nothing of this", "cafe"},
		{"cafe" + strings.Repeat(" ", 100) + "nothing", "cafe"},
		{strings.Repeat("cafe ", 100000), "cafe"},
	} {
		l := mustList(t, s, Query{Now: noon, Text: c.text, Page: 1, PerPage: 9})
		if got := strings.Join(ids(l.Gigs), " "); got != c.want {
			t.Errorf("%.40q: got %q, want %q", c.text, got, c.want)
		}
	}
}

// testListingByModel compares random queries over random gigs with a listing
// made in the plainest way.
func testListingByModel(t *testing.T, open place) {
	s := open()
	r := random()
	words := strings.Fields("jazz jive rock rocket rain blues blue tango tap")
	pick := func(n int) string {
		var out []string
		for range n {
			out = append(out, words[r.IntN(len(words))])
		}
		return strings.Join(out, " ")
	}
	var gigs []Gig
	for i := range 120 {
		g := aGig(fmt.Sprintf("g%03d", i), noon.Add(time.Duration(r.IntN(48)-24)*time.Hour))
		g.End = g.Start.Add(time.Duration(1+r.IntN(12)) * time.Hour)
		g.Title, g.Description, g.Category = pick(1), pick(2), Categories[r.IntN(3)]
		mustCreate(t, s, g)
		gigs = append(gigs, g)
	}
	for range 60 { // some move, some end
		i := r.IntN(len(gigs))
		var err error
		gigs[i], err = s.UpdateGig(ctx, gigs[i].ID, func(g *Gig) error {
			g.Start = g.Start.Add(time.Duration(r.IntN(3)) * time.Hour)
			g.End = g.Start.Add(2 * time.Hour)
			g.Title = pick(1)
			if r.IntN(3) == 0 {
				g.EndedAt = noon
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	for range 400 {
		q := Query{Now: noon, Page: 1 + r.IntN(3), PerPage: 1 + r.IntN(60)}
		if r.IntN(2) == 0 {
			q.Text = pick(1 + r.IntN(2))
			q.Text = q.Text[:1+r.IntN(len(q.Text))]
		}
		if r.IntN(3) == 0 {
			q.Category = Categories[r.IntN(4)]
		}
		if r.IntN(3) == 0 {
			q.From = noon.Add(time.Duration(r.IntN(24)-12) * time.Hour)
		}
		if r.IntN(3) == 0 {
			q.To = noon.Add(time.Duration(r.IntN(24)-12) * time.Hour)
		}
		for range r.IntN(5) {
			q.Live = append(q.Live, gigs[r.IntN(len(gigs))].ID)
		}
		if got, want := show(mustList(t, s, q)), show(plainListing(gigs, q)); got != want {
			t.Fatalf("%+v\ngot  %s\nwant %s", q, got, want)
		}
	}
}

// plainListing is ListGigs in the plainest way.
func plainListing(gigs []Gig, q Query) (l Listing) {
	gigs = slices.Clone(gigs)
	slices.SortFunc(gigs, func(a, b Gig) int { return cmp.Or(a.Start.Compare(b.Start), strings.Compare(a.ID, b.ID)) })
	var live, upcoming, past []Gig
	for _, g := range gigs {
		at := slices.Index(q.Live, g.ID)
		switch {
		case q.Category != "" && g.Category != q.Category,
			!q.From.IsZero() && !g.End.After(q.From),
			!q.To.IsZero() && !g.Start.Before(q.To),
			!plainMatch(g.Title+" "+g.CreatorName+" "+g.Description, q.Text):
		case at >= 0 && !g.Over():
			live = append(live, g)
		case g.Past(q.Now):
			past = append(past, g)
		default:
			upcoming = append(upcoming, g)
		}
	}
	slices.SortFunc(live, func(a, b Gig) int {
		return slices.Index(q.Live, a.ID) - slices.Index(q.Live, b.ID)
	})
	slices.Reverse(past)
	all := slices.Concat(live, upcoming, past)
	from := min((q.Page-1)*q.PerPage, len(all))
	return Listing{
		Gigs: all[from:min(from+q.PerPage, len(all))],
		Live: len(live), Upcoming: len(upcoming), Past: len(past),
	}
}

func plainMatch(text, query string) bool {
	for _, q := range strings.Fields(query) {
		if !slices.ContainsFunc(strings.Fields(strings.ToLower(text)), func(w string) bool { return strings.HasPrefix(w, q) }) {
			return false
		}
	}
	return true
}
