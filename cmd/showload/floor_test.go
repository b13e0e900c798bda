package main

import (
	"bufio"
	"bytes"
	"context"
	"io"
	"net"
	"strings"
	"testing"
	"time"
)

// floorOf runs the floor on the streams until the test ends, and returns its address.
func floorOf(t *testing.T, from string) string {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	r, w := io.Pipe()
	ended := make(chan error, 1)
	go func() {
		err := runFloor(ctx, []string{"-from", from}, w)
		w.CloseWithError(err)
		ended <- err
	}()
	t.Cleanup(func() {
		cancel()
		if err := <-ended; err != nil {
			t.Errorf("the floor ends with %v", err)
		}
	})
	line, err := bufio.NewReader(r).ReadString('\n')
	if err != nil {
		t.Fatal(err)
	}
	return strings.TrimSpace(line)
}

// What the floor serves must pass the checks that the server has to pass.
func TestFloorServesStreams(t *testing.T) {
	t.Parallel()
	from := source(t, 3000, 0).URL + "/show"
	floor := floorOf(t, from+" "+from)
	r := execute(t.Context(), plan{
		viewers: 8, streams: []string{floor + "/0", floor + "/1", floor + "/2"},
		duration: settleTime + closeTime + 1500*time.Millisecond, ramp: 500 * time.Millisecond,
	})
	v := r.Viewers
	if v.Started != 6 || v.Refused[404] != 2 || v.Ended != 0 || r.faults() != 0 || v.Gaps != 0 || v.Stalls != 0 {
		t.Errorf("%+v", v)
	}
	if s := r.Steady; !s.Measured || s.Bytes == 0 || s.LagP99 > time.Second {
		t.Errorf("%+v", s)
	}
}

// A viewer that reads nothing is dropped, and the others miss nothing.
func TestFloorDropsWhoReadsNothing(t *testing.T) {
	l := &lane{}
	idle, reading := connected(t, l), connected(t, l)
	if err := idle.SetReadBuffer(4096); err != nil {
		t.Fatal(err)
	}
	if err := reading.SetReadDeadline(time.Now().Add(30 * time.Second)); err != nil {
		t.Fatal(err)
	}
	piece := make([]byte, 1<<20)
	for n := 0; len(l.viewers) == 2; n++ {
		if n == 100 {
			t.Fatal("100 MiB are kept for a viewer that reads nothing")
		}
		l.write(piece)
		for got, late := 0, false; got < len(piece); late = true {
			if late {
				l.write(nil) // what the socket has not taken
			}
			m, err := reading.Read(make([]byte, len(piece)-got))
			if err != nil {
				t.Fatal(err)
			}
			got += m
		}
	}
	if got, want := l.viewers[0].conn.RemoteAddr().String(), reading.LocalAddr().String(); got != want {
		t.Errorf("%s was kept, want %s", got, want)
	}
}

// connected adds a viewer to the lane and returns its end of the connection.
func connected(t *testing.T, l *lane) *net.TCPConn {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close()
	theirs, err := net.Dial("tcp", ln.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { theirs.Close() })
	ours, err := ln.Accept()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { ours.Close() })
	l.viewers = append(l.viewers, &floorViewer{conn: ours.(*net.TCPConn)})
	return theirs.(*net.TCPConn)
}

func TestFloorEndsWithItsSource(t *testing.T) {
	for from, want := range map[string]string{
		"":                                      "a URL is needed",
		"http://127.0.0.1:1/":                   "refused",
		source(t, 10, 1).URL + "/none":          "404",
		source(t, 10, 2).URL + "/show":          "EOF",
		bare(t, "HTTP/1.1 200 OK\r\n\r\nx").URL: "EOF",
		bare(t, "HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n<!DOCTYPE html>").URL: "not an FLV stream",
	} {
		if err := runFloor(t.Context(), []string{"-from", from}, io.Discard); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("from %q: %v, want %q", from, err, want)
		}
	}
}

// Each viewer begins with the header, the latest sequence headers and a
// keyframe, wherever the pieces were cut.
func TestCutterKeepsWhatAViewerNeeds(t *testing.T) {
	s := newStream().header().sound(1).between(3).key(4).between(44).tag(tagVideo, 80, 0x17, 0, 9).key(80).between(120)
	for size := 1; size < 60; size++ {
		var c cutter
		var sent []byte
		for b := s.Bytes(); len(b) > 0; b = b[min(size, len(b)):] {
			if err := c.feed(b[:min(size, len(b))]); err != nil {
				t.Fatal(err)
			}
			sent = append(sent, c.slice().bytes...)
		}
		all := newStream().key(4).between(44).tag(tagVideo, 80, 0x17, 0, 9).key(80).between(120).Bytes()
		if !bytes.Equal(sent, all[fileHead:]) {
			t.Errorf("pieces of %d: sent %q, want %q", size, sent, all[fileHead:])
		}
		last := c.slice()
		want := floorHead + newStream().tag(tagVideo, 80, 0x17, 0, 9).key(80).between(120).String()
		if got := string(last.heads) + string(last.gop); got != want {
			t.Errorf("pieces of %d: a viewer begins with\n%q, want\n%q", size, got, want)
		}
	}
}
