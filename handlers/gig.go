package handlers

import (
	"bookmygig/store"
	"net/http"
)

func (s *Server) gigPage(w http.ResponseWriter, r *http.Request) error  { return store.ErrNotFound }
func (s *Server) calendar(w http.ResponseWriter, r *http.Request) error { return store.ErrNotFound }
