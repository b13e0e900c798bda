package main

import (
	"errors"
	"fmt"
	"html"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/gorilla/websocket"
)

// newClient is a browser without a screen: it keeps cookies.
func newClient(t *testing.T) *http.Client {
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	c := &http.Client{Jar: jar, Timeout: 20 * time.Second, Transport: &http.Transport{}}
	t.Cleanup(c.CloseIdleConnections)
	return c
}

// gigForm is a filled-in form for a gig that is on now.
func gigForm(title string) url.Values {
	now := time.Now().UTC()
	return url.Values{
		"name": {"Ada Quill"}, "title": {title}, "description": {"An hour at the keys."},
		"category": {"music"}, "price": {"0"}, "payment_pointer": {""}, "time_zone": {"UTC"},
		"date":      {now.Format("2006-01-02")},
		"time_from": {now.Format("15:04")}, "time_to": {now.Add(2 * time.Hour).Format("15:04")},
	}
}

var (
	studioPath = regexp.MustCompile(`^/studio/gigs/([a-z0-9]+)$`)
	keyInPage  = regexp.MustCompile(`data-stream-key[^>]*>\s*([A-Za-z0-9_-]+)\s*<`)
	rtmpInPage = regexp.MustCompile(`data-rtmp-url[^>]*>\s*([^<\s]+)\s*<`)
)

// postGig lists a gig and returns its id as soon as the server has said yes.
func postGig(c *http.Client, base, title string) (id string, err error) {
	once := *c
	once.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	res, err := once.PostForm(base+"/gigs", gigForm(title))
	if err != nil {
		return "", err
	}
	res.Body.Close()
	m := studioPath.FindStringSubmatch(res.Header.Get("Location"))
	if res.StatusCode != http.StatusSeeOther || m == nil {
		return "", fmt.Errorf("POST /gigs: %s, Location %q", res.Status, res.Header.Get("Location"))
	}
	return m[1], nil
}

// listGig lists a gig and reads where its creator sends to: the whole RTMP URL,
// key included.
func (p *program) listGig(t *testing.T, title string) (id, target string) {
	t.Helper()
	c := newClient(t)
	id, err := postGig(c, p.url(), title)
	if err != nil {
		t.Fatal(err)
	}
	page, err := get(c, p.url()+"/studio/gigs/"+id, http.StatusOK)
	if err != nil {
		t.Fatal(err)
	}
	key, rtmp := keyInPage.FindStringSubmatch(page), rtmpInPage.FindStringSubmatch(page)
	if key == nil || rtmp == nil {
		t.Fatalf("no stream key or RTMP URL in the studio page:\n%s", page)
	}
	return id, html.UnescapeString(rtmp[1]) + "/" + key[1]
}

// said is one message as a chat client received it.
type said struct {
	seq  uint64
	text string
}

var (
	sayItem  = regexp.MustCompile(`(?s)<li id="m-(\d+)"[^>]*>(.*?)</li>`)
	htmlTag  = regexp.MustCompile(`<[^>]*>`)
	timeElem = regexp.MustCompile(`(?s)<time.*?</time>|<b[ >].*?</b>`)
)

// messagesIn finds the messages in HTML, as text.
func messagesIn(page string) (out []said) {
	for _, m := range sayItem.FindAllStringSubmatch(page, -1) {
		seq, _ := strconv.ParseUint(m[1], 10, 64) // digits by the pattern
		text := htmlTag.ReplaceAllString(timeElem.ReplaceAllString(m[2], ""), "")
		out = append(out, said{seq, strings.TrimSpace(html.UnescapeString(text))})
	}
	return out
}

// chatter is a chat client without a browser.
type chatter struct {
	conn *websocket.Conn
	mu   sync.Mutex
	got  []said
	done chan struct{}
	err  error // why it ended; to be read after done
}

// joinChat opens the gig's socket, asking for what came after a number, and
// takes a name.
func joinChat(base, gig, name string, after uint64) (*chatter, error) {
	url := fmt.Sprintf("ws%s/gigs/%s/chat?after=%d", strings.TrimPrefix(base, "http"), gig, after)
	d := websocket.Dialer{HandshakeTimeout: 10 * time.Second}
	conn, res, err := d.Dial(url, http.Header{"Origin": {base}})
	if err != nil {
		if res != nil {
			err = fmt.Errorf("%w: %s", err, res.Status)
		}
		return nil, err
	}
	c := &chatter{conn: conn, done: make(chan struct{})}
	go c.listen()
	if err := conn.WriteJSON(map[string]string{"name": name}); err != nil {
		c.close()
		return nil, err
	}
	return c, nil
}

func (c *chatter) listen() {
	defer close(c.done)
	for {
		_, b, err := c.conn.ReadMessage()
		if err != nil {
			c.err = err
			return
		}
		c.mu.Lock()
		c.got = append(c.got, messagesIn(string(b))...)
		c.mu.Unlock()
	}
}

func (c *chatter) say(text, clientID string) error {
	return c.conn.WriteJSON(map[string]string{"text": text, "client_id": clientID})
}

func (c *chatter) messages() []said {
	c.mu.Lock()
	defer c.mu.Unlock()
	return append([]said(nil), c.got...)
}

// heard reports an error until the text has come.
func (c *chatter) heard(text string) error {
	for _, m := range c.messages() {
		if m.text == text {
			return nil
		}
	}
	return fmt.Errorf("%q is not among %v", text, c.messages())
}

// close ends the chatter and returns the close code that the server had sent, or 0.
func (c *chatter) close() int {
	c.conn.Close()
	<-c.done
	var ce *websocket.CloseError
	if errors.As(c.err, &ce) {
		return ce.Code
	}
	return 0
}
