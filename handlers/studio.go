package handlers

import (
	"errors"
	"net/http"
	"time"

	"github.com/go-chi/chi/v5"

	"bookmygig/media"
	"bookmygig/store"
	"bookmygig/views"
)

// ownShown is how many of a creator's gigs the studio lists.
const ownShown = 200

// kickedWithin is how long after its key was replaced a stream is heard to stop.
const kickedWithin = 5 * time.Second

// errOver refuses a change to a gig that was ended or cancelled.
var errOver = errors.New("handlers: the gig is over")

// ownGig returns the gig that the request names to the creator who listed it.
// For anybody else there is no such gig.
func (s *Server) ownGig(r *http.Request) (store.Gig, error) {
	owner := s.owner(r.Context())
	if owner == "" {
		return store.Gig{}, store.ErrNotFound
	}
	g, err := s.Gigs.Gig(r.Context(), chi.URLParam(r, "id"))
	if err != nil {
		return store.Gig{}, err
	}
	if g.Owner != owner {
		return store.Gig{}, store.ErrNotFound
	}
	return g, nil
}

// studio lists the creator's own gigs.
func (s *Server) studio(w http.ResponseWriter, r *http.Request) error {
	var m views.StudioListModel
	now := time.Now()
	if owner := s.owner(r.Context()); owner != "" {
		gigs, err := s.Gigs.GigsByOwner(r.Context(), owner, ownShown)
		if err != nil {
			return err
		}
		for _, g := range gigs {
			m.Gigs = append(m.Gigs, views.StudioEntry{
				ID: g.ID, Title: g.Title, State: string(stageOf(&g, s.Relay.State(g.ID), now)),
				Aired: !g.AiredAt.IsZero(), Start: g.Start, End: g.End, Zone: g.TimeZone,
			})
		}
	}
	return s.render(w, r, http.StatusOK, views.StudioList(m))
}

// studioGig is the creator's page of one gig. A new stream key is shown here,
// once.
func (s *Server) studioGig(w http.ResponseWriter, r *http.Request) error {
	g, err := s.ownGig(r)
	if err != nil {
		return err
	}
	m := s.studioModel(&g, time.Now())
	m.Link = s.publicURL(r) + "/gigs/" + g.ID
	m.RTMPURL = s.rtmpURL(r)
	if r.Method != http.MethodHead { // which shows nothing
		m.Key, _ = s.keys.take(g.ID, g.Owner)
	}
	return s.render(w, r, http.StatusOK, views.Studio(m))
}

// studioHealth is the part of that page that is fetched again and again. With
// ?stage= the page says what it shows: what hangs on the stage is sent only
// when that has changed.
func (s *Server) studioHealth(w http.ResponseWriter, r *http.Request) error {
	g, err := s.ownGig(r)
	if err != nil {
		return err
	}
	m := s.studioModel(&g, time.Now())
	return s.render(w, r, http.StatusOK, views.StudioHealth(m, r.URL.Query().Get("stage") != m.State))
}

func (s *Server) studioModel(g *store.Gig, now time.Time) views.StudioModel {
	m := views.StudioModel{
		ID: g.ID, Title: g.Title, Start: g.Start, End: g.End, Zone: g.TimeZone,
		State: string(stageOf(g, s.Relay.State(g.ID), now)),
		Over:  g.Over(), Aired: !g.AiredAt.IsZero(), KeyMade: g.KeyMadeAt, Now: now,
		AirTime: g.AirTime, Peak: s.peak(g),
	}
	if h, ok := s.Relay.Health(g.ID); ok && !g.Over() {
		lost := s.lostAt(g.ID, now)
		m.Health = healthModel(&h, lost)
		m.NewKey = h.State == media.StateReconnecting && g.KeyMadeAt.After(h.Since) && g.KeyMadeAt.After(lost.Add(-kickedWithin))
	}
	return m
}

// lostAt returns when the gig's publisher was lost; now, when it is there.
func (s *Server) lostAt(gigID string, now time.Time) time.Time {
	if a := s.pulse.show(gigID); a != nil && !a.lost.IsZero() && s.Relay.State(gigID) == media.StateReconnecting {
		return a.lost
	}
	return now
}

