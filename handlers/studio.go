package handlers

import (
	"bookmygig/store"
	"net/http"
)

func (s *Server) studio(w http.ResponseWriter, r *http.Request) error       { return store.ErrNotFound }
func (s *Server) studioGig(w http.ResponseWriter, r *http.Request) error    { return store.ErrNotFound }
func (s *Server) studioHealth(w http.ResponseWriter, r *http.Request) error { return store.ErrNotFound }
func (s *Server) editGig(w http.ResponseWriter, r *http.Request) error      { return store.ErrNotFound }
func (s *Server) saveGig(w http.ResponseWriter, r *http.Request) error      { return store.ErrNotFound }
func (s *Server) rotateKey(w http.ResponseWriter, r *http.Request) error    { return store.ErrNotFound }
func (s *Server) endGig(w http.ResponseWriter, r *http.Request) error       { return store.ErrNotFound }
func (s *Server) cancelGig(w http.ResponseWriter, r *http.Request) error    { return store.ErrNotFound }

// publicURL is the address that links to this house begin with.
func (s *Server) publicURL(r *http.Request) string {
	if s.PublicURL != "" {
		return s.PublicURL
	}
	if r.TLS != nil {
		return "https://" + r.Host
	}
	return "http://" + r.Host
}
