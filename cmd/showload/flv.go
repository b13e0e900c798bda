package main

import (
	"encoding/binary"
	"errors"
	"fmt"
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

// Sizes of what the parser reads at once.
const (
	fileHead = 13 // with the first PreviousTagSize
	tagHead  = 11
	tagTail  = 4 // PreviousTagSize
)

// place is where a parser stands.
type place byte

const (
	atFile  place = iota // before the header of the file
	atTag                // before a tag
	atBody               // before the first bytes of its body
	atTail               // before its PreviousTagSize
	nowhere              // behind what is no FLV
)

// parser finds the tags in FLV bytes that come in pieces of any size. It jumps
// over the bodies and keeps no more than a few bytes, as there are thousands
// of parsers. The zero value stands at the start of a stream.
type parser struct {
	at   place
	have int            // bytes in part
	part [fileHead]byte // the beginning of what is read next
	skip int            // bytes of a body that are still to come
	tag  tag
}

// wants is how many bytes the parser needs to go on.
func (p *parser) wants() int {
	switch p.at {
	case atFile:
		return fileHead
	case atTag:
		return tagHead
	case atBody:
		return min(p.tag.size, 2)
	default:
		return tagTail
	}
}

// feed reads on in b and calls take for each tag that is complete; at is the
// place in b behind it. An error, take's included, ends the stream: the parser
// takes nothing afterwards.
func (p *parser) feed(b []byte, take func(t tag, at int) error) error {
	if p.at == nowhere {
		return errNotFLV
	}
	for at := 0; at < len(b); {
		if p.skip > 0 {
			n := min(p.skip, len(b)-at)
			p.skip -= n
			at += n
			continue
		}
		n := copy(p.part[p.have:p.wants()], b[at:])
		p.have += n
		at += n
		if p.have < p.wants() {
			return nil
		}
		p.have = 0
		whole, err := p.step()
		if err == nil && whole {
			err = take(p.tag, at)
		}
		if err != nil {
			p.at = nowhere
			return err
		}
	}
	return nil
}

// step reads the part that is complete and moves on. It reports whether that
// was the end of a tag.
func (p *parser) step() (whole bool, err error) {
	b := p.part[:]
	switch p.at {
	case atFile:
		if string(b[:3]) != "FLV" || b[3] != 1 || binary.BigEndian.Uint32(b[5:]) != 9 || binary.BigEndian.Uint32(b[9:]) != 0 {
			return false, errNotFLV
		}
		p.at = atTag
	case atTag:
		p.tag = tag{
			kind:      b[0],
			size:      int(b[1])<<16 | int(b[2])<<8 | int(b[3]),
			timestamp: uint32(b[7])<<24 | uint32(b[4])<<16 | uint32(b[5])<<8 | uint32(b[6]),
		}
		if k := p.tag.kind; k != tagAudio && k != tagVideo && k != tagScript || p.tag.size > maxTag {
			return false, fmt.Errorf("%w: tag type %d of %d bytes", errNotFLV, k, p.tag.size)
		}
		p.at = atBody
		if p.tag.size == 0 {
			p.at = atTail
		}
	case atBody:
		n := min(p.tag.size, 2)
		p.tag.classify(b[:n])
		p.at, p.skip = atTail, p.tag.size-n
	case atTail:
		if got := binary.BigEndian.Uint32(b); got != uint32(p.tag.size)+tagHead {
			return false, fmt.Errorf("%w: PreviousTagSize %d after a tag of %d bytes", errNotFLV, got, p.tag.size)
		}
		p.at = atTag
		return true, nil
	}
	return false, nil
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
