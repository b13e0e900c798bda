package handlers

import (
	"context"
	"net/http"
	"time"

	"github.com/go-chi/chi/v5"

	"bookmygig/store"
	"bookmygig/views"
)

// nextShown is how many other gigs stand below a show that is over.
const nextShown = 3

// gigPage shows a gig: what, who and when, the stage and the chat.
func (s *Server) gigPage(w http.ResponseWriter, r *http.Request) error {
	g, err := s.admit(r, chi.URLParam(r, "id"))
	if err != nil {
		return err
	}
	now := time.Now()
	stage := s.stage(&g, now)
	c, err := s.chatColumn(r, g, Stage(stage.State))
	if err != nil {
		return err
	}
	m := views.GigModel{
		ID: g.ID, Address: s.shareURL(&g), Description: g.Description, Cents: g.PriceCents,
		Start: g.Start, End: g.End, Zone: g.TimeZone, Pointer: g.PaymentPointer,
		Stage: stage, Now: now, Peak: s.peak(&g), Chat: c, Host: s.hosts(r.Context(), g),
	}
	if over := Stage(stage.State); over == StageEnded || over == StageCancelled {
		if m.Next, err = s.nextGigs(r.Context(), &g, now); err != nil {
			return err
		}
	}
	return s.render(w, r, http.StatusOK, views.Gig(m))
}

// nextGigs returns a few gigs to come: first the same creator's, then others
// of the same kind.
func (s *Server) nextGigs(ctx context.Context, g *store.Gig, now time.Time) ([]views.CardModel, error) {
	own, err := s.Gigs.GigsByOwner(ctx, g.Owner, 24)
	if err != nil {
		return nil, err
	}
	like, err := s.Gigs.ListGigs(ctx, store.Query{Category: g.Category, From: now, Now: now, Page: 1, PerPage: 2 * nextShown})
	if err != nil {
		return nil, err
	}
	seen := map[string]bool{g.ID: true}
	var next []views.CardModel
	for _, n := range append(own, like.Gigs...) {
		if len(next) < nextShown && !seen[n.ID] && !n.Past(now) && n.Start.After(now) {
			seen[n.ID] = true
			next = append(next, nextCard(&n))
		}
	}
	return next, nil
}

func nextCard(g *store.Gig) views.CardModel {
	return views.CardModel{
		ID: g.ID, Category: string(g.Category), Title: g.Title, Creator: g.CreatorName,
		Cents: g.PriceCents, State: "upcoming",
		When: views.TimeModel{Start: g.Start, Zone: g.TimeZone, Form: views.TimeStart},
	}
}
