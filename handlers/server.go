// Package handlers is the HTTP side: pages, the FLV and WebSocket endpoints,
// and the one table that turns errors into status codes.
//
// Where things are: routes in server.go, errors in errors.go, who may see a
// gig in door.go, what state a gig's page is in in situation.go; every page has
// a file of its own name.
package handlers

import (
	"context"
	"log/slog"
	"net/http"
	"sync/atomic"
	"time"

	"github.com/alexedwards/scs/v2"
	"github.com/go-chi/chi/v5"
	"github.com/go-chi/chi/v5/middleware"
	"golang.org/x/time/rate"

	"bookmygig/chat"
	"bookmygig/media"
	"bookmygig/static"
	"bookmygig/store"
)

// Gigs is what pages need of a store. Every write is durable when the call
// returns. A missing gig is store.ErrNotFound.
type Gigs interface {
	CreateGig(ctx context.Context, g store.Gig) error
	Gig(ctx context.Context, id string) (store.Gig, error)
	// UpdateGig changes one gig atomically; change may be called more than once.
	UpdateGig(ctx context.Context, id string, change func(*store.Gig) error) (store.Gig, error)
	ListGigs(ctx context.Context, q store.Query) (store.Listing, error)
	GigsByOwner(ctx context.Context, owner string, limit int) ([]store.Gig, error)
}

// Options are the parts that a Server works with. All are needed unless said
// otherwise.
type Options struct {
	Gigs      Gigs
	Sessions  scs.Store
	Relay     *media.Relay
	Hub       *chat.Hub
	History   chat.Broker // for the messages in a page as first rendered
	PublicURL string      // "https://host"; empty: the host that the request names
	RTMPURL   string      // "rtmp://host/live"; empty: made from the host and RTMPPort
	RTMPPort  int
	Logger    *slog.Logger
	// OnRequest, when not nil, is told of every answered request. route is the
	// pattern, never the path.
	OnRequest func(route, method string, status int, took time.Duration)
}

// Server answers HTTP. It is an http.Handler and a media.Observer.
type Server struct {
	Options
	sessions *scs.SessionManager
	handler  http.Handler
	keys     keyOnce // new stream keys that wait to be shown
	streams  streams // the FLV responses under way
	pulse    pulse   // what open gig pages were told last

	sessionLog rate.Sometimes
	renewAfter atomic.Int64 // no session is renewed before, in Unix nanoseconds
}

// NewServer wires the routes.
func NewServer(o Options) *Server {
	s := &Server{Options: o, sessionLog: rate.Sometimes{Interval: complainEach}}
	s.sessions = newSessions(o)
	s.handler = s.routes()
	return s
}

// ServeHTTP implements http.Handler.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) { s.handler.ServeHTTP(w, r) }

func (s *Server) routes() http.Handler {
	r := chi.NewRouter()
	r.Use(s.observe, s.recoverPanics, securityHeaders, middleware.GetHead)
	r.Method("GET", static.Prefix+"*", static.Handler())

	// The stream and the socket stay clear of every middleware that buffers
	// or times out.
	r.Get("/gigs/{id}/live.flv", s.page(s.liveFLV))
	r.Head("/gigs/{id}/live.flv", s.page(s.liveFLV))
	r.Get("/gigs/{id}/chat", s.page(s.chatSocket))

	r.Group(func(r chi.Router) {
		r.Use(s.refuseCrossOrigin, limitBody, s.withSession)
		r.Get("/", s.page(s.listing))
		r.Get("/gigs/new", s.page(s.newGig))
		r.Post("/gigs", s.page(s.createGig))
		r.Get("/gigs/{id}", s.page(s.gigPage))
		r.Get("/gigs/{id}/calendar.ics", s.page(s.calendar))
		r.Post("/name", s.page(s.rememberName))
		r.Get("/studio", s.page(s.studio))
		r.Get("/studio/gigs/{id}", s.page(s.studioGig))
		r.Get("/studio/gigs/{id}/health", s.page(s.studioHealth))
		r.Get("/studio/gigs/{id}/edit", s.page(s.editGig))
		r.Post("/studio/gigs/{id}", s.page(s.saveGig))
		r.Post("/studio/gigs/{id}/key", s.page(s.rotateKey))
		r.Post("/studio/gigs/{id}/end", s.page(s.endGig))
		r.Post("/studio/gigs/{id}/cancel", s.page(s.cancelGig))
		r.NotFound(s.page(func(http.ResponseWriter, *http.Request) error { return store.ErrNotFound }))
	})
	return r
}
