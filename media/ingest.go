package media

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"runtime/debug"
	"sync"

	"github.com/yutopp/go-rtmp"
)

// Authorizer resolves a stream key. It is asked twice per publish: before the
// connection becomes the publisher and right after.
type Authorizer interface {
	// Authorize returns the id of the gig that the key belongs to. An error
	// that is or wraps a *Refusal carries the text that the creator's encoder
	// shows; any other error is shown as a general one.
	Authorize(ctx context.Context, key string) (gigID string, err error)
}

// Refusal is an error whose text is meant for the creator, who reads it in
// the encoder: one plain sentence that says what to do.
type Refusal struct{ Text string }

func (r *Refusal) Error() string { return r.Text }

// IngestOptions configures an Ingest. Zero values mean the defaults named.
type IngestOptions struct {
	MaxConns        int          // open connections in all; 1000
	MaxConnsPerAddr int          // open connections per address that have not published yet; 32
	Logger          *slog.Logger // slog.Default()
}

// tagWriter is what a session needs of a Publisher.
type tagWriter interface {
	WriteTag(t TagType, timestamp uint32, body []byte) error
	TooFast(bitrate int)
	Close()
}

// Ingest is the RTMP server: it accepts publishers and feeds the relay.
type Ingest struct {
	auth    Authorizer
	publish func(gigID string, p PublisherInfo) (tagWriter, error)
	times   timeouts
	bitrate int // most of one publisher, in bit/s
	log     *slog.Logger
	noise   noise
	tries   tries
	gate    gate

	server *rtmp.Server
	queue  handover
	wg     sync.WaitGroup // connections and the server

	mu        sync.Mutex
	started   bool
	listeners map[net.Listener]struct{}
	ctx       context.Context // ends at Shutdown
	cancel    context.CancelFunc
}

// NewIngest returns an Ingest that is not serving yet.
func NewIngest(r *Relay, a Authorizer, o IngestOptions) *Ingest {
	if o.MaxConns == 0 {
		o.MaxConns = 1000
	}
	if o.MaxConnsPerAddr == 0 {
		o.MaxConnsPerAddr = 32
	}
	if o.Logger == nil {
		o.Logger = slog.Default()
	}
	i := &Ingest{
		auth:      a,
		times:     defaultTimeouts,
		bitrate:   r.options.MaxBitrate,
		log:       o.Logger,
		noise:     noise{log: o.Logger},
		gate:      gate{maxAll: o.MaxConns, maxAddr: o.MaxConnsPerAddr},
		queue:     newHandover(),
		listeners: make(map[net.Listener]struct{}),
	}
	i.publish = func(gigID string, p PublisherInfo) (tagWriter, error) {
		pub, err := r.Publish(gigID, p)
		if err != nil {
			return nil, err
		}
		return pub, nil
	}
	i.ctx, i.cancel = context.WithCancel(context.Background())
	i.server = rtmp.NewServer(&rtmp.ServerConfig{OnConnect: i.configure})
	return i
}

// Serve accepts on ln until Shutdown; then it returns nil. It returns an error
// when ln is closed by anyone else. It may be called for several listeners.
func (i *Ingest) Serve(ln net.Listener) error {
	if !i.open(ln) {
		return ln.Close()
	}
	defer i.close(ln)
	a := acceptor{ln: ln}
	for {
		conn, err := a.next(i.ctx.Done())
		switch {
		case i.ctx.Err() != nil:
			if conn != nil {
				_ = conn.Close()
			}
			return nil
		case errors.Is(err, net.ErrClosed):
			return err
		case err != nil:
			i.noise.add("accept failed", nil)
		default:
			i.admit(conn)
		}
	}
}

// open notes a listener and starts go-rtmp at the first one. It returns false
// after Shutdown.
func (i *Ingest) open(ln net.Listener) bool {
	i.mu.Lock()
	defer i.mu.Unlock()
	if i.ctx.Err() != nil {
		return false
	}
	i.listeners[ln] = struct{}{}
	if !i.started {
		i.started = true
		// It returns when Shutdown closes the server, with an error that says so.
		i.wg.Go(func() { _ = i.server.Serve(i.queue) })
	}
	return true
}

// close forgets a listener and closes it.
func (i *Ingest) close(ln net.Listener) {
	i.mu.Lock()
	defer i.mu.Unlock()
	delete(i.listeners, ln)
	_ = ln.Close()
}

// admit puts a new connection behind a guard, within the caps, and waits for
// its first words in a goroutine of its own.
func (i *Ingest) admit(conn net.Conn) {
	i.mu.Lock()
	defer i.mu.Unlock()
	if i.ctx.Err() != nil {
		_ = conn.Close()
		return
	}
	e := &entrant{addr: groupOf(conn), kick: func() { _ = conn.Close() }}
	if !i.gate.enter(e) {
		i.noise.add("connection over the limit", conn.RemoteAddr())
		_ = conn.Close()
		return
	}
	i.wg.Add(1)
	g := newGuard(conn, i.times, func() {
		i.gate.leave(e)
		i.wg.Done()
	})
	g.onPanic = i.panicked
	g.allowed.limit = i.bitrate
	go i.greet(&visit{guard: g, entrant: e})
}

// visit is a connection on its way to go-rtmp.
type visit struct {
	*guard
	entrant *entrant
}

// greet waits for the client's first words and hands it over to go-rtmp.
func (i *Ingest) greet(v *visit) {
	defer func() {
		if p := recover(); p != nil {
			i.panicked(p, debug.Stack())
			_ = v.Close()
		}
	}()
	if err := v.hello(); err != nil {
		i.noise.add("ended before the handshake: "+reasonOf(err), v.RemoteAddr())
		_ = v.Close()
		return
	}
	i.gate.advance(v.entrant, stageGreeted)
	if !i.queue.hand(v) {
		_ = v.Close()
	}
}

// panicked logs a panic of ours. The value is left out: it could hold what a
// client sent.
func (i *Ingest) panicked(v any, stack []byte) {
	i.log.Error("panic while serving an RTMP connection", "type", typeName(v), "stack", string(stack))
}

// Shutdown stops accepting, drops the connections and waits for them, or for ctx.
func (i *Ingest) Shutdown(ctx context.Context) error {
	i.mu.Lock()
	i.cancel()
	for ln := range i.listeners {
		_ = ln.Close()
	}
	i.mu.Unlock()
	i.gate.kickAll()
	i.queue.close()
	_ = i.server.Close()
	done := make(chan struct{})
	go func() {
		i.wg.Wait()
		close(done)
	}()
	select {
	case <-done:
		i.noise.flush()
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
