package handlers

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/a-h/templ"
	"github.com/go-chi/chi/v5"
	"github.com/gorilla/websocket"

	"bookmygig/chat"
	"bookmygig/store"
	"bookmygig/views"
)

// hostAuthor is the public id of a gig's creator in its chat.
const hostAuthor = "host"

// upgrader makes sockets. Their origin is checked before it is asked, and
// there is no compression: a few bytes could become many.
var upgrader = websocket.Upgrader{
	ReadBufferSize:  1024,
	WriteBufferSize: 4096,
	WriteBufferPool: &sync.Pool{},
	CheckOrigin:     func(*http.Request) bool { return true },
}

// visitor is somebody in a chat.
type visitor struct {
	chat.Identity
	secret string // known to the browser alone; "" for the host
}

// chatSocket is a gig's chat: see chatconn.go for what goes over the socket.
// ?after=SEQ asks for the messages after the one named; &again=1 says that the
// page was connected a moment ago.
func (s *Server) chatSocket(w http.ResponseWriter, r *http.Request) error {
	g, err := s.admit(r, chi.URLParam(r, "id"))
	if err != nil {
		return err
	}
	if !s.fromOwnPage(r) {
		return errForbidden
	}
	who, err := s.visitor(r, g)
	if err != nil {
		return err
	}
	conn, err := upgrader.Upgrade(w, r, nil)
	if err != nil {
		return nil // the upgrader has answered
	}
	after, _ := strconv.ParseUint(r.URL.Query().Get("after"), 10, 64) // what is no number is no message seen
	c := &chatConn{s: s, gig: g, who: who, conn: conn}
	c.serve(r.Context(), after)
	return nil
}

// fromOwnPage reports whether a page of this site opened the socket: its
// origin is PublicURL, or the host that the request names. Without it another
// site's page could talk as its visitor, for browsers send cookies along.
// Browsers always name the origin (RFC 6455, 4.1); programs, which have only
// the cookies that they were given, need not.
func (s *Server) fromOwnPage(r *http.Request) bool {
	switch site := r.Header.Get("Sec-Fetch-Site"); site {
	case "", "same-origin", "none":
	default:
		return false
	}
	origins := r.Header["Origin"]
	if len(origins) == 0 {
		return true
	}
	o, err := url.Parse(origins[0])
	if len(origins) > 1 || err != nil || (o.Scheme != "http" && o.Scheme != "https") || o.Host == "" ||
		origins[0] != o.Scheme+"://"+o.Host {
		return false
	}
	if public := strings.TrimSuffix(s.PublicURL, "/"); public != "" && strings.EqualFold(origins[0], public) {
		return true
	}
	return strings.EqualFold(o.Host, r.Host)
}

// visitor says who opens the socket. The session's middleware is not on this
// route (it would hold back the response), so the session is read by hand.
func (s *Server) visitor(r *http.Request, g store.Gig) (visitor, error) {
	var token string
	if c, err := r.Cookie(s.sessions.Cookie.Name); err == nil {
		token = c.Value
	}
	ctx, err := s.sessions.Load(r.Context(), token)
	if err != nil {
		return visitor{}, errors.Join(store.ErrUnavailable, err)
	}
	addr, _, err := net.SplitHostPort(r.RemoteAddr)
	if err != nil {
		addr = r.RemoteAddr
	}
	v := visitor{Identity: chat.Identity{Addr: addr, Back: r.URL.Query().Get("again") != ""}}
	if s.hosts(ctx, g) {
		v.Author, v.Name, v.Host = hostAuthor, g.CreatorName, true
		return v, nil
	}
	v.Name = s.sessions.GetString(ctx, sessionName)
	if v.secret = s.sessions.GetString(ctx, sessionVisitor); v.secret == "" {
		v.secret = rand.Text()
	}
	v.Author = authorOf(v.secret)
	return v, nil
}

// hosts reports whether the session's creator is the gig's.
func (s *Server) hosts(ctx context.Context, g store.Gig) bool {
	owner := s.owner(ctx)
	return owner != "" && owner == g.Owner
}

// authorOf is the public id that goes with a visitor's secret. It has 64 bits,
// so that nobody finds another secret to it.
func authorOf(secret string) string {
	sum := sha256.Sum256([]byte(secret))
	return "u" + hex.EncodeToString(sum[:8])
}

// isSecret reports whether a visitor's secret may be one that this site made.
func isSecret(s string) bool {
	return len(s) == len(rand.Text()) && strings.Trim(s, "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567") == ""
}

// rememberName keeps the name that a visitor chose in a chat, for the next
// gig. A session that has a visitor keeps it.
func (s *Server) rememberName(w http.ResponseWriter, r *http.Request) error {
	name, err := chat.CleanName(r.PostFormValue("name"))
	secret := r.PostFormValue("visitor")
	if err != nil || !isSecret(secret) {
		return errBadRequest
	}
	ctx := r.Context()
	if s.sessions.GetString(ctx, sessionVisitor) == "" {
		s.sessions.Put(ctx, sessionVisitor, secret)
	}
	if s.sessions.GetString(ctx, sessionName) != name {
		s.sessions.Put(ctx, sessionName, name)
	}
	w.WriteHeader(http.StatusNoContent)
	return nil
}

// chatOpen reports whether the gig's chat takes messages.
func chatOpen(g *store.Gig, stage Stage, now time.Time) bool {
	closes := chatClosesAt(g, stage)
	return closes.IsZero() || now.Before(closes)
}

// sayModel is the foot of the chat for somebody.
func sayModel(g *store.Gig, stage Stage, name string, host bool) views.SayModel {
	m := views.SayModel{State: views.SayChat, Name: name, Host: host, Over: stage == StageEnded}
	switch {
	case !chatOpen(g, stage, time.Now()):
		m.State = views.SayClosed
	case name == "":
		m.State = views.SayName
	}
	return m
}

// chatColumn is the chat beside the stage, with what was said so far. A
// history that cannot be read leaves it empty: the picture is worth showing
// all the same, and the socket brings the messages later.
func (s *Server) chatColumn(r *http.Request, g store.Gig, stage Stage) (templ.Component, error) {
	ctx := r.Context()
	msgs, _, err := s.History.History(ctx, g.ID, 0, chat.HistoryOnEntry)
	if err != nil {
		s.complain(err)
	}
	name, host := s.sessions.GetString(ctx, sessionName), s.hosts(ctx, g)
	if host {
		name = g.CreatorName
	}
	m := views.ChatModel{
		GigID:  g.ID,
		Log:    make([]views.MessageModel, len(msgs)),
		People: peopleModel(s.Hub.People(g.ID)),
		Say:    sayModel(&g, stage, name, host),
	}
	for i, msg := range msgs {
		m.Log[i] = messageModel(msg)
	}
	return views.Chat(m), nil
}
