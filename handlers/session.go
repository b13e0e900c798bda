package handlers

import (
	"context"
	"log/slog"
	"net/http"
	"strings"
	"time"

	"github.com/alexedwards/scs/v2"

	"bookmygig/store"
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
)

func newSessions(o Options) *scs.SessionManager {
	// Not scs.New: that starts a store in memory whose goroutine never ends.
	m := &scs.SessionManager{
		Store:    o.Sessions,
		Codec:    scs.GobCodec{},
		Lifetime: sessionLife,
		Cookie: scs.SessionCookie{
			Name: "session", Path: "/", Persist: true, HttpOnly: true, SameSite: http.SameSiteLaxMode,
			Secure: strings.HasPrefix(o.PublicURL, "https://"),
		},
		HashTokenInStore: true,
	}
	m.ErrorFunc = func(w http.ResponseWriter, r *http.Request, err error) {
		logger(o.Logger).Error("session failed", "err", err)
		http.Error(w, "The session could not be read. Please try again in a moment.", http.StatusServiceUnavailable)
	}
	return m
}

func logger(l *slog.Logger) *slog.Logger {
	if l == nil {
		return slog.Default()
	}
	return l
}

// renewSession rolls the 90 days on. The session is written at most once a
// day for it: a write is a sync to disk, and reading pages should cost none.
func (s *Server) renewSession(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		ctx := r.Context()
		if len(s.sessions.Keys(ctx)) > 0 && time.Until(s.sessions.Deadline(ctx)) < sessionLife-sessionRenew {
			s.sessions.SetDeadline(ctx, time.Now().Add(sessionLife))
		}
		next.ServeHTTP(w, r)
	})
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
		return "", err
	}
	id := store.NewID()
	s.sessions.Put(ctx, sessionOwner, id)
	return id, nil
}
