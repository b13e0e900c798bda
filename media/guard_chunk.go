package media

import (
	"encoding/binary"
	"errors"
	"fmt"
)

// errChunk ends a connection whose bytes are not an RTMP chunk stream, or
// ask for more than is allowed. Its texts hold nothing of what the client
// sent, so they may be logged.
var errChunk = errors.New("media: RTMP protocol error")

const (
	minChunkSize     = 128      // smaller ones only burn time; encoders send 128 and more
	maxMessageLength = 0xffffff // what the 24-bit length can say
	maxChunkStreams  = 16
	extendedMark     = 0xffffff // a 24-bit timestamp that says: 32 bits follow
)

// RTMP message types, as in the RTMP specification, sections 5.4 and 7.1.
const (
	typeSetChunkSize = 1
	typeAbort        = 2
	typeAck          = 3
	typeWindowAck    = 5
	typeAudio        = 8
	typeVideo        = 9
	typeCommandAMF3  = 17
	typeData         = 18
	typeCommand      = 20
)

// message is one whole RTMP message.
type message struct {
	typeID    byte
	streamID  uint32
	timestamp uint32 // absolute, milliseconds
	body      []byte // until the next call of chunkReader.next
}

// chunkStream is the state of one chunk stream: what the header before said,
// which the shorter headers refer to, and the unfinished message.
type chunkStream struct {
	message
	delta    uint32 // milliseconds from one message to the next
	length   int    // of the message, as declared
	extended bool   // the last header had an extended timestamp
	extValue uint32 // and this was it
	open     bool   // a message is under way
}

// chunkReader reassembles messages from a chunk stream (RTMP specification,
// section 5.3). Its memory grows with the bytes that arrive, never with what
// they declare.
type chunkReader struct {
	in        *inbuf
	size      int // the peer's chunk size
	maxLength int // most bytes of one message
	maxHeld   int // most bytes of all unfinished messages together
	held      int
	streams   map[uint32]*chunkStream
	spare     []byte       // a body to use again
	last      *chunkStream // whose message was returned by next
	started   func()       // called for each message begun, before any work on it
}

// newChunkReader returns a reader with the bounds for an unknown peer.
func newChunkReader(in *inbuf) *chunkReader {
	return &chunkReader{in: in, size: minChunkSize, maxLength: maxBeforePublish,
		maxHeld: maxBeforePublish, streams: make(map[uint32]*chunkStream), started: func() {}}
}

// next returns the next whole message that is not about chunking itself.
func (r *chunkReader) next() (message, error) {
	r.recycle()
	for {
		cs, err := r.chunk()
		if err != nil {
			return message{}, err
		}
		if cs == nil {
			continue
		}
		r.held -= len(cs.body)
		r.last = cs
		switch cs.typeID {
		case typeSetChunkSize:
			err = r.setChunkSize(cs.body)
		case typeAbort:
			r.abort(cs.body)
		default:
			return cs.message, nil
		}
		if err != nil {
			return message{}, err
		}
		r.recycle()
	}
}

// recycle takes back the body of the message returned last.
func (r *chunkReader) recycle() {
	if r.last == nil {
		return
	}
	if c := cap(r.last.body); c <= maxSpare && c > cap(r.spare) {
		r.spare = r.last.body[:0]
	}
	r.last.body = nil
	r.last = nil
}

// setChunkSize obeys the peer's Set Chunk Size.
func (r *chunkReader) setChunkSize(body []byte) error {
	if len(body) < 4 {
		return fmt.Errorf("%w: Set Chunk Size cut short", errChunk)
	}
	n := binary.BigEndian.Uint32(body)
	if n < minChunkSize || n > 0x7fffffff {
		return fmt.Errorf("%w: chunk size out of range", errChunk)
	}
	r.size = int(min(n, maxMessageLength))
	return nil
}

// abort drops the unfinished message of the chunk stream that body names.
func (r *chunkReader) abort(body []byte) {
	if len(body) < 4 {
		return
	}
	if cs := r.streams[binary.BigEndian.Uint32(body)]; cs != nil && cs.open {
		r.held -= len(cs.body)
		cs.body, cs.open = nil, false
	}
}

// chunk reads one chunk. It returns the chunk stream when that completed a
// message, else nil. Messages without a body are passed over.
func (r *chunkReader) chunk() (*chunkStream, error) {
	format, cs, err := r.basicHeader()
	if err != nil {
		return nil, err
	}
	if cs.open && format != 3 {
		return nil, fmt.Errorf("%w: header in mid-message", errChunk)
	}
	if !cs.open {
		r.started()
	}
	if err := r.messageHeader(format, cs); err != nil {
		return nil, err
	}
	if cs.length == 0 {
		cs.open = false
		return nil, nil
	}
	if err := r.payload(cs); err != nil {
		return nil, err
	}
	if len(cs.body) < cs.length {
		return nil, nil
	}
	cs.open = false
	return cs, nil
}

