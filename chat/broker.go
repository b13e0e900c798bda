package chat

import (
	"context"
	"fmt"
	"sync/atomic"
	"time"
)

const (
	brokerQueue   = 256 // messages that wait for the log; beyond it Publish waits
	appendTimeout = 10 * time.Second
)

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

// LocalBroker is the broker of a single node. One goroutine, Run's, takes
// everything that waits and appends it in one step of the log, so that a busy
// moment costs one sync to disk and not one for each message.
type LocalBroker struct {
	log     Log
	queue   chan publication
	running atomic.Bool
	stopped chan struct{}
}

type publication struct {
	ctx    context.Context
	msg    Message
	answer chan answer // holds one
}

type answer struct {
	msg Message
	err error
}

// NewLocalBroker returns the broker of a single node over a durable log.
func NewLocalBroker(l Log) *LocalBroker {
	return &LocalBroker{log: l, queue: make(chan publication, brokerQueue), stopped: make(chan struct{})}
}

// Publish implements Broker. It returns ErrShutdown when Run has not started
// or has ended. When ctx ends first, the message may be kept all the same.
func (b *LocalBroker) Publish(ctx context.Context, m Message) (Message, error) {
	if !b.running.Load() {
		return Message{}, ErrShutdown
	}
	p := publication{ctx: ctx, msg: m, answer: make(chan answer, 1)}
	select {
	case b.queue <- p:
	case <-ctx.Done():
		return Message{}, ctx.Err()
	case <-b.stopped:
		return Message{}, ErrShutdown
	}
	select {
	case a := <-p.answer:
		return a.msg, a.err
	case <-ctx.Done():
		return Message{}, ctx.Err()
	case <-b.stopped:
	}
	select {
	case a := <-p.answer: // given just before the end
		return a.msg, a.err
	default:
		return Message{}, ErrShutdown
	}
}

// History implements Broker.
func (b *LocalBroker) History(ctx context.Context, room string, after uint64, limit int) ([]Message, uint64, error) {
	return b.log.Messages(ctx, room, after, limit)
}

// Run implements Broker. A batch that has begun when ctx ends is finished.
func (b *LocalBroker) Run(ctx context.Context, deliver func(Message)) error {
	b.running.Store(true)
	defer close(b.stopped)
	defer b.running.Store(false)
	for {
		select {
		case <-ctx.Done():
			return nil
		case first := <-b.queue:
			if ctx.Err() != nil { // both were ready
				return nil
			}
			b.append(ctx, b.waiting(first), deliver)
		}
	}
}

// waiting returns first and all that waits behind it, without those whose
// publisher has given up.
func (b *LocalBroker) waiting(first publication) []publication {
	batch := make([]publication, 0, 1+len(b.queue))
	for p := first; ; {
		if p.ctx.Err() == nil {
			batch = append(batch, p)
		}
		if len(batch) == brokerQueue {
			return batch
		}
		select {
		case p = <-b.queue:
		default:
			return batch
		}
	}
}

func (b *LocalBroker) append(ctx context.Context, batch []publication, deliver func(Message)) {
	if len(batch) == 0 {
		return
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), appendTimeout)
	defer cancel()
	msgs := make([]Message, len(batch))
	now := time.Now().UTC()
	for i, p := range batch {
		msgs[i] = p.msg
		msgs[i].Time = now
	}
	kept, added, err := b.log.AppendMessages(ctx, msgs)
	if err == nil && (len(kept) != len(msgs) || len(added) != len(msgs)) {
		err = fmt.Errorf("the log answered %d and %d of %d", len(kept), len(added), len(msgs))
	}
	if err != nil {
		err = fmt.Errorf("chat: append: %w", err)
		for _, p := range batch {
			p.answer <- answer{err: err}
		}
		return
	}
	for i, p := range batch {
		p.answer <- answer{msg: kept[i]}
	}
	for i, m := range kept {
		if added[i] {
			deliver(m)
		}
	}
}
