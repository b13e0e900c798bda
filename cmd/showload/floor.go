package main

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"time"
)

const (
	floorBatch  = 100 * time.Millisecond
	floorBehind = 8 << 20 // bytes by which a viewer may be behind before it is dropped
	floorHead   = "HTTP/1.1 200 OK\r\nContent-Type: video/x-flv\r\nConnection: close\r\n\r\n"
)

// runFloor is `showload floor`: a bare server, which takes streams from a
// running one as a viewer does and writes the same bytes to its own viewers in
// batches of 100 ms. It does nothing else, and so shows what the machine asks
// for the bytes alone. The first line that it prints is its address; the
// streams are under /0, /1 and so on.
func runFloor(ctx context.Context, args []string, stdout io.Writer) error {
	fs := flag.NewFlagSet("showload floor", flag.ContinueOnError)
	fs.SetOutput(stdout)
	from := fs.String("from", "", "`URLs` of FLV streams, with blanks between them")
	listen := fs.String("listen", "127.0.0.1:0", "`address` to serve at")
	if err := fs.Parse(args); err != nil {
		return err
	}
	urls := strings.Fields(*from)
	if len(urls) == 0 {
		return errors.New("-from: a URL is needed")
	}
	asked := ctx
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	l, err := net.Listen("tcp", *listen)
	if err != nil {
		return err
	}
	defer context.AfterFunc(ctx, func() { l.Close() })()
	shows := make([]*floorShow, len(urls))
	var wg sync.WaitGroup
	defer wg.Wait()
	var ready sync.WaitGroup
	for i, u := range urls {
		shows[i] = newFloorShow(ctx, &wg)
		ready.Add(1)
		wg.Go(func() { cancel(shows[i].take(ctx, u, sync.OnceFunc(ready.Done))) })
	}
	ready.Wait()
	if ctx.Err() == nil {
		fmt.Fprintf(stdout, "http://%s\n", l.Addr())
	}
	for {
		c, err := l.Accept()
		if err != nil {
			cancel(err)
			if asked.Err() != nil {
				return nil
			}
			return context.Cause(ctx)
		}
		wg.Go(func() { welcome(ctx, c.(*net.TCPConn), shows) })
	}
}

// welcome reads a viewer's request and leaves the connection to a lane.
func welcome(ctx context.Context, c *net.TCPConn, shows []*floorShow) {
	defer context.AfterFunc(ctx, func() { c.Close() })()
	_ = c.SetDeadline(time.Now().Add(headTime)) // a dead socket shows at the read
	req, err := http.ReadRequest(bufio.NewReaderSize(c, 1024))
	if err != nil {
		c.Close()
		return
	}
	n, err := strconv.Atoi(strings.TrimPrefix(req.URL.Path, "/"))
	if err != nil || n < 0 || n >= len(shows) {
		fmt.Fprint(c, "HTTP/1.1 404 Not Found\r\nConnection: close\r\n\r\n")
		c.Close()
		return
	}
	_ = c.SetDeadline(time.Time{}) // nothing waits for it any more
	shows[n].join(ctx, c)
}

// floorShow is one stream of the floor. Its viewers are divided among as many
// lanes as there are processors.
type floorShow struct {
	cut   cutter
	lanes []*lane

	mu     sync.Mutex
	joined int
}

// slice is what a lane writes to each viewer, and what one gets who joins
// after it. Nothing in it is written to again.
type slice struct{ bytes, heads, gop []byte }

func newFloorShow(ctx context.Context, wg *sync.WaitGroup) *floorShow {
	s := &floorShow{}
	for range runtime.GOMAXPROCS(0) {
		l := &lane{slices: make(chan slice, 4), joins: make(chan *net.TCPConn)}
		s.lanes = append(s.lanes, l)
		wg.Go(func() { l.run(ctx) })
	}
	return s
}

func (s *floorShow) join(ctx context.Context, c *net.TCPConn) {
	s.mu.Lock()
	s.joined++
	l := s.lanes[s.joined%len(s.lanes)]
	s.mu.Unlock()
	select {
	case l.joins <- c:
	case <-ctx.Done():
		c.Close()
	}
}

