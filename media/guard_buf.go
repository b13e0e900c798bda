package media

import "io"

// inbuf buffers what a connection sends. It differs from bufio.Reader in
// that it can grow, so that a peer that has proved nothing costs little.
type inbuf struct {
	read func([]byte) (int, error)
	buf  []byte
	r, w int // the bytes not yet taken are buf[r:w]
}

// fill waits until n bytes are there. n is at most len(buf).
func (b *inbuf) fill(n int) error {
	if b.r == b.w {
		b.r, b.w = 0, 0
	} else if b.r+n > len(b.buf) {
		b.w = copy(b.buf, b.buf[b.r:b.w])
		b.r = 0
	}
	for empty := 0; b.w-b.r < n; {
		m, err := b.read(b.buf[b.w:])
		b.w += m
		if b.w-b.r >= n {
			return nil
		}
		if err == io.EOF && b.w > b.r {
			return io.ErrUnexpectedEOF
		}
		if err != nil {
			return err
		}
		if m > 0 {
			empty = 0
		} else if empty++; empty == 100 {
			return io.ErrNoProgress
		}
	}
	return nil
}

// peek returns the next n bytes, which stay.
func (b *inbuf) peek(n int) ([]byte, error) {
	if b.w-b.r < n {
		if err := b.fill(n); err != nil {
			return nil, err
		}
	}
	return b.buf[b.r : b.r+n], nil
}

// take returns the next n bytes, valid until the next call.
func (b *inbuf) take(n int) ([]byte, error) {
	p, err := b.peek(n)
	b.r += len(p)
	return p, err
}

// some returns at least one and at most n of the next bytes.
func (b *inbuf) some(n int) ([]byte, error) {
	if _, err := b.peek(1); err != nil {
		return nil, err
	}
	return b.take(min(n, b.w-b.r))
}

// grow makes room for n bytes.
func (b *inbuf) grow(n int) {
	if n <= len(b.buf) {
		return
	}
	buf := make([]byte, n)
	b.w = copy(buf, b.buf[b.r:b.w])
	b.r = 0
	b.buf = buf
}
