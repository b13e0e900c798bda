package media

import (
	"bytes"
	"errors"
	"io"
	"math"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"testing/iotest"
	"time"
)

// sessions are the names of the recorded sessions.
func sessions(t testing.TB) []string {
	t.Helper()
	files, err := filepath.Glob("testdata/sessions/*.bin")
	if err != nil || len(files) != 20 {
		t.Fatalf("%d recorded sessions, %v", len(files), err)
	}
	for i, f := range files {
		files[i] = strings.TrimSuffix(filepath.Base(f), ".bin")
	}
	return files
}

// mediaOf returns the audio and video messages.
func mediaOf(all []message) (media []message) {
	for _, m := range all {
		if m.typeID == typeAudio || m.typeID == typeVideo {
			media = append(media, m)
		}
	}
	return media
}

func sameMessages(t testing.TB, got, want []message) {
	t.Helper()
	if len(got) != len(want) {
		t.Fatalf("%d messages, want %d", len(got), len(want))
	}
	for i := range want {
		g, w := got[i], want[i]
		if g.typeID != w.typeID || g.timestamp != w.timestamp || !bytes.Equal(g.body, w.body) {
			t.Fatalf("message %d: type %d at %d, %d bytes; want type %d at %d, %d bytes",
				i, g.typeID, g.timestamp, len(g.body), w.typeID, w.timestamp, len(w.body))
		}
	}
}

func TestGuardPassesSessions(t *testing.T) {
	for _, name := range sessions(t) {
		raw, want := readSession(t, name)
		for how, r := range map[string]io.Reader{
			"at once":   bytes.NewReader(raw),
			"by bytes":  iotest.OneByteReader(bytes.NewReader(raw)),
			"by halves": iotest.HalfReader(bytes.NewReader(raw)),
		} {
			got, err := through(t, r, false)
			if err != io.EOF {
				t.Errorf("%s %s: %v", name, how, err)
			}
			sameMessages(t, mediaOf(got), mediaOf(want))
		}
	}
}

// mediaCase is a chunk stream of a publisher and the media that it carries.
type mediaCase struct {
	name string
	in   []byte
	want []message
}

