package media

import (
	"io"
	"net"
	"slices"
	"testing"
	"time"
)

// fuzzScript is what FuzzSession does, taken from the input a byte at a time.
// Past its end there are zeros.
type fuzzScript struct{ b []byte }

func (s *fuzzScript) next() byte {
	if len(s.b) == 0 {
		return 0
	}
	b := s.b[0]
	s.b = s.b[1:]
	return b
}

// some returns up to as many bytes as the next byte says.
func (s *fuzzScript) some() []byte {
	n := min(int(s.next()), len(s.b))
	b := s.b[:n]
	s.b = s.b[n:]
	return b
}

// fuzzCommands are whole messages that are about the connection.
var fuzzCommands = []struct {
	id     byte
	stream uint32 // message stream
	body   []byte
}{
	{typeCommand, 0, craft(str("connect"), number(1), object("app", "live"))},
	{typeCommand, 0, craft(str("createStream"), number(2), []byte{amfNull})},
	{typeCommand, 1, craft(str("publish"), number(3), []byte{amfNull}, str(testKey), str("live"))},
	{typeCommand, 2, craft(str("publish"), number(3), []byte{amfNull}, str(testKey+"?a=b"))},
	{typeCommand, 1, craft(str("publish"), number(3), []byte{amfNull}, str("b"), str("live"))},
	{typeCommand, 1, craft(str("publish"), number(3), []byte{amfNull}, str("wrong"), str("live"))},
	{typeCommand, 1, craft(str("publish"), number(3), []byte{amfNull}, str("slow"), str("live"))},
	{typeCommand, 0, craft(str("FCUnpublish"), number(4), []byte{amfNull}, str(testKey))},
	{typeCommand, 1, craft(str("FCUnpublish"), number(4), []byte{amfNull}, str(testKey))},
	{typeCommand, 0, craft(str("deleteStream"), number(5), []byte{amfNull}, number(1))},
	{typeCommand, 1, craft(str("closeStream"), number(6), []byte{amfNull})},
	{typeCommand, 1, craft(str("play"), number(7), []byte{amfNull}, str(testKey))},
	{typeCommand, 0, craft(str("connect"), number(1), object("app", "other"))},
	{typeCommandAMF3, 0, craft([]byte{0}, str("createStream"), number(2), []byte{amfNull})},
	{typeCommand, 0, craft(str("_result"), number(2), []byte{amfNull})},
	{typeWindowAck, 0, num(2_500_000)},
	{typeWindowAck, 0, num(1)},
	{typeAck, 0, num(1)},
	{typeData, 1, craft(str("@setDataFrame"), meta)},
	{typeData, 1, craft(str("@setDataFrame"), str("onMetaData"), object("a", "b"))},
	{typeAbort, 0, num(4)},
	{4, 0, craft([]byte{0, 3}, num(0), num(3000))}, // user control: buffer length
	{22, 1, pattern(40)},                           // aggregate
}

// message sends a message in chunks of the client's size. head says the format
// of the first chunk's header and the chunk stream, step how the client's
// clock goes on; declared is the length that the header tells.
func (c *client) message(head, step, typeID byte, streamID uint32, declared int, body []byte) {
	delta := fuzzStep(step)
	c.ts += delta
	h := header{head >> 6, 2 + int(head&0x3f), c.ts, declared, typeID, streamID}
	if h.format > 0 {
		h.stamp = delta
	}
	c.write(h.bytes())
	for rest := body; ; {
		n := min(c.size, len(rest))
		c.write(rest[:n])
		if rest = rest[n:]; len(rest) == 0 {
			return
		}
		c.write(header{format: 3, stream: h.stream}.bytes())
		if h.format < 3 && h.stamp >= extendedMark {
			c.write(num(h.stamp))
		}
	}
}

// fuzzSession is one run of a script.
type fuzzSession struct {
	*rig
	fuzzScript
	slots [3]*client
	at    int // the slot whose client acts
	dials int
	slept time.Duration
}

