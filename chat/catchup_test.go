package chat

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// lossyBroker delivers what the test tells it to, and only that: a broker
// between nodes whose wake-ups can get lost.
type lossyBroker struct {
	log     *memoryLog
	deliver chan Message
	reads   chan struct{} // when not nil, each History takes one
}

func newLossyBroker() *lossyBroker {
	return &lossyBroker{log: newMemoryLog(), deliver: make(chan Message)}
}

func (b *lossyBroker) Publish(ctx context.Context, m Message) (Message, error) {
	kept, _, err := b.log.AppendMessages(ctx, []Message{m})
	if err != nil {
		return Message{}, err
	}
	return kept[0], nil
}

func (b *lossyBroker) History(ctx context.Context, room string, after uint64, limit int) ([]Message, uint64, error) {
	if b.reads != nil {
		select {
		case <-b.reads:
		case <-ctx.Done():
			return nil, 0, ctx.Err()
		}
	}
	return b.log.Messages(ctx, room, after, limit)
}

func (b *lossyBroker) Run(ctx context.Context, deliver func(Message)) error {
	for {
		select {
		case m := <-b.deliver:
			deliver(m)
		case <-ctx.Done():
			return nil
		}
	}
}

// wake delivers the message with the number, as the log has it.
func (b *lossyBroker) wake(room string, seq uint64) {
	msgs, _, _ := b.log.Messages(context.Background(), room, seq-1, HistoryKept)
	b.deliver <- msgs[0]
}

func TestHolesAreFilledFromTheHistory(t *testing.T) {
	b := newLossyBroker()
	h, stop := runHub(t, b, HubOptions{})
	t.Cleanup(stop)
	b.log.fill("a", 3)
	m := join(t, h, "a", named("Bea"), 0)
	b.log.fill("a", 7)
	b.wake("a", 9) // 4 to 8 got lost
	b.wake("a", 6) // late
	b.wake("a", 9) // twice
	b.wake("a", 10)
	b.wake("a", 10)
	checkRun(t, seqs(mustRead(t, m, "#10 ")), 1, 10)
	b.log.fill("a", 1)
	b.wake("a", 11)
	checkRun(t, seqs(mustRead(t, m, "#11 ")), 11, 11)
}

func TestHoleThatTheHistoryDoesNotReachIsTold(t *testing.T) {
	b := newLossyBroker()
	h, stop := runHub(t, b, HubOptions{})
	t.Cleanup(stop)
	b.log.fill("a", 3)
	m := join(t, h, "a", named("Bea"), 0)
	mustRead(t, m, "#3 ")
	b.log.fill("a", HistoryKept+10) // 4 to 13 are no longer kept
	b.wake("a", HistoryKept+13)
	got := mustRead(t, m, fmt.Sprintf("#%d ", HistoryKept+13))
	checkRun(t, seqs(got), 14, HistoryKept+13)
	if want := "~ gap\n#14 "; !strings.Contains(got, want) {
		t.Error("the gap is not told before what follows it")
	}
	late := join(t, h, "a", named("Dan"), 2)
	got = mustRead(t, late, "= ")
	checkRun(t, seqs(got), 14, HistoryKept+13)
	if !strings.Contains(got, "~ gap\n#14 ") {
		t.Error("the gap is not told to who comes back after it")
	}
}

// What is delivered while the history is being read for the first member is
// neither lost nor doubled.
func TestDeliveriesDuringTheLoad(t *testing.T) {
	b := newLossyBroker()
	b.reads = make(chan struct{})
	h, stop := runHub(t, b, HubOptions{})
	t.Cleanup(stop)
	b.log.fill("a", 5)
	joined := make(chan *Member, 1)
	go func() { joined <- join(t, h, "a", named("Bea"), 0) }()
	waitFor(t, "the room", func() bool { return h.find("a") != nil })
	b.wake("a", 4)
	b.wake("a", 5)
	b.reads <- struct{}{}
	m := <-joined
	b.log.fill("a", 2)
	b.wake("a", 7) // 6 is missing: read on
	b.reads <- struct{}{}
	checkRun(t, seqs(mustRead(t, m, "#7 ")), 1, 7)
}

