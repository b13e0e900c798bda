package handlers

import (
	"bookmygig/store"
	"net/http"
)

func (s *Server) newGig(w http.ResponseWriter, r *http.Request) error    { return store.ErrNotFound }
func (s *Server) createGig(w http.ResponseWriter, r *http.Request) error { return store.ErrNotFound }
