package chat

import (
	"context"
	"errors"
	"sort"
	"sync"
	"time"
)

// emptyKept is how long a room without members is kept.
const emptyKept = 30 * time.Second

// errDropped tells Join that the room it found has just been dropped.
var errDropped = errors.New("chat: the room has been dropped")

// room is one gig's chat on this node: its newest messages as rendered, and
// its members. Joining takes the snapshot and subscribes under one lock, and
// everything is sent under it, so that nobody misses or doubles a message.
//
// What the broker delivers is a wake-up as much as a message: anything out of
// order makes the room read on from its last message in the broker's history.
type room struct {
	hub   *Hub
	id    string
	ready chan struct{} // closed when load has ended

	mu       sync.Mutex
	loadErr  error
	items    []item // the newest, contiguous, at most HistoryKept
	last     uint64 // Seq of the newest
	want     uint64 // newest Seq heard of
	catching bool   // load or catchUp is reading the history
	members  map[*Member]struct{}
	presence presence
	empty    time.Time // since when there are no members
	dropped  bool
	stopped  bool
}

// item is a message as rendered.
type item struct {
	seq  uint64
	html []byte
}

func newRoom(h *Hub, id string) *room {
	return &room{
		hub:      h,
		id:       id,
		ready:    make(chan struct{}),
		catching: true,
		members:  make(map[*Member]struct{}),
		presence: newPresence(),
		empty:    time.Now(),
	}
}

// deliver takes a message from the broker.
func (r *room) deliver(m Message) {
	r.mu.Lock()
	defer r.mu.Unlock()
	switch {
	case m.Seq <= r.last || r.dropped || r.stopped:
	case m.Seq == r.last+1 && !r.catching:
		r.pushAll(r.hub.renderer.Append(r.keep(m)))
	default:
		r.want = max(r.want, m.Seq)
		if !r.catching {
			r.catching = true
			r.hub.wg.Go(r.catchUp)
		}
	}
}

// keep renders a message and appends it to what joiners get.
func (r *room) keep(m Message) []byte {
	html := r.hub.renderer.Message(m)
	r.items = append(r.items, item{m.Seq, html})
	if n := len(r.items) - HistoryKept; n > 0 {
		clear(r.items[:n]) // lets go of them before append moves the rest
		r.items = r.items[n:]
	}
	r.last = m.Seq
	r.want = max(r.want, m.Seq)
	return html
}

// since returns what a client that has seen after lacks.
func (r *room) since(after uint64) [][]byte {
	i := sort.Search(len(r.items), func(i int) bool { return r.items[i].seq > after })
	var lacking [][]byte
	switch {
	case after == 0:
		i = max(i, len(r.items)-HistoryOnEntry)
	case i < len(r.items) && r.items[i].seq > after+1:
		lacking = append(lacking, r.hub.renderer.Gap())
	}
	for _, it := range r.items[i:] {
		lacking = append(lacking, it.html)
	}
	return lacking
}

func (r *room) join(ctx context.Context, who Identity, reserved string, after uint64) (*Member, error) {
	select {
	case <-r.ready:
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	switch {
	case r.loadErr != nil:
		return nil, r.loadErr
	case r.stopped:
		return nil, ErrShutdown
	case r.dropped:
		return nil, errDropped
	case len(r.members) >= r.hub.options.MaxMembers:
		return nil, ErrFull
	}
	m := &Member{room: r, addr: who.Addr, reserved: reserved, frames: make(chan []byte, r.hub.options.Queue)}
	r.members[m] = struct{}{}
	m.person = r.presence.enter(who, reserved, time.Now())
	if lacking := r.since(after); len(lacking) > 0 {
		r.push(m, r.hub.renderer.Append(lacking...))
	}
	if r.presence.frame == nil {
		r.presence.frame = r.hub.renderer.People(r.presence.who())
	}
	r.push(m, r.presence.frame)
	return m, nil
}

// leave takes the member out and reports whether it was the first time.
func (r *room) leave(m *Member) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	if m.left {
		return false
	}
	m.left = true
	r.close(m, nil)
	return true
}

// push puts a frame into the member's queue, and closes a member whose queue
// is full: it cannot keep up, and waiting for it would stop all others.
func (r *room) push(m *Member, frame []byte) {
	if m.closed {
		return
	}
	select {
	case m.frames <- frame:
	default:
		r.hub.cut.Add(1)
		r.close(m, ErrSlow)
	}
}

func (r *room) pushAll(frame []byte) {
	for m := range r.members {
		r.push(m, frame)
	}
}

func (r *room) close(m *Member, err error) {
	if m.closed {
		return
	}
	m.closed, m.err = true, err
	close(m.frames)
	delete(r.members, m)
	now := time.Now()
	r.presence.leave(m.person, now)
	if len(r.members) == 0 {
		r.empty = now
	}
}

func (r *room) dismiss(when *comeback) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.stopped = true
	for m := range r.members {
		r.push(m, r.hub.renderer.Restart(when.deal()))
		r.close(m, ErrShutdown)
	}
}

func (r *room) broadcast(frame []byte) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.pushAll(frame)
}

func (r *room) setName(m *Member, name string) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.presence.setName(m.person, name, m.reserved, time.Now())
}

func (r *room) whoIsHere() People {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.presence.who()
}

func (r *room) size() int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return len(r.members)
}

// tick sends what has become due and reports whether the room may be dropped.
func (r *room) tick(now time.Time) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	if n, ok := r.presence.notice(now); ok {
		r.pushAll(r.hub.renderer.Append(r.hub.renderer.Notice(n)))
	}
	if r.presence.peopleDue(now) {
		r.presence.frame = r.hub.renderer.People(r.presence.who())
		r.pushAll(r.presence.frame)
	}
	return r.unused(now)
}

func (r *room) unused(now time.Time) bool {
	return len(r.members) == 0 && !r.catching && now.Sub(r.empty) >= emptyKept
}

// drop marks an unused room as dropped; the hub's lock is held.
func (r *room) drop(now time.Time) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.dropped = r.dropped || r.unused(now)
	return r.dropped
}
