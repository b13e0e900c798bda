package media

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"hash/maphash"
	"io"
	"log/slog"
	"net"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/yutopp/go-rtmp"
)

// rigGrace is the grace of a rig's relay: longer than anything in a run takes.
const rigGrace = time.Hour

// rig is an Ingest and its relay in memory, with clients that send and viewers
// that watch. It lives in a bubble of synctest, where waiting costs no time and
// a goroutine left behind fails the test.
type rig struct {
	t      *testing.T
	ingest *Ingest
	relay  *Relay
	ln     *wires
	served chan error
	log    logBuffer

	clients  []*client
	watchers []*watcher
	crowd    []*onlooker
	most     int  // watchers
	crowded  bool // a crowd joins as well
	wasLive  bool // and was not ended by the host
	bytes    int  // sent by all clients
	allocs   uint64

	mu      sync.Mutex
	bad     error               // what is wrong with a guard
	written map[uint64][]uint64 // tags that publishers wrote, and their sequence headers then
	opened  int                 // publishers
	closed  int

	sessions sync.WaitGroup // that go-rtmp has not ended yet
}

// rigKeys are the stream keys that a rig knows; "slow" keeps the Authorizer
// busy until its time is up.
func rigKeys(ctx context.Context, key string) (string, error) {
	if key == "slow" {
		<-ctx.Done()
		return "", ctx.Err()
	}
	return keyring{testKey: "gig", "b": "other"}.Authorize(ctx, key)
}

// runRig calls f with a rig and then checks what must hold after every session,
// whatever was sent: silent says whether the clients that are left just fall
// silent.
func runRig(t *testing.T, o RelayOptions, maxConns int, silent bool, f func(r *rig)) {
	synctest.Test(t, func(t *testing.T) {
		r := &rig{t: t, ln: newWires(), served: make(chan error, 1), written: map[uint64][]uint64{}, most: 3}
		log := slog.New(slog.NewTextHandler(&r.log, nil))
		o.Logger, o.Grace = log, rigGrace
		r.allocs = allocated()
		r.relay = NewRelay(o)
		r.ingest = NewIngest(r.relay, authFunc(rigKeys), IngestOptions{Logger: log, MaxConns: maxConns})
		r.witness()
		go func() { r.served <- r.ingest.Serve(r.ln) }()
		t.Cleanup(r.stop)
		f(r)
		r.hangUp(silent)
		r.checkEnd()
	})
}

// witness checks the guards each time that they read, and notes what comes
// out of go-rtmp.
func (r *rig) witness() {
	publish := r.ingest.publish
	r.ingest.publish = func(gigID string, p PublisherInfo) (tagWriter, error) {
		w, err := publish(gigID, p)
		if err != nil {
			return nil, err
		}
		r.mu.Lock()
		defer r.mu.Unlock()
		r.opened++
		return &witness{tagWriter: w, r: r, heads: map[TagType]uint64{}}, nil
	}
	configure := r.ingest.configure
	r.ingest.server = rtmp.NewServer(&rtmp.ServerConfig{OnConnect: func(conn net.Conn) (io.ReadWriteCloser, *rtmp.ConnConfig) {
		g := conn.(*visit).guard
		g.Conn.(*wire).reading = func() {
			r.mu.Lock()
			defer r.mu.Unlock()
			r.bad = cmp.Or(r.bad, checkGuard(g))
		}
		r.sessions.Add(1)
		left := g.onClose
		g.onClose = func() {
			left()
			r.sessions.Done()
		}
		return configure(conn)
	}})
}

// witness stands between a session and its publisher.
type witness struct {
	tagWriter
	r     *rig
	heads map[TagType]uint64 // latest sequence headers
}

var rigSeed = maphash.MakeSeed()

func (t flvTag) hash() uint64 { return maphash.Bytes(rigSeed, t.Body)<<8 | uint64(t.Type) }

func (w *witness) WriteTag(t TagType, timestamp uint32, body []byte) error {
	tag := flvTag{Type: t, Body: bytes.TrimPrefix(body, setDataFrameHead)}
	hash := tag.hash()
	if tag.info().kind == kindHeader && len(body) <= maxHeaderBody {
		w.heads[t] = hash
	}
	w.r.mu.Lock()
	if heads := w.r.written[hash]; !slices.Contains(heads, w.heads[t]) {
		w.r.written[hash] = append(heads, w.heads[t])
	}
	w.r.mu.Unlock()
	return w.tagWriter.WriteTag(t, timestamp, body)
}

func (w *witness) Close() {
	w.r.mu.Lock()
	w.r.closed++
	w.r.mu.Unlock()
	w.tagWriter.Close()
}

// client is one connection to the rig.
type client struct {
	*wire
	r    *rig
	out  []byte // goes out when the rig settles
	ts   uint32
	size int // of its chunks
}

func (r *rig) dial() *client {
	c := &client{wire: r.ln.dial(), r: r, size: minChunkSize}
	r.clients = append(r.clients, c)
	return c
}

// write adds to what is sent next.
func (c *client) write(b []byte) {
	c.out = append(c.out, b...)
	c.r.bytes += len(b)
}

// settle sends what is to be sent, waits until the server has nothing more to
// do with it, checks what must hold at any time, and lets viewers join.
func (r *rig) settle() {
	for _, c := range r.clients {
		if len(c.out) > 0 {
			c.send(c.out)
			c.out = nil
		}
	}
	synctest.Wait()
	r.mu.Lock()
	bad := r.bad
	r.mu.Unlock()
	if bad != nil {
		r.t.Fatal(bad)
	}
	r.relay.look("gig", func(s *stream) { checkRing(r.t, s.ring) })
	for _, w := range r.watchers {
		if w.bad != nil {
			r.t.Fatal(w.bad)
		}
	}
	if r.relay.State("gig") != StateLive {
		return
	}
	r.wasLive = true
	if len(r.watchers) < r.most {
		r.watch()
	}
	if r.crowded {
		r.gather()
	}
}

// hangUp ends all clients and waits until the server has ended its side.
func (r *rig) hangUp(silent bool) {
	r.settle()
	wait := 30 * time.Second
	for _, c := range r.clients {
		if silent {
			wait = 100 * time.Second
		} else {
			c.change(func() {
				if c.end == nil {
					c.end = io.EOF
				}
			})
		}
	}
	late := time.NewTimer(wait)
	defer late.Stop()
	for _, c := range r.clients {
		select {
		case <-c.gone:
		case <-late.C:
			r.t.Fatal("a connection stays open")
		}
	}
	r.settle()
	ended := make(chan struct{})
	go func() {
		r.sessions.Wait()
		close(ended)
	}()
	select {
	case <-ended:
	case <-late.C:
		r.t.Fatal("a session goes on without its connection")
	}
	r.settle()
}

// stop ends the rig, also one whose test has failed. Panics that were
// recovered stand in the log by now.
func (r *rig) stop() {
	for _, w := range r.watchers {
		w.free()
	}
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	if err := errors.Join(r.ingest.Shutdown(ctx), <-r.served, r.relay.Shutdown(ctx)); err != nil {
		r.t.Error(err)
	}
	if log := r.log.String(); strings.Contains(log, "panic") {
		r.t.Error(log)
	}
}
