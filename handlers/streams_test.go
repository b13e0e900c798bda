package handlers

import (
	"encoding/binary"
	"errors"
	"io"
	"net"
	"runtime"
	"strconv"
	"testing"
	"time"

	"bookmygig/media"
)

// Viewers that keep up take no goroutine each; the relay writes to them.
func TestViewersThatKeepUpHaveNoGoroutine(t *testing.T) {
	const viewers = 60
	ts := newTestServer(t)
	g := ts.listGig(t, nil)
	p := ts.goLive(t, g.ID)
	before := runtime.NumGoroutine()
	bodies := make([]io.Reader, viewers)
	for i := range bodies {
		_, resp := ts.dialLive(t, g.ID, "?viewer="+strconv.Itoa(i))
		bodies[i] = resp.Body
		readUntil(t, resp.Body, testKeyframe)
	}
	eventually(t, "no goroutine waits for them", func() bool { return runtime.NumGoroutine() < before+viewers/4 })
	late := append(testKeyframe[:len(testKeyframe):len(testKeyframe)], "for all of them"...)
	if err := p.WriteTag(media.TagVideo, 400, late); err != nil {
		t.Fatal(err)
	}
	for _, b := range bodies {
		readUntil(t, b, late)
	}
	ts.Relay.End(g.ID)
	for _, b := range bodies {
		if _, err := io.Copy(io.Discard, b); err != nil {
			t.Errorf("the end of the show is %v, want a clean end", err)
		}
	}
	ts.streams.wait(5 * time.Second)
}

// readTags reads whole tags until it has read n bytes, and reports the first
// thing that is wrong with them.
func readTags(r io.Reader, n int) error {
	last := uint32(0)
	for n > 0 {
		var head [11]byte
		if _, err := io.ReadFull(r, head[:]); err != nil {
			return err
		}
		size := int(head[1])<<16 | int(head[2])<<8 | int(head[3])
		at := uint32(head[4])<<16 | uint32(head[5])<<8 | uint32(head[6])
		rest := make([]byte, size+4)
		if _, err := io.ReadFull(r, rest); err != nil {
			return err
		}
		if head[0] != byte(media.TagVideo) || binary.BigEndian.Uint32(rest[size:]) != uint32(size+11) {
			return errors.New("what should be a tag is none")
		}
		if at < last {
			return errors.New("the time went back")
		}
		last = at
		n -= size + 15
	}
	return nil
}

// A viewer that is slow for a while, time and again, gets whole tags in order
// all along: what its socket did not take follows, wherever that ended.
func TestViewerThatPausesLosesNoByte(t *testing.T) {
	ts := newTestServer(t)
	g := ts.listGig(t, nil)
	p := ts.goLive(t, g.ID)
	conn, resp := ts.dialLive(t, g.ID, "")
	_ = conn.(*net.TCPConn).SetReadBuffer(32 << 10)
	if _, err := io.CopyN(io.Discard, resp.Body, 13); err != nil {
		t.Fatal(err)
	}
	stop := make(chan struct{})
	done := publishUntil(t, p, stop)
	for range 8 {
		time.Sleep(80 * time.Millisecond) // 4 MB, more than the sockets hold
		if err := readTags(resp.Body, 6<<20); err != nil {
			t.Fatal(err)
		}
	}
	close(stop)
	<-done
	ts.Relay.End(g.ID)
	if err := readTags(resp.Body, 1<<30); err != io.EOF {
		t.Errorf("the stream ends with %v, want the end after a whole tag", err)
	}
	ts.streams.wait(5 * time.Second)
}

// A viewer that takes nothing and comes again, and again, holds one seat and
// one connection: the newer one does not wait for the older to be cut.
func TestStalledViewerReplacesItself(t *testing.T) {
	ts := newTestServer(t)
	ts.streams.stallAt = time.Hour
	g := ts.listGig(t, nil)
	p := ts.goLive(t, g.ID)
	stop := make(chan struct{})
	done := publishUntil(t, p, stop)
	defer func() { close(stop); <-done }()
	held := func() (n int) {
		ts.streams.mu.Lock()
		defer ts.streams.mu.Unlock()
		return len(ts.streams.conns)
	}
	for range 5 {
		conn, _ := ts.dialLive(t, g.ID, "?viewer=again")
		_ = conn.(*net.TCPConn).SetReadBuffer(4 << 10)
		eventually(t, "it stalls alone", func() bool { return held() == 1 && ts.stalled() == 1 })
	}
	if n := ts.Relay.Viewers(g.ID); n != 1 {
		t.Errorf("%d viewers, want 1", n)
	}
}

// stalled counts the connections that nothing was written to for a moment.
func (ts *testServer) stalled() (n int) {
	ts.streams.mu.Lock()
	defer ts.streams.mu.Unlock()
	for sc := range ts.streams.conns {
		if w := sc.wrote.Load(); w != 0 && time.Since(time.Unix(0, w)) > 100*time.Millisecond {
			n++
		}
	}
	return n
}
