package chat

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// memoryLog is a Log in memory.
type memoryLog struct {
	mu      sync.Mutex
	rooms   map[string][]Message
	next    map[string]uint64
	batches []int
	fail    error
	block   chan struct{} // when not nil, AppendMessages waits until it is closed
	blocked bool          // it does
}

func newMemoryLog() *memoryLog {
	return &memoryLog{rooms: map[string][]Message{}, next: map[string]uint64{}}
}

func (l *memoryLog) AppendMessages(ctx context.Context, msgs []Message) ([]Message, []bool, error) {
	l.mu.Lock()
	block := l.block
	l.blocked = block != nil
	l.mu.Unlock()
	if block != nil {
		select {
		case <-block:
		case <-ctx.Done():
			return nil, nil, ctx.Err()
		}
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.fail != nil {
		return nil, nil, l.fail
	}
	l.batches = append(l.batches, len(msgs))
	kept, added := make([]Message, len(msgs)), make([]bool, len(msgs))
	for i, m := range msgs {
		kept[i], added[i] = l.append(m)
	}
	return kept, added, nil
}

func (l *memoryLog) isBlocked() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.blocked
}

func (l *memoryLog) append(m Message) (Message, bool) {
	old := l.rooms[m.Room]
	i := slices.IndexFunc(old, func(o Message) bool {
		return m.ClientID != "" && o.Author == m.Author && o.ClientID == m.ClientID
	})
	if i >= 0 {
		return old[i], false
	}
	l.next[m.Room]++
	m.Seq = l.next[m.Room]
	l.rooms[m.Room] = append(old, m)
	if n := len(l.rooms[m.Room]) - HistoryKept; n > 0 {
		l.rooms[m.Room] = l.rooms[m.Room][n:]
	}
	return m, true
}

func (l *memoryLog) Messages(_ context.Context, room string, after uint64, limit int) ([]Message, uint64, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	all := l.rooms[room]
	if l.fail != nil || len(all) == 0 {
		return nil, 0, l.fail
	}
	var msgs []Message
	for _, m := range all {
		if m.Seq > after {
			msgs = append(msgs, m)
		}
	}
	return slices.Clone(msgs[max(0, len(msgs)-limit):]), all[0].Seq, nil
}

// fill puts n messages into a room's history.
func (l *memoryLog) fill(room string, n int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for i := range n {
		l.append(Message{Room: room, Author: "old", Name: "Old", Text: fmt.Sprint("old ", i+1), Time: time.Now()})
	}
}

// plain renders for tests: one line for each thing.
type plain struct{}

func (plain) Message(m Message) []byte {
	return fmt.Appendf(nil, "#%d %s/%s/%v: %s\n", m.Seq, m.Author, m.Name, m.Host, m.Text)
}
func (plain) Notice(n Notice) []byte {
	return fmt.Appendf(nil, "~ +%s+%d -%s-%d\n", strings.Join(n.Joined, ","), n.JoinedMore, strings.Join(n.Left, ","), n.LeftMore)
}
func (plain) Gap() []byte                   { return []byte("~ gap\n") }
func (plain) Append(items ...[]byte) []byte { return slices.Concat(items...) }
func (plain) People(p People) []byte {
	return fmt.Appendf(nil, "= %d %s %v\n", p.Count, strings.Join(p.Names, ","), p.Host)
}
func (plain) Restart(wait time.Duration) []byte {
	return fmt.Appendf(nil, "! %d\n", wait.Milliseconds())
}

// startHub runs a hub over the log, and stops it when the test ends.
func startHub(t testing.TB, l Log, o HubOptions) *Hub {
	t.Helper()
	h, stop := runHub(t, NewLocalBroker(l), o)
	t.Cleanup(stop)
	return h
}

// runHub runs a hub until stop is called, which waits.
func runHub(t testing.TB, b Broker, o HubOptions) (h *Hub, stop func()) {
	t.Helper()
	h = NewHub(b, plain{}, o)
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- h.Run(ctx) }()
	if local, ok := b.(*LocalBroker); ok {
		waitFor(t, "the broker to run", local.running.Load)
	}
	return h, sync.OnceFunc(func() {
		cancel()
		if err := <-done; err != nil {
			t.Errorf("Run: %v", err)
		}
	})
}

// patience is for a machine that has other things to do.
const patience = 45 * time.Second

func waitFor(t testing.TB, what string, is func() bool) {
	t.Helper()
	for end := time.Now().Add(patience); !is(); time.Sleep(time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("waited in vain for %s", what)
		}
	}
}

func join(t testing.TB, h *Hub, room string, who Identity, after uint64) *Member {
	t.Helper()
	m, err := h.Join(context.Background(), room, who, "Marta Okafor", after)
	if err != nil {
		t.Fatalf("Join: %v", err)
	}
	t.Cleanup(m.Leave)
	return m
}

// named is an identity with a name.
func named(name string) Identity { return Identity{Author: "u-" + name, Name: name} }

func say(t testing.TB, m *Member, text string) {
	t.Helper()
	if err := m.Say(context.Background(), text, ""); err != nil {
		t.Fatalf("Say(%q): %v", text, err)
	}
}

// sayFast is Say for tests that are not about the rate.
func sayFast(m *Member, text, clientID string) (Message, error) {
	return m.room.hub.broker.Publish(context.Background(), Message{
		Room: m.room.id, Author: m.person.author, Name: m.Name(), Text: text, ClientID: clientID,
	})
}

var errTimeout = errors.New("no such frame in time")

// readUntil reads frames until all that was read contains want.
func readUntil(m *Member, want string) (string, error) {
	var all strings.Builder
	timeout := time.NewTimer(10 * time.Second)
	defer timeout.Stop()
	for {
		select {
		case f, open := <-m.Frames():
			all.Write(f)
			if strings.Contains(all.String(), want) {
				return all.String(), nil
			}
			if !open {
				return all.String(), fmt.Errorf("closed: %w", cmp.Or(m.Err(), errors.New("left")))
			}
		case <-timeout.C:
			return all.String(), errTimeout
		}
	}
}

func mustRead(t testing.TB, m *Member, want string) string {
	t.Helper()
	got, err := readUntil(m, want)
	if err != nil {
		t.Fatalf("reading until %q: %v; got:\n%s", want, err, got)
	}
	return got
}

// drain reads everything until the member is closed.
func drain(m *Member) string {
	var all strings.Builder
	for f := range m.Frames() {
		all.Write(f)
	}
	return all.String()
}

var seqLine = regexp.MustCompile(`(?m)^#(\d+) `)

// seqs returns the numbers of the messages in what was read.
func seqs(read string) []uint64 {
	var all []uint64
	for _, m := range seqLine.FindAllStringSubmatch(read, -1) {
		n, _ := strconv.ParseUint(m[1], 10, 64)
		all = append(all, n)
	}
	return all
}

// checkRun fails unless the numbers are from..to, each once, in order.
func checkRun(t testing.TB, got []uint64, from, to uint64) {
	t.Helper()
	if uint64(len(got)) != to-from+1 {
		t.Fatalf("got %d messages, want %d to %d: %v", len(got), from, to, got)
	}
	for i, n := range got {
		if n != from+uint64(i) {
			t.Fatalf("message %d is #%d, want #%d", i, n, from+uint64(i))
		}
	}
}
