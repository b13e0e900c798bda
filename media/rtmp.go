package media

import (
	"fmt"
	"io"
	"net"
	"strings"
	"sync"

	"github.com/sirupsen/logrus"
	"github.com/yutopp/go-rtmp"
)

// handover is the net.Listener that go-rtmp accepts from: it brings the
// connections that are ready for it.
type handover struct {
	conns chan net.Conn
	done  chan struct{}
	once  *sync.Once
}

func newHandover() handover {
	return handover{conns: make(chan net.Conn), done: make(chan struct{}), once: new(sync.Once)}
}

// hand gives conn to go-rtmp; false means that it takes no more.
func (h handover) hand(conn net.Conn) bool {
	select {
	case h.conns <- conn:
		return true
	case <-h.done:
		return false
	}
}

func (h handover) close() { h.once.Do(func() { close(h.done) }) }

// Accept waits for a connection, or for the end. go-rtmp calls it again at
// once after an error, so the end is held back until its server is closed.
func (h handover) Accept() (net.Conn, error) {
	select {
	case conn := <-h.conns:
		return conn, nil
	case <-h.done:
		return nil, net.ErrClosed
	}
}

// Close is called by go-rtmp when its server is closed.
func (h handover) Close() error {
	h.close()
	return nil
}

// Addr has no meaning here.
func (h handover) Addr() net.Addr { return &net.TCPAddr{} }

// configure makes the session of a connection that go-rtmp has accepted.
func (i *Ingest) configure(conn net.Conn) (io.ReadWriteCloser, *rtmp.ConnConfig) {
	v := conn.(*visit)
	s := newSession(i, v)
	return v, connConfig(s, libraryLog(redactor{&i.noise, v.RemoteAddr(), s.told}))
}

// connConfig returns go-rtmp's settings. Its reader takes from the guard's
// buffer, not from the network, so a small one does.
func connConfig(h rtmp.Handler, log logrus.FieldLogger) *rtmp.ConnConfig {
	return &rtmp.ConnConfig{
		Handler:                                 h,
		SkipHandshakeVerification:               true,
		IgnoreMessagesOnNotExistStream:          true,
		IgnoreMessagesOnNotExistStreamThreshold: 64,
		ReaderBufferSize:                        8 << 10,
		ControlState: rtmp.StreamControlStateConfig{
			DefaultAckWindowSize:       maxAckWindow,
			DefaultBandwidthWindowSize: maxAckWindow,
			MaxChunkStreams:            maxChunkStreams,
			MaxMessageStreams:          4,
			MaxMessageSize:             maxMessage,
		},
		Logger: log,
	}
}

// libraryLog returns the logger for go-rtmp. Its lines can hold stream keys
// and other bytes of clients, so none is printed: warnings and errors are
// counted by the fixed words that they begin with.
func libraryLog(r redactor) logrus.FieldLogger {
	l := logrus.New()
	l.SetOutput(io.Discard)
	l.SetFormatter(silent{})
	l.SetLevel(logrus.WarnLevel)
	l.AddHook(r)
	return l
}

// silent formats nothing.
type silent struct{}

func (silent) Format(*logrus.Entry) ([]byte, error) { return nil, nil }

// Beginnings of the lines that the end of a connection brings along. They come
// from the goroutine that serves the session.
const (
	closedByError = "Server closed by error"
	writerFailed  = "Failed to wait writer"
)

// redactor counts log lines by class.
type redactor struct {
	noise *noise
	addr  net.Addr    // the client's
	told  func() bool // the log has the reason for the end already
}

func (redactor) Levels() []logrus.Level { return logrus.AllLevels }

func (r redactor) Fire(e *logrus.Entry) error {
	if strings.Contains(e.Message, "runtime error") || strings.Contains(e.Message, "Panic: ") {
		r.noise.add("go-rtmp: panic", r.addr)
		return nil
	}
	for _, known := range []string{
		closedByError,
		writerFailed,
		"Ignored unknown message body",
		"Messages are received on not exist streams",
		"Failed to create stream",
	} {
		if strings.HasPrefix(e.Message, known) {
			ending := known == closedByError || known == writerFailed
			if !ending || !r.told() {
				r.noise.add("go-rtmp: "+known, r.addr)
			}
			return nil
		}
	}
	r.noise.add("go-rtmp: other", r.addr)
	return nil
}

// typeName names the type of v.
func typeName(v any) string { return fmt.Sprintf("%T", v) }
