package media

import (
	"bytes"
	"io"
	"log/slog"
	"net"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/sirupsen/logrus"
)

// go-rtmp's log lines hold stream keys and bytes of clients: only their fixed
// beginnings may come out, and those counted.
func TestLibraryLogIsRedacted(t *testing.T) {
	var out logBuffer
	n := noise{log: slog.New(slog.NewTextHandler(&out, nil))}
	told := false
	log := libraryLog(redactor{&n, &net.TCPAddr{IP: net.IPv4(192, 0, 2, 7), Port: 4711}, func() bool { return told }})
	log.Infof("Publisher is comming: %s", "canary")
	log.Errorf("Server closed by error: Err = runtime error: index of canary")
	log.Warnf("Ignored unknown message body: Err = %s", "canary")
	log.WithFields(logrus.Fields{"state": "canary"}).Errorf("Server closed by error: Err = %s", "canary")
	told = true
	log.Errorf("Server closed by error: Err = %s", "canary")
	log.Warnf("Failed to wait writer: ID = %d", 3)
	for range 5 {
		log.Errorf("Something else: %s", "canary")
	}
	n.flush()
	got := out.String()
	for _, want := range []string{`what="go-rtmp: Ignored unknown message body" count=1`,
		`what="go-rtmp: Server closed by error" count=1 addr=192.0.2.7:4711`, `what="go-rtmp: other" count=5`, `what="go-rtmp: panic" count=1`} {
		if !strings.Contains(got, want) {
			t.Errorf("no %s in %s", want, got)
		}
	}
	if strings.Contains(got, "canary") || strings.Count(got, "\n") != 4 {
		t.Errorf("log: %s", got)
	}
}

// Noise is logged by itself within about a second.
func TestNoiseIsLogged(t *testing.T) {
	var out logBuffer
	n := noise{log: slog.New(slog.NewTextHandler(&out, nil))}
	for range 1000 {
		n.add("x", nil)
	}
	if out.String() != "" {
		t.Error("logged at once")
	}
	await(t, "the line", func() bool { return strings.Contains(out.String(), "what=x count=1000") })
	n.flush()
	if strings.Count(out.String(), "\n") != 1 {
		t.Errorf("log: %s", out.String())
	}
}

// pipeConn is a client that has sent r and goes away when it is closed.
type pipeConn struct {
	sentConn
	closed chan struct{}
	once   sync.Once
}

func (c *pipeConn) Close() error {
	c.once.Do(func() { close(c.closed) })
	return nil
}

// FuzzGuardRTMP holds that no bytes make go-rtmp behind the guard panic, hang
// or keep a connection open.
func FuzzGuardRTMP(f *testing.F) {
	seedGuard(f)
	f.Add(opening(testKey)[handshakeSize:], false)
	p := serveIngest(f, keyring{testKey: "gig", "b": "gig"}, func(i *Ingest) {
		i.publish = func(string, PublisherInfo) (tagWriter, error) { return newRecorder(), nil }
		i.times.pace = 0
	})
	f.Fuzz(func(t *testing.T, b []byte, opened bool) {
		if len(b) > 128<<10 {
			return
		}
		start := hello
		if opened {
			start = opening(testKey)
		}
		c := &pipeConn{sentConn: sentConn{r: io.MultiReader(bytes.NewReader(start), bytes.NewReader(b))}, closed: make(chan struct{})}
		p.admit(c)
		select {
		case <-c.closed:
		case <-time.After(20 * time.Second):
			t.Fatal("the connection stays open")
		}
		if p.noise.flush(); strings.Contains(p.log.String(), "panic") {
			t.Fatal(p.log)
		}
	})
}

var _ net.Conn = (*pipeConn)(nil)

// BenchmarkIngest sends recorded sessions of OBS through guard and go-rtmp.
func BenchmarkIngest(b *testing.B) {
	raw, _ := readSession(b, "obs29-h264-aac")
	p := serveIngest(b, keyring{testKey: "gig"}, func(i *Ingest) {
		i.publish = func(string, PublisherInfo) (tagWriter, error) { return discard{}, nil }
	})
	b.SetBytes(int64(len(raw)))
	b.ReportAllocs()
	for b.Loop() {
		c := &pipeConn{sentConn: sentConn{r: bytes.NewReader(raw)}, closed: make(chan struct{})}
		p.admit(c)
		<-c.closed
	}
}

// discard is a tagWriter that keeps nothing.
type discard struct{}

func (discard) WriteTag(TagType, uint32, []byte) error { return nil }
func (discard) TooFast(int)                            {}
func (discard) Close()                                 {}
