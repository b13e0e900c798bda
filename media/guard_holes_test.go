package media

import (
	"bytes"
	"math"
	"strings"
	"testing"
	"time"
)

// hole is a weakness that another RTMP server or client had, as a client
// would use it against this one.
type hole struct {
	name string
	in   []byte // after the handshake
}

// bomb is 28 bytes that made go-amf0 allocate 32 GiB: a data message whose
// strict array says that it has 2^31-1 elements.
var bomb = craft(header{0, 3, 0, 16, typeData, 0}, str("setEvent"), []byte{amfStrictArray, 0x7f, 0xff, 0xff, 0xff})

// nested is an AMF0 value of many levels.
func nested(levels int) []byte {
	return craft(strings.Repeat("\x03\x00\x01a", levels), []byte{amfNull}, strings.Repeat("\x00\x00\x09", levels))
}

// holes is the table of the known ones.
func holes() []hole {
	declared := []byte{amfStrictArray, 0x7f, 0xff, 0xff, 0xff}
	cmd := func(name string, args ...any) []byte {
		stream := 3
		if name == "publish" || name == "play" {
			stream = 5
		}
		return whole(stream, typeCommand, 0, craft(append([]any{str(name), number(1)}, args...)...))
	}
	v := pattern(300)
	full := header{0, 6, 10, 300, typeVideo, 1}
	three := header{format: 3, stream: 6}
	var openings []any
	for range 20 {
		openings = append(openings, cmd("createStream", []byte{amfNull}))
	}
	return []hole{
		{"28 bytes that allocate 32 GiB", bomb},
		{"strict array in connect", cmd("connect", declared)},
		{"strict array in connect's object", cmd("connect", []byte{amfObject, 0, 1, 'a'}, declared)},
		{"strict array in metadata", whole(4, typeData, 0, craft(str("@setDataFrame"), str("onMetaData"), declared))},
		{"strict array before the key", cmd("publish", declared, str("k"))},
		{"CVE-2026-54427: nested objects", cmd("connect", nested(12000))},
		{"CVE-2026-54427: nested before the key", cmd("publish", nested(5000), str("k"))},
		{"CVE-2026-54427: nested metadata", whole(4, typeData, 0, craft(str("onMetaData"), nested(8000)))},
		{"CVE-2026-56387: declared counts", cmd("connect", []byte{amfECMAArray, 0xff, 0xff, 0xff, 0xff, 0, 1, 'a', amfNull})},
		{"CVE-2026-56387: long string", cmd("connect", []byte{amfObject, 0, 1, 'a', amfLongString, 0xff, 0xff, 0xff, 0xff})},
		{"many values", cmd("connect", []byte{amfObject}, strings.Repeat("\x00\x01a\x05", 5000))},
		{"CVE-2026-78066: length declared again, smaller", craft(full, v[:128], header{0, 6, 10, 100, typeVideo, 1}, v[:100])},
		{"CVE-2026-78066: length declared again, larger", craft(full, v[:128], header{1, 6, 10, 60000, typeVideo, 1}, v)},
		{"CVE-2026-84727: abort in mid-message", craft(full, v[:128], whole(2, typeAbort, 0, num(6)), three, v)},
		{"CVE-2026-84727: abort of itself", craft(whole(2, typeAbort, 0, num(2)), whole(2, typeAbort, 0, num(2)))},
		{"CVE-2026-84727: abort of what is not there", whole(2, typeAbort, 0, num(math.MaxUint32))},
		{"CVE-2026-82953: createStream without connect", cmd("createStream", []byte{amfNull})},
		{"CVE-2026-82953: createStream without end", craft(append([]any{cmd("connect", object("app", "live"))}, openings...)...)},
		{"CVE-2016-10191: another size in mid-message", craft(full, v[:128], header{1, 6, 0, 129, typeVideo, 0}, v)},
		{"CVE-2016-10191: chunk size in mid-message", craft(full, v[:128], whole(2, typeSetChunkSize, 0, num(200)), three, v[128:])},
		{"CVE-2017-11665: control message cut short", craft(whole(2, 4, 0, []byte{0}), whole(2, typeWindowAck, 0, []byte{0}), whole(2, 6, 0, []byte{0}))},
		{"CVE-2015-8270: object without an end", cmd("connect", []byte{amfObject, 0, 3, 'a', 'p', 'p'})},
		{"CVE-2015-8270: command cut short", whole(3, typeCommand, 0, []byte{amfString, 0xff, 0xff, 'a'})},
		{"CVE-2015-8271: string beyond the message", whole(3, typeCommand, 0, craft(str("connect"), number(1), []byte{amfObject, 0xff, 0xff}))},
		{"CVE-2010-3000: lengths that overflow", craft(header{0, 6, 0, maxMessageLength, typeVideo, 1}, v)},
		{"nginx-rtmp 1042: chunk size 2147483647", craft(whole(2, typeSetChunkSize, 0, num(math.MaxInt32)), header{0, 6, 0, 60000, typeVideo, 1}, v)},
		{"Red5 456: chunks of one byte", craft(whole(2, typeSetChunkSize, 0, num(1)), bytes.Repeat([]byte{0x46, 0, 0, 0, 0, 0, 1, 9, 1}, 2000))},
		{"Red5 469: chunk size 0", whole(2, typeSetChunkSize, 0, num(0))},
		{"Red5 475: messages of one byte", craft(header{0, 6, 0, 1, typeAudio, 1}, "x", strings.Repeat("\xc6x", 3000))},
		{"messages of no byte", craft(header{0, 6, 0, 0, typeAudio, 1}, strings.Repeat("\xc6", 3000))},
		{"first chunk without a header", craft(three, v)},
		{"AMF3 command of nothing", whole(3, typeCommandAMF3, 0, []byte{0})},
		{"answer to nothing", cmd("_result", []byte{amfNull})},
		{"play", craft(cmd("connect", object("app", "live")), cmd("createStream", []byte{amfNull}), cmd("play", []byte{amfNull}, str("k"), number(-2)))},
		{"deleteStream of the control stream", craft(cmd("connect", object("app", "live")), cmd("deleteStream", []byte{amfNull}, number(0)))},
		{"acknowledge each byte", craft(whole(2, typeWindowAck, 0, num(1)), strings.Repeat(string(whole(6, typeAudio, 0, v)), 50))},
	}
}

// Each known hole ends the one connection, or is ignored; afterwards a real
// encoder gets in, and nothing has panicked.
func TestKnownHoles(t *testing.T) {
	if len(bomb) != 28 {
		t.Errorf("the bomb has %d bytes", len(bomb))
	}
	r := newRecorder()
	p := serveIngest(t, keyring{testKey: "gig"}, func(i *Ingest) {
		recordInto(r)(i)
		i.times.publish = 300 * time.Millisecond
	})
	for _, h := range holes() {
		t.Run(h.name, func(t *testing.T) {
			conn := p.dial(t)
			_ = conn.SetDeadline(time.Now().Add(10 * time.Second))
			// The server may hang up in the middle: only the end counts.
			_, _ = conn.Write(craft(hello, h.in))
			awaitHangUp(t, conn)
		})
	}
	raw, _ := readSession(t, "ffmpeg-h264-aac")
	replay(t, p, raw)
	awaitEnd(t, r)
	if got := len(r.of(TagVideo)); got != 152 {
		t.Errorf("%d video tags afterwards", got)
	}
	if strings.Contains(p.log.String(), "panic") {
		t.Errorf("log: %s", p.log)
	}
}
