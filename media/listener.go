package media

import (
	"net"
	"net/netip"
	"slices"
	"sync"
	"time"
)

// accept waits for the next connection. After an error it waits a while that
// doubles, up to a second, before it is called again; the errors of a full
// machine would else spin.
type acceptor struct {
	ln    net.Listener
	delay time.Duration
}

const maxAcceptDelay = time.Second

// next accepts; done ends a wait.
func (a *acceptor) next(done <-chan struct{}) (net.Conn, error) {
	if a.delay > 0 {
		select {
		case <-time.After(a.delay):
		case <-done:
		}
	}
	conn, err := a.ln.Accept()
	if err == nil {
		a.delay = 0
		return conn, nil
	}
	a.delay = min(max(2*a.delay, 5*time.Millisecond), maxAcceptDelay)
	return nil, err
}

// stage is how far a connection has come. The further, the longer it is kept
// when there are too many.
type stage int

const (
	stageSilent  stage = iota // has not sent C0 and C1
	stageGreeted              // has, and has not published
	stagePublishing
)

// entrant is a connection as the gate sees it.
type entrant struct {
	addr  netip.Addr
	kick  func()
	stage stage
}

// gate bounds the open connections, in all and for each address. When there
// are too many it is not the newcomer that goes but the one that has shown
// least for longest: idle connections cannot keep an encoder out.
type gate struct {
	maxAll, maxAddr int

	mu     sync.Mutex
	all    []*entrant // oldest first
	byAddr map[netip.Addr]int
}

// enter lets a connection in and evicts another where that takes it. false
// means that there is no room even so.
func (g *gate) enter(e *entrant) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.byAddr == nil {
		g.byAddr = make(map[netip.Addr]int)
	}
	if g.byAddr[e.addr] >= g.maxAddr {
		g.evict(func(o *entrant) bool { return o.addr == e.addr })
	}
	if len(g.all) >= g.maxAll && !g.evict(func(*entrant) bool { return true }) {
		return false
	}
	g.all = append(g.all, e)
	g.byAddr[e.addr]++
	return true
}

// evict drops the connection, among those that match, that has come least
// far, the oldest of them; publishers stay.
func (g *gate) evict(match func(*entrant) bool) bool {
	var out *entrant
	for _, e := range g.all {
		if e.stage < stagePublishing && match(e) && (out == nil || e.stage < out.stage) {
			out = e
		}
	}
	if out == nil {
		return false
	}
	g.remove(out)
	out.kick()
	return true
}

// advance notes how far a connection has come, or has fallen back.
func (g *gate) advance(e *entrant, s stage) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if !slices.Contains(g.all, e) {
		return
	}
	if e.stage < stagePublishing {
		g.forget(e.addr)
	}
	if s < stagePublishing {
		g.byAddr[e.addr]++
	}
	e.stage = s
}

// leave forgets a connection; it may have been evicted before.
func (g *gate) leave(e *entrant) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.remove(e)
}

func (g *gate) remove(e *entrant) {
	i := slices.Index(g.all, e)
	if i < 0 {
		return
	}
	g.all = slices.Delete(g.all, i, i+1)
	if e.stage < stagePublishing {
		g.forget(e.addr)
	}
}

// forget takes one from the count of addr.
func (g *gate) forget(addr netip.Addr) {
	if g.byAddr[addr]--; g.byAddr[addr] <= 0 {
		delete(g.byAddr, addr)
	}
}

// kickAll drops every connection.
func (g *gate) kickAll() {
	g.mu.Lock()
	defer g.mu.Unlock()
	for _, e := range g.all {
		e.kick()
	}
}

// groupOf returns the address that counts for conn: of IPv6 the /64, which is
// what one household gets.
func groupOf(conn net.Conn) netip.Addr {
	ap, err := netip.ParseAddrPort(conn.RemoteAddr().String())
	if err != nil {
		return netip.Addr{}
	}
	addr := ap.Addr().Unmap()
	if addr.Is4() {
		return addr
	}
	p, err := addr.WithZone("").Prefix(64)
	if err != nil {
		return addr
	}
	return p.Addr()
}