// take reads the stream at the URL and cuts it into slices. It calls ready
// when viewers can join, or never will.
func (s *floorShow) take(ctx context.Context, address string, ready func()) error {
	defer ready()
	u, err := url.Parse(address)
	if err != nil {
		return err
	}
	c, err := dial(ctx, u, 0)
	if err != nil {
		return err
	}
	defer c.Close()
	defer context.AfterFunc(ctx, func() { c.Close() })()
	var v viewing
	body, _, err := v.request(c, u)
	if err != nil || body == nil {
		return errors.Join(err, fmt.Errorf("%s: the answer is %d", address, v.Refused))
	}
	b := make([]byte, readBuffer)
	for next := time.Now().Add(floorBatch); ; {
		n, err := body.Read(b)
		if err == nil {
			err = s.cut.feed(b[:n])
		}
		if err != nil {
			return err
		}
		if now := time.Now(); now.After(next) && s.cut.gop != nil {
			next = next.Add(floorBatch)
			piece := s.cut.slice()
			for _, l := range s.lanes {
				select {
				case l.slices <- piece:
				case <-ctx.Done():
				}
			}
			ready()
		}
	}
}

// cutter cuts a stream into whole tags and keeps what a viewer needs first.
type cutter struct {
	parser parser
	part   []byte          // of a tag
	file   []byte          // the stream's header
	kinds  map[byte][]byte // metadata and sequence headers by the kind of tag
	heads  []byte          // all that precedes the gop; nil: to be made anew
	gop    []byte          // from the latest keyframe on
	batch  []byte          // since the latest slice
}

func (c *cutter) feed(b []byte) error {
	before := len(c.part)
	c.part = append(c.part, b...)
	done := 0
	if c.file == nil && len(c.part) >= fileHead {
		c.file, c.kinds = bytes.Clone(c.part[:fileHead]), map[byte][]byte{}
	}
	err := c.parser.feed(b, func(t tag, at int) error {
		whole := c.part[before+at-t.size-tagHead-tagTail : before+at]
		done = before + at
		switch {
		case t.header || t.kind == tagScript:
			c.kinds[t.kind] = bytes.Clone(whole)
		case t.key:
			c.gop, c.heads = make([]byte, 0, cap(c.gop)), nil
		}
		if c.gop != nil {
			c.gop, c.batch = append(c.gop, whole...), append(c.batch, whole...)
		}
		return nil
	})
	c.part = append(c.part[:0], c.part[done:]...)
	return err
}

// slice ends the batch.
func (c *cutter) slice() slice {
	if c.heads == nil {
		c.heads = bytes.Join([][]byte{[]byte(floorHead), c.file, c.kinds[tagScript], c.kinds[tagAudio], c.kinds[tagVideo]}, nil)
	}
	s := slice{c.batch, c.heads, c.gop[:len(c.gop):len(c.gop)]}
	c.batch = make([]byte, 0, cap(c.batch))
	return s
}

// lane writes to some of the viewers of a stream, one after the other.
type lane struct {
	slices  chan slice
	joins   chan *net.TCPConn
	viewers []*floorViewer
}

type floorViewer struct {
	conn *net.TCPConn
	late []byte // what the socket has not taken
}

func (l *lane) run(ctx context.Context) {
	var now slice
	for {
		joins := l.joins
		if now.heads == nil {
			joins = nil
		}
		select {
		case now = <-l.slices:
			l.write(now.bytes)
		case c := <-joins:
			v := &floorViewer{conn: c}
			if v.write(now.heads) && v.write(now.gop) {
				l.viewers = append(l.viewers, v)
			}
		case <-ctx.Done():
			for _, v := range l.viewers {
				v.conn.Close()
			}
			return
		}
	}
}

func (l *lane) write(b []byte) {
	kept := l.viewers[:0]
	for _, v := range l.viewers {
		if v.write(b) {
			kept = append(kept, v)
		}
	}
	clear(l.viewers[len(kept):])
	l.viewers = kept
}

// write reports false when the viewer is gone or too far behind.
func (v *floorViewer) write(b []byte) bool {
	if len(v.late) > 0 {
		v.late = append(v.late, b...)
		b = v.late
	}
	n, err := send(v.conn, b)
	if err != nil || len(b)-n > floorBehind {
		v.conn.Close()
		return false
	}
	v.late = append(v.late[:0], b[n:]...)
	return true
}