// healthModel counts the time on air until then.
func healthModel(h *media.Health, until time.Time) *views.HealthModel {
	m := &views.HealthModel{
		Since: h.Since, OnAir: max(0, until.Sub(h.Since)), Interruptions: h.Interruptions, From: h.PublisherAddr,
		Width: h.Width, Height: h.Height, FrameRate: h.FrameRate,
		VideoCodec: h.VideoCodec, AudioCodec: h.AudioCodec, SampleRate: h.SampleRate, Channels: h.Channels,
		VideoBitrate: h.VideoBitrate, AudioBitrate: h.AudioBitrate, Bitrates: h.Bitrates,
		KeyframeInterval: h.KeyframeInterval, Viewers: h.Viewers, Peak: h.Peak,
		TooFast: h.TooFast, MaxBitrate: h.MaxBitrate,
	}
	for _, w := range h.Warnings {
		m.Warnings = append(m.Warnings, string(w))
	}
	return m
}

func (s *Server) editGig(w http.ResponseWriter, r *http.Request) error {
	g, err := s.ownGig(r)
	if err != nil {
		return err
	}
	if g.Over() {
		return backToStudio(w, r, &g)
	}
	return s.render(w, r, http.StatusOK, views.FormPage(formOf(g)))
}

func (s *Server) saveGig(w http.ResponseWriter, r *http.Request) error {
	g, err := s.ownGig(r)
	if err != nil {
		return err
	}
	typed, form, err := s.parseGigForm(r, &g, time.Now())
	if err != nil {
		return err
	}
	if len(form.Errors) > 0 {
		m := formOf(g)
		m.Values, m.Cents, m.Errors = form.Values, form.Cents, form.Errors
		return s.render(w, r, http.StatusUnprocessableEntity, views.FormPage(m))
	}
	return s.changeGig(w, r, &g, func(g *store.Gig) {
		g.CreatorName, g.Title, g.Description, g.Category = typed.CreatorName, typed.Title, typed.Description, typed.Category
		g.PriceCents, g.PaymentPointer = typed.PriceCents, typed.PaymentPointer
		g.Start, g.End, g.TimeZone = typed.Start, typed.End, typed.TimeZone
	}, nil)
}

// rotateKey makes a new stream key. The old one stops at once, and so does
// whoever streams with it; the viewers stay.
func (s *Server) rotateKey(w http.ResponseWriter, r *http.Request) error {
	g, err := s.ownGig(r)
	if err != nil {
		return err
	}
	key := store.NewStreamKey()
	return s.changeGig(w, r, &g, func(g *store.Gig) {
		g.KeyHash, g.KeyMadeAt = store.HashKey(key), time.Now().UTC()
	}, func() {
		s.keys.put(g.ID, g.Owner, key)
		s.Relay.Kick(g.ID)
	})
}

// endGig ends the show for good.
func (s *Server) endGig(w http.ResponseWriter, r *http.Request) error {
	return s.bringDown(w, r, func(g *store.Gig) { g.EndedAt = time.Now().UTC() })
}

// cancelGig says that the gig will not take place.
func (s *Server) cancelGig(w http.ResponseWriter, r *http.Request) error {
	return s.bringDown(w, r, func(g *store.Gig) { g.CancelledAt = time.Now().UTC() })
}

// bringDown ends a gig. The part that is on air counts at once, so that the
// studio says how it went.
func (s *Server) bringDown(w http.ResponseWriter, r *http.Request, how func(*store.Gig)) error {
	g, err := s.ownGig(r)
	if err != nil {
		return err
	}
	s.pulse.keeping.Lock()
	defer s.pulse.keeping.Unlock()
	return s.changeGig(w, r, &g, func(g *store.Gig) {
		how(g)
		s.pulse.show(g.ID).addTo(g, time.Now())
		g.Peak = s.peak(g)
	}, func() {
		s.pulse.take(g.ID)
		s.Relay.End(g.ID)
	})
}

// changeGig changes a gig that is not over, does what follows from it, tells
// the open pages and leads back to the studio. A gig that is over stays as it
// is: the studio says so.
func (s *Server) changeGig(w http.ResponseWriter, r *http.Request, g *store.Gig, change func(*store.Gig), then func()) error {
	_, err := s.Gigs.UpdateGig(r.Context(), g.ID, func(g *store.Gig) error {
		if g.Over() {
			return errOver
		}
		change(g)
		return nil
	})
	if errors.Is(err, errOver) {
		return backToStudio(w, r, g)
	}
	if err != nil {
		return err
	}
	if then != nil {
		then()
	}
	s.announce(r.Context(), g.ID)
	return backToStudio(w, r, g)
}

func backToStudio(w http.ResponseWriter, r *http.Request, g *store.Gig) error {
	http.Redirect(w, r, "/studio/gigs/"+g.ID, http.StatusSeeOther)
	return nil
}