func TestGuardMedia(t *testing.T) {
	a, v := pattern(200), pattern(300)
	const late = 0x01020304
	ext := num(late)
	video := func(stamp uint32, body []byte) message {
		return message{typeID: typeVideo, timestamp: stamp, body: body}
	}
	audio := func(stamp uint32, body []byte) message {
		return message{typeID: typeAudio, timestamp: stamp, body: body}
	}
	three := func(stream int) header { return header{format: 3, stream: stream} }
	alike := craft(pattern(128), ext[:2], pattern(100)) // continues as the extended timestamp begins
	tests := []mediaCase{
		{"two messages interleaved", craft(
			header{0, 4, 10, 200, typeAudio, 1}, a[:128], header{0, 6, 20, 300, typeVideo, 1}, v[:128],
			three(4), a[128:], three(6), v[128:256], three(6), v[256:]),
			[]message{audio(10, a), video(20, v)}},
		{"extended timestamp repeated", craft(
			header{0, 6, late, 300, typeVideo, 1}, v[:128], three(6), ext, v[128:256], three(6), ext, v[256:]),
			[]message{video(late, v)}},
		{"extended timestamp left out", craft(
			header{0, 6, late, 300, typeVideo, 1}, v[:128], three(6), v[128:256], three(6), v[256:]),
			[]message{video(late, v)}},
		{"left out, and the body alike at first", craft(
			header{0, 6, late, len(alike), typeVideo, 1}, alike[:128], three(6), alike[128:]),
			[]message{video(late, alike)}},
		{"left out, and one byte left", craft(
			header{0, 6, late, 129, typeVideo, 1}, v[:128], three(6), v[128:129]),
			[]message{video(late, v[:129])}},
		{"extended delta, repeated", craft(
			header{0, 6, 0, 2, typeVideo, 1}, v[:2], header{1, 6, late, 300, typeVideo, 0}, v[:128],
			three(6), ext, v[128:256], three(6), ext, v[256:]),
			[]message{video(0, v[:2]), video(late, v)}},
		{"exactly the mark", craft(
			header{0, 6, extendedMark, 5, typeVideo, 1}, v[:5], header{0, 6, extendedMark - 1, 5, typeVideo, 1}, v[:5]),
			[]message{video(extendedMark, v[:5]), video(extendedMark-1, v[:5])}},
		{"deltas", craft(
			header{0, 6, 100, 5, typeVideo, 1}, v[:5], header{1, 6, 40, 6, typeVideo, 0}, v[:6],
			header{2, 6, 20, 0, 0, 0}, v[:6], three(6), v[:6], three(6), v[:6]),
			[]message{video(100, v[:5]), video(140, v[:6]), video(160, v[:6]), video(180, v[:6]), video(200, v[:6])}},
		{"format 3 after a small absolute timestamp", craft(
			header{0, 6, 40, 5, typeVideo, 1}, v[:5], three(6), v[:5]),
			[]message{video(40, v[:5]), video(80, v[:5])}},
		{"format 3 after a large absolute timestamp", craft(
			header{0, 6, 5000, 5, typeVideo, 1}, v[:5], three(6), v[:5]),
			[]message{video(5000, v[:5]), video(5000, v[:5])}},
		{"wrap at 32 bits", craft(
			header{0, 6, math.MaxUint32 - 9, 5, typeVideo, 1}, v[:5], header{1, 6, 20, 5, typeVideo, 0}, v[:5]),
			[]message{video(math.MaxUint32-9, v[:5]), video(10, v[:5])}},
		{"aborted", craft(
			header{0, 6, 10, 300, typeVideo, 1}, v[:128], whole(2, typeAbort, 0, num(6)),
			header{0, 6, 20, 5, typeVideo, 1}, v[:5]),
			[]message{video(20, v[:5])}},
		{"abort of nothing", craft(
			whole(2, typeAbort, 0, num(6)), whole(2, typeAbort, 0, num(math.MaxUint32)),
			whole(2, typeAbort, 0, []byte{1}), whole(6, typeVideo, 0, v)),
			[]message{video(0, v)}},
		{"acknowledgements", craft(
			whole(2, typeAck, 0, num(1000)), whole(6, typeVideo, 0, v), whole(2, typeAck, 0, []byte{1})),
			[]message{video(0, v)}},
		{"no body", craft(
			header{0, 6, 10, 0, typeVideo, 1}, header{1, 6, 10, 0, typeVideo, 0}, three(6),
			header{1, 6, 10, 5, typeVideo, 0}, v[:5]),
			[]message{video(40, v[:5])}},
		{"what go-rtmp cannot take", craft(
			whole(2, 4, 0, []byte{0, 9, 0, 0, 0, 0}), whole(2, 6, 0, num(5)), whole(4, 15, 0, a), whole(4, 16, 0, a),
			whole(4, 19, 0, a), whole(4, 22, 0, a), whole(4, 0, 0, a), whole(4, 7, 0, a), whole(4, 99, 0, a),
			whole(6, typeVideo, 7, v)),
			[]message{video(7, v)}},
		{"chunk streams of every form", craft(
			whole(2, typeVideo, 1, v), whole(63, typeVideo, 2, v), whole(64, typeVideo, 3, v),
			whole(319, typeVideo, 4, v), whole(320, typeVideo, 5, v), whole(65599, typeVideo, 6, v)),
			[]message{video(1, v), video(2, v), video(3, v), video(4, v), video(5, v), video(6, v)}},
		{"the first header has no stream", craft(header{1, 6, 10, 5, typeVideo, 0}, v[:5]),
			[]message{video(10, v[:5])}},
		{"larger chunks", craft(
			whole(2, typeSetChunkSize, 0, num(4096)), chunked(4096, 6, typeVideo, 1, pattern(9000)),
			whole(2, typeSetChunkSize, 0, num(math.MaxInt32)), chunked(1<<24, 6, typeVideo, 2, pattern(90000))),
			[]message{video(1, pattern(9000)), video(2, pattern(90000))}},
		{"chunk size changed in mid-message", craft(
			header{0, 6, 10, 300, typeVideo, 1}, v[:128], whole(2, typeSetChunkSize, 0, num(200)), three(6), v[128:]),
			[]message{video(10, v)}},
		{"the longest", chunked(128, 6, typeVideo, 1, pattern(maxMessage)), []message{video(1, pattern(maxMessage))}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			for _, r := range []io.Reader{bytes.NewReader(craft(hello, tt.in)),
				iotest.OneByteReader(bytes.NewReader(craft(hello, tt.in)))} {
				got, err := through(t, r, true)
				if err != io.EOF {
					t.Error(err)
				}
				sameMessages(t, mediaOf(got), tt.want)
			}
		})
	}
}

// A left out extended timestamp must not make the guard wait for bytes that
// the message does not have.
func TestGuardWaitsForNothing(t *testing.T) {
	const late = 0x01020304
	r, w := io.Pipe()
	go func() {
		_, _ = w.Write(craft(hello, header{0, 6, late, 129, typeVideo, 1}, pattern(128),
			header{format: 3, stream: 6}, []byte{0xff}))
	}()
	g := newGuard(&sentConn{r: r}, defaultTimeouts, func() {})
	g.publishing()
	done := make(chan error, 1)
	go func() {
		_, err := io.ReadFull(g, make([]byte, handshakeSize+16+16+129))
		done <- err
	}()
	select {
	case err := <-done:
		if err != nil {
			t.Error(err)
		}
	case <-time.After(5 * time.Second):
		t.Error("the guard waits")
	}
	_ = w.Close()
}

