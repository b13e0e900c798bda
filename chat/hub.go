package chat

import (
	"cmp"
	"context"
	"errors"
	"log/slog"
	"maps"
	"slices"
	"sync"
	"sync/atomic"
	"time"
)

const (
	defaultQueue      = 256
	defaultMaxMembers = 10_000
	leastQueue        = 4 // what an entry puts into it at once

	tickEvery    = 250 * time.Millisecond // notices, who is here, empty rooms
	sweepEvery   = 10 * time.Second       // addresses
	stopPatience = 5 * time.Second        // for callers to leave at the end
)

// HubOptions configures a Hub. Zero values mean the defaults named.
type HubOptions struct {
	Queue      int          // frames a member's queue holds; 256
	MaxMembers int          // per room; 10,000
	Logger     *slog.Logger // slog.Default()
}

// Hub holds the rooms of this node that have members.
type Hub struct {
	broker    Broker
	renderer  Renderer
	options   HubOptions
	addresses *addresses

	work context.Context // of catchUp goroutines
	stop context.CancelFunc
	wg   sync.WaitGroup

	// mu may be held when a room's mu is taken, never the other way round.
	mu       sync.Mutex
	rooms    map[string]*room
	members  int // that have not left
	stopping bool
	idle     chan struct{} // closed when stopping and the last has left

	messages, cut atomic.Uint64
	refusals      refusals
}

// NewHub returns a hub over b; Run drives it.
func NewHub(b Broker, r Renderer, o HubOptions) *Hub {
	o.Queue = max(cmp.Or(o.Queue, defaultQueue), leastQueue)
	o.MaxMembers = cmp.Or(o.MaxMembers, defaultMaxMembers)
	o.Logger = cmp.Or(o.Logger, slog.Default())
	h := &Hub{
		broker:    b,
		renderer:  r,
		options:   o,
		addresses: newAddresses(),
		rooms:     make(map[string]*room),
		idle:      make(chan struct{}),
	}
	h.work, h.stop = context.WithCancel(context.Background())
	return h
}

// Run delivers messages until ctx ends, then dismisses all members and waits,
// at most five seconds, until their callers have let them leave, and for its
// goroutines. It is called once. When the broker fails earlier, so does Run.
func (h *Hub) Run(ctx context.Context) error {
	// The broker outlives ctx a little: what members say until they have left
	// is still answered.
	brokerCtx, stopBroker := context.WithCancel(context.WithoutCancel(ctx))
	defer stopBroker()
	ended := make(chan error, 1)
	go func() { ended <- h.broker.Run(brokerCtx, h.deliver) }()

	err := h.tick(ctx, ended)
	h.Dismiss()
	select {
	case <-h.idle:
	case <-time.After(stopPatience):
		h.options.Logger.Warn("chat: not everybody has left at the end", "members", h.notLeft())
	}
	h.stop()
	h.wg.Wait()
	stopBroker()
	if err == nil {
		err = <-ended
	}
	return err
}

// tick does what is due every so often, until ctx or the broker ends.
func (h *Hub) tick(ctx context.Context, ended <-chan error) error {
	ticks := time.NewTicker(tickEvery)
	defer ticks.Stop()
	swept := time.Now()
	for {
		select {
		case <-ctx.Done():
			return nil
		case err := <-ended:
			return errors.Join(errors.New("chat: the broker has ended"), err)
		case now := <-ticks.C:
			for _, r := range h.all() {
				if r.tick(now) {
					h.dropIfEmpty(r, now)
				}
			}
			if now.Sub(swept) >= sweepEvery {
				swept = now
				h.addresses.sweep(now)
			}
		}
	}
}

func (h *Hub) deliver(m Message) {
	h.messages.Add(1)
	if r := h.find(m.Room); r != nil {
		r.deliver(m)
	}
}

// Join adds a member to the room. after is the last Seq the client has seen; 0
// asks for the newest HistoryOnEntry. The first frames are the history, then
// come live ones: no holes, no doubles. Where the history does not reach back
// to after, the gap comes first. The caller calls Member.Leave.
// reserved is the host's name, which nobody else may take. A who.Name that
// cannot be had in this room leaves the member without a name; see Member.Name.
// Errors: ErrFull, ErrShutdown, or what the broker's history returned.
func (h *Hub) Join(ctx context.Context, room string, who Identity, reserved string, after uint64) (*Member, error) {
	if err := h.enter(); err != nil {
		return nil, err
	}
	for {
		r, err := h.open(room)
		if err == nil {
			var m *Member
			if m, err = r.join(ctx, who, reserved, after); err == nil {
				return m, nil
			}
		}
		if !errors.Is(err, errDropped) {
			h.exit()
			return nil, err
		}
	}
}

// Broadcast sends a ready frame (stream state, viewer count) to all members of
// the room on this node; nothing happens when it has none.
func (h *Hub) Broadcast(room string, frame []byte) {
	if r := h.find(room); r != nil {
		r.broadcast(frame)
	}
}

// Rooms returns the ids of the rooms that have members on this node.
func (h *Hub) Rooms() []string {
	var ids []string
	for _, r := range h.all() {
		if r.size() > 0 {
			ids = append(ids, r.id)
		}
	}
	slices.Sort(ids)
	return ids
}

// People returns who is in the room on this node.
func (h *Hub) People(room string) People {
	if r := h.find(room); r != nil {
		return r.whoIsHere()
	}
	return People{}
}

// enter counts a member in; exit counts it out.
func (h *Hub) enter() error {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.stopping {
		return ErrShutdown
	}
	h.members++
	return nil
}

func (h *Hub) exit() {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.members--; h.stopping && h.members == 0 {
		close(h.idle)
	}
}

func (h *Hub) notLeft() int {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.members
}

// open returns the room, and makes it when there is none.
func (h *Hub) open(id string) (*room, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.stopping {
		return nil, ErrShutdown
	}
	r := h.rooms[id]
	if r == nil {
		r = newRoom(h, id)
		h.rooms[id] = r
		h.wg.Go(r.load)
	}
	return r, nil
}

func (h *Hub) find(id string) *room {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.rooms[id]
}

func (h *Hub) all() []*room {
	h.mu.Lock()
	defer h.mu.Unlock()
	return slices.Collect(maps.Values(h.rooms))
}

func (h *Hub) dropIfEmpty(r *room, now time.Time) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if r.drop(now) {
		delete(h.rooms, r.id)
	}
}

// forget removes a room that could not be loaded, so that the next to join
// tries again.
func (h *Hub) forget(r *room) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.rooms[r.id] == r {
		delete(h.rooms, r.id)
	}
}

// Dismiss sends every member the frame that says when to come back, and closes
// it with ErrShutdown; so is refused who joins from now on. It may be called
// before the end of Run, which does it too.
func (h *Hub) Dismiss() {
	h.mu.Lock()
	if h.stopping {
		h.mu.Unlock()
		return
	}
	h.stopping = true
	if h.members == 0 {
		close(h.idle)
	}
	when := newComeback(h.members)
	h.mu.Unlock()
	for _, r := range h.all() {
		r.dismiss(when)
	}
}
