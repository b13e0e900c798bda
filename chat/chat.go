package chat

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// Sizes and limits.
const (
	HistoryKept    = 1000 // messages a room keeps for replay
	HistoryOnEntry = 200  // of them, shown to somebody who enters
	MaxText        = 500  // characters of a message
	MinName        = 2    // characters of a name
	MaxName        = 24
	MaxNamesShown  = 50 // names in People
)

// Errors of a room. Those that a person can do something about have a text
// that says so; handlers turn them into words on the page.
var (
	ErrNoName   = errors.New("chat: the member has no name yet")
	ErrEmpty    = errors.New("chat: the message is empty")
	ErrTooLong  = errors.New("chat: the message is too long")
	ErrClosed   = errors.New("chat: the room is closed")
	ErrSlow     = errors.New("chat: the member's queue is full")
	ErrShutdown = errors.New("chat: the node is shutting down")
)

// NameError refuses a display name; Text says why, to the person.
type NameError struct{ Text string }

func (e *NameError) Error() string { return "chat: name refused: " + e.Text }

// TooFastError refuses a message by rate; Wait is when the next may come.
type TooFastError struct{ Wait time.Duration }

func (e *TooFastError) Error() string { return fmt.Sprintf("chat: too fast, wait %v", e.Wait) }

// Message is one thing said in a room.
type Message struct {
	Room     string    // gig id
	Seq      uint64    // position in the room, from 1, without holes
	Author   string    // public id of the member; "host" for the creator
	Name     string    // display name at the time
	Host     bool      // the creator
	Text     string    // plain text, 1 to MaxText characters
	ClientID string    // made by the client for each message; a resend has the same
	Time     time.Time // UTC, when the broker took it
}

// Broker orders the messages of rooms, keeps their history and hands them to
// this node. Implementations: LocalBroker (one node).
type Broker interface {
	// Publish assigns Seq and Time and appends the message to the history in
	// one atomic step, and returns it as kept. It returns when the message is
	// safe. A message whose Author and ClientID are in the kept history
	// already is not appended again: the first one is returned.
	Publish(ctx context.Context, m Message) (Message, error)
	// History returns up to limit of the newest messages with Seq > after,
	// in order, and the oldest Seq that is still kept (0: none).
	History(ctx context.Context, room string, after uint64, limit int) (msgs []Message, oldest uint64, err error)
	// Run delivers every message published to any room, in order per room,
	// until ctx ends. It is called once.
	Run(ctx context.Context, deliver func(Message)) error
}

// Log is the durable history under a LocalBroker.
type Log interface {
	// AppendMessages assigns each message the next Seq of its room and keeps
	// it, all in one atomic, durable step; a message whose Author and ClientID
	// (not empty) are kept already is answered with the kept one and added set
	// false. Each room keeps its newest HistoryKept. The slices have the
	// length and order of msgs.
	AppendMessages(ctx context.Context, msgs []Message) (kept []Message, added []bool, err error)
	// Messages is Broker.History.
	Messages(ctx context.Context, room string, after uint64, limit int) (msgs []Message, oldest uint64, err error)
}

// People says who is in a room.
type People struct {
	Count int      // members connected, with or without a name
	Names []string // up to MaxNamesShown, host first, then by name
	Host  bool     // Names[0] is the host
}

// Notice tells of comings and goings, collapsed over a short time.
type Notice struct {
	Joined, Left         []string // names, at most 6 of each
	JoinedMore, LeftMore int      // further ones
	Time                 time.Time
}

// Renderer turns events into what goes over the socket. The result is shared
// by all members and must not change. Declared here because rooms render once
// per message, not once per member.
type Renderer interface {
	Message(m Message) []byte // to be appended to the log
	Notice(n Notice) []byte   // to be appended to the log
	People(p People) []byte   // replaces who is here
	Gap() []byte              // says that earlier messages are no longer kept
}
