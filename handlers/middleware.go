package handlers

import (
	"net/http"
	"runtime/debug"
	"time"

	"github.com/go-chi/chi/v5"
	"github.com/go-chi/chi/v5/middleware"

	"bookmygig/views"
)

// maxForm bounds the body of a form; the longest description takes a fifth.
const maxForm = 64 << 10

const contentSecurityPolicy = "default-src 'none'; script-src 'self'; style-src 'self'; " +
	"img-src 'self' data:; connect-src 'self'; media-src 'self' blob:; form-action 'self'; " +
	"base-uri 'none'; frame-ancestors 'none'"

func securityHeaders(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Set("Content-Security-Policy", contentSecurityPolicy)
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("Referrer-Policy", "same-origin")
		h.Set("Cross-Origin-Opener-Policy", "same-origin")
		next.ServeHTTP(w, r)
	})
}

func limitBody(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		r.Body = http.MaxBytesReader(w, r.Body, maxForm)
		next.ServeHTTP(w, r)
	})
}

// refuseCrossOrigin refuses state changes that another site's page sent.
func (s *Server) refuseCrossOrigin(next http.Handler) http.Handler {
	p := http.NewCrossOriginProtection()
	if s.PublicURL != "" {
		// Behind a proxy the request may name another host than the browser did.
		if err := p.AddTrustedOrigin(s.PublicURL); err != nil {
			s.Logger.Warn("the public address is no origin", "err", err)
		}
	}
	p.SetDenyHandler(s.page(func(http.ResponseWriter, *http.Request) error { return errForbidden }))
	return p.Handler(next)
}

// recoverPanics keeps a panic in one request to that request.
func (s *Server) recoverPanics(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		defer func() {
			v := recover()
			if v == nil {
				return
			}
			if v == http.ErrAbortHandler {
				panic(v)
			}
			s.Logger.Error("panic in a request", "route", routeOf(r), "panic", v, "stack", string(debug.Stack()))
			_ = s.render(w, r, http.StatusInternalServerError, views.ErrorPage(http.StatusInternalServerError))
		}()
		next.ServeHTTP(w, r)
	})
}

// statusGone is how a request is counted whose client left before it was
// answered. It is nginx's number for it and goes to nobody.
const statusGone = 499

// observe reports each answered request. The wrapped writer keeps the ways to
// flush and to hijack.
func (s *Server) observe(next http.Handler) http.Handler {
	if s.OnRequest == nil {
		return next
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		start := time.Now()
		ww := middleware.NewWrapResponseWriter(w, r.ProtoMajor)
		defer func() {
			status := ww.Status()
			switch {
			case status != 0:
			case r.Context().Err() != nil:
				status = statusGone
			default:
				status = http.StatusOK
			}
			s.OnRequest(routeOf(r), r.Method, status, time.Since(start))
		}()
		next.ServeHTTP(ww, r)
	})
}

// routeOf names the matched pattern: bounded, and free of anybody's data.
func routeOf(r *http.Request) string {
	if c := chi.RouteContext(r.Context()); c != nil {
		if p := c.RoutePattern(); p != "" && p != "/*" {
			return p
		}
	}
	return "other"
}
