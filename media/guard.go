package media

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"runtime/debug"
	"sync"
	"sync/atomic"
	"time"
)

// Bounds on what one connection may make us keep.
const (
	maxBeforePublish = 64 << 10 // bytes of messages, all together, before publish
	maxMessage       = 4 << 20  // bytes of one message after publish
	maxUnfinished    = 8 << 20  // bytes of unfinished messages after publish
	maxSpare         = 1 << 20  // bytes of an idle message buffer
	smallBuffer      = 4 << 10  // for reading, before publish
	largeBuffer      = 64 << 10 // for reading, after publish
)

// Sizes of the handshake (RTMP specification, section 5.2).
const (
	helloSize     = 1 + 1536         // C0 and C1
	handshakeSize = helloSize + 1536 // and C2
)

// paceMessages is how many messages may begin in one window of the pace. A
// publisher sends some 100 a second. One that sends far more is slowed down,
// as each costs work however short it is.
const paceMessages = 1000

// timeouts are how long a connection may take for what.
type timeouts struct {
	handshake time.Duration // from accept to the end of the handshake
	publish   time.Duration // from there to publish, and from an unpublish to the end
	idle      time.Duration // between bytes of a publisher
	media     time.Duration // from publish to the first audio or video
	mediaGap  time.Duration // between audio or video messages
	write     time.Duration // for one write
	pace      time.Duration // for paceMessages messages, at least
}

// defaultTimeouts are those of the real server.
var defaultTimeouts = timeouts{
	handshake: 5 * time.Second,
	publish:   10 * time.Second,
	idle:      15 * time.Second,
	media:     10 * time.Second,
	mediaGap:  60 * time.Second,
	write:     10 * time.Second,
	pace:      100 * time.Millisecond,
}

// guard stands between a client and go-rtmp, which cannot face the internet
// alone. It is the net.Conn that go-rtmp reads from: it parses and bounds all
// that the client sends and passes on, in place of it, a chunk stream in one
// canonical form, in which every message is a single chunk with a full header.
//
// go-rtmp's reading goroutine calls Read, and in its callbacks publishing,
// idling and lingering; its writing goroutine calls Write. hello comes before
// both. kick may be called by anyone.
type guard struct {
	net.Conn
	times  timeouts
	in     inbuf
	chunks *chunkReader
	err    error // ends every further Read

	handshakeLeft int      // bytes of the handshake still to be passed on
	head          []byte   // what Read returns next,
	body          []byte   // and what after it
	headBuf       [16]byte // backs head

	live     bool      // a publisher
	now      time.Time // of the latest read
	until    time.Time // when the present phase ends
	deadline time.Time // as set on the connection
	received atomic.Uint32
	allowed  allowance
	over     int // bit/s that it sends, when that is too much

	windowEnd time.Time // of the pace
	begun     int       // messages in that window

	linger    bool
	onPanic   func(v any, stack []byte)
	closeOnce sync.Once
	onClose   func()
}

// newGuard returns a guard around conn, whose handshake must be over in time
// from now. onClose is called once, when the guard is closed.
func newGuard(conn net.Conn, t timeouts, onClose func()) *guard {
	g := &guard{Conn: conn, times: t, handshakeLeft: handshakeSize, onClose: onClose,
		allowed: allowance{limit: defaultBitrate}, onPanic: func(any, []byte) {}}
	g.in = inbuf{read: g.receive, buf: make([]byte, smallBuffer)}
	g.chunks = newChunkReader(&g.in)
	g.chunks.started = g.pace
	g.now = time.Now()
	g.until = g.now.Add(t.handshake)
	return g
}

// hello waits for C0 and C1, so that a client that says nothing costs little.
func (g *guard) hello() error {
	version, err := g.in.peek(1)
	if err != nil {
		return err
	}
	if version[0] != 3 {
		return fmt.Errorf("%w: not RTMP", errChunk)
	}
	_, err = g.in.peek(helloSize)
	return err
}

// Read passes on the handshake as it is, and then the canonical chunk stream.
func (g *guard) Read(p []byte) (n int, err error) {
	defer func() {
		if v := recover(); v != nil {
			g.onPanic(v, debug.Stack())
			g.err = errPanic
			n, err = 0, g.err
		}
	}()
	for len(g.head)+len(g.body) == 0 {
		if g.err != nil {
			return 0, g.err
		}
		if g.handshakeLeft > 0 {
			return g.readHandshake(p)
		}
		if g.err = g.nextMessage(); g.err != nil {
			return 0, g.err
		}
	}
	n = copy(p, g.head)
	g.head = g.head[n:]
	m := copy(p[n:], g.body)
	g.body = g.body[m:]
	return n + m, nil
}

// readHandshake passes on bytes of the handshake. C2 is not compared with
// what the server sent: encoders get it wrong, and it proves nothing.
func (g *guard) readHandshake(p []byte) (int, error) {
	b, err := g.in.some(min(len(p), g.handshakeLeft))
	if err != nil {
		g.err = err
		return 0, err
	}
	n := copy(p, b)
	if g.handshakeLeft -= n; g.handshakeLeft == 0 {
		g.until = g.now.Add(g.times.publish)
		var size [4]byte
		binary.BigEndian.PutUint32(size[:], maxMessageLength)
		g.pass(&message{typeID: typeSetChunkSize, body: size[:]})
	}
	return n, nil
}

