package chat

import (
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
	ErrFull     = errors.New("chat: the room is full")
	ErrShutdown = errors.New("chat: the node is shutting down")
)

// TooFastError refuses a message by rate; Wait is when the next may come.
type TooFastError struct{ Wait time.Duration }

func (e *TooFastError) Error() string { return fmt.Sprintf("chat: too fast, wait %v", e.Wait) }

// People says who is in a room.
type People struct {
	Count int      // people connected, with or without a name; two windows count once
	Names []string // up to MaxNamesShown, host first, then by name
	Host  bool     // Names[0] is the host
}

// Notice tells of comings and goings, collapsed over a short time.
type Notice struct {
	Joined, Left         []string // names, at most NoticeNames of each
	JoinedMore, LeftMore int      // further ones
	Time                 time.Time
}

// NoticeNames is the most names that a Notice holds of those who joined, and
// of those who left.
const NoticeNames = 6

// Renderer turns events into what goes over the socket. The results are shared
// by all members and must not change. Declared here because rooms render once
// per message, not once per member.
type Renderer interface {
	Message(m Message) []byte // an item of the log
	Notice(n Notice) []byte   // an item of the log
	Gap() []byte              // an item that says that earlier messages are no longer kept
	// Append returns the frame that appends the items to the log, in order.
	// One frame for a whole history costs a browser one pass, not a thousand.
	Append(items ...[]byte) []byte
	// People returns the frame that replaces who is here.
	People(p People) []byte
	// Restart returns the frame that asks one member to come back after wait.
	Restart(wait time.Duration) []byte
}
