package handlers

import (
	"bookmygig/store"
	"net/http"
)

func (s *Server) chatSocket(w http.ResponseWriter, r *http.Request) error   { return store.ErrNotFound }
func (s *Server) rememberName(w http.ResponseWriter, r *http.Request) error { return store.ErrNotFound }
