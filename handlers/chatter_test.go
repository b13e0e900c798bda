package handlers

import (
	"bytes"
	"errors"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/gorilla/websocket"
	"golang.org/x/net/html"
)

// chatter is a client of a chat's socket, without a browser.
type chatter struct {
	t    *testing.T
	conn *websocket.Conn
	read []byte // everything so far
}

// dialChat opens a socket. header holds pairs.
func (ts *testServer) dialChat(t *testing.T, gigID, query string, header ...string) (*chatter, *http.Response, error) {
	t.Helper()
	h := http.Header{}
	for i := 0; i < len(header); i += 2 {
		h.Add(header[i], header[i+1])
	}
	d := websocket.Dialer{HandshakeTimeout: 10 * time.Second}
	conn, resp, err := d.DialContext(t.Context(), "ws"+strings.TrimPrefix(ts.URL, "http")+"/gigs/"+gigID+"/chat"+query, h)
	if err != nil {
		return nil, resp, err
	}
	t.Cleanup(func() { conn.Close() })
	return &chatter{t: t, conn: conn}, resp, nil
}

// enterChat is dialChat that must succeed.
func (ts *testServer) enterChat(t *testing.T, gigID, query string, header ...string) *chatter {
	t.Helper()
	c, resp, err := ts.dialChat(t, gigID, query, header...)
	if err != nil {
		t.Fatalf("the chat cannot be entered: %v %v", err, resp)
	}
	return c
}

// session makes a session with the values, in pairs, and returns its cookie.
func (ts *testServer) session(t *testing.T, values ...string) string {
	t.Helper()
	ctx, err := ts.sessions.Load(t.Context(), "")
	if err != nil {
		t.Fatal(err)
	}
	for i := 0; i < len(values); i += 2 {
		ts.sessions.Put(ctx, values[i], values[i+1])
	}
	token, _, err := ts.sessions.Commit(ctx)
	if err != nil {
		t.Fatal(err)
	}
	return ts.sessions.Cookie.Name + "=" + token
}

func (c *chatter) send(frame string) {
	c.t.Helper()
	if err := c.conn.WriteMessage(websocket.TextMessage, []byte(frame)); err != nil {
		c.t.Fatalf("send %s: %v", frame, err)
	}
}

func (c *chatter) name(name string) { c.t.Helper(); c.send(`{"name":` + quote(name) + `}`) }

func (c *chatter) say(text string) { c.t.Helper(); c.send(`{"text":` + quote(text) + `}`) }

// until reads until all that was read since the last call contains want, and
// returns it as a page.
func (c *chatter) until(want string) page {
	c.t.Helper()
	deadline := time.Now().Add(15 * time.Second)
	c.read = nil
	for !bytes.Contains(c.read, []byte(want)) {
		_ = c.conn.SetReadDeadline(deadline)
		_, data, err := c.conn.ReadMessage()
		if err != nil {
			c.t.Fatalf("reading until %q: %v; got:\n%s", want, err, c.read)
		}
		c.read = append(c.read, data...)
	}
	root, err := html.Parse(bytes.NewReader(c.read))
	if err != nil {
		c.t.Fatal(err)
	}
	return page{body: string(c.read), root: root}
}

// closed reads until the socket is closed, and returns the code and the reason.
func (c *chatter) closed() (int, string) {
	c.t.Helper()
	_ = c.conn.SetReadDeadline(time.Now().Add(15 * time.Second))
	for {
		_, _, err := c.conn.ReadMessage()
		var e *websocket.CloseError
		if errors.As(err, &e) {
			return e.Code, e.Text
		}
		if err != nil {
			c.t.Fatalf("not closed but %v", err)
		}
	}
}
