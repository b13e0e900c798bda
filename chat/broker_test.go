package chat

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"
)

// startBroker runs a broker until stop is called, and records what it delivers.
func startBroker(t *testing.T, l Log) (b *LocalBroker, delivered func() []Message, stop func()) {
	t.Helper()
	b = NewLocalBroker(l)
	ctx, cancel := context.WithCancel(context.Background())
	var mu sync.Mutex
	var all []Message
	done := make(chan error, 1)
	go func() {
		done <- b.Run(ctx, func(m Message) {
			mu.Lock()
			defer mu.Unlock()
			all = append(all, m)
		})
	}()
	waitFor(t, "the broker to run", b.running.Load)
	stop = sync.OnceFunc(func() {
		cancel()
		if err := <-done; err != nil {
			t.Errorf("Run: %v", err)
		}
	})
	t.Cleanup(stop)
	return b, func() []Message {
		mu.Lock()
		defer mu.Unlock()
		return append([]Message(nil), all...)
	}, stop
}

func TestPublishGivesEachRoomItsNumbers(t *testing.T) {
	b, delivered, stop := startBroker(t, newMemoryLog())
	const rooms, each = 5, 60
	var wg sync.WaitGroup
	for i := range rooms {
		for range each {
			wg.Go(func() {
				m, err := b.Publish(context.Background(), Message{Room: fmt.Sprint("room", i), Text: "x"})
				if err != nil || m.Seq == 0 || m.Time.IsZero() {
					t.Errorf("Publish = %+v, %v", m, err)
				}
			})
		}
	}
	wg.Wait()
	stop()
	last := map[string]uint64{}
	for _, m := range delivered() {
		if m.Seq != last[m.Room]+1 {
			t.Fatalf("%s: #%d after #%d", m.Room, m.Seq, last[m.Room])
		}
		last[m.Room] = m.Seq
	}
	for i := range rooms {
		if got := last[fmt.Sprint("room", i)]; got != each {
			t.Errorf("room%d: %d messages, want %d", i, got, each)
		}
	}
}

func TestPublishAppendsWhatWaitsInOneStep(t *testing.T) {
	l := newMemoryLog()
	gate := make(chan struct{})
	l.block = gate
	b, _, _ := startBroker(t, l)
	var wg sync.WaitGroup
	publish := func() {
		wg.Go(func() {
			if _, err := b.Publish(context.Background(), Message{Room: "a", Text: "x"}); err != nil {
				t.Error(err)
			}
		})
	}
	publish()
	waitFor(t, "the first to be taken", l.isBlocked)
	for range 40 {
		publish()
	}
	waitFor(t, "the others to wait", func() bool { return len(b.queue) == 40 })
	close(gate)
	wg.Wait()
	l.mu.Lock()
	defer l.mu.Unlock()
	if !slices.Equal(l.batches, []int{1, 40}) {
		t.Errorf("1 message and 40 that waited made steps of %v", l.batches)
	}
}

func TestPublishOfAResendIsTheFirst(t *testing.T) {
	b, delivered, stop := startBroker(t, newMemoryLog())
	pub := func(author, id, text string) Message {
		m, err := b.Publish(context.Background(), Message{Room: "a", Author: author, ClientID: id, Text: text})
		if err != nil {
			t.Fatal(err)
		}
		return m
	}
	first := pub("u1", "c1", "hello")
	if again := pub("u1", "c1", "hello"); again != first {
		t.Errorf("the resend is %+v, want %+v", again, first)
	}
	if other := pub("u2", "c1", "mine"); other.Seq != 2 || other.Text != "mine" {
		t.Errorf("another author's message with the same id is %+v", other)
	}
	if none := pub("u1", "", "x"); none.Seq != 3 {
		t.Errorf("a message without an id is #%d", none.Seq)
	}
	if none := pub("u1", "", "x"); none.Seq != 4 {
		t.Errorf("a second message without an id is #%d", none.Seq)
	}
	stop()
	if n := len(delivered()); n != 4 {
		t.Errorf("%d delivered, want 4", n)
	}
}

