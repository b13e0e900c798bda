package main

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"errors"
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
			v := viewing{lastSeen: map[byte]uint32{}, mustKey: true}
			err := v.read(bufio.NewReader(&tt.stream.Buffer), time.Now())
			if tt.fault == "" && err.Error() != "EOF" || !strings.Contains(err.Error(), tt.fault) {
				t.Errorf("ended with %q, want %q", err, tt.fault)
			}
			if tt.fault == "" && v.Gaps != tt.gaps {
				t.Errorf("%d gaps, want %d", v.Gaps, tt.gaps)
			}
		})
	}
}

func TestReadTagRefusesDamage(t *testing.T) {
	good := newStream().key(0).Bytes()[13:]
	damaged := bytes.Clone(good)
	damaged[len(damaged)-1]++
	if _, err := readTag(bufio.NewReader(bytes.NewReader(damaged))); !errors.Is(err, errNotFLV) {
		t.Errorf("wrong PreviousTagSize: %v", err)
	}
	for n := range len(good) {
		if _, err := readTag(bufio.NewReader(bytes.NewReader(good[:n]))); err == nil {
			t.Errorf("a tag cut after %d of %d bytes was taken", n, len(good))
		}
	}
	if err := readHeader(bufio.NewReader(strings.NewReader("<!DOCTYPE html>"))); !errors.Is(err, errNotFLV) {
		t.Errorf("a page was taken for FLV: %v", err)
	}
}

func TestSilenceCountsAsStall(t *testing.T) {
	v := viewing{lastSeen: map[byte]uint32{}, mustKey: true}
	begin := time.Now()
	take := func(after time.Duration, g tag) {
		t.Helper()
		if err := v.take(g, begin, begin.Add(after)); err != nil {
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
