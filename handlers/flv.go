package handlers

import (
	"bytes"
	"context"
	"errors"
	"net"
	"net/http"
	"os"
	"regexp"
	"time"

	"github.com/go-chi/chi/v5"

	"bookmygig/media"
)

// sendBuffer is how much, in bytes, the system is asked to hold for a viewer
// that was taken over. Left alone it takes megabytes for each that never reads.
const sendBuffer = 256 << 10

// stallLimit is how long a viewer may take nothing at all before it is cut;
// batchLimit how long it may take over what it was handed at once (at most
// 512 KiB), so that a reader of a byte a second cannot hold on to old tags.
const (
	stallLimit = 10 * time.Second
	batchLimit = 60 * time.Second
	looks      = 4 // at what a viewer takes, in each stallLimit
)

// viewerID is what a player may call itself in ?viewer=.
var viewerID = regexp.MustCompile(`^[A-Za-z0-9_-]{1,64}$`)

// liveFLV answers with the gig's stream as FLV over HTTP, for as long as it
// lasts. HTTP/1.1 connections are taken over, so that what net/http holds for
// each request is free while the stream runs; others are written to by flushing.
func (s *Server) liveFLV(w http.ResponseWriter, r *http.Request) error {
	g, err := s.admit(r, chi.URLParam(r, "id"))
	if err != nil {
		return err
	}
	if g.Over() {
		return media.ErrNotLive
	}
	id := r.URL.Query().Get("viewer")
	if !viewerID.MatchString(id) {
		id = ""
	}
	h := w.Header()
	h.Set("Cache-Control", "no-store")
	if r.Method == http.MethodHead {
		switch {
		case s.Relay.State(g.ID) == media.StateIdle:
			return media.ErrNotLive
		case s.Relay.Full(g.ID, id):
			return houseFull(w)
		}
		h.Set("Content-Type", "video/x-flv")
		return nil
	}
	v, err := s.Relay.Join(g.ID, id)
	if errors.Is(err, media.ErrLimit) {
		return houseFull(w)
	}
	if err != nil {
		return err
	}
	h.Set("Content-Type", "video/x-flv")
	if r.ProtoMajor == 1 && r.TLS == nil {
		conn, _, err := http.NewResponseController(w).Hijack()
		if err == nil {
			s.streams.start(conn, v, head(h))
			return nil
		}
		if !errors.Is(err, http.ErrNotSupported) {
			v.Close()
			return err
		}
	}
	defer v.Close()
	s.streams.flush(r.Context(), w, v)
	return nil
}

// houseFull answers a viewer for whom there is no seat. The header tells the
// player that this is not one of the other reasons for a 503. A page of HTML
// would be for nobody, and those who wait ask again and again.
func houseFull(w http.ResponseWriter) error {
	h := w.Header()
	h.Set("X-House", "full")
	h.Set("Retry-After", retryAfter)
	http.Error(w, "The house is full. Try again in a few seconds.", statusOf(media.ErrLimit))
	return nil
}

// head is the head of the response on a connection that was taken over.
func head(h http.Header) []byte {
	h.Set("Connection", "close")
	h.Set("Date", time.Now().UTC().Format(http.TimeFormat))
	var b bytes.Buffer
	b.WriteString("HTTP/1.1 200 OK\r\n")
	_ = h.Write(&b)
	b.WriteString("\r\n")
	return b.Bytes()
}

// start streams v to a connection that was taken over, so that the goroutine
// of net/http can end.
func (st *streams) start(conn net.Conn, v *media.Viewer, head []byte) {
	if c, ok := conn.(interface{ SetWriteBuffer(bytes int) error }); ok {
		_ = c.SetWriteBuffer(sendBuffer) // without it the stream runs as well
	}
	sc := &streamConn{streams: st, conn: conn, viewer: v, cancel: v.Close}
	sc.pending = net.Buffers{head}
	if !st.add(sc, sc.run) {
		v.Close()
		_ = conn.Close()
	}
}

// run writes what is pending and then what the viewer lacks. Once that is all,
// the relay goes on, and the goroutine can end: it is only for viewers that
// have to be waited for.
func (sc *streamConn) run() {
	for {
		if sc.streams.write(sc) != nil {
			break
		}
		bufs, err := sc.next()
		if err != nil {
			break
		}
		if len(bufs) == 0 {
			return // and whoever writes now is another
		}
		sc.pending = bufs
	}
	sc.End()
}

// next returns what the viewer lacks. When that is nothing, the relay goes on;
// where a write cannot but wait, next does.
func (sc *streamConn) next() ([][]byte, error) {
	if sc.prepare() {
		return sc.viewer.Follow(sc)
	}
	return sc.viewer.Next(context.Background())
}

// Send implements media.Sink: it writes as much as the socket takes now, and
// leaves the rest to a goroutine.
func (sc *streamConn) Send(bufs [][]byte) bool {
	sc.wrote.Store(time.Now().UnixNano())
	sc.pending = bufs
	if err := sc.push(); err != nil {
		sc.End()
		return false
	}
	if len(sc.pending) > 0 {
		go sc.run() // the connection is counted still
		return false
	}
	return true
}

// End implements media.Sink.
func (sc *streamConn) End() { sc.streams.remove(sc) }

// Cut implements media.Sink.
func (sc *streamConn) Cut() {
	sc.discard()
	_ = sc.conn.Close() // whoever writes finds out, and ends
}

// discard has the system throw away, once the connection is closed, what the
// viewer has not taken. It would keep that for minutes otherwise.
func (sc *streamConn) discard() {
	if c, ok := sc.conn.(interface{ SetLinger(sec int) error }); ok {
		_ = c.SetLinger(0)
	}
}

// write sends what is pending. A viewer that takes something in each stall
// period may be slow; one that takes nothing is cut, and so is one that is not
// done within the batch limit.
func (st *streams) write(sc *streamConn) error {
	start := time.Now()
	took := start // when it last took something, to within a look
	for now := start; len(sc.pending) > 0; now = time.Now() {
		if err := sc.conn.SetWriteDeadline(now.Add(st.stall() / looks)); err != nil {
			return err
		}
		n, err := sc.pending.WriteTo(sc.conn)
		sc.wrote.Store(time.Now().UnixNano())
		if err == nil {
			break
		}
		if n > 0 {
			took = time.Now()
		}
		stalled := time.Since(took) >= st.stall()
		late := time.Since(start) > st.stall()*(batchLimit/stallLimit)
		if stalled || late {
			sc.discard()
			return err
		}
		if !errors.Is(err, os.ErrDeadlineExceeded) {
			return err
		}
	}
	return sc.conn.SetWriteDeadline(time.Time{})
}

// flush streams v through net/http, for HTTP/2 and TLS. While there is nothing
// to write there is no deadline: HTTP/2 would end the stream at it.
func (st *streams) flush(ctx context.Context, w http.ResponseWriter, v *media.Viewer) {
	rc := http.NewResponseController(w)
	if rc.SetReadDeadline(time.Time{}) != nil {
		return
	}
	for {
		if rc.SetWriteDeadline(time.Time{}) != nil {
			return
		}
		bufs, err := v.Next(ctx)
		if err != nil {
			return
		}
		for _, b := range bufs {
			if rc.SetWriteDeadline(time.Now().Add(st.stall())) != nil {
				return
			}
			if _, err := w.Write(b); err != nil {
				return
			}
		}
		if rc.Flush() != nil {
			return
		}
	}
}
