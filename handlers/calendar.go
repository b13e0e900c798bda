package handlers

import (
	"mime"
	"net/http"
	"strings"
	"time"
	"unicode"

	ics "github.com/arran4/golang-ical"
	"github.com/go-chi/chi/v5"

	"bookmygig/store"
)

// calendar answers with the gig as an iCalendar file (RFC 5545).
func (s *Server) calendar(w http.ResponseWriter, r *http.Request) error {
	g, err := s.admit(r, chi.URLParam(r, "id"))
	if err != nil {
		return err
	}
	h := w.Header()
	h.Set("Content-Type", "text/calendar; charset=utf-8")
	h.Set("Content-Disposition", mime.FormatMediaType("attachment", map[string]string{"filename": fileName(g.Title) + ".ics"}))
	h.Set("Cache-Control", "no-store")
	// RFC 5545 wants CR LF; the library would take the system's own.
	return ignoreGone(calendarOf(&g, s.publicURL(r)+"/gigs/"+g.ID, time.Now()).SerializeTo(w, ics.WithNewLineWindows))
}

// calendarOf is the gig as a calendar with one event. Its times are in UTC:
// every calendar shows them in its owner's zone.
func calendarOf(g *store.Gig, link string, now time.Time) *ics.Calendar {
	c := ics.NewCalendar()
	c.SetProductId("-//BookMyGig//BookMyGig//EN")
	c.SetMethod(ics.MethodPublish)
	e := c.AddEvent(g.ID + "@bookmygig")
	e.SetDtStampTime(now)
	e.SetStartAt(g.Start)
	e.SetEndAt(g.End)
	e.SetSummary(g.Title + " (" + g.CreatorName + ")")
	e.SetDescription(strings.TrimSpace(g.Description + "\n\n" + link))
	e.SetLocation(link)
	e.SetURL(link)
	e.SetStatus(ics.ObjectStatusConfirmed)
	if !g.CancelledAt.IsZero() {
		e.SetStatus(ics.ObjectStatusCancelled)
	}
	return c
}

// fileName makes a file's name of a title: letters and digits, and a dash for
// each run of anything else.
func fileName(title string) string {
	words := strings.FieldsFunc(strings.ToLower(title), func(r rune) bool {
		return !unicode.IsLetter(r) && !unicode.IsMark(r) && !unicode.IsDigit(r)
	})
	if len(words) == 0 {
		return "gig"
	}
	return strings.Join(words, "-")
}