// basicHeader reads the chunk's format and finds its chunk stream.
func (r *chunkReader) basicHeader() (format byte, cs *chunkStream, err error) {
	b, err := r.in.take(1)
	if err != nil {
		return 0, nil, err
	}
	format = b[0] >> 6
	id := uint32(b[0] & 0x3f)
	switch id {
	case 0:
		if b, err = r.in.take(1); err != nil {
			return 0, nil, err
		}
		id = uint32(b[0]) + 64
	case 1:
		if b, err = r.in.take(2); err != nil {
			return 0, nil, err
		}
		id = uint32(b[1])<<8 + uint32(b[0]) + 64
	}
	cs = r.streams[id]
	if cs == nil {
		if format == 3 || format == 2 {
			return 0, nil, fmt.Errorf("%w: first chunk without a full header", errChunk)
		}
		if len(r.streams) >= maxChunkStreams {
			return 0, nil, fmt.Errorf("%w: too many chunk streams", errChunk)
		}
		cs = new(chunkStream)
		r.streams[id] = cs
	}
	return format, cs, nil
}

// headerLength is the length of the message header by chunk format, without
// an extended timestamp.
var headerLength = [4]int{11, 7, 3, 0}

// messageHeader reads the message header and, where a message begins, sets
// its timestamp, length, type and stream.
func (r *chunkReader) messageHeader(format byte, cs *chunkStream) error {
	if format == 3 {
		if err := r.repeatedTimestamp(cs); err != nil || cs.open {
			return err
		}
		return r.begin(cs, cs.delta)
	}
	h, err := r.in.take(headerLength[format])
	if err != nil {
		return err
	}
	stamp := uint24(h)
	if format <= 1 {
		cs.length = int(uint24(h[3:]))
		cs.typeID = h[6]
	}
	if format == 0 {
		cs.streamID = binary.LittleEndian.Uint32(h[7:])
	}
	cs.extended = stamp == extendedMark
	if cs.extended {
		if h, err = r.in.take(4); err != nil {
			return err
		}
		stamp = binary.BigEndian.Uint32(h)
		cs.extValue = stamp
	}
	if format == 0 {
		cs.delta = deltaAfterAbsolute(stamp)
		cs.timestamp = 0
		return r.begin(cs, stamp)
	}
	cs.delta = stamp
	return r.begin(cs, stamp)
}

// deltaAfterAbsolute is the delta of a message that begins with a format 3
// header right after one with an absolute timestamp. The specification
// (5.3.1.2.4) says that the delta is then that timestamp, and FFmpeg does so;
// GStreamer means 0. The two differ only where the timestamp is not 0, and no
// encoder makes a step of a second, so that settles it.
func deltaAfterAbsolute(stamp uint32) uint32 {
	if stamp < 1000 {
		return stamp
	}
	return 0
}

// begin opens a message that comes step milliseconds after the one before.
func (r *chunkReader) begin(cs *chunkStream, step uint32) error {
	if cs.length > r.maxLength {
		return fmt.Errorf("%w: message too long", errChunk)
	}
	cs.timestamp += step
	cs.open = true
	if r.held == 0 { // else it could be lent to one unfinished message after the other
		cs.body, r.spare = r.spare[:0], nil
	}
	return nil
}

// repeatedTimestamp passes over the extended timestamp that a format 3 chunk
// repeats. Some encoders leave it out, so it is compared, a byte at a time:
// waiting for four could wait for ever where it is left out.
func (r *chunkReader) repeatedTimestamp(cs *chunkStream) error {
	if !cs.extended {
		return nil
	}
	var want [4]byte
	binary.BigEndian.PutUint32(want[:], cs.extValue)
	for n := 1; n <= len(want); n++ {
		b, err := r.in.peek(n)
		if err != nil {
			return err
		}
		if b[n-1] != want[n-1] {
			return nil
		}
	}
	_, err := r.in.take(len(want))
	return err
}

// payload reads the chunk's share of the message's body.
func (r *chunkReader) payload(cs *chunkStream) error {
	for want := min(r.size, cs.length-len(cs.body)); want > 0; {
		b, err := r.in.some(want)
		if err != nil {
			return err
		}
		if r.held += len(b); r.held > r.maxHeld {
			return fmt.Errorf("%w: too many unfinished messages", errChunk)
		}
		cs.body = append(cs.body, b...)
		want -= len(b)
	}
	return nil
}

// uint24 reads a 24-bit number.
func uint24(b []byte) uint32 {
	return uint32(b[0])<<16 | uint32(b[1])<<8 | uint32(b[2])
}
