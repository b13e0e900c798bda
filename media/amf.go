package media

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"strings"
)

// The most that one AMF0 message may hold. Real encoders stay under depth 3
// and some 40 values.
const (
	amfMaxDepth = 16
	amfMaxNodes = 1024
)

var errAMF = errors.New("media: malformed AMF0")

// AMF0 type markers, as in the AMF0 specification, section 2.1.
const (
	amfNumber      = 0x00
	amfBoolean     = 0x01
	amfString      = 0x02
	amfObject      = 0x03
	amfNull        = 0x05
	amfUndefined   = 0x06
	amfReference   = 0x07
	amfECMAArray   = 0x08
	amfObjectEnd   = 0x09
	amfStrictArray = 0x0a
	amfDate        = 0x0b
	amfLongString  = 0x0c
	amfUnsupported = 0x0d
	amfXML         = 0x0f
	amfTypedObject = 0x10
)

// amfReader walks over AMF0 values without building them: nothing is
// allocated for what the bytes only declare.
type amfReader struct {
	b     []byte
	nodes int
}

// take returns the next n bytes.
func (r *amfReader) take(n int) ([]byte, error) {
	if n < 0 || n > len(r.b) {
		return nil, fmt.Errorf("%w: cut short", errAMF)
	}
	p := r.b[:n]
	r.b = r.b[n:]
	return p, nil
}

// count reads a 32-bit count of bytes or elements. No element takes less
// than one byte, so a count over what is left is a lie.
func (r *amfReader) count() (int, error) {
	p, err := r.take(4)
	if err != nil {
		return 0, err
	}
	n := binary.BigEndian.Uint32(p)
	if uint64(n) > uint64(len(r.b)) {
		return 0, fmt.Errorf("%w: count over the bytes left", errAMF)
	}
	return int(n), nil
}

// shortString reads a string with a 16-bit length and no marker.
func (r *amfReader) shortString() (string, error) {
	p, err := r.take(2)
	if err != nil {
		return "", err
	}
	p, err = r.take(int(binary.BigEndian.Uint16(p)))
	return string(p), err
}

// stringValue reads a value that must be a string.
func (r *amfReader) stringValue() (string, error) {
	p, err := r.take(1)
	if err != nil {
		return "", err
	}
	if p[0] != amfString {
		return "", fmt.Errorf("%w: no string where one belongs", errAMF)
	}
	return r.shortString()
}

// numberValue reads a value that must be a number.
func (r *amfReader) numberValue() (float64, error) {
	p, err := r.take(9)
	if err != nil {
		return 0, err
	}
	if p[0] != amfNumber {
		return 0, fmt.Errorf("%w: no number where one belongs", errAMF)
	}
	return math.Float64frombits(binary.BigEndian.Uint64(p[1:])), nil
}

// skip passes over one value of any type.
func (r *amfReader) skip(depth int) error {
	r.nodes++
	if depth > amfMaxDepth || r.nodes > amfMaxNodes {
		return fmt.Errorf("%w: too deep or too many values", errAMF)
	}
	marker, err := r.take(1)
	if err != nil {
		return err
	}
	fixed := 0
	switch marker[0] {
	case amfNumber:
		fixed = 8
	case amfBoolean:
		fixed = 1
	case amfNull, amfUndefined, amfUnsupported:
	case amfReference:
		fixed = 2
	case amfDate:
		fixed = 10
	case amfString:
		_, err = r.shortString()
		return err
	case amfLongString, amfXML:
		if fixed, err = r.count(); err != nil {
			return err
		}
	case amfObject:
		return r.properties(depth, nil)
	case amfTypedObject:
		if _, err = r.shortString(); err != nil {
			return err
		}
		return r.properties(depth, nil)
	case amfECMAArray:
		if _, err = r.count(); err != nil {
			return err
		}
		return r.properties(depth, nil)
	case amfStrictArray:
		return r.elements(depth)
	default:
		return fmt.Errorf("%w: unknown marker", errAMF)
	}
	_, err = r.take(fixed)
	return err
}

// elements passes over the values of a strict array.
func (r *amfReader) elements(depth int) error {
	n, err := r.count()
	for ; err == nil && n > 0; n-- {
		err = r.skip(depth + 1)
	}
	return err
}

