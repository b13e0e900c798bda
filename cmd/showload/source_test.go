package main

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"testing"
	"time"
)

// As `showload compare` starts the floor, so do the tests, by their own program.
func init() {
	if len(os.Args) > 1 && os.Args[1] == "floor" {
		main()
		os.Exit(0)
	}
}

// frame is the pace of the source's pictures.
const frame = 40 * time.Millisecond

// source is a server with a show of its own for each who asks: they begin with
// headers and a keyframe, as long as size bytes each, and go on for ever at a
// common clock. After count pictures it ends; 0: never.
func source(t *testing.T, size, count int) *httptest.Server {
	t.Helper()
	began := time.Now()
	body := make([]byte, size)
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/show" {
			http.NotFound(w, r)
			return
		}
		first := int(time.Since(began) / frame)
		for i := first; count == 0 || i < first+count; i++ {
			at, b := uint32(i)*uint32(frame.Milliseconds()), newStream()
			if i > first {
				b.Reset()
			} else {
				b.headerAt(at).tag(tagScript, at, 2, 0)
			}
			kind := byte(0x27)
			if i == first || i%10 == 0 {
				kind = 0x17
			}
			b.tag(tagVideo, at, append([]byte{kind, 1}, body...)...).sound(at)
			if _, err := w.Write(b.Bytes()); err != nil {
				return
			}
			if http.NewResponseController(w).Flush() != nil {
				return
			}
			time.Sleep(time.Until(began.Add(time.Duration(i+1) * frame)))
		}
	}))
	t.Cleanup(s.CloseClientConnections)
	t.Cleanup(s.Close)
	return s
}

// bare answers each connection with the bytes, and ends it.
func bare(t *testing.T, answer string) *httptest.Server {
	t.Helper()
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		c, _, err := http.NewResponseController(w).Hijack()
		if err != nil {
			t.Error(err)
			return
		}
		defer c.Close()
		fmt.Fprint(c, answer)
	}))
	t.Cleanup(s.Close)
	return s
}
