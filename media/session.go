package media

import (
	"bytes"
	"cmp"
	"errors"
	"io"
	"net"
	"os"
	"runtime/debug"
	"strings"
	"time"

	"github.com/yutopp/go-rtmp"
	rtmpmsg "github.com/yutopp/go-rtmp/message"
)

// Why a session ends, where it is not an error from elsewhere.
var (
	errUnpublished = errors.New("media: the encoder ended the stream")
	errRefused     = errors.New("media: refused")
)

// session is go-rtmp's handler for one connection. go-rtmp calls it from one
// goroutine.
type session struct {
	rtmp.DefaultHandler
	in    *Ingest
	visit *visit
	conn  *rtmp.Conn

	pub    tagWriter // while publishing
	gigID  string
	stream uint32 // RTMP's number of the stream that it publishes on
	since  time.Time
	buf    bytes.Buffer // of one payload
	reason error        // why the connection ends, when it is known
}

func newSession(i *Ingest, v *visit) *session { return &session{in: i, visit: v} }

// recovered ends the connection, and nothing else, after a panic.
func (s *session) recovered(err *error) {
	if v := recover(); v != nil {
		s.in.panicked(v, debug.Stack())
		s.reason = errPanic
		*err = errPanic
	}
}

// OnServe keeps the connection, to write to.
func (s *session) OnServe(conn *rtmp.Conn) { s.conn = conn }

// OnConnect accepts the application "live" only.
func (s *session) OnConnect(_ uint32, cmd *rtmpmsg.NetConnectionConnect) (err error) {
	defer s.recovered(&err)
	app, _, _ := strings.Cut(cmd.Command.App, "?")
	if strings.Trim(app, "/") == "live" {
		return nil
	}
	return s.refuseConnect()
}

// OnPlay refuses: this server hands out nothing over RTMP.
func (s *session) OnPlay(*rtmp.StreamContext, uint32, *rtmpmsg.NetStreamPlay) error {
	s.in.noise.add("play refused", s.visit.RemoteAddr())
	s.reason = errRefused
	s.visit.lingering()
	return errRefused
}

// told reports whether the log says, or will say, why the connection ends:
// it was refused, or its publisher ends.
func (s *session) told() bool { return errors.Is(s.reason, errRefused) || !s.since.IsZero() }

// OnVideo relays a video message.
func (s *session) OnVideo(timestamp uint32, payload io.Reader) error {
	return s.relay(TagVideo, timestamp, payload)
}

// OnAudio relays an audio message.
func (s *session) OnAudio(timestamp uint32, payload io.Reader) error {
	return s.relay(TagAudio, timestamp, payload)
}

// relay copies a payload, which is go-rtmp's only during the call, into the stream.
func (s *session) relay(t TagType, timestamp uint32, payload io.Reader) (err error) {
	defer s.recovered(&err)
	if s.pub == nil {
		return nil
	}
	if s.buf.Cap() > maxSpare {
		s.buf = bytes.Buffer{}
	}
	s.buf.Reset()
	if _, err := s.buf.ReadFrom(payload); err != nil {
		return err
	}
	return s.write(t, timestamp, s.buf.Bytes())
}

// OnSetDataFrame relays metadata as the encoder wrote it. It is not decoded:
// go-amf0 misreads objects within arrays.
func (s *session) OnSetDataFrame(timestamp uint32, data *rtmpmsg.NetStreamSetDataFrame) (err error) {
	defer s.recovered(&err)
	if s.pub == nil {
		return nil
	}
	return s.write(TagScript, timestamp, data.Payload)
}

// write appends a tag; an error ends the connection.
func (s *session) write(t TagType, timestamp uint32, body []byte) error {
	if s.visit.over > 0 {
		return s.tooFast(s.visit.over)
	}
	err := s.pub.WriteTag(t, timestamp, body)
	if err != nil {
		s.reason = err
	}
	return err
}

// OnFCUnpublish is how most encoders say that the show is over.
func (s *session) OnFCUnpublish(uint32, *rtmpmsg.NetStreamFCUnpublish) (err error) {
	defer s.recovered(&err)
	s.unpublish(errUnpublished)
	return nil
}

// OnDeleteStream ends the publisher of an encoder that sends no FCUnpublish.
// The connection is left to the encoder to close: GStreamer calls it an error
// when we do.
func (s *session) OnDeleteStream(uint32, *rtmpmsg.NetStreamDeleteStream) (err error) {
	defer s.recovered(&err)
	s.unpublish(errUnpublished)
	return nil
}

// OnUnknownCommandMessage sees the commands that came on the stream itself
// and not on the control stream.
func (s *session) OnUnknownCommandMessage(_ uint32, cmd *rtmpmsg.CommandMessage) (err error) {
	defer s.recovered(&err)
	switch cmd.CommandName {
	case "FCUnpublish", "closeStream", "deleteStream":
		s.unpublish(errUnpublished)
	}
	return nil
}

// OnClose is the end, however it came. go-rtmp holds the connection's lock.
func (s *session) OnClose() {
	var err error
	defer s.recovered(&err)
	why := s.reason
	if why == nil {
		why = s.visit.err
	}
	if why == nil {
		why = errChunk // go-rtmp itself found fault with something
	}
	s.unpublish(why)
}

// unpublish ends the publisher, where there is one.
func (s *session) unpublish(why error) {
	if s.pub == nil {
		return
	}
	pub := s.pub
	s.pub = nil
	// The relay ends a publisher by closing its connection; it knows why.
	if p, ok := pub.(*Publisher); ok {
		why = cmp.Or(p.ended(), why)
	}
	s.visit.idling()
	s.in.gate.advance(s.visit.entrant, stageGreeted)
	s.in.log.Info("publisher ended", "gig", s.gigID, "addr", s.visit.RemoteAddr().String(),
		"reason", reasonOf(why), "lasted", time.Since(s.since).Round(time.Millisecond))
	pub.Close()
}

// reasonOf says in fixed words why a connection ended; they hold nothing of
// what the client sent.
func reasonOf(err error) string {
	switch {
	case errors.Is(err, errUnpublished):
		return "ended by the encoder"
	case errors.Is(err, ErrTakenOver):
		return "a newer publisher took over"
	case errors.Is(err, ErrEnded):
		return "ended by us"
	case errors.Is(err, errChunk), errors.Is(err, errAMF):
		return err.Error()
	case errors.Is(err, errTooFast):
		return "more than the bitrate limit"
	case errors.Is(err, errPanic):
		return "internal error"
	case errors.Is(err, os.ErrDeadlineExceeded):
		return "silent for too long"
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		return "connection closed by the encoder"
	case errors.Is(err, net.ErrClosed):
		return "dropped by us"
	default:
		return "connection lost"
	}
}
