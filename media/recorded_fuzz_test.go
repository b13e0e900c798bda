package media

import (
	"bytes"
	"encoding/binary"
	"slices"
	"testing"
	"time"
)

// piece is a message of a recorded session as it was sent, with what was done
// to it.
type piece struct {
	b        []byte
	split    int  // where a read of the server ends, or 0
	pause    byte // after it, or 0
	takeover bool // another session begins after it
}

// recording is a recorded session.
type recording struct {
	start  []byte // handshake
	pieces []piece
}

// recordedBytes is the most that is sent of a recorded session.
const recordedBytes = 192 << 10

func readRecordings(t testing.TB) (all []recording) {
	for _, name := range sessions(t) {
		raw, _ := readSession(t, name)
		r := recording{start: raw[:handshakeSize]}
		from := handshakeSize
		walkSession(raw, func(_ message, end int) {
			r.pieces = append(r.pieces, piece{b: raw[from:end:end]})
			from = end
		})
		all = append(all, r)
	}
	return all
}

// mutation is a change to a recorded session, made of 6 bytes.
type mutation struct {
	op, v byte
	a, b  int
}

func mutations(input []byte) (all []mutation) {
	for len(input) >= 6 && len(all) < 64 {
		all = append(all, mutation{input[0], input[5],
			int(binary.BigEndian.Uint16(input[1:])), int(binary.BigEndian.Uint16(input[3:]))})
		input = input[6:]
	}
	return all
}

// bytes returns the mutation as it stands in the input.
func (m mutation) bytes() []byte {
	return []byte{m.op, byte(m.a >> 8), byte(m.a), byte(m.b >> 8), byte(m.b), m.v}
}

// The ways in which a recorded session is changed.
const (
	mutFlip = iota
	mutTimestamp
	mutLength
	mutType
	mutChunkStream
	mutFormat
	mutDelete
	mutDuplicate
	mutSwap
	mutInsert
	mutCut
	mutTruncate
	mutPause
	mutSplit
	mutTakeover
	mutForeign
	mutationKinds
)

// apply changes a session. Most changes leave the bytes between the messages
// in step, so that the session goes on.
func (m mutation) apply(all []recording, p []piece) []piece {
	if len(p) == 0 {
		return p
	}
	i, j := m.a%len(p), m.b%len(p)
	n := min(1+int(m.v), len(p)-i)
	switch m.op % mutationKinds {
	case mutDelete:
		return slices.Delete(p, i, i+min(8*n, len(p)-i))
	case mutDuplicate:
		return slices.Insert(p, j, slices.Clone(p[i:i+min(n, 32)])...)
	case mutSwap:
		p[i], p[j] = p[j], p[i]
	case mutTruncate:
		p = p[:i+1]
		p[i].b = p[i].b[:m.b%(len(p[i].b)+1)]
	case mutPause:
		p[i].pause = m.v
	case mutSplit:
		p[i].split = 1 + m.b%len(p[i].b)
	case mutTakeover:
		p[i].takeover = true
	case mutForeign:
		from := all[int(m.v)%len(all)].pieces
		return slices.Insert(p, i, from[m.b%len(from)])
	default:
		p[i].b = m.rewrite(slices.Clone(p[i].b))
	}
	return slices.DeleteFunc(p, func(p piece) bool { return len(p.b) == 0 })
}

// rewrite changes the bytes of one message.
func (m mutation) rewrite(b []byte) []byte {
	at := m.b % len(b)
	switch m.op % mutationKinds {
	case mutFlip:
		b[at] ^= max(m.v, 1)
	case mutTimestamp:
		copy(b[1:], []byte{m.v, byte(m.b >> 8), byte(m.b)})
	case mutLength:
		if len(b) > 6 {
			copy(b[4:], []byte{m.v & 3, byte(m.b >> 8), byte(m.b)})
		}
	case mutType:
		if len(b) > 7 {
			b[7] = m.v
		}
	case mutChunkStream:
		b[0] = b[0]&0xc0 | m.v&0x3f
	case mutFormat:
		b[0] = b[0]&0x3f | m.v&0xc0
	case mutInsert:
		return slices.Insert(b, at, pattern(int(m.v))...)
	case mutCut:
		return slices.Delete(b, at, min(at+int(m.v), len(b)))
	}
	return b
}

// replay sends the pieces of a session; other is the one that may take over.
func (r *rig) replay(start []byte, pieces []piece, other recording) {
	c := r.dial()
	c.write(start)
	slept := time.Duration(0)
	for i, p := range pieces {
		if r.bytes > recordedBytes {
			return
		}
		c.write(p.b[:min(p.split, len(p.b))])
		if p.split > 0 || i%16 == 0 {
			r.settle()
		}
		c.write(p.b[min(p.split, len(p.b)):])
		if d := time.Millisecond << (p.pause % 18); p.pause > 0 && slept+d < rigGrace/4 {
			slept += d
			r.settle()
			time.Sleep(d)
			r.settle()
		}
		if p.takeover {
			r.settle()
			o := r.dial()
			o.write(other.start)
			for _, p := range other.pieces[:min(80, len(other.pieces))] {
				o.write(p.b)
			}
			r.checkOnStage()
		}
	}
}

// FuzzRecorded holds of recorded sessions that were changed what FuzzSession
// holds of made ones.
func FuzzRecorded(f *testing.F) {
	all := readRecordings(f)
	for i := range all {
		f.Add(byte(i), byte(i+1), []byte(nil))
		f.Add(byte(i), byte(i+3), mutation{mutTakeover, 0, 120, 0}.bytes())
		// The rest of it: what lies between its first and its last seconds is left out.
		f.Add(byte(i), byte(i|64), mutation{mutDelete, 25, 100, 0}.bytes())
	}
	for op := range byte(mutationKinds) {
		m := mutation{op, 7 * op, 60 + int(op), 300}
		f.Add(op, byte(32), craft(m.bytes(), mutation{op, 3, 20, 11}.bytes()))
		f.Add(op+7, byte(128|op), craft(m.bytes(), mutation{mutPause, 11, 90, 0}.bytes(), m.bytes()))
	}
	f.Fuzz(func(t *testing.T, which, mode byte, input []byte) {
		rec, other := all[int(which)%len(all)], all[int(mode&31)%len(all)]
		o := RelayOptions{RingBytes: 256 << 10}
		if mode&32 != 0 {
			o.RingBytes = 140 << 10
		}
		pieces := slices.Clone(rec.pieces)
		for _, m := range mutations(input) {
			pieces = m.apply(all, pieces)
		}
		runRig(t, o, 0, mode&128 != 0, func(r *rig) {
			r.crowded = mode&64 != 0
			r.replay(bytes.Clone(rec.start), pieces, other)
		})
	})
}
