package chat

import (
	"context"
	"log/slog"
)

// HubOptions configures a Hub. Zero values mean the defaults named.
type HubOptions struct {
	Queue      int          // frames a member's queue holds; 256
	MaxMembers int          // per room; 10,000
	Logger     *slog.Logger // slog.Default()
}

// Hub holds the rooms of this node that have members.
type Hub struct{}

// NewHub returns a hub over b; Run drives it.
func NewHub(b Broker, r Renderer, o HubOptions) *Hub { panic("not built yet") }

// Run delivers messages until ctx ends, then closes all members with
// ErrShutdown and waits for its goroutines.
func (h *Hub) Run(ctx context.Context) error { return nil }

// Identity says who joins.
type Identity struct {
	Author string // public id; "host" for the creator
	Name   string // empty: not chosen yet
	Host   bool
	Addr   string // remote address, for the rate per address
}

// Join adds a member to the room. after is the last Seq the client has seen; 0
// asks for the newest HistoryOnEntry. The first frames are the history, then
// come live ones: no holes, no doubles. Where the history does not reach back
// to after, the gap frame comes first. The caller calls Member.Leave.
// reserved is the host's name, which nobody else may take.
func (h *Hub) Join(ctx context.Context, room string, who Identity, reserved string, after uint64) (*Member, error) {
	return nil, ErrShutdown
}

// Broadcast sends a ready frame (stream state, viewer count) to all members of
// the room on this node; nothing happens when it has none.
func (h *Hub) Broadcast(room string, frame []byte) {}

// Rooms returns the ids of the rooms that have members on this node.
func (h *Hub) Rooms() []string { return nil }

// People returns who is in the room on this node.
func (h *Hub) People(room string) People { return People{} }

// Stats are the hub's figures for /metrics.
type Stats struct {
	Rooms, Members int
	Messages       uint64            // delivered to this node since the start
	Refused        map[string]uint64 // by reason, since the start
	Cut            uint64            // members cut because their queue was full
}

// Stats returns the hub's figures.
func (h *Hub) Stats() Stats { return Stats{} }

// Member is one connection in a room.
type Member struct{}

// Frames yields what is to be written to the member's socket. It is closed
// when the member is; Err then says why.
func (m *Member) Frames() <-chan []byte { return nil }

// Err returns why the member was closed: ErrSlow, ErrShutdown, or nil when it left.
func (m *Member) Err() error { return nil }

// SetName gives the member a name, or returns a *NameError.
func (m *Member) SetName(name string) error { return nil }

// Say publishes a message. Errors: ErrNoName, ErrEmpty, ErrTooLong,
// *TooFastError, or what the broker returned.
func (m *Member) Say(ctx context.Context, text, clientID string) error { return nil }

// Leave ends the membership. It may be called twice.
func (m *Member) Leave() {}

// NewLocalBroker returns the broker of a single node over a durable log.
func NewLocalBroker(l Log) *LocalBroker { return nil }

// LocalBroker is the broker of a single node.
type LocalBroker struct{}
