package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/cookiejar"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/gorilla/websocket"
)

const (
	chatFrame  = 256 << 10       // most bytes of a frame: a room's history comes at once
	chatPause  = 5 * time.Second // for messages under way when the sending is over
	chatWrites = 10 * time.Second
	joinTime   = 20 * time.Second
)

// messageOf finds the number of each message in what the server sends, and
// the text of those that showload wrote: who, which one, when.
var messageOf = regexp.MustCompile(`<li id="m-(\d+)"[^>]*>|load (\d+) (\d+) (\d+)\.`)

// room collects what the chatters said and what they received.
type room struct {
	mu        sync.Mutex
	members   []member
	latencies []time.Duration
	sent      int
	faults    []string
}

// member is one chatter.
type member struct {
	joined   bool
	seqs     map[uint64]int // how often each message came
	lastSeq  uint64
	disorder int
	sent     int
	echoed   int // of those sent, how many came back
	closed   int // close code; 0: not closed by the server
}

func newRoom(chatters int) *room { return &room{members: make([]member, chatters)} }

// chat is one chatter: it joins, talks until ctx ends, then listens a little
// longer for what is under way.
func (r *room) chat(ctx context.Context, p plan, i int) {
	c, err := join(ctx, p, i)
	if err != nil {
		if ctx.Err() == nil {
			r.fault(fmt.Sprintf("chatter %d cannot join: %v", i, err))
		}
		return
	}
	defer c.Close()
	r.mu.Lock()
	r.members[i] = member{joined: true, seqs: map[uint64]int{}}
	r.mu.Unlock()

	done := make(chan struct{})
	go func() {
		defer close(done)
		r.listen(c, i)
	}()
	r.talk(ctx, c, p.rate, i, done)
	// The reads of listen end at this deadline at the latest.
	if err := c.SetReadDeadline(time.Now().Add(chatPause)); err != nil {
		c.Close()
	}
	<-done
}

// join enters the gig's room the way a browser does: the page, the socket, and
// a name sent over it.
func join(ctx context.Context, p plan, i int) (*websocket.Conn, error) {
	jar, err := cookiejar.New(nil)
	if err != nil {
		return nil, err
	}
	client := &http.Client{Jar: jar, Timeout: joinTime, Transport: &http.Transport{}}
	defer client.CloseIdleConnections()
	page := p.url + "/gigs/" + p.gig
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, page, nil)
	if err != nil {
		return nil, err
	}
	res, err := client.Do(req)
	if err != nil {
		return nil, err
	}
	res.Body.Close()
	if res.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("the page answers %s", res.Status)
	}
	d := websocket.Dialer{Jar: jar, HandshakeTimeout: joinTime}
	c, _, err := d.DialContext(ctx, "ws"+strings.TrimPrefix(page, "http")+"/chat", http.Header{"Origin": {p.url}})
	if err != nil {
		return nil, err
	}
	c.SetReadLimit(chatFrame)
	_ = c.SetWriteDeadline(time.Now().Add(chatWrites)) // a dead socket shows at the write
	if err := c.WriteJSON(map[string]string{"name": fmt.Sprintf("Load %d", i)}); err != nil {
		c.Close()
		return nil, err
	}
	return c, nil
}

// talk sends messages at the rate until ctx ends or the socket is closed.
func (r *room) talk(ctx context.Context, c *websocket.Conn, rate float64, i int, closed <-chan struct{}) {
	if rate == 0 {
		select {
		case <-ctx.Done():
		case <-closed:
		}
		return
	}
	tick := time.NewTicker(time.Duration(float64(time.Second) / rate))
	defer tick.Stop()
	for n := 1; ; n++ {
		select {
		case <-ctx.Done():
			return
		case <-closed:
			return
		case <-tick.C:
		}
		text := fmt.Sprintf("load %d %d %d.", i, n, time.Now().UnixNano())
		_ = c.SetWriteDeadline(time.Now().Add(chatWrites)) // a dead socket shows at the write
		if err := c.WriteJSON(map[string]string{"text": text, "client_id": fmt.Sprintf("%d-%d", i, n)}); err != nil {
			return
		}
		r.mu.Lock()
		r.sent++
		r.members[i].sent++
		r.mu.Unlock()
	}
}

// listen reads until the socket closes or its read deadline passes.
func (r *room) listen(c *websocket.Conn, i int) {
	for {
		_, b, err := c.ReadMessage()
		if err != nil {
			var closed *websocket.CloseError
			if errors.As(err, &closed) {
				r.mu.Lock()
				r.members[i].closed = closed.Code
				r.mu.Unlock()
			}
			return
		}
		r.received(i, string(b), time.Now())
	}
}

// received notes the messages in a frame.
func (r *room) received(i int, frame string, now time.Time) {
	r.mu.Lock()
	defer r.mu.Unlock()
	m := &r.members[i]
	for _, f := range messageOf.FindAllStringSubmatch(frame, -1) {
		if f[1] != "" {
			seq, _ := strconv.ParseUint(f[1], 10, 64) // digits by the pattern
			if seq < m.lastSeq {
				m.disorder++
			}
			m.lastSeq = max(m.lastSeq, seq)
			m.seqs[seq]++
			continue
		}
		if who, _ := strconv.Atoi(f[2]); who == i {
			m.echoed++
		}
		at, _ := strconv.ParseInt(f[4], 10, 64)
		r.latencies = append(r.latencies, now.Sub(time.Unix(0, at)))
	}
}

func (r *room) fault(text string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.faults = append(r.faults, text)
}
