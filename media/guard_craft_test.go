package media

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"io"
	"net"
	"os"
	"testing"
	"time"
)

// hello is what a client sends as C0, C1 and C2.
var hello = append([]byte{3}, make([]byte, 2*1536)...)

// header is a chunk's header before it is written.
type header struct {
	format   byte
	stream   int // chunk stream
	stamp    uint32
	length   int
	typeID   byte
	streamID uint32
}

// bytes writes the header as the specification says.
func (h header) bytes() []byte {
	var b []byte
	switch {
	case h.stream < 64:
		b = []byte{h.format<<6 | byte(h.stream)}
	case h.stream < 320:
		b = []byte{h.format << 6, byte(h.stream - 64)}
	default:
		b = []byte{h.format<<6 | 1, byte(h.stream - 64), byte((h.stream - 64) >> 8)}
	}
	if h.format == 3 {
		return b
	}
	stamp := min(h.stamp, extendedMark)
	b = append(b, byte(stamp>>16), byte(stamp>>8), byte(stamp))
	if h.format <= 1 {
		b = append(b, byte(h.length>>16), byte(h.length>>8), byte(h.length), h.typeID)
	}
	if h.format == 0 {
		b = binary.LittleEndian.AppendUint32(b, h.streamID)
	}
	if stamp == extendedMark {
		b = binary.BigEndian.AppendUint32(b, h.stamp)
	}
	return b
}

// craft joins byte slices and the bytes of headers.
func craft(parts ...any) []byte {
	var b []byte
	for _, p := range parts {
		switch p := p.(type) {
		case []byte:
			b = append(b, p...)
		case string:
			b = append(b, p...)
		case header:
			b = append(b, p.bytes()...)
		default:
			panic(fmt.Sprintf("craft: %T", p))
		}
	}
	return b
}

// whole is a message in chunks of 128 bytes, the first with a full header.
func whole(stream int, typeID byte, stamp uint32, body []byte) []byte {
	return chunked(128, stream, typeID, stamp, body)
}

// chunked is a message in chunks of the given size. What comes on chunk
// streams 2 and 3 is for the connection, all else for message stream 1.
func chunked(size, stream int, typeID byte, stamp uint32, body []byte) []byte {
	h := header{0, stream, stamp, len(body), typeID, 1}
	if stream <= 3 {
		h.streamID = 0
	}
	b := h.bytes()
	for {
		n := min(size, len(body))
		b = append(b, body[:n]...)
		if body = body[n:]; len(body) == 0 {
			return b
		}
		b = append(b, header{format: 3, stream: stream}.bytes()...)
		if stamp >= extendedMark {
			b = binary.BigEndian.AppendUint32(b, stamp)
		}
	}
}

// num is a 32-bit number as the control messages have it.
func num(n uint32) []byte { return binary.BigEndian.AppendUint32(nil, n) }

// str is an AMF0 string.
func str(s string) []byte { return appendAMFString(nil, s) }

// number is an AMF0 number.
func number(n float64) []byte { return appendAMFNumber(nil, n) }

// object is an AMF0 object with one string.
func object(key, value string) []byte {
	return craft([]byte{amfObject, 0, byte(len(key))}, key, str(value), []byte{0, 0, amfObjectEnd})
}

// commands that bring a connection to the point where media may come.
func opening(key string) []byte {
	return craft(hello,
		whole(3, typeCommand, 0, craft(str("connect"), number(1), object("app", "live"))),
		whole(3, typeCommand, 0, craft(str("createStream"), number(2), []byte{amfNull})),
		whole(5, typeCommand, 0, craft(str("publish"), number(3), []byte{amfNull}, str(key), str("live"))))
}

// pattern is n bytes that differ from their neighbours.
func pattern(n int) []byte {
	b := make([]byte, n)
	for i := range b {
		b[i] = byte(i*7 + i>>8)
	}
	return b
}

// sentConn is a connection whose client has sent r and hears nothing.
type sentConn struct {
	r io.Reader
	w bytes.Buffer
}

func (c *sentConn) Read(p []byte) (int, error)       { return c.r.Read(p) }
func (c *sentConn) Write(p []byte) (int, error)      { return c.w.Write(p) }
func (c *sentConn) Close() error                     { return nil }
func (c *sentConn) LocalAddr() net.Addr              { return &net.TCPAddr{} }
func (c *sentConn) RemoteAddr() net.Addr             { return &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1), Port: 1} }
func (c *sentConn) SetDeadline(time.Time) error      { return nil }
func (c *sentConn) SetReadDeadline(time.Time) error  { return nil }
func (c *sentConn) SetWriteDeadline(time.Time) error { return nil }