// nextMessage reads on until there is a message that go-rtmp may have.
func (g *guard) nextMessage() error {
	m, err := g.chunks.next()
	if err != nil {
		return err
	}
	if m.typeID == typeAudio || m.typeID == typeVideo {
		if g.live {
			g.until = g.now.Add(g.times.mediaGap)
		}
	}
	ok, err := admit(&m)
	switch {
	case err != nil:
	case g.over > 0 && (!ok || m.typeID != typeAudio && m.typeID != typeVideo && m.typeID != typeData):
		err = errTooFast // with media it is the session that ends it, with a word
	case ok:
		g.pass(&m)
	}
	return err
}

// pass sets what Read returns next: m as one chunk with a full header. All
// media goes on one chunk stream, so that go-rtmp keeps one buffer for it.
func (g *guard) pass(m *message) {
	id := byte(4)
	switch m.typeID {
	case typeSetChunkSize, typeWindowAck:
		id = 2
	case typeCommand:
		id = 3
	}
	h := append(g.headBuf[:0], id)
	n := len(m.body)
	stamp := min(m.timestamp, extendedMark)
	h = append(h, byte(stamp>>16), byte(stamp>>8), byte(stamp), byte(n>>16), byte(n>>8), byte(n), m.typeID)
	h = binary.LittleEndian.AppendUint32(h, m.streamID)
	if stamp == extendedMark {
		h = binary.BigEndian.AppendUint32(h, m.timestamp)
	}
	g.head, g.body = h, m.body
}

// receive reads from the client under the deadline of the present phase.
func (g *guard) receive(p []byte) (int, error) {
	g.now = time.Now()
	limit := g.until
	if idle := g.now.Add(g.times.idle); g.live && idle.Before(limit) {
		limit = idle
	}
	// Moving the deadline a little at each read would cost more than it tells.
	if d := limit.Sub(g.deadline); d < 0 || d > g.times.idle/32 {
		g.deadline = limit
		if err := g.Conn.SetReadDeadline(limit); err != nil {
			return 0, err
		}
	}
	n, err := g.Conn.Read(p)
	g.received.Add(uint32(n))
	if over := g.allowed.take(g.now, n); over > 0 {
		g.over = over
	}
	return n, err
}

// pace is called for each message that begins, and waits when they come too
// fast. The client then meets a full socket.
func (g *guard) pace() {
	if g.begun++; g.begun < paceMessages {
		return
	}
	now := time.Now()
	if wait := g.windowEnd.Sub(now); wait > 0 {
		time.Sleep(wait)
		now = now.Add(wait)
	}
	g.begun = 0
	g.windowEnd = now.Add(g.times.pace)
}

// publishing raises the bounds to those of a publisher.
func (g *guard) publishing() {
	g.live = true
	g.until = time.Now().Add(g.times.media)
	g.chunks.maxLength = maxMessage
	g.chunks.maxHeld = maxUnfinished
	g.in.grow(largeBuffer)
}

// idling begins the wait for the next publish or the end of the connection.
func (g *guard) idling() {
	g.live = false
	g.until = time.Now().Add(g.times.publish)
}

// lingering makes Close give the client time to read what was written last.
func (g *guard) lingering() { g.linger = true }

// Write passes on what go-rtmp writes, one whole chunk at a call. The count
// in its acknowledgements is of the bytes that it read; the client must see
// that of the bytes that it sent.
func (g *guard) Write(p []byte) (int, error) {
	if err := g.Conn.SetWriteDeadline(time.Now().Add(g.times.write)); err != nil {
		return 0, err
	}
	if !isAck(p) {
		return g.Conn.Write(p)
	}
	var b [12]byte
	ack := append(b[:0], p[:len(p)-4]...)
	return g.Conn.Write(binary.BigEndian.AppendUint32(ack, g.received.Load()))
}

// isAck tells whether p is an acknowledgement as go-rtmp writes it: on chunk
// stream 2, the first with a header of format 1, the others with none.
func isAck(p []byte) bool {
	return len(p) == 5 && p[0] == 0xc2 || len(p) == 12 && p[0] == 0x42 && p[7] == typeAck
}

// kick closes the connection; go-rtmp then closes the guard.
func (g *guard) kick() { _ = g.Conn.Close() }

// Close is go-rtmp's end of the connection.
func (g *guard) Close() error {
	err := net.ErrClosed
	g.closeOnce.Do(func() {
		if g.linger {
			g.drain()
		}
		err = g.Conn.Close()
		g.onClose()
	})
	return err
}

// drain ends our side and reads on for a moment: closing with unread bytes
// would reset the connection, and the client lose our last words.
func (g *guard) drain() {
	c, ok := g.Conn.(interface{ CloseWrite() error })
	if !ok || c.CloseWrite() != nil || g.Conn.SetReadDeadline(time.Now().Add(time.Second)) != nil {
		return
	}
	_, _ = io.CopyN(io.Discard, g.Conn, maxMessage)
}

// errTooFast ends a connection that sends more than the bitrate limit.
var errTooFast = errors.New("media: over the bitrate limit")

// errPanic ends a connection in whose handling something of ours panicked.
var errPanic = errors.New("media: internal error")
