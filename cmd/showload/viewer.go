package main

import (
	"bufio"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"sync"
	"time"
)

const (
	dialTime   = 10 * time.Second
	headTime   = 10 * time.Second // until the head of the answer
	readBuffer = 64 << 10
)

// buffers are lent for the length of a read: thousands of viewers that wait
// hold none.
var buffers = sync.Pool{New: func() any { return new([readBuffer]byte) }}

// watchShow watches the audience's stream until ctx ends. slowKBps limits the
// reading; 0: as fast as it comes.
func (v *viewing) watchShow(ctx context.Context, slowKBps int) {
	err := v.watch(ctx, slowKBps)
	v.closeSilence(time.Now())
	switch {
	case err == nil || ctx.Err() != nil: // refused, or the run is over
	case errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF):
		v.Ended = true
	default:
		v.Fault = err.Error()
	}
}

// watch asks for the stream and reads it to its end. A net/http client would
// cost more than the server that is measured.
func (v *viewing) watch(ctx context.Context, slowKBps int) error {
	v.begin = time.Now()
	u, err := url.Parse(v.audience.url)
	if err != nil {
		return err
	}
	conn, err := dial(ctx, u, slowKBps)
	if err != nil {
		return err
	}
	defer conn.Close()
	stop := context.AfterFunc(ctx, func() { conn.Close() })
	defer stop()
	body, first, err := v.request(conn, u)
	if err != nil || body == nil {
		return err
	}
	tcp, plain := conn.(*net.TCPConn)
	if !plain || slowKBps > 0 || first == nil {
		return v.read(throttled(ctx, body, slowKBps))
	}
	if err := v.take(first, time.Now()); err != nil {
		return err
	}
	return pour(tcp, v.take)
}

// request asks for the stream. The body that it returns is nil when the server
// refuses; first is what came of the body with the head, and nil when the body
// is not simply all that follows on the connection.
func (v *viewing) request(conn net.Conn, u *url.URL) (body io.Reader, first []byte, err error) {
	_ = conn.SetDeadline(time.Now().Add(headTime)) // a dead socket shows at the read
	if _, err := fmt.Fprintf(conn, "GET %s HTTP/1.1\r\nHost: %s\r\nUser-Agent: showload\r\n\r\n", u.RequestURI(), u.Host); err != nil {
		return nil, nil, err
	}
	head := bufio.NewReader(conn)
	res, err := http.ReadResponse(head, nil)
	if err != nil {
		return nil, nil, err
	}
	if res.StatusCode != http.StatusOK {
		v.Refused = res.StatusCode
		return nil, nil, nil
	}
	_ = conn.SetDeadline(time.Time{}) // a stream may be silent; ctx ends it
	if res.TransferEncoding == nil && res.ContentLength < 0 {
		first, _ = head.Peek(head.Buffered())
	}
	return res.Body, first, nil
}

// read takes a stream that comes by way of a reader.
func (v *viewing) read(r io.Reader) error {
	b := make([]byte, readBuffer/2)
	for {
		n, err := r.Read(b)
		if taken := v.take(b[:n], time.Now()); taken != nil {
			return taken
		}
		if err != nil {
			return err
		}
	}
}

// dial connects; slow viewers get a small receive buffer, so that the server
// notices at once what the reader does.
func dial(ctx context.Context, u *url.URL, slowKBps int) (net.Conn, error) {
	ctx, cancel := context.WithTimeout(ctx, dialTime)
	defer cancel()
	port := u.Port()
	if port == "" {
		port = u.Scheme
	}
	d := &net.Dialer{}
	c, err := d.DialContext(ctx, "tcp", net.JoinHostPort(u.Hostname(), port))
	if err != nil {
		return nil, err
	}
	if slowKBps > 0 {
		if err := c.(*net.TCPConn).SetReadBuffer(8 << 10); err != nil {
			c.Close()
			return nil, err
		}
	}
	if u.Scheme != "https" {
		return c, nil
	}
	secure := tls.Client(c, &tls.Config{ServerName: u.Hostname()})
	if err := secure.HandshakeContext(ctx); err != nil {
		c.Close()
		return nil, err
	}
	return secure, nil
}

type slowReader struct {
	ctx   context.Context
	r     io.Reader
	chunk int // bytes in a tenth of a second
}

func throttled(ctx context.Context, r io.Reader, kBps int) io.Reader {
	if kBps == 0 {
		return r
	}
	return &slowReader{ctx, r, max(1, kBps<<10/10)}
}

func (s *slowReader) Read(b []byte) (int, error) {
	if !pause(s.ctx, 100*time.Millisecond) {
		return 0, s.ctx.Err()
	}
	return s.r.Read(b[:min(len(b), s.chunk)])
}