// through reads what a guard makes of in. With live it has published before;
// else it is when a publish comes through. It fails where the output is not
// canonical, and returns the messages and what ended the reading.
func through(t testing.TB, in io.Reader, live bool) ([]message, error) {
	t.Helper()
	unpaced := defaultTimeouts
	unpaced.pace = 0
	g := newGuard(&sentConn{r: in}, unpaced, func() {})
	g.onPanic = func(v any, stack []byte) { t.Fatalf("panic: %v\n%s", v, stack) }
	defer g.Close()
	if live {
		g.publishing()
	}
	if _, err := io.ReadFull(g, make([]byte, handshakeSize)); err != nil {
		return nil, err
	}
	var out []message
	for {
		m, err := readCanonical(t, g)
		if err == io.EOF {
			err = g.err
		}
		if err != nil {
			return out, err
		}
		if len(out) == 0 && m.typeID != typeSetChunkSize {
			t.Fatal("no Set Chunk Size at the start")
		}
		if len(out) > 0 && m.typeID == typeSetChunkSize {
			t.Fatal("a second Set Chunk Size")
		}
		if c, err := parseCommand(m.body); m.typeID == typeCommand && err == nil && c.name == "publish" {
			g.publishing()
		}
		if len(m.body) > g.chunks.maxLength {
			t.Fatalf("a message of %d bytes", len(m.body))
		}
		if held := g.chunks.held; held < 0 || held > g.chunks.maxHeld {
			t.Fatalf("%d bytes held", held)
		}
		out = append(out, m)
	}
}

// readCanonical reads one message in the only form that go-rtmp may meet.
func readCanonical(t testing.TB, r io.Reader) (message, error) {
	var h [12]byte
	if _, err := io.ReadFull(r, h[:1]); err != nil {
		return message{}, err
	}
	if _, err := io.ReadFull(r, h[1:]); err != nil {
		t.Fatalf("header cut short: %v", err)
	}
	if h[0] < 2 || h[0] > 4 {
		t.Fatalf("basic header %#x", h[0])
	}
	m := message{typeID: h[7], streamID: binary.LittleEndian.Uint32(h[8:]), timestamp: uint24(h[1:])}
	if m.timestamp == extendedMark {
		var ext [4]byte
		if _, err := io.ReadFull(r, ext[:]); err != nil {
			t.Fatalf("extended timestamp cut short: %v", err)
		}
		if m.timestamp = binary.BigEndian.Uint32(ext[:]); m.timestamp < extendedMark {
			t.Fatalf("extended timestamp for %d", m.timestamp)
		}
	}
	m.body = make([]byte, uint24(h[4:]))
	if len(m.body) == 0 {
		t.Fatal("a message without a body")
	}
	if _, err := io.ReadFull(r, m.body); err != nil {
		t.Fatalf("body cut short: %v", err)
	}
	switch m.typeID {
	case typeSetChunkSize, typeWindowAck, typeAudio, typeVideo, typeData, typeCommand:
	default:
		t.Fatalf("message of type %d", m.typeID)
	}
	return m, nil
}

// readSession reads a recorded session.
func readSession(t testing.TB, name string) (raw []byte, messages []message) {
	t.Helper()
	raw, err := os.ReadFile("testdata/sessions/" + name + ".bin")
	if err != nil {
		t.Fatal(err)
	}
	walkSession(raw, func(m message, _ int) { messages = append(messages, m) })
	return raw, messages
}

// walkSession calls f for each message of a recorded session and where it
// ends. It is the plainest of parsers: it knows that the bytes are whole and
// well-formed, and shares no code with the guard.
func walkSession(raw []byte, f func(m message, end int)) {
	type state struct {
		message
		delta  uint32
		length int
		ext    bool
	}
	streams := map[byte]*state{}
	size := 128
	for b := raw[3073:]; len(b) > 0; {
		format, id := b[0]>>6, b[0]&63
		b = b[1:]
		s := streams[id]
		if s == nil {
			s = new(state)
			streams[id] = s
		}
		fresh := len(s.body) == 0
		stamp := s.delta
		if format < 3 {
			stamp = uint32(b[0])<<16 | uint32(b[1])<<8 | uint32(b[2])
			s.ext = stamp == 0xffffff
		}
		if format < 2 {
			s.length = int(b[3])<<16 | int(b[4])<<8 | int(b[5])
			s.typeID = b[6]
		}
		if format == 0 {
			s.streamID = binary.LittleEndian.Uint32(b[7:])
		}
		b = b[[4]int{11, 7, 3, 0}[format]:]
		if s.ext {
			stamp = binary.BigEndian.Uint32(b)
			b = b[4:]
		}
		switch {
		case fresh && format == 0:
			s.timestamp, s.delta = stamp, 0
		case fresh:
			s.delta = stamp
			s.timestamp += stamp
		}
		n := min(size, s.length-len(s.body))
		s.body = append(s.body, b[:n]...)
		b = b[n:]
		if len(s.body) < s.length {
			continue
		}
		if s.typeID == 1 {
			size = int(binary.BigEndian.Uint32(s.body))
		}
		f(s.message, len(raw)-len(b))
		s.body = nil
	}
}