func TestGuardRefuses(t *testing.T) {
	v := pattern(300)
	full := header{0, 6, 10, 300, typeVideo, 1}
	var many, unfinished []byte
	for id := range maxChunkStreams + 1 {
		many = append(many, whole(10+id, typeVideo, 0, v)...)
	}
	for id := range 14 {
		unfinished = append(unfinished, header{0, 10 + id, 0, 60 << 10, typeVideo, 1}.bytes()...)
		unfinished = append(unfinished, pattern(128)...)
		for range 40 {
			unfinished = append(unfinished, header{format: 3, stream: 10 + id}.bytes()...)
			unfinished = append(unfinished, pattern(128)...)
		}
	}
	var unfinishedLive []byte
	unfinishedLive = append(unfinishedLive, whole(2, typeSetChunkSize, 0, num(3<<20))...)
	for id := range 3 {
		unfinishedLive = append(unfinishedLive, header{0, 10 + id, 0, 4 << 20, typeVideo, 1}.bytes()...)
		unfinishedLive = append(unfinishedLive, make([]byte, 3<<20)...)
	}
	tests := []struct {
		name string
		in   []byte
		live bool
		want error
	}{
		{"chunk size 0", whole(2, typeSetChunkSize, 0, num(0)), true, errChunk},
		{"chunk size 1", whole(2, typeSetChunkSize, 0, num(1)), true, errChunk},
		{"chunk size 127", whole(2, typeSetChunkSize, 0, num(127)), true, errChunk},
		{"chunk size of 32 bits", whole(2, typeSetChunkSize, 0, num(0x80000000)), true, errChunk},
		{"chunk size cut short", whole(2, typeSetChunkSize, 0, []byte{1, 2, 3}), true, errChunk},
		{"length changed in mid-message", craft(full, v[:128], header{0, 6, 10, 9, typeVideo, 1}, v), true, errChunk},
		{"length changed by format 1", craft(full, v[:128], header{1, 6, 10, 9000, typeVideo, 1}, v), true, errChunk},
		{"the same header again", craft(full, v[:128], full, v), true, errChunk},
		{"delta in mid-message", craft(full, v[:128], header{format: 2, stream: 6}, v), true, errChunk},
		{"format 3 first", craft(header{format: 3, stream: 6}, v), true, errChunk},
		{"format 2 first", craft(header{format: 2, stream: 6}, v), true, errChunk},
		{"too many chunk streams", many, true, errChunk},
		{"over 64 KiB before publish", header{0, 6, 0, maxBeforePublish + 1, typeVideo, 1}.bytes(), false, errChunk},
		{"16 MiB before publish", header{0, 6, 0, maxMessageLength, typeCommand, 1}.bytes(), false, errChunk},
		{"unfinished before publish", unfinished, false, errChunk},
		{"over 4 MiB after publish", header{0, 6, 0, maxMessage + 1, typeVideo, 1}.bytes(), true, errChunk},
		{"unfinished after publish", unfinishedLive, true, errChunk},
		{"cut in a header", full.bytes()[:5], true, io.ErrUnexpectedEOF},
		{"cut in a body", craft(full, v[:100]), true, io.EOF},
		{"command without a name", whole(3, typeCommand, 0, number(1)), false, errAMF},
		{"command without a transaction", whole(3, typeCommand, 0, str("connect")), false, errAMF},
		{"AMF3 command of nothing", whole(3, typeCommandAMF3, 0, []byte{0}), false, errAMF},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got, err := through(t, bytes.NewReader(craft(hello, tt.in)), tt.live)
			if !errors.Is(err, tt.want) {
				t.Errorf("%v, want %v", err, tt.want)
			}
			if errors.Is(err, errChunk) && len(mediaOf(got)) > maxChunkStreams {
				t.Errorf("%d messages before it", len(got))
			}
		})
	}
}

