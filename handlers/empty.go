package handlers

import (
	"context"
	"strings"
	"time"

	"bookmygig/views"
)

// dayWords are the filters of days as they stand in a sentence.
var dayWords = map[string]string{
	"today": "today", "weekend": "this weekend", "week": "this week", "month": "this month",
}

// wayOut is a wider filter, offered where a narrow one found nothing.
type wayOut struct {
	filter      filter
	label, says string
}

// emptyModel says what was not found, in the visitor's own words, and offers
// two ways out that lead somewhere.
func (s *Server) emptyModel(ctx context.Context, f filter, now time.Time, live []string) (*views.EmptyModel, error) {
	found, err := s.anything(ctx, filter{}, now, live)
	if err != nil {
		return nil, err
	}
	if !found {
		return &views.EmptyModel{House: true, Heading: "The stage is free",
			Text: "No gig is listed here yet. We leave a light on for the first one: it takes two minutes."}, nil
	}
	m := &views.EmptyModel{Heading: nothingOn(f)}
	var says []string
	for _, way := range waysOut(f) {
		there, err := s.anything(ctx, way.filter, now, live)
		if err != nil {
			return nil, err
		}
		if there && len(m.Ways) < 2 {
			m.Ways = append(m.Ways, views.Way{Label: way.label, Href: way.filter.href()})
			if way.says != "" {
				says = append(says, way.says)
			}
		}
	}
	m.Text = "We leave a light on all the same."
	if len(says) > 0 {
		m.Text += " You will find " + strings.Join(says, ", and ") + "."
	}
	return m, nil
}

// anything reports whether the filter finds any gig.
func (s *Server) anything(ctx context.Context, f filter, now time.Time, live []string) (bool, error) {
	f.page = 1
	q := f.query(now, live)
	q.PerPage = 1
	l, err := s.Gigs.ListGigs(ctx, q)
	return l.Live+l.Upcoming+l.Past > 0, err
}

// nothingOn is the headline: Nothing on under “tango” in dance this weekend.
func nothingOn(f filter) string {
	s := "Nothing on"
	if f.q != "" {
		s += " under “" + f.q + "”"
	}
	if f.category != "" {
		s += " in " + strings.ToLower(views.CategoryPlural(f.category))
	}
	if f.when != "" {
		s += " " + dayWords[f.when]
	}
	return s
}

// waysOut are wider filters, the nearest first, then the whole house.
func waysOut(f filter) []wayOut {
	var ways []wayOut
	if f.category != "" && (f.q != "" || f.when != "") {
		name := strings.ToLower(views.CategoryPlural(f.category))
		w := wayOut{filter{category: f.category}, "All " + name, "more " + name}
		if f.when != "" {
			w.says = "more " + name + " on other days"
		}
		ways = append(ways, w)
	}
	if f.when != "" && (f.q != "" || f.category != "") {
		ways = append(ways, wayOut{filter{when: f.when}, "Everything " + dayWords[f.when], "something else " + dayWords[f.when]})
	}
	if f.q != "" && (f.category != "" || f.when != "") {
		ways = append(ways, wayOut{filter{q: f.q}, "“" + f.q + "” on any day", "more under “" + f.q + "” elsewhere"})
	}
	return append(ways, wayOut{filter{}, "Everything that is on", ""})
}