// client returns the one that acts.
func (s *fuzzSession) client() *client {
	if s.slots[s.at] == nil {
		s.dials++
		s.slots[s.at] = s.dial()
		s.slots[s.at].write(hello)
	}
	return s.slots[s.at]
}

// do does the next thing of the script.
func (s *fuzzSession) do() {
	op := s.next()
	switch op % 16 {
	case 0, 1, 2: // a tag that makes sense
		b := fuzzBodies[int(s.next())%len(fuzzBodies)]
		s.client().message(s.next(), s.next(), byte(b.t), 1, len(b.body), b.body)
	case 3: // any message
		id, head, step, stream := s.next(), s.next(), s.next(), s.next()
		body := s.some()
		s.client().message(head, step, id, uint32(stream%4), len(body), body)
	case 4, 5: // a command that makes sense
		m := fuzzCommands[int(s.next())%len(fuzzCommands)]
		s.client().message(s.next(), 0, m.id, m.stream, len(m.body), m.body)
	case 6: // bytes as they are
		s.client().write(s.some())
	case 7: // a message that is longer or shorter than it says
		id, head, step, kib, rest := s.next(), s.next(), s.next(), s.next(), s.next()
		s.client().message(head, step, id, 1, int(kib)<<10|int(rest), s.some())
	case 8: // a large one, of many chunks, or most of one
		id, head, step, kib := s.next(), s.next(), s.next(), s.next()
		body := make([]byte, max(int(kib%64), 1)<<10)
		copy(body, s.some())
		s.client().message(head, step, id, 1, len(body)+int(kib&128), body)
	case 9:
		size := num(uint32(s.next())<<16 | uint32(s.next())<<8 | uint32(s.next()))
		c := s.client()
		c.message(0, 0, typeSetChunkSize, 0, len(size), size)
		if n := int(uint24(size[1:])); n >= minChunkSize {
			c.size = n
		}
	case 10: // everything that a publisher says first
		c := s.client()
		for _, m := range fuzzCommands[:3] {
			c.message(1, 0, m.id, m.stream, len(m.body), m.body)
		}
	default:
		s.settle()
		s.event(op % 16)
	}
}

// event is what does not come as bytes.
func (s *fuzzSession) event(op byte) {
	arg := s.next()
	switch op {
	case 11: // time passes
		d := time.Millisecond << (arg % 18)
		if s.slept += d; s.slept < rigGrace/4 {
			time.Sleep(d)
			s.settle()
		}
	case 12: // another client acts
		s.at = int(arg) % len(s.slots)
	case 13: // the client goes away; the next one comes in its place
		c := s.client()
		if s.slots[s.at] = nil; s.dials > 20 {
			s.b = nil
		}
		c.change(func() {
			if c.end = io.EOF; arg&1 == 1 {
				c.end, c.reset = net.ErrClosed, true
			}
			c.deaf = arg&2 == 2
		})
	case 14: // slow viewers read something
		for i, w := range s.watchers {
			if arg>>(i&7)&1 == 0 {
				w.walk()
			}
		}
		s.most = min(s.most+int(arg&1), 8)
	case 15: // the host does something
		switch arg % 4 {
		case 0:
			s.relay.Kick("gig")
		case 1:
			s.relay.End("gig")
			s.wasLive = false
		case 2:
			s.relay.Health("gig")
		case 3:
			s.client().change(func() { s.client().deaf = true })
		}
	}
}

