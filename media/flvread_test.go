package media

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"testing"
	"time"
)

// flvTag is one tag as a player sees it.
type flvTag struct {
	Type TagType
	TS   uint32
	Body []byte
}

func (t flvTag) info() tagInfo {
	switch t.Type {
	case TagAudio:
		return classifyAudio(t.Body)
	case TagVideo:
		return classifyVideo(t.Body)
	}
	return tagInfo{kind: kindInfo}
}

func (t flvTag) is(typ TagType, k tagKind) bool { return t.Type == typ && t.info().kind == k }

// flvStream checks and collects the bytes of one connection as a player would.
type flvStream struct {
	Flags byte
	Tags  []flvTag

	raw    bool // what an encoder made: only the format is checked
	viewed bool // what a viewer got: each tag can be decoded
	buf    []byte
	begun  bool
	heads  map[TagType]codec // of the latest sequence headers
}

// feed takes what was written and fails on anything that is no FLV, on a
// timestamp that goes back, and on a stream that does not start with headers
// and a point to start at.
func (f *flvStream) feed(bufs [][]byte) error {
	for _, b := range bufs {
		f.buf = append(f.buf, b...)
	}
	if !f.begun {
		if len(f.buf) < 13 {
			return nil
		}
		if !bytes.HasPrefix(f.buf, []byte("FLV\x01")) || !bytes.Equal(f.buf[5:13], []byte{0, 0, 0, 9, 0, 0, 0, 0}) {
			return fmt.Errorf("no FLV header: % x", f.buf[:13])
		}
		f.Flags, f.begun = f.buf[4], true
		f.buf = f.buf[13:]
	}
	for len(f.buf) >= tagHeaderSize {
		b := f.buf
		n := int(b[1])<<16 | int(b[2])<<8 | int(b[3])
		if len(b) < n+tagOverhead {
			return nil
		}
		tag := flvTag{
			Type: TagType(b[0]),
			TS:   uint32(b[7])<<24 | uint32(b[4])<<16 | uint32(b[5])<<8 | uint32(b[6]),
			Body: bytes.Clone(b[tagHeaderSize : tagHeaderSize+n]),
		}
		tail := b[tagHeaderSize+n:]
		if got := int(tail[0])<<24 | int(tail[1])<<16 | int(tail[2])<<8 | int(tail[3]); got != n+tagHeaderSize {
			return fmt.Errorf("PreviousTagSize %d, want %d", got, n+tagHeaderSize)
		}
		f.buf = tail[4:]
		if err := f.check(tag); err != nil {
			return err
		}
		f.Tags = append(f.Tags, tag)
	}
	return nil
}

func (f *flvStream) check(t flvTag) error {
	if t.Type != TagAudio && t.Type != TagVideo && t.Type != TagScript {
		return fmt.Errorf("tag of type %d", t.Type)
	}
	if n := len(f.Tags); n > 0 && !f.raw && t.TS < f.Tags[n-1].TS {
		return fmt.Errorf("timestamp went back: %d after %d", t.TS, f.Tags[n-1].TS)
	}
	if err := f.decodable(t); err != nil {
		return err
	}
	if t.Type != TagVideo || t.info().kind != kindFrame {
		return nil
	}
	if i := f.index(TagVideo, kindKeyframe); i < 0 {
		return errors.New("a picture that needs others before any keyframe")
	}
	return nil
}

// decodable fails on a tag of a track that the FLV header does not announce,
// and on a frame whose codec differs from the latest sequence header's.
func (f *flvStream) decodable(t flvTag) error {
	if t.Type == TagScript || !f.viewed {
		return nil
	}
	info, flag := t.info(), byte(1)
	if t.Type == TagAudio {
		flag = 4
	}
	if f.Flags&flag == 0 {
		return fmt.Errorf("type %d: a track that is not announced", t.Type)
	}
	switch info.kind {
	case kindEnd, kindBad:
		return fmt.Errorf("type %d: kind %d was relayed", t.Type, info.kind)
	case kindHeader:
		if f.heads == nil {
			f.heads = make(map[TagType]codec)
		}
		f.heads[t.Type] = info.codec
	case kindFrame, kindKeyframe:
		if h := f.heads[t.Type]; info.codec.headers && h != info.codec {
			return fmt.Errorf("type %d: %s under a header of %q", t.Type, info.codec.name, h.name)
		}
	}
	return nil
}

// index returns the first tag of the kind, or -1.
func (f *flvStream) index(t TagType, k tagKind) int {
	for i, tag := range f.Tags {
		if tag.is(t, k) {
			return i
		}
	}
	return -1
}

func (f *flvStream) count(t TagType, k tagKind) (n int) {
	for _, tag := range f.Tags {
		if tag.is(t, k) {
			n++
		}
	}
	return n
}

// player reads a viewer step by step in a test.
type player struct {
	flvStream
	v *Viewer
}

func join(t testing.TB, r *Relay, gig, id string) *player {
	t.Helper()
	v, err := r.Join(gig, id)
	if err != nil {
		t.Fatalf("join: %v", err)
	}
	t.Cleanup(v.Close)
	return &player{v: v, flvStream: flvStream{viewed: true}}
}

// more reads until n tags are there in all.
func (p *player) more(t testing.TB, n int) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	for len(p.Tags) < n {
		bufs, err := p.v.Next(ctx)
		if err == nil {
			err = p.feed(bufs)
		}
		if err != nil {
			t.Fatalf("after %d of %d tags: %v", len(p.Tags), n, err)
		}
	}
}

// drain reads what is there now, without waiting.
func (p *player) drain(t testing.TB) {
	t.Helper()
	for {
		p.v.s.mu.Lock()
		bufs, err := p.v.take()
		p.v.s.mu.Unlock()
		if err != nil || len(bufs) == 0 {
			return
		}
		if err := p.feed(bufs); err != nil {
			t.Fatal(err)
		}
	}
}

// end reads up to the end and returns why it ended.
func (p *player) end(t testing.TB) error {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	for {
		bufs, err := p.v.Next(ctx)
		if err != nil {
			return err
		}
		if err := p.feed(bufs); err != nil {
			t.Fatal(err)
		}
	}
}

// wantEOF reads up to the end, which has to be a clean one.
func (p *player) wantEOF(t testing.TB) {
	t.Helper()
	if err := p.end(t); err != io.EOF {
		t.Fatalf("ended with %v, want io.EOF", err)
	}
	if len(p.buf) > 0 {
		t.Fatalf("ended inside a tag, %d bytes over", len(p.buf))
	}
}