// The client must see acknowledged what it sent, not what go-rtmp read.
func TestGuardCorrectsAcks(t *testing.T) {
	c := &sentConn{r: bytes.NewReader(hello)}
	g := newGuard(c, defaultTimeouts, func() {})
	if _, err := io.ReadFull(g, make([]byte, handshakeSize)); err != nil {
		t.Fatal(err)
	}
	first := []byte{0x42, 0, 0, 0, 0, 0, 4, typeAck, 9, 9, 9, 9}
	for _, p := range [][]byte{first, {0xc2, 9, 9, 9, 9}, {0xc3, 9, 9, 9, 9}, pattern(140)} {
		kept := bytes.Clone(p)
		if n, err := g.Write(p); n != len(p) || err != nil {
			t.Fatal(n, err)
		}
		if !bytes.Equal(p, kept) {
			t.Error("Write changed its argument")
		}
	}
	count := num(handshakeSize)
	want := craft(first[:8], count, []byte{0xc2}, count, []byte{0xc3, 9, 9, 9, 9}, pattern(140))
	if !bytes.Equal(c.w.Bytes(), want) {
		t.Errorf("% x", c.w.Bytes())
	}
}

func TestGuardHello(t *testing.T) {
	for _, tt := range []struct {
		in   []byte
		want error
	}{
		{hello, nil},
		{hello[:helloSize], nil},
		{hello[:helloSize-1], io.ErrUnexpectedEOF},
		{nil, io.EOF},
		{[]byte("GET / HTTP/1.1\r\n\r\n"), errChunk},
		{[]byte{0x16, 3, 1}, errChunk},
		{[]byte{6}, errChunk},
	} {
		g := newGuard(&sentConn{r: bytes.NewReader(tt.in)}, defaultTimeouts, func() {})
		if err := g.hello(); !errors.Is(err, tt.want) {
			t.Errorf("%.10q: %v, want %v", tt.in, err, tt.want)
		}
	}
}

// What a client declares must cost nothing; only what it sends may.
func TestGuardMemory(t *testing.T) {
	var guards []*guard
	var before, after runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	const n = 1000
	for range n {
		in := craft(hello, header{0, 6, 0, maxMessage, typeVideo, 1}, pattern(100))
		g := newGuard(&sentConn{r: bytes.NewReader(in)}, defaultTimeouts, func() {})
		g.publishing()
		_, _ = io.Copy(io.Discard, g)
		guards = append(guards, g)
	}
	runtime.GC()
	runtime.ReadMemStats(&after)
	each := int64(after.HeapAlloc-before.HeapAlloc) / n
	if most := int64(largeBuffer + 16<<10); each > most {
		t.Errorf("%d bytes each, want at most %d", each, most)
	}
	runtime.KeepAlive(guards)
}

// Messages that are left unfinished keep little more than their own bytes: the
// large buffer of a message that is over is not lent to each of them.
func TestGuardUnfinished(t *testing.T) {
	for _, live := range []bool{false, true} {
		big, last := maxBeforePublish/2, 4+maxChunkStreams-1
		if live {
			big = maxSpare / 2
		}
		in := bytes.Clone(hello)
		for cs := 4; cs < last; cs++ {
			in = craft(in, header{0, cs, 0, 1000, typeVideo, 1}, pattern(minChunkSize), whole(last, typeVideo, 0, pattern(big)))
		}
		g := newGuard(&sentConn{r: bytes.NewReader(in)}, defaultTimeouts, func() {})
		if live {
			g.publishing()
		}
		_, _ = io.Copy(io.Discard, g)
		if n := len(g.chunks.streams); n != maxChunkStreams {
			t.Fatalf("%d chunk streams", n)
		}
		if err := checkGuard(g); err != nil {
			t.Errorf("live %t: %v", live, err)
		}
	}
}

// A panic of ours within the guard ends that connection only.
func TestGuardPanics(t *testing.T) {
	g := newGuard(&sentConn{r: bytes.NewReader(craft(hello, whole(6, typeVideo, 0, pattern(5))))}, defaultTimeouts, func() {})
	told := 0
	g.onPanic = func(any, []byte) { told++ }
	g.chunks.started = func() { panic("injected") }
	for range 2 {
		if _, err := io.Copy(io.Discard, g); !errors.Is(err, errPanic) {
			t.Error(err)
		}
	}
	if told != 1 {
		t.Errorf("told %d times", told)
	}
}

// A flood of tiny messages is slowed down, not served at full speed.
func TestGuardPaces(t *testing.T) {
	var flood []byte
	flood = append(flood, header{0, 6, 0, 0, typeVideo, 1}.bytes()...)
	flood = append(flood, bytes.Repeat([]byte{0xc6}, 5*paceMessages)...)
	began := time.Now()
	g := newGuard(&sentConn{r: bytes.NewReader(craft(hello, flood))}, defaultTimeouts, func() {})
	if _, err := io.Copy(io.Discard, g); err != nil {
		t.Error(err)
	}
	if took := time.Since(began); took < 3*defaultTimeouts.pace {
		t.Errorf("%d messages in %v", 5*paceMessages, took)
	}
}
