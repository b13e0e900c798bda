package handlers

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/a-h/templ"

	"bookmygig/media"
	"bookmygig/store"
	"bookmygig/views"
)

const (
	perPage  = 24
	maxQuery = 100     // characters that are searched
	maxPage  = 100_000 // no house is larger
	maxBlurb = 140     // characters of a description on a card
)

// filter is what a visitor asked the listing for, made sane: unknown values
// mean any.
type filter struct {
	q, category, when string
	page              int
}

func filterOf(v url.Values) filter {
	f := filter{q: shorten(cleanLine(v.Get("q")), maxQuery), category: parseCategory(v.Get("category")), page: 1}
	if w := v.Get("when"); dayWords[w] != "" {
		f.when = w
	}
	if n, err := strconv.Atoi(v.Get("page")); err == nil {
		f.page = min(max(n, 1), maxPage)
	}
	return f
}

func (f filter) query(now time.Time, live []string) store.Query {
	from, to := span(f.when, now)
	return store.Query{Text: f.q, Category: store.Category(f.category), From: from, To: to,
		Now: now, Live: live, Page: f.page, PerPage: perPage}
}

// href is the address of the listing under the filter, as short as it can be.
func (f filter) href() string {
	v := url.Values{}
	for name, value := range map[string]string{"q": f.q, "category": f.category, "when": f.when} {
		if value != "" {
			v.Set(name, value)
		}
	}
	if f.page > 1 {
		v.Set("page", strconv.Itoa(f.page))
	}
	if len(v) == 0 {
		return "/"
	}
	return "/?" + v.Encode()
}

func (s *Server) listing(w http.ResponseWriter, r *http.Request) error {
	zone, _ := visitorZone(r)
	now := time.Now().In(zone)
	f := filterOf(r.URL.Query())
	m, f, err := s.listingModel(r.Context(), f, now)
	if err != nil {
		return err
	}
	h := w.Header()
	h.Add("Vary", "HX-Request, HX-History-Restore-Request")
	var c templ.Component = views.ListingPage(m)
	if r.Header.Get("HX-Request") == "true" && r.Header.Get("HX-History-Restore-Request") != "true" {
		c = views.ListingFragment(m)
		// Typing should not leave a trail of half words to go back through.
		if r.Header.Get("HX-Trigger") == "q" {
			h.Set("HX-Replace-Url", f.href())
		} else {
			h.Set("HX-Push-Url", f.href())
		}
	}
	return s.renderTagged(w, r, c)
}

// renderTagged writes a page with an entity tag, so that pages that ask again
// and again are told in a few bytes that nothing has changed.
func (s *Server) renderTagged(w http.ResponseWriter, r *http.Request, c templ.Component) error {
	var b strings.Builder
	if err := c.Render(r.Context(), &b); err != nil {
		return err
	}
	sum := sha256.Sum256([]byte(b.String()))
	tag := `W/"` + hex.EncodeToString(sum[:12]) + `"`
	h := w.Header()
	h.Set("Cache-Control", "private, no-cache")
	h.Set("ETag", tag)
	if r.Header.Get("If-None-Match") == tag {
		w.WriteHeader(http.StatusNotModified)
		return nil
	}
	h.Set("Content-Type", "text/html; charset=utf-8")
	_, err := w.Write([]byte(b.String()))
	return ignoreGone(err)
}

// listingModel asks the store. A page past the last one becomes the last; the
// filter that was answered is returned.
func (s *Server) listingModel(ctx context.Context, f filter, now time.Time) (views.ListingModel, filter, error) {
	viewers := s.Relay.Live()
	live := byViewers(viewers)
	l, err := s.Gigs.ListGigs(ctx, f.query(now, live))
	if err != nil {
		return views.ListingModel{}, f, err
	}
	total := l.Live + l.Upcoming + l.Past
	pages := max(1, (total+perPage-1)/perPage)
	if f.page > pages {
		f.page = pages
		if l, err = s.Gigs.ListGigs(ctx, f.query(now, live)); err != nil {
			return views.ListingModel{}, f, err
		}
	}
	m := views.ListingModel{
		Title: listingTitle(f), Q: f.q, Category: f.category, When: f.when, Chips: chipsOf(f),
		LiveAll: l.Live, UpcomingAll: l.Upcoming, PastAll: l.Past, Page: f.page, Pages: pages,
		Bulbs: s.bulbs(live),
	}
	s.hang(&m, l, viewers)
	if f.page > 1 {
		m.PrevHref = f.turned(-1).href()
	}
	if f.page < pages {
		m.NextHref = f.turned(1).href()
	}
	if total == 0 {
		m.Title = "No shows found"
		m.Empty, err = s.emptyModel(ctx, f, now, live)
	}
	return m, f, err
}