func TestHistoryThatCannotBeReadIsTriedAgain(t *testing.T) {
	b := newLossyBroker()
	h, stop := runHub(t, b, HubOptions{})
	t.Cleanup(stop)
	m := join(t, h, "a", named("Bea"), 0)
	b.log.fill("a", 4)
	broken := errors.New("broken")
	setFail := func(err error) {
		b.log.mu.Lock()
		defer b.log.mu.Unlock()
		b.log.fail = err
	}
	four := b.log.rooms["a"][3]
	setFail(broken)
	b.deliver <- four
	if _, err := h.Join(context.Background(), "other", named("Bea"), "", 0); !errors.Is(err, broken) {
		t.Errorf("Join of a room that cannot be read: %v", err)
	}
	setFail(nil)
	checkRun(t, seqs(mustRead(t, m, "#4 ")), 1, 4)
	join(t, h, "other", named("Bea"), 0)
}

func TestJoinHonoursItsContext(t *testing.T) {
	b := newLossyBroker()
	b.reads = make(chan struct{})
	h, stop := runHub(t, b, HubOptions{})
	t.Cleanup(stop)
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if _, err := h.Join(ctx, "a", named("Bea"), "", 0); !errors.Is(err, context.Canceled) {
		t.Errorf("Join: %v", err)
	}
}

func TestEmptyRoomsAreDropped(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := startHub(t, newMemoryLog(), HubOptions{})
		m := join(t, h, "a", named("Bea"), 0)
		time.Sleep(2 * emptyKept)
		if h.find("a") == nil {
			t.Fatal("a room with a member was dropped")
		}
		m.Leave()
		time.Sleep(emptyKept / 2)
		if h.find("a") == nil {
			t.Fatal("the room was dropped at once")
		}
		if p := h.People("a"); p.Count != 0 {
			t.Errorf("People = %+v", p)
		}
		time.Sleep(emptyKept)
		if h.find("a") != nil {
			t.Error("the empty room was kept")
		}
	})
}

// Joining while rooms are dropped all the time never ends in a dropped room.
func TestJoinRacesDrop(t *testing.T) {
	h := startHub(t, newMemoryLog(), HubOptions{})
	var joins sync.WaitGroup
	stop := make(chan struct{})
	for i := range 4 {
		joins.Go(func() {
			for {
				select {
				case <-stop:
					return
				default:
				}
				m, err := h.Join(context.Background(), "a", named(fmt.Sprint("bot ", i)), "", 0)
				if err != nil {
					t.Error(err)
					return
				}
				if h.find("a") != m.room {
					t.Error("joined a room that is not the hub's")
				}
				m.Leave()
			}
		})
	}
	for range 2000 {
		if r := h.find("a"); r != nil {
			h.dropIfEmpty(r, time.Now().Add(time.Hour))
		}
	}
	close(stop)
	joins.Wait()
}

func TestRunFailsWithItsBroker(t *testing.T) {
	broken := errors.New("broken")
	h := NewHub(failingBroker{broken}, plain{}, HubOptions{})
	if err := h.Run(context.Background()); !errors.Is(err, broken) {
		t.Errorf("Run = %v", err)
	}
}

type failingBroker struct{ err error }

func (b failingBroker) Publish(context.Context, Message) (Message, error) { return Message{}, b.err }
func (b failingBroker) History(context.Context, string, uint64, int) ([]Message, uint64, error) {
	return nil, 0, b.err
}
func (b failingBroker) Run(context.Context, func(Message)) error { return b.err }

// Callers that never let their members leave hold the end up for five seconds.
func TestEndDoesNotWaitForEver(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h, stop := runHub(t, NewLocalBroker(newMemoryLog()), HubOptions{})
		m := join(t, h, "a", named("Bea"), 0)
		start := time.Now()
		stop()
		if took := time.Since(start); took != stopPatience {
			t.Errorf("the end took %v", took)
		}
		m.Leave()
	})
}
