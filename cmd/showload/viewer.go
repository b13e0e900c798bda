package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"time"
)

const (
	stallAfter   = time.Second // without a picture: what a player at the live edge would show as a stall
	gapAfter     = 1000        // milliseconds between two pictures: some were left out
	viewerBuffer = 32 << 10
)

// viewing is what one viewer got.
type viewing struct {
	Started  bool          // a keyframe came
	First    time.Duration // from the request to the first keyframe
	Bytes    int64
	Tags     int64
	Headers  int           // video sequence headers
	Stalls   int           // times without a picture for over a second
	Silence  time.Duration // longest time without a picture
	Gaps     int           // jumps in the timestamps
	Ended    bool          // the server ended the response
	Lag      time.Duration // how much later the last picture came than the first, by its timestamp
	Fault    string        // what was wrong in the stream; empty: nothing
	Refused  int           // status of the answer, if it was not 200
	lastSeen map[byte]uint32
	mustKey  bool // the next picture has to be a keyframe
	firstTS  uint32
	firstAt  time.Time
	lastAt   time.Time
}

// watchShow watches the stream until ctx ends. slowKBps limits the reading; 0:
// as fast as it comes.
func watchShow(ctx context.Context, url string, slowKBps int) viewing {
	v := viewing{lastSeen: map[byte]uint32{}, mustKey: true}
	client := &http.Client{Transport: &http.Transport{DialContext: dialer(slowKBps), DisableCompression: true}}
	defer client.CloseIdleConnections()
	begin := time.Now()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		v.Fault = err.Error()
		return v
	}
	res, err := client.Do(req)
	if err != nil {
		if ctx.Err() == nil {
			v.Fault = err.Error()
		}
		return v
	}
	defer res.Body.Close()
	if res.StatusCode != http.StatusOK {
		v.Refused = res.StatusCode
		return v
	}
	err = v.read(bufio.NewReaderSize(throttled(ctx, res.Body, slowKBps), viewerBuffer), begin)
	v.closeSilence()
	switch {
	case ctx.Err() != nil:
	case errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF):
		v.Ended = true
	default:
		v.Fault = err.Error()
	}
	return v
}

func (v *viewing) read(r *bufio.Reader, begin time.Time) error {
	if err := readHeader(r); err != nil {
		return err
	}
	for {
		t, err := readTag(r)
		if err != nil {
			return err
		}
		v.Bytes += int64(t.size) + 15
		v.Tags++
		if err := v.take(t, begin, time.Now()); err != nil {
			return err
		}
	}
}

// take checks one tag against those before it: timestamps of a kind never go
// back, pictures begin with a sequence header and a keyframe, and so they do
// after each new sequence header and each gap.
func (v *viewing) take(t tag, begin, now time.Time) error {
	if t.kind == tagScript {
		return nil
	}
	last, seen := v.lastSeen[t.kind]
	if seen && t.timestamp < last {
		return fmt.Errorf("the timestamp of tag type %d went back from %d to %d ms", t.kind, last, t.timestamp)
	}
	v.lastSeen[t.kind] = t.timestamp
	if t.kind != tagVideo {
		return nil
	}
	if t.header {
		v.Headers++
		v.mustKey = true
		return nil
	}
	if v.Headers == 0 {
		return errors.New("a picture came before the sequence header")
	}
	if seen && v.Started && t.timestamp-last > gapAfter {
		v.Gaps++
		v.mustKey = true
	}
	if v.mustKey && !t.key {
		return fmt.Errorf("the picture at %d ms should be a keyframe", t.timestamp)
	}
	v.mustKey = false
	v.picture(t, begin, now)
	return nil
}

func (v *viewing) picture(t tag, begin, now time.Time) {
	if !v.Started {
		v.Started, v.First = true, now.Sub(begin)
		v.firstTS, v.firstAt, v.lastAt = t.timestamp, now, now
	}
	v.silence(now)
	v.lastAt = now
	v.Lag = now.Sub(v.firstAt) - time.Duration(t.timestamp-v.firstTS)*time.Millisecond
}

func (v *viewing) silence(now time.Time) {
	d := now.Sub(v.lastAt)
	v.Silence = max(v.Silence, d)
	if d > stallAfter {
		v.Stalls++
	}
}

// closeSilence counts the time since the last picture, too.
func (v *viewing) closeSilence() {
	if v.Started {
		v.silence(time.Now())
	}
}

// dialer makes connections; slow ones have a small receive buffer, so that the
// server notices at once what the reader does.
func dialer(slowKBps int) func(context.Context, string, string) (net.Conn, error) {
	d := net.Dialer{Timeout: 10 * time.Second}
	return func(ctx context.Context, network, addr string) (net.Conn, error) {
		c, err := d.DialContext(ctx, network, addr)
		if err == nil && slowKBps > 0 {
			err = c.(*net.TCPConn).SetReadBuffer(8 << 10)
		}
		return c, err
	}
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
