package media

import (
	"errors"
	"io"
	"testing"
)

// fuzzOps drives a relay with what the fuzzer makes up: a list of operations,
// each a selector, a timestamp step and a body taken from the input. It ends
// where the input does.
type fuzzOps struct {
	b  []byte
	ts uint32
}

func (o *fuzzOps) next() (op byte, body []byte, ok bool) {
	if len(o.b) < 3 {
		return 0, nil, false
	}
	op = o.b[0]
	o.ts += fuzzStep(o.b[1])
	n := min(int(o.b[2]), len(o.b)-3)
	body, o.b = o.b[3:3+n], o.b[3+n:]
	return op, body, true
}

// fuzzStep makes a step of a clock of one byte: mostly a small one forward, but
// also far ones and ones back.
func fuzzStep(b byte) uint32 {
	switch {
	case b < 200:
		return uint32(b)
	case b < 228:
		return 1 << (b - 200)
	}
	return -(1 << (b - 224))
}

// fuzzBodies are whole tags that the fuzzer picks by number, so that it gets
// past the headers.
var fuzzBodies = []struct {
	t    TagType
	body []byte
}{
	{TagVideo, avcHeader}, {TagAudio, aacHeader}, {TagVideo, key(300)}, {TagVideo, inter(100)},
	{TagAudio, sound(50)}, {TagScript, meta}, {TagVideo, avcEnd}, {TagAudio, []byte{0x2f, 1, 2, 3}},
	{TagVideo, append([]byte{0x90, 'h', 'v', 'c', '1'}, 1)}, {TagVideo, append([]byte{0x93, 'h', 'v', 'c', '1'}, 1)},
	{TagVideo, append([]byte{0xa3, 'h', 'v', 'c', '1'}, 1)}, {TagVideo, []byte{0xd4, 'h', 'v', 'c', '1', 0}},
	{TagVideo, key(6000)}, {TagVideo, []byte{0x12, 0, 0}}, {TagVideo, []byte{0x22, 0, 0}},
}

// FuzzTag sends any sequence of tags, good and bad, from publishers that come
// and go, and checks what viewers get: whole FLV tags, timestamps that never
// go back, headers and a keyframe before pictures that need them.
func FuzzTag(f *testing.F) {
	f.Add([]byte{0, 0, 0, 1, 0, 0, 2, 0, 0, 64, 0, 0, 3, 40, 0, 4, 0, 0, 67, 0, 0, 2, 40, 0, 66, 0, 0, 65, 0, 0, 2, 240, 0, 3, 40, 0})
	f.Add([]byte{1, 0, 0, 4, 0, 0, 4, 199, 0, 4, 199, 0, 4, 199, 0, 4, 199, 0, 64, 0, 0, 0, 0, 0, 2, 0, 0, 3, 40, 0})
	f.Add([]byte{8, 0, 0, 9, 0, 0, 10, 40, 0, 1, 0, 0, 4, 40, 0, 64, 0, 0, 0, 0, 0, 2, 40, 0, 3, 40, 0})
	f.Add([]byte{128, 0, 9, 0x17, 0, 0, 0, 0, 1, 2, 3, 4, 129, 0, 4, 0xaf, 0, 0x12, 0x10, 128, 0, 6, 0x17, 1, 0, 0, 0, 9, 64, 0, 0})
	f.Fuzz(func(t *testing.T, input []byte) {
		r := testRelay(t, RelayOptions{RingBytes: 32 << 10})
		defer r.End("g")
		ops := &fuzzOps{b: input}
		p, err := r.Publish("g", PublisherInfo{})
		if err != nil {
			t.Fatal(err)
		}
		var players []*player
		for n := 0; n < 500; n++ {
			op, body, ok := ops.next()
			if !ok {
				break
			}
			switch {
			case op >= 128:
				err = p.WriteTag([]TagType{TagVideo, TagAudio, TagScript, 5}[op&3], ops.ts, body)
			case op == 64 && len(players) < 8:
				if v, err := r.Join("g", ""); err == nil {
					players = append(players, &player{v: v, flvStream: flvStream{viewed: true}})
				}
			case op == 65:
				p.Close()
				p, err = r.Publish("g", PublisherInfo{})
			case op == 66 || op == 67: // some viewers read now, others fall behind
				for i := int(op & 1); i < len(players); i += 2 {
					fuzzRead(t, players[i])
				}
			case op == 68:
				r.Health("g")
			default:
				b := fuzzBodies[int(op)%len(fuzzBodies)]
				err = p.WriteTag(b.t, ops.ts, b.body)
			}
			if err != nil {
				t.Fatal(err)
			}
		}
		r.End("g")
		for _, p := range players {
			if err := fuzzRead(t, p); !errors.Is(err, io.EOF) {
				t.Fatalf("ended with %v", err)
			}
			if len(p.buf) > 0 {
				t.Fatal("ended inside a tag")
			}
			p.v.Close()
		}
	})
}

// fuzzRead reads what is there and checks it.
func fuzzRead(t *testing.T, p *player) error {
	for {
		p.v.s.mu.Lock()
		bufs, err := p.v.take()
		p.v.s.mu.Unlock()
		if err != nil || len(bufs) == 0 {
			return err
		}
		if err := p.feed(bufs); err != nil {
			t.Fatal(err)
		}
	}
}
