package handlers

import (
	"context"
	"errors"
	"maps"
	"net/http"
	"strings"
	"time"

	"github.com/alexedwards/scs/v2"

	"bookmygig/store"
	"bookmygig/views"
)

// Session values.
const (
	sessionOwner   = "owner"   // id of the creator who listed gigs with this browser
	sessionVisitor = "visitor" // secret id of a chat member; see chat.go
	sessionName    = "name"    // display name in chats
)

const (
	sessionLife  = 90 * 24 * time.Hour
	sessionRenew = 24 * time.Hour // a session is written again at most this often
	renewAgain   = time.Minute    // after a store that did not take it
)

func newSessions(o Options) *scs.SessionManager {
	// Not scs.New: that starts a store in memory whose goroutine never ends.
	return &scs.SessionManager{
		Store:    o.Sessions,
		Codec:    scs.GobCodec{},
		Lifetime: sessionLife,
		Cookie: scs.SessionCookie{
			Name: "session", Path: "/", Persist: true, HttpOnly: true, SameSite: http.SameSiteLaxMode,
			Secure: strings.HasPrefix(o.PublicURL, "https://"),
		},
		HashTokenInStore: true,
	}
}

// withSession loads the browser's session, and makes what a handler changed in
// it durable before the first byte of the answer goes out. (The middleware of
// scs would send the answer behind the error when that fails.)
func (s *Server) withSession(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Add("Vary", "Cookie")
		ctx, err := s.sessions.Load(r.Context(), s.sessionToken(r))
		if err != nil {
			s.refuse(w, r, err)
			return
		}
		r = r.WithContext(ctx)
		sw := &sessionWriter{ResponseWriter: w, s: s, r: r, before: w.Header().Clone()}
		next.ServeHTTP(sw, r)
		sw.begin()
	})
}

// sessionToken is the session that the browser names, or "".
func (s *Server) sessionToken(r *http.Request) string {
	c, err := r.Cookie(s.sessions.Cookie.Name)
	if err != nil {
		return ""
	}
	return c.Value
}

// refuse answers a request whose session cannot be read or kept.
func (s *Server) refuse(w http.ResponseWriter, r *http.Request, err error) {
	s.logSession("session failed", err)
	w.Header().Set("Retry-After", retryAfter)
	if err := s.render(w, r, http.StatusServiceUnavailable, views.ErrorPage(http.StatusServiceUnavailable)); err != nil {
		s.Logger.Error("error page failed", "err", err)
	}
}

// logSession logs a failure of the session store, at most once a minute.
func (s *Server) logSession(what string, err error) {
	if errors.Is(err, context.Canceled) {
		return // the visitor has left
	}
	s.sessionLog.Do(func() { s.Logger.Error(what, "err", err) })
}

// renewed rolls the session's 90 days on and returns what its cookie then
// says; no token when there is nothing to do or the store does not take it:
// the page is worth showing all the same. A session is written at most once a
// day for this: a write is a sync to disk, and reading pages should cost none.
func (s *Server) renewed(r *http.Request) (token string, expiry time.Time) {
	ctx, now := r.Context(), time.Now()
	reads := r.Method == http.MethodGet || r.Method == http.MethodHead
	if !reads || len(s.sessions.Keys(ctx)) == 0 || s.sessions.Deadline(ctx).Sub(now) >= sessionLife-sessionRenew ||
		now.UnixNano() < s.renewAfter.Load() {
		return "", time.Time{}
	}
	// Loaded anew, for the request's own session would count as changed.
	own, cancel := context.WithTimeout(context.Background(), storePatience)
	defer cancel()
	own, err := s.sessions.Load(own, s.sessions.Token(ctx))
	if err == nil && len(s.sessions.Keys(own)) > 0 {
		s.sessions.SetDeadline(own, now.Add(sessionLife))
		token, expiry, err = s.sessions.Commit(own)
	}
	if err != nil {
		s.renewAfter.Store(now.Add(renewAgain).UnixNano())
		s.logSession("session not renewed", err)
		return "", time.Time{}
	}
	return token, expiry
}

// sessionWriter keeps the session when the answer begins. When it cannot be
// kept, the answer is an error page and nothing else.
type sessionWriter struct {
	http.ResponseWriter
	s      *Server
	r      *http.Request
	before http.Header // as it was before the handler

	saved, begun, refused bool
	token                 string // of what was saved
	expiry                time.Time
	err                   error
}

// save makes a changed session durable, once.
func (w *sessionWriter) save() error {
	if !w.saved && w.s.sessions.Status(w.r.Context()) == scs.Modified {
		w.saved = true
		w.token, w.expiry, w.err = w.s.sessions.Commit(w.r.Context())
	}
	return w.err
}

func (w *sessionWriter) begin() {
	if w.begun {
		return
	}
	w.begun = true
	if err := w.save(); err != nil {
		w.refused = true
		clear(w.Header())
		maps.Copy(w.Header(), w.before)
		w.s.refuse(w.ResponseWriter, w.r, err)
		return
	}
	if !w.saved {
		w.token, w.expiry = w.s.renewed(w.r)
	}
	if w.token != "" {
		w.s.sessions.WriteSessionCookie(w.r.Context(), w.ResponseWriter, w.token, w.expiry)
	}
}

// WriteHeader implements http.ResponseWriter.
func (w *sessionWriter) WriteHeader(status int) {
	if w.begin(); !w.refused {
		w.ResponseWriter.WriteHeader(status)
	}
}

// Write implements http.ResponseWriter.
func (w *sessionWriter) Write(b []byte) (int, error) {
	if w.begin(); w.refused {
		return len(b), nil
	}
	return w.ResponseWriter.Write(b)
}

// Unwrap is for http.ResponseController.
func (w *sessionWriter) Unwrap() http.ResponseWriter { return w.ResponseWriter }

// saveSession makes what a handler changed in the session durable at once, for
// handlers that go on to something which depends on it. w is the one that the
// handler was given; later changes of the session are lost.
func saveSession(w http.ResponseWriter) error {
	if err := w.(*sessionWriter).save(); err != nil {
		return errors.Join(store.ErrUnavailable, err)
	}
	return nil
}

// owner returns the id of the browser's creator, or "".
func (s *Server) owner(ctx context.Context) string { return s.sessions.GetString(ctx, sessionOwner) }

// ownerOrNew returns the id of the browser's creator and makes one at the
// first gig. The session gets a new token then, as at a login.
func (s *Server) ownerOrNew(ctx context.Context) (string, error) {
	if id := s.owner(ctx); id != "" {
		return id, nil
	}
	if err := s.sessions.RenewToken(ctx); err != nil {
		s.logSession("session failed", err)
		return "", errors.Join(store.ErrUnavailable, err)
	}
	id := store.NewID()
	s.sessions.Put(ctx, sessionOwner, id)
	return id, nil
}
