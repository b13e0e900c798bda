package handlers

import (
	"net/http"
	"time"

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
	h.Set("Content-Disposition", `attachment; filename="gig.ics"`)
	h.Set("Cache-Control", "no-store")
	// RFC 5545 wants CR LF; the library would take the system's own.
	return ignoreGone(calendarOf(&g, s.publicURL(r)+"/gigs/"+g.ID, time.Now()).SerializeTo(w, ics.WithNewLineWindows))
}

// calendarOf is the gig as a calendar with one event. Its times are in UTC:
// every calendar shows them in its owner's zone.
func calendarOf(g *store.Gig, link string, now time.Time) *ics.Calendar {
	c := ics.NewCalendarFor("BookMyGig")
	c.SetMethod(ics.MethodPublish)
	e := c.AddEvent(g.ID + "@bookmygig")
	e.SetDtStampTime(now)
	e.SetStartAt(g.Start)
	e.SetEndAt(g.End)
	e.SetSummary(g.Title + " (" + g.CreatorName + ")")
	e.SetDescription(g.Description + "\n\n" + link)
	e.SetLocation(link)
	e.SetURL(link)
	e.SetStatus(ics.ObjectStatusConfirmed)
	if !g.CancelledAt.IsZero() {
		e.SetStatus(ics.ObjectStatusCancelled)
	}
	return c
}