func (f filter) turned(pages int) filter {
	f.page += pages
	return f
}

// byViewers orders the gigs that are live: the fullest house first.
func byViewers(viewers map[string]int) []string {
	ids := make([]string, 0, len(viewers))
	for id := range viewers {
		ids = append(ids, id)
	}
	slices.SortFunc(ids, func(a, b string) int {
		return cmp.Or(cmp.Compare(viewers[b], viewers[a]), cmp.Compare(a, b))
	})
	return ids
}

// bulbs says how the row of bulbs is lit: something is live, everything that
// is on is reconnecting, or nothing is on.
func (s *Server) bulbs(live []string) string {
	lit := ""
	for _, id := range live {
		switch s.Relay.State(id) {
		case media.StateLive:
			return "yes"
		case media.StateReconnecting:
			lit = "dim"
		}
	}
	return lit
}

// hang puts the page's gigs into their sections. The listing is in order, so
// its counts say where one section ends and the next begins.
func (s *Server) hang(m *views.ListingModel, l store.Listing, viewers map[string]int) {
	first := (m.Page - 1) * perPage
	for i := range l.Gigs {
		g := &l.Gigs[i]
		switch at := first + i; {
		case at < l.Live:
			m.Live = append(m.Live, s.liveCard(g, viewers[g.ID]))
		case at < l.Live+l.Upcoming:
			m.Upcoming = append(m.Upcoming, upcomingCard(g))
		default:
			m.Past = append(m.Past, pastCard(g))
		}
	}
}

func cardOf(g *store.Gig, state string, form views.TimeForm) views.CardModel {
	return views.CardModel{
		ID: g.ID, Category: string(g.Category), Title: g.Title, Creator: g.CreatorName, Cents: g.PriceCents,
		State: state, When: views.TimeModel{Start: g.Start, End: g.End, Zone: g.TimeZone, Form: form},
	}
}

func (s *Server) liveCard(g *store.Gig, viewers int) views.CardModel {
	c := cardOf(g, "live", views.TimeSince)
	if s.Relay.State(g.ID) == media.StateReconnecting {
		c.State = "reconnecting"
	}
	if !g.AiredAt.IsZero() {
		c.When.Start = g.AiredAt
	}
	c.Viewers, c.Blurb = viewers, blurb(g.Description)
	return c
}

func upcomingCard(g *store.Gig) views.CardModel { return cardOf(g, "upcoming", views.TimeStart) }

func pastCard(g *store.Gig) views.CardModel {
	if !g.CancelledAt.IsZero() {
		return cardOf(g, "cancelled", views.TimeDay)
	}
	c := cardOf(g, "past", views.TimeDay)
	c.Came = g.Peak
	return c
}

// blurb is the beginning of a description, cut between words.
func blurb(description string) string {
	line := cleanLine(description)
	short := shorten(line, maxBlurb)
	if short == line {
		return line
	}
	if i := strings.LastIndexByte(short, ' '); i > 0 {
		short = short[:i]
	}
	return strings.TrimRight(short, " ,.;:–-") + "…"
}

// shorten cuts s after n characters.
func shorten(s string, n int) string {
	for i := range s {
		if n == 0 {
			return s[:i]
		}
		n--
	}
	return s
}

func chipsOf(f filter) []views.Chip {
	f.page = 1
	chips := make([]views.Chip, 0, len(store.Categories)+1)
	for _, c := range append([]store.Category{""}, store.Categories...) {
		label := "Everything"
		if c != "" {
			label = views.CategoryPlural(string(c))
		}
		chosen := f.category == string(c)
		with := f
		with.category = string(c)
		chips = append(chips, views.Chip{Category: string(c), Label: label, Chosen: chosen,
			Href: with.href(), Only: filter{category: string(c)}.href()})
	}
	return chips
}

func listingTitle(f filter) string {
	switch {
	case f.q != "":
		return "“" + f.q + "”"
	case f.category != "":
		return views.CategoryPlural(f.category)
	}
	return "What’s on"
}
