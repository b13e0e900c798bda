package main

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"
)

// stream builds FLV bytes.
type stream struct{ bytes.Buffer }

func newStream() *stream {
	s := &stream{}
	s.WriteString("FLV\x01\x05\x00\x00\x00\x09\x00\x00\x00\x00")
	return s
}

func (s *stream) tag(kind byte, timestamp uint32, body ...byte) *stream {
	n := len(body)
	s.Write([]byte{kind, byte(n >> 16), byte(n >> 8), byte(n)})
	s.Write([]byte{byte(timestamp >> 16), byte(timestamp >> 8), byte(timestamp), byte(timestamp >> 24), 0, 0, 0})
	s.Write(body)
	_ = binary.Write(s, binary.BigEndian, uint32(n)+11) // a buffer takes everything
	return s
}

func (s *stream) header() *stream            { return s.tag(tagVideo, 0, 0x17, 0, 0, 0, 0) }
func (s *stream) headerAt(ts uint32) *stream { return s.tag(tagVideo, ts, 0x17, 0, 0, 0, 0) }
func (s *stream) key(ts uint32) *stream      { return s.tag(tagVideo, ts, 0x17, 1, 0, 0, 0, 9) }
func (s *stream) between(ts uint32) *stream  { return s.tag(tagVideo, ts, 0x27, 1, 0, 0, 0, 9) }
func (s *stream) sound(ts uint32) *stream    { return s.tag(tagAudio, ts, 0xaf, 1, 3) }
func (s *stream) extended(first byte) *stream {
	return s.tag(tagVideo, 0, first, 'h', 'v', 'c', '1', 1)
}

func TestViewingJudgesAStream(t *testing.T) {
	tests := []struct {
		name   string
		stream *stream
		fault  string // part of the text; empty: none
		gaps   int
	}{
		{"in order", newStream().header().key(0).sound(3).between(40).sound(23).key(80), "", 0},
		{"several tags at one time", newStream().header().key(5).between(5).sound(1).sound(1), "", 0},
		{"timestamps above 24 bits", newStream().header().key(0xfffffe).between(0x1000010), "", 0},
		{"a jump to a keyframe", newStream().header().key(0).between(40).key(5000), "", 1},
		{"a jump into a GOP", newStream().header().key(0).between(5000), "should be a keyframe", 0},
		{"no keyframe at the start", newStream().header().between(0), "should be a keyframe", 0},
		{"no sequence header", newStream().key(0), "before the sequence header", 0},
		{"picture goes back", newStream().header().key(40).between(39), "went back", 0},
		{"sound goes back", newStream().sound(40).sound(39), "went back", 0},
		{"new headers, then a keyframe", newStream().header().key(0).headerAt(40).key(40), "", 0},
		{"new headers, then a GOP's middle", newStream().header().key(0).headerAt(40).between(40), "should be a keyframe", 0},
		{"extended header", newStream().extended(0x90).extended(0x91).extended(0xa1), "", 0},
		{"extended header without keyframe", newStream().extended(0x90).extended(0xa1), "should be a keyframe", 0},
		{"unknown tag type", newStream().tag(7, 0, 1, 2), "not an FLV stream", 0},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			v := newViewing(&audience{})
			err := v.take(tt.stream.Bytes(), time.Now())
			if (err == nil) != (tt.fault == "") || err != nil && !strings.Contains(err.Error(), tt.fault) {
				t.Errorf("ended with %v, want %q", err, tt.fault)
			}
			if tt.fault == "" && v.Gaps != tt.gaps {
				t.Errorf("%d gaps, want %d", v.Gaps, tt.gaps)
			}
		})
	}
}

func TestParserRefusesDamage(t *testing.T) {
	good := newStream().key(0).Bytes()
	damaged := bytes.Clone(good)
	damaged[len(damaged)-1]++
	var p parser
	take := func(tag, int) error { return nil }
	if err := p.feed(damaged, take); !errors.Is(err, errNotFLV) {
		t.Errorf("wrong PreviousTagSize: %v", err)
	}
	if err := p.feed(good, take); !errors.Is(err, errNotFLV) {
		t.Errorf("it went on after that: %v", err)
	}
	for n := range len(good) {
		p = parser{}
		if err := p.feed(good[:n], func(tag, int) error { return errors.New("complete") }); err != nil {
			t.Errorf("a tag cut after %d of %d bytes: %v", n, len(good), err)
		}
	}
	p = parser{}
	if err := p.feed([]byte("<!DOCTYPE html>"), take); !errors.Is(err, errNotFLV) {
		t.Errorf("a page was taken for FLV: %v", err)
	}
}

// FuzzParser holds that the tags do not depend on the pieces they come in, and
// that each ends where the parser says.
func FuzzParser(f *testing.F) {
	f.Add(newStream().header().key(0).sound(3).between(40).Bytes(), uint64(1))
	f.Add(newStream().tag(tagScript, 1<<31).tag(tagAudio, 5, 0xaf).tag(tagVideo, 7, 0x90, 'h').Bytes(), uint64(2))
	f.Add(newStream().tag(7, 0, 1, 2).Bytes(), uint64(3))
	f.Fuzz(func(t *testing.T, b []byte, seed uint64) {
		type found struct {
			tag tag
			at  int
		}
		var whole, pieces []found
		var one, other parser
		wholeErr := one.feed(b, func(t tag, at int) error {
			whole = append(whole, found{t, at})
			return nil
		})
		var err error
		random := rand.New(rand.NewPCG(seed, 0))
		for from := 0; from < len(b) && err == nil; {
			to := min(len(b), from+1+random.IntN(9))
			err = other.feed(b[from:to], func(t tag, at int) error {
				pieces = append(pieces, found{t, from + at})
				return nil
			})
			from = to
		}
		if fmt.Sprint(err) != fmt.Sprint(wholeErr) || !slices.Equal(whole, pieces) {
			t.Fatalf("at once: %v, %v\nin pieces: %v, %v", whole, wholeErr, pieces, err)
		}
		end := fileHead
		for _, w := range whole {
			if end += w.tag.size + tagHead + tagTail; end != w.at {
				t.Fatalf("a tag of %d bytes ends at %d, want %d", w.tag.size, w.at, end)
			}
		}
	})
}

func TestSilenceCountsAsStall(t *testing.T) {
	v := newViewing(&audience{})
	begin := time.Now()
	v.begin = begin
	take := func(after time.Duration, g tag) {
		t.Helper()
		v.now = begin.Add(after)
		if err := v.judge(g, 0); err != nil {
			t.Fatal(err)
		}
	}
	take(0, tag{kind: tagVideo, header: true})
	take(300*time.Millisecond, tag{kind: tagVideo, key: true})
	take(2*time.Second, tag{kind: tagAudio, timestamp: 100})
	take(2300*time.Millisecond, tag{kind: tagVideo, timestamp: 500})
	if v.First != 300*time.Millisecond || v.Stalls != 1 || v.Silence != 2*time.Second || v.Lag != 1500*time.Millisecond {
		t.Errorf("first %v, stalls %d, silence %v, lag %v", v.First, v.Stalls, v.Silence, v.Lag)
	}
}
