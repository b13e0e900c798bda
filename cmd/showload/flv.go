package main

import (
	"bufio"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
)

// Tag types of FLV, E.4.1.
const (
	tagAudio  = 8
	tagVideo  = 9
	tagScript = 18
)

// maxTag is more than any tag of a show that a browser could play.
const maxTag = 8 << 20

// tag is what showload looks at of an FLV tag.
type tag struct {
	kind      byte
	timestamp uint32 // milliseconds
	size      int    // of the body
	header    bool   // a sequence header
	key       bool   // a keyframe
}

var errNotFLV = errors.New("not an FLV stream")

// readHeader reads the FLV header and the first PreviousTagSize.
func readHeader(r *bufio.Reader) error {
	b := make([]byte, 13)
	if _, err := io.ReadFull(r, b); err != nil {
		return err
	}
	if string(b[:3]) != "FLV" || b[3] != 1 || binary.BigEndian.Uint32(b[5:]) != 9 || binary.BigEndian.Uint32(b[9:]) != 0 {
		return errNotFLV
	}
	return nil
}

// readTag reads one whole tag and checks its sizes.
func readTag(r *bufio.Reader) (tag, error) {
	h := make([]byte, 11)
	if _, err := io.ReadFull(r, h); err != nil {
		return tag{}, err
	}
	t := tag{
		kind:      h[0],
		size:      int(h[1])<<16 | int(h[2])<<8 | int(h[3]),
		timestamp: uint32(h[7])<<24 | uint32(h[4])<<16 | uint32(h[5])<<8 | uint32(h[6]),
	}
	if t.kind != tagAudio && t.kind != tagVideo && t.kind != tagScript || t.size > maxTag {
		return t, fmt.Errorf("%w: tag type %d of %d bytes", errNotFLV, t.kind, t.size)
	}
	first, err := r.Peek(min(t.size, 2))
	if err != nil {
		return t, err
	}
	t.classify(first)
	if _, err := r.Discard(t.size); err != nil {
		return t, err
	}
	if _, err := io.ReadFull(r, h[:4]); err != nil {
		return t, err
	}
	if got := binary.BigEndian.Uint32(h); got != uint32(t.size)+11 {
		return t, fmt.Errorf("%w: PreviousTagSize %d after a tag of %d bytes", errNotFLV, got, t.size)
	}
	return t, nil
}

// classify reads the first bytes of the body: E.4.2.1 and E.4.3.1, and the
// extended header of Enhanced RTMP.
func (t *tag) classify(b []byte) {
	switch {
	case len(b) < 2:
	case t.kind == tagAudio:
		t.header = b[0]>>4 == 10 && b[1] == 0
	case t.kind == tagVideo && b[0]&0x80 != 0:
		t.header = b[0]&0x0f == 0
		t.key = b[0]>>4&7 == 1 && !t.header
	case t.kind == tagVideo:
		t.header = b[0]&0x0f == 7 && b[1] == 0
		t.key = b[0]>>4 == 1 && !t.header
	}
}
