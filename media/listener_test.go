package media

import (
	"errors"
	"net"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
)

var (
	addrA = netip.MustParseAddr("192.0.2.1")
	addrB = netip.MustParseAddr("192.0.2.2")
)

// crowd is a gate and a record of whom it evicted.
type crowd struct {
	gate
	out []string
}

// add lets someone in; "" is the answer when there was no room.
func (c *crowd) add(name string, addr netip.Addr) *entrant {
	e := &entrant{addr: addr, kick: func() { c.out = append(c.out, name) }}
	if !c.enter(e) {
		c.out = append(c.out, "no room for "+name)
	}
	return e
}

func TestGate(t *testing.T) {
	tests := []struct {
		name string
		do   func(c *crowd)
		want []string
	}{
		{"within the caps", func(c *crowd) { c.add("1", addrA); c.add("2", addrA); c.add("3", addrB) }, nil},
		{"the oldest of the address goes", func(c *crowd) {
			c.add("other", addrB)
			c.add("1", addrA)
			c.add("2", addrA)
			c.add("3", addrA)
		}, []string{"1"}},
		{"a silent one before one that greeted", func(c *crowd) {
			c.advance(c.add("1", addrA), stageGreeted)
			c.add("2", addrA)
			c.add("3", addrA)
		}, []string{"2"}},
		{"publishers do not count", func(c *crowd) {
			c.advance(c.add("1", addrA), stagePublishing)
			c.advance(c.add("2", addrA), stagePublishing)
			c.add("3", addrA)
			c.add("4", addrA)
		}, nil},
		{"a publisher that fell back counts again", func(c *crowd) {
			e := c.add("1", addrA)
			c.advance(e, stagePublishing)
			c.add("2", addrA)
			c.advance(e, stageGreeted)
			c.add("3", addrA)
		}, []string{"2"}},
		{"in all: the oldest that does not publish", func(c *crowd) {
			c.advance(c.add("1", addrA), stagePublishing)
			c.add("2", addrA)
			c.add("3", addrB)
			c.add("4", addrB)
			c.add("5", netip.MustParseAddr("192.0.2.3"))
		}, []string{"2"}},
		{"full of publishers", func(c *crowd) {
			for _, name := range []string{"1", "2", "3", "4"} {
				c.advance(c.add(name, addrA), stagePublishing)
			}
			c.add("5", addrB)
		}, []string{"no room for 5"}},
		{"leaving makes room", func(c *crowd) {
			e := c.add("1", addrA)
			c.add("2", addrA)
			c.leave(e)
			c.leave(e)
			c.advance(e, stageGreeted)
			c.add("3", addrA)
		}, nil},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			c := &crowd{gate: gate{maxAll: 4, maxAddr: 2}}
			tt.do(c)
			if !slices.Equal(c.out, tt.want) {
				t.Errorf("%v, want %v", c.out, tt.want)
			}
			count := map[netip.Addr]int{}
			for _, e := range c.all {
				if e.stage < stagePublishing {
					count[e.addr]++
				}
			}
			for addr, n := range c.byAddr {
				if count[addr] != n {
					t.Errorf("%v counts %d, has %d", addr, n, count[addr])
				}
			}
			if len(count) != len(c.byAddr) {
				t.Errorf("counts of %d addresses, there are %d", len(c.byAddr), len(count))
			}
		})
	}
}

type addrConn struct {
	sentConn
	remote string
}

func (c *addrConn) RemoteAddr() net.Addr { return textAddr(c.remote) }

type textAddr string

func (textAddr) Network() string  { return "tcp" }
func (a textAddr) String() string { return string(a) }

func TestGroupOf(t *testing.T) {
	for remote, want := range map[string]string{
		"192.0.2.7:1234":                    "192.0.2.7",
		"[::ffff:192.0.2.7]:1234":           "192.0.2.7",
		"[2001:db8:1:2:3:4:5:6]:1":          "2001:db8:1:2::",
		"[2001:db8:1:2:ffff:ffff:ffff:6]:1": "2001:db8:1:2::",
		"[fe80::1%eth0]:1":                  "fe80::",
		"pipe":                              "invalid IP",
	} {
		if got := groupOf(&addrConn{remote: remote}).String(); got != want {
			t.Errorf("%s: %s, want %s", remote, got, want)
		}
	}
}

// stormy is a listener whose Accept fails, as on a machine that is out of
// file descriptors, until it is told to work.
type stormy struct {
	net.Listener
	mu    sync.Mutex
	calls int
	calm  bool
}

func (s *stormy) Accept() (net.Conn, error) {
	s.mu.Lock()
	s.calls++
	calm := s.calm
	s.mu.Unlock()
	if !calm {
		return nil, errors.New("accept: too many open files")
	}
	return s.Listener.Accept()
}

// Errors of Accept must not spin, and afterwards encoders get in.
func TestAcceptStorm(t *testing.T) {
	r := newRecorder()
	p := serveIngest(t, keyring{testKey: "gig"}, recordInto(r))
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s := &stormy{Listener: ln}
	served := make(chan error, 1)
	go func() { served <- p.Serve(s) }()
	time.Sleep(time.Second)
	s.mu.Lock()
	calls := s.calls
	s.calm = true
	s.mu.Unlock()
	if calls > 12 {
		t.Errorf("%d calls of Accept in a second", calls)
	}
	p.addr = ln.Addr().String()
	raw, _ := readSession(t, "ffmpeg-h264-aac")
	replay(t, p, raw)
	awaitEnd(t, r)
	await(t, "the log line", func() bool { p.noise.flush(); return contains(p.log, "accept failed") })
	if err := p.Shutdown(t.Context()); err != nil {
		t.Error(err)
	}
	if err := <-served; err != nil {
		t.Error(err)
	}
}

func contains(l *logBuffer, text string) bool { return strings.Contains(l.String(), text) }

func TestServeEndsWithItsListener(t *testing.T) {
	p := serveIngest(t, keyring{}, nil)
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	_ = ln.Close()
	if err := p.Serve(ln); !errors.Is(err, net.ErrClosed) {
		t.Errorf("a closed listener: %v", err)
	}
	if err := p.Shutdown(t.Context()); err != nil {
		t.Fatal(err)
	}
	late, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	if err := p.Serve(late); err != nil {
		t.Errorf("after Shutdown: %v", err)
	}
	if _, err := late.Accept(); !errors.Is(err, net.ErrClosed) {
		t.Errorf("the listener is open: %v", err)
	}
}