func TestPublishOutsideRun(t *testing.T) {
	b := NewLocalBroker(newMemoryLog())
	if _, err := b.Publish(context.Background(), Message{Room: "a"}); !errors.Is(err, ErrShutdown) {
		t.Errorf("before Run: %v", err)
	}
	b, _, stop := startBroker(t, newMemoryLog())
	stop()
	if _, err := b.Publish(context.Background(), Message{Room: "a"}); !errors.Is(err, ErrShutdown) {
		t.Errorf("after Run: %v", err)
	}
}

func TestPublishFinishesTheBatchAtTheEnd(t *testing.T) {
	l := newMemoryLog()
	gate := make(chan struct{})
	l.block = gate
	b, delivered, stop := startBroker(t, l)
	first, waiting := make(chan error, 1), make(chan error, 1)
	go func() { _, err := b.Publish(context.Background(), Message{Room: "a"}); first <- err }()
	waitFor(t, "the first to be taken", l.isBlocked)
	go func() { _, err := b.Publish(context.Background(), Message{Room: "a"}); waiting <- err }()
	waitFor(t, "the second to wait", func() bool { return len(b.queue) == 1 })
	ended := make(chan struct{})
	go func() { defer close(ended); stop() }()
	close(gate)
	<-ended
	firstErr, waitingErr := <-first, <-waiting
	safe := 0
	for _, err := range []error{firstErr, waitingErr} {
		switch {
		case err == nil:
			safe++
		case !errors.Is(err, ErrShutdown):
			t.Errorf("Publish at the end: %v", err)
		}
	}
	if n := len(delivered()); n < safe {
		t.Errorf("%d were said to be safe, %d were delivered", safe, n)
	}
}

func TestPublishHonoursItsContext(t *testing.T) {
	l := newMemoryLog()
	gate := make(chan struct{})
	l.block = gate
	b, _, _ := startBroker(t, l)
	ctx, cancel := context.WithCancel(context.Background())
	got := make(chan error, 1)
	go func() { _, err := b.Publish(ctx, Message{Room: "a"}); got <- err }()
	cancel()
	if err := <-got; !errors.Is(err, context.Canceled) {
		t.Errorf("Publish: %v", err)
	}
	close(gate)
}

func TestPublishWaitsWhenTheQueueIsFull(t *testing.T) {
	l := newMemoryLog()
	gate := make(chan struct{})
	l.block = gate
	b, _, _ := startBroker(t, l)
	var wg sync.WaitGroup
	for range 2*brokerQueue + 2 {
		wg.Go(func() {
			if _, err := b.Publish(context.Background(), Message{Room: "a"}); err != nil {
				t.Error(err)
			}
		})
	}
	waitFor(t, "a full queue", func() bool { return len(b.queue) == brokerQueue })
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if _, err := b.Publish(ctx, Message{Room: "a"}); !errors.Is(err, context.Canceled) {
		t.Errorf("Publish to a full queue: %v", err)
	}
	close(gate)
	wg.Wait()
}

func TestPublishTellsAllWhenTheLogFails(t *testing.T) {
	l := newMemoryLog()
	broken := errors.New("disk full")
	l.fail = broken
	b, delivered, stop := startBroker(t, l)
	var wg sync.WaitGroup
	for range 20 {
		wg.Go(func() {
			if _, err := b.Publish(context.Background(), Message{Room: "a"}); !errors.Is(err, broken) {
				t.Errorf("Publish: %v", err)
			}
		})
	}
	wg.Wait()
	stop()
	if n := len(delivered()); n != 0 {
		t.Errorf("%d delivered", n)
	}
}

type shortLog struct{ *memoryLog }

func (shortLog) AppendMessages(context.Context, []Message) ([]Message, []bool, error) {
	return nil, nil, nil
}

func TestPublishDistrustsALogThatAnswersTooLittle(t *testing.T) {
	b, _, _ := startBroker(t, shortLog{newMemoryLog()})
	if _, err := b.Publish(context.Background(), Message{Room: "a"}); err == nil {
		t.Error("a message that the log did not answer for was called safe")
	}
}
