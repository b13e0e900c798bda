package handlers

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"time"
	"unicode/utf8"

	"github.com/gorilla/websocket"
	"golang.org/x/time/rate"

	"bookmygig/chat"
	"bookmygig/store"
	"bookmygig/views"
)

const (
	frameMax      = 4 << 10 // bytes; 500 characters of any script fit
	pingEvery     = 25 * time.Second
	pongWait      = 60 * time.Second
	writePatience = 10 * time.Second
	joinPatience  = 10 * time.Second
	sayPatience   = 10 * time.Second
	closePatience = time.Second // for the client's answer to a close
	framesAtOnce  = 16          // of the room's frames in one of the socket's
	readRate      = 20          // frames a second that are looked at; more wait in the client
	readBurst     = 40
)

// chatConn is one socket of a chat. The goroutine that serves the request
// reads; a second one writes.
type chatConn struct {
	s      *Server
	gig    store.Gig // as it was at the start
	who    visitor
	conn   *websocket.Conn
	member *chat.Member
}

// serve runs the socket until it ends.
func (c *chatConn) serve(ctx context.Context, after uint64) {
	defer c.conn.Close()
	joinCtx, cancel := context.WithTimeout(ctx, joinPatience)
	defer cancel()
	m, err := c.s.Hub.Join(joinCtx, c.gig.ID, c.who.Identity, c.gig.CreatorName, after)
	if err != nil {
		c.goodbye(err)
		return
	}
	c.member = m
	defer m.Leave()

	read, written := make(chan struct{}), make(chan struct{})
	hello := c.hello(joinCtx)
	go func() {
		defer close(written)
		c.write(hello, read)
	}()
	c.read(ctx)
	close(read)
	m.Leave()
	<-written
}

// hello is what the page is told first: the stage as it is now, since the
// page may be old, and the foot that is right for this person.
func (c *chatConn) hello(ctx context.Context) []byte {
	g, err := c.s.Gigs.Gig(ctx, c.gig.ID)
	if err != nil {
		g = c.gig
	}
	say := c.foot(&g)
	if say.State == views.SayName && c.who.Name != "" {
		// The remembered name cannot be had here. Asked again, the room says why.
		var refused *chat.NameError
		if errors.As(c.member.SetName(c.who.Name), &refused) {
			say.Name, say.Error = c.who.Name, refused.Text
		}
	}
	stage := c.s.stageFrame(g)
	if say.State == views.SayClosed {
		return stage // says so already
	}
	return append(stage, fragment(views.ChatSay(say))...)
}

func (c *chatConn) foot(g *store.Gig) views.SayModel {
	now := time.Now()
	return sayModel(g, stageOf(g, c.s.Relay.State(g.ID), now), c.member.Name(), c.who.Host)
}

// write writes what the member is sent, until the member is closed or the
// socket fails. It pings now and then, so that both ends notice a dead line.
func (c *chatConn) write(hello []byte, read <-chan struct{}) {
	defer c.conn.Close() // ends read
	ping := time.NewTicker(pingEvery)
	defer ping.Stop()
	err := c.writeFrame(hello)
	for err == nil {
		select {
		case frame, open := <-c.member.Frames():
			if !open {
				c.goodbye(c.member.Err())
				select {
				case <-read:
				case <-time.After(closePatience):
				}
				return
			}
			err = c.writeFrames(frame)
		case <-ping.C:
			err = c.conn.WriteControl(websocket.PingMessage, nil, time.Now().Add(writePatience))
		}
	}
}

// writeFrames writes the frame and those that wait behind it as one message:
// the page takes any number of fragments at once.
func (c *chatConn) writeFrames(frame []byte) error {
	_ = c.conn.SetWriteDeadline(time.Now().Add(writePatience)) // never fails
	w, err := c.conn.NextWriter(websocket.TextMessage)
	if err != nil {
		return err
	}
	for n := 1; ; n++ {
		if _, err := w.Write(frame); err != nil {
			return err
		}
		if n == framesAtOnce {
			return w.Close()
		}
		select {
		case next, open := <-c.member.Frames():
			if !open { // the next read of the channel says so again
				return w.Close()
			}
			frame = next
		default:
			return w.Close()
		}
	}
}

func (c *chatConn) writeFrame(frame []byte) error {
	_ = c.conn.SetWriteDeadline(time.Now().Add(writePatience)) // never fails
	return c.conn.WriteMessage(websocket.TextMessage, frame)
}

// goodbye tells the client why the socket ends. Nil means that the client has
// gone by itself.
func (c *chatConn) goodbye(why error) {
	if why == nil {
		return
	}
	code, text := goodbyeOf(why)
	_ = c.conn.WriteControl(websocket.CloseMessage, websocket.FormatCloseMessage(code, text),
		time.Now().Add(writePatience)) // when it fails, nobody is there to be told
}

