package chat

import (
	"context"
	"time"
)

// Identity says who joins.
type Identity struct {
	Author string // public id; "host" for the creator
	Name   string // empty: not chosen yet
	Host   bool
	Addr   string // remote address, for the rate per address
	Back   bool   // was here a moment ago: nobody is told of the coming
}

// Member is one connection in a room. Its methods may be called from any
// goroutine.
type Member struct {
	room     *room
	addr     string
	reserved string
	frames   chan []byte

	// Under room.mu:
	person *person
	err    error
	closed bool // frames is closed
	left   bool
}

// Frames yields what is to be written to the member's socket. It is closed
// when the member is; Err then says why.
func (m *Member) Frames() <-chan []byte { return m.frames }

// Err returns why the member was closed: ErrSlow, ErrShutdown, or nil when it left.
func (m *Member) Err() error {
	m.room.mu.Lock()
	defer m.room.mu.Unlock()
	return m.err
}

// Name returns the member's display name, or "" when it has none yet.
func (m *Member) Name() string {
	m.room.mu.Lock()
	defer m.room.mu.Unlock()
	return m.person.name
}

// Send puts a frame for this member alone behind what waits for it already.
func (m *Member) Send(frame []byte) {
	m.room.mu.Lock()
	defer m.room.mu.Unlock()
	m.room.push(m, frame)
}

// SetName gives the member a name, or another one. It returns a *NameError, or
// a *TooFastError. The host keeps the name it came with.
func (m *Member) SetName(name string) error {
	err := m.allowed()
	if err == nil {
		name, err = CleanName(name)
	}
	if err == nil {
		err = m.room.setName(m, name)
	}
	return m.room.hub.refusals.count(err)
}

// Say publishes a message. Errors: ErrNoName, ErrEmpty, ErrTooLong,
// *TooFastError, or what the broker returned.
func (m *Member) Say(ctx context.Context, text, clientID string) error {
	return m.room.hub.refusals.count(m.say(ctx, text, clientID))
}

func (m *Member) say(ctx context.Context, text, clientID string) error {
	name := m.Name()
	if name == "" {
		return ErrNoName
	}
	text, err := CleanText(text)
	if err != nil {
		return err
	}
	if err := m.allowed(); err != nil {
		return err
	}
	_, err = m.room.hub.broker.Publish(ctx, Message{
		Room:     m.room.id,
		Author:   m.person.author,
		Name:     name,
		Host:     m.person.host,
		Text:     text,
		ClientID: cleanClientID(clientID),
	})
	return err
}

// allowed takes a token of the person and of the address, or returns a
// *TooFastError.
func (m *Member) allowed() error {
	now := time.Now()
	wait := take(m.person.pace, now)
	if wait == 0 {
		wait = m.room.hub.addresses.take(m.addr, now)
	}
	if wait > 0 {
		return &TooFastError{Wait: wait}
	}
	return nil
}

// Leave ends the membership. It may be called twice.
func (m *Member) Leave() {
	if m.room.leave(m) {
		m.room.hub.exit()
	}
}