// FuzzSession holds that whatever clients send, in whatever order, and however
// they go: nothing panics or stays behind, all bounds hold, and viewers get
// streams that can be played.
func FuzzSession(f *testing.F) {
	// The first byte says: 1 the first client has published, 2 it does not even
	// shake hands, 4 all that follows is what it sends, 8 at the end it falls
	// silent, 16 a crowd watches, 32 there is little room.
	h264 := []byte{0, 0, 4, 0, 1, 1, 4, 0, 0, 2, 4, 0, 11, 0}
	frames := []byte{0, 3, 68, 40, 1, 4, 68, 10, 2, 4, 196, 10, 0, 2, 68, 20}
	f.Add(slices.Concat([]byte{1}, h264, frames, frames, []byte{14, 0}, frames))
	f.Add(slices.Concat([]byte{1 | 16}, h264, frames, []byte{11, 2}, frames, []byte{11, 7}, frames))
	f.Add(slices.Concat([]byte{1 | 32}, h264, []byte{12, 1, 10}, h264, frames, []byte{13, 0, 12, 0, 10}, h264, frames))
	f.Add(slices.Concat([]byte{1 | 8}, h264, frames, []byte{8, typeVideo, 4, 40, 40, 2, 0x27, 1, 13, 1, 11, 14, 10}, h264, frames))
	f.Add(slices.Concat([]byte{1}, h264, frames, []byte{4, 7, 0, 11, 3, 4, 3, 0}, h264, frames, []byte{15, 0, 15, 1, 10}, h264))
	f.Add(craft([]byte{0, 4, 0, 1, 4, 1, 1, 4, 6, 1}, []byte{13, 2, 4, 12, 0, 13, 3, 15, 3, 10, 15, 2}, h264))
	f.Add([]byte{0, 8, typeVideo, 4, 0, 168, 0, 14, 0, 8, typeVideo, 5, 0, 168, 0, 11, 1})
	f.Add(slices.Concat([]byte{1, 0, 4, 4, 0, 0, 2, 4, 0, 14, 0}, frames, []byte{14, 0}, h264, []byte{0, 1, 4, 0, 4, 17, 2, 0, 0}, frames, []byte{15, 1}, frames))
	f.Add(slices.Concat([]byte{1}, h264, frames, []byte{0, 3, 4, 236, 0, 4, 4, 250, 14, 0, 0, 2, 4, 230}, frames))
	f.Add(slices.Concat([]byte{1}, h264, []byte{7, typeVideo, 2, 0, 1, 0, 128}, pattern(128), []byte{4, 20, 0}, frames))
	large := []byte{8, typeVideo, 4, 40, 63, 2, 0x27, 1}
	f.Add(slices.Concat([]byte{1, 4, 16, 0}, h264, large, large, []byte{14, 0, 4, 21, 0}, frames, large, large))
	f.Add(slices.Concat([]byte{1 | 32, 9, 0, 255, 255}, h264, slices.Repeat(large, 75)))
	for _, h := range holes() {
		f.Add(craft([]byte{4}, h.in[:min(len(h.in), 4<<10)]))
		f.Add(craft([]byte{4 | 1}, h.in[:min(len(h.in), 4<<10)]))
	}
	raw, _ := readSession(f, "obs29-h264-aac")
	f.Add(craft([]byte{4 | 2}, raw[:12<<10]))
	f.Fuzz(func(t *testing.T, input []byte) {
		s := &fuzzSession{fuzzScript: fuzzScript{input[:min(len(input), 64<<10)]}}
		mode := s.next()
		o, maxConns := RelayOptions{RingBytes: 256 << 10}, 0
		if mode&32 != 0 {
			o, maxConns = RelayOptions{RingBytes: 140 << 10, MaxBitrate: 1000, MaxPublishers: 1, MaxShowViewers: 5}, 2
		}
		runRig(t, o, maxConns, mode&8 != 0, func(r *rig) {
			s.rig, r.crowded = r, mode&16 != 0
			if mode&2 != 0 {
				s.slots[0] = s.dial()
			} else if c := s.client(); mode&1 != 0 {
				c.write(opening(testKey)[len(hello):])
			}
			if mode&4 != 0 {
				s.client().write(s.b)
				return
			}
			for n := 1; n <= 400 && len(s.b) > 0; n++ {
				if s.do(); n%8 == 0 {
					s.settle()
				}
			}
		})
	})
}
