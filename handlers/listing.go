package handlers

import (
	"bookmygig/store"
	"net/http"
)

func (s *Server) listing(w http.ResponseWriter, r *http.Request) error { return store.ErrNotFound }