// goodbyeOf returns the code and the reason of a close. A page comes back by
// itself after 1012 and 1013.
func goodbyeOf(why error) (code int, text string) {
	switch {
	case errors.Is(why, chat.ErrShutdown):
		return websocket.CloseServiceRestart, "restarting"
	case errors.Is(why, chat.ErrSlow):
		return websocket.CloseTryAgainLater, "too slow to keep up"
	case errors.Is(why, chat.ErrFull):
		return websocket.CloseTryAgainLater, "the room is full"
	case errors.Is(why, errBadFrame):
		return websocket.CloseInvalidFramePayloadData, "not understood"
	}
	return websocket.CloseTryAgainLater, "try again in a moment"
}

// read takes what the client sends, until the socket ends.
func (c *chatConn) read(ctx context.Context) {
	c.conn.SetReadLimit(frameMax)
	alive := func(string) error { return c.conn.SetReadDeadline(time.Now().Add(pongWait)) }
	_ = alive("") // fails only with the socket, and then so does the next read
	c.conn.SetPongHandler(alive)
	pace := rate.NewLimiter(readRate, readBurst)
	for {
		kind, data, err := c.conn.ReadMessage()
		if err != nil {
			return
		}
		f, err := decodeFrame(data)
		if err != nil || kind != websocket.TextMessage {
			c.goodbye(errBadFrame)
			return
		}
		if pace.Wait(ctx) != nil {
			return
		}
		c.handle(ctx, f)
	}
}

// clientFrame is what a page sends: a name, a message, or the wish for another
// name. htmx adds a field HEADERS, which means nothing here.
type clientFrame struct {
	Name     *string `json:"name"`
	Text     *string `json:"text"`
	ClientID string  `json:"client_id"`
	Rename   string  `json:"rename"`
}

var errBadFrame = errors.New("handlers: the chat frame makes no sense")

func decodeFrame(data []byte) (clientFrame, error) {
	var f clientFrame
	// JSON would take what is not UTF-8 and change it.
	if len(data) > frameMax || !utf8.Valid(data) {
		return f, errBadFrame
	}
	if err := json.Unmarshal(data, &f); err != nil {
		return clientFrame{}, fmt.Errorf("%w: %w", errBadFrame, err)
	}
	if f.Name == nil && f.Text == nil && f.Rename == "" {
		return clientFrame{}, errBadFrame
	}
	return f, nil
}

func (c *chatConn) handle(ctx context.Context, f clientFrame) {
	ctx, cancel := context.WithTimeout(ctx, sayPatience)
	defer cancel()
	g, err := c.s.Gigs.Gig(ctx, c.gig.ID)
	if err != nil {
		c.refuse(err, f.ClientID)
		return
	}
	say := c.foot(&g)
	switch {
	case say.State == views.SayClosed:
		c.refuse(chat.ErrClosed, f.ClientID)
	case f.Text != nil:
		if err := c.member.Say(ctx, *f.Text, f.ClientID); err != nil {
			c.refuse(err, f.ClientID)
		}
	case f.Name != nil:
		c.setName(&g, *f.Name)
	case !c.who.Host:
		say.State, say.Rename = views.SayName, true
		c.member.Send(fragment(views.ChatSay(say)))
	}
}

func (c *chatConn) setName(g *store.Gig, name string) {
	err := c.member.SetName(name)
	var refused *chat.NameError
	switch {
	case errors.As(err, &refused):
		c.member.Send(fragment(views.ChatNameError(refused.Text)))
		return
	case err != nil:
		c.refuse(err, "")
		return
	}
	say := c.foot(g)
	say.Secret = c.who.secret
	c.member.Send(fragment(views.ChatSay(say)))
}

// refuse tells the person why what was sent is not taken.
func (c *chatConn) refuse(err error, clientID string) {
	slow := views.SlowModel{Refused: clientID}
	var fast *chat.TooFastError
	switch {
	case errors.As(err, &fast):
		slow.Wait = int(math.Ceil(fast.Wait.Seconds()))
		slow.Text = fmt.Sprintf("That was quick. You can write again in %s.", seconds(slow.Wait))
	case errors.Is(err, chat.ErrTooLong):
		slow.Text = fmt.Sprintf("That is too long to send. A message has at most %d characters.", chat.MaxText)
	case errors.Is(err, chat.ErrEmpty):
	case errors.Is(err, chat.ErrNoName):
		c.member.Send(fragment(views.ChatSay(views.SayModel{State: views.SayName})))
	case errors.Is(err, chat.ErrClosed):
		c.member.Send(fragment(views.ChatSay(views.SayModel{State: views.SayClosed})))
	case errors.Is(err, chat.ErrShutdown):
		return // the page comes back by itself and sends it again
	default:
		slow.Text = "That could not be sent. Please try again in a moment."
		c.s.complain(err)
	}
	c.member.Send(fragment(views.ChatSlow(slow)))
}

func seconds(n int) string {
	if n == 1 {
		return "1 second"
	}
	return fmt.Sprintf("%d seconds", n)
}
