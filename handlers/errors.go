package handlers

import (
	"bytes"
	"context"
	"errors"
	"net/http"

	"github.com/a-h/templ"

	"bookmygig/media"
	"bookmygig/store"
	"bookmygig/views"
)

// Errors of this package. Their texts go to the log, never to a page.
var (
	errForbidden  = errors.New("handlers: not allowed")
	errBadRequest = errors.New("handlers: bad request")
	errTooLarge   = errors.New("handlers: request too large")
)

// retryAfter is when who was refused for now may ask again, in seconds.
const retryAfter = "5"

// statuses maps errors to status codes; the first match counts. What is not in
// it is 500.
var statuses = []struct {
	err    error
	status int
}{
	{store.ErrNotFound, http.StatusNotFound},
	{errForbidden, http.StatusForbidden},
	{errTooLarge, http.StatusRequestEntityTooLarge},
	{errBadRequest, http.StatusBadRequest},
	{media.ErrNotLive, http.StatusConflict},
	{media.ErrLimit, http.StatusServiceUnavailable},
	{store.ErrUnavailable, http.StatusServiceUnavailable},
	{context.DeadlineExceeded, http.StatusServiceUnavailable},
}

func statusOf(err error) int {
	for _, s := range statuses {
		if errors.Is(err, s.err) {
			return s.status
		}
	}
	return http.StatusInternalServerError
}

// page turns a handler that returns an error into an http.HandlerFunc. The
// handler must not have written anything when it returns an error.
func (s *Server) page(h func(http.ResponseWriter, *http.Request) error) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		err := h(w, r)
		if err == nil {
			return
		}
		if errors.Is(err, context.Canceled) && r.Context().Err() != nil {
			panic(http.ErrAbortHandler) // to return would be to say 200
		}
		// The context also ends when a form does not come in time, or when the
		// client has closed its half of the connection: it may still listen.
		r = r.WithContext(context.WithoutCancel(r.Context()))
		status := statusOf(err)
		if status == http.StatusInternalServerError {
			s.Logger.Error("request failed", "method", r.Method, "route", routeOf(r), "err", err)
		}
		if status == http.StatusServiceUnavailable {
			w.Header().Set("Retry-After", retryAfter)
		}
		if err := s.render(w, r, status, views.ErrorPage(status)); err != nil {
			s.Logger.Error("error page failed", "err", err)
		}
	}
}

// render writes a component as one HTML response. It is rendered in full
// first, so that an error in it is still a clean error page.
func (s *Server) render(w http.ResponseWriter, r *http.Request, status int, c templ.Component) error {
	var b bytes.Buffer
	if err := c.Render(r.Context(), &b); err != nil {
		return err
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	if w.Header().Get("Cache-Control") == "" {
		w.Header().Set("Cache-Control", "no-store")
	}
	w.WriteHeader(status)
	_, err := w.Write(b.Bytes())
	return ignoreGone(err)
}

// ignoreGone drops the error of a write to a client that has left: there is
// nobody to tell and nothing to mend.
func ignoreGone(error) error { return nil }