// properties passes over the properties of an object up to and with its end.
// The strings among them that into names are stored there.
func (r *amfReader) properties(depth int, into map[string]string) error {
	for {
		key, err := r.shortString()
		if err != nil {
			return err
		}
		if key == "" {
			end, err := r.take(1)
			if err != nil {
				return err
			}
			if end[0] != amfObjectEnd {
				return fmt.Errorf("%w: object without an end", errAMF)
			}
			return nil
		}
		if _, wanted := into[key]; wanted && len(r.b) > 0 && r.b[0] == amfString {
			if into[key], err = r.stringValue(); err != nil {
				return err
			}
			continue
		}
		if err := r.skip(depth + 1); err != nil {
			return err
		}
	}
}

// command is what the guard understands of an RTMP command message.
type command struct {
	name        string
	transaction float64
	arg         string // connect: the application; publish, play, FCUnpublish: the stream's name
}

// parseCommand reads the body of a command message (RTMP specification,
// section 7). Of the arguments it reads those that the ingest needs; it does
// not mind what follows them.
func parseCommand(body []byte) (command, error) {
	r := amfReader{b: body}
	var c command
	var err error
	if c.name, err = r.stringValue(); err != nil {
		return c, err
	}
	if c.transaction, err = r.numberValue(); err != nil {
		return c, err
	}
	switch c.name {
	case "connect":
		c.arg, err = r.application()
	case "publish", "play", "FCUnpublish":
		if err = r.skip(1); err == nil {
			c.arg, err = r.stringValue()
		}
	}
	return c, err
}

// application reads the command object of connect and returns its "app".
func (r *amfReader) application() (string, error) {
	marker, err := r.take(1)
	if err != nil {
		return "", err
	}
	switch marker[0] {
	case amfObject:
	case amfECMAArray:
		if _, err := r.count(); err != nil {
			return "", err
		}
	default:
		return "", fmt.Errorf("%w: connect without an object", errAMF)
	}
	found := map[string]string{"app": ""}
	err = r.properties(1, found)
	return found["app"], err
}

// encode returns the command in the one form that go-rtmp is given: nothing
// that the client wrote is in it but the name's spelling that we know, the
// transaction and one string.
func (c command) encode() []byte {
	b := appendAMFString(nil, c.name)
	b = appendAMFNumber(b, safeTransaction(c.transaction))
	arg := strings.ToValidUTF8(c.arg, "\uFFFD")
	switch c.name {
	case "connect":
		b = append(b, amfObject, 0, 3, 'a', 'p', 'p')
		b = appendAMFString(b, arg)
		return append(b, 0, 0, amfObjectEnd)
	case "publish":
		b = appendAMFString(append(b, amfNull), arg)
		return appendAMFString(b, "live")
	case "play", "FCUnpublish":
		return appendAMFString(append(b, amfNull), arg)
	case "deleteStream":
		return appendAMFNumber(append(b, amfNull), 1)
	default:
		return append(b, amfNull)
	}
}

// safeTransaction returns id as a whole number that fits into an int64.
func safeTransaction(id float64) float64 {
	if id >= 0 && id <= math.MaxInt32 {
		return math.Floor(id)
	}
	return 0
}

// appendAMFString appends s as an AMF0 string, cut at the 64 KiB that fit.
func appendAMFString(b []byte, s string) []byte {
	s = s[:min(len(s), math.MaxUint16)]
	b = append(b, amfString)
	b = binary.BigEndian.AppendUint16(b, uint16(len(s)))
	return append(b, s...)
}

// appendAMFNumber appends n as an AMF0 number.
func appendAMFNumber(b []byte, n float64) []byte {
	b = append(b, amfNumber)
	return binary.BigEndian.AppendUint64(b, math.Float64bits(n))
}

// Names of data messages.
const (
	nameSetDataFrame = "@setDataFrame"
	nameOnMetaData   = "onMetaData"
)

// metadata returns the onMetaData of a data message, with or without the
// @setDataFrame that asks a server to keep it: the name and the one value
// after it, as an FLV script tag has them. ok is false for any other data
// message and for a malformed one.
func metadata(body []byte) (payload []byte, ok bool) {
	r := amfReader{b: body}
	name, err := r.stringValue()
	if err == nil && name == nameSetDataFrame {
		body = r.b
		name, err = r.stringValue()
	}
	if err != nil || name != nameOnMetaData || r.skip(1) != nil {
		return nil, false
	}
	return body[:len(body)-len(r.b)], true
}
