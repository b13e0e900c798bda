package main

import (
	"context"
	"errors"
	"fmt"
	"html"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"os"
	"regexp"
	"strings"
	"time"

	"bookmygig/media"
)

// creator is somebody who lists gigs in a browser. One goroutine uses it.
type creator struct {
	base   string // URL of the server
	client *http.Client
}

// listed is a gig that a creator has listed, with what they type into OBS.
type listed struct {
	id     string
	server string // rtmp://…
	key    string
}

const (
	pageLimit = 1 << 20 // bytes of a page that are read
	showTime  = 2 * time.Hour
	spread    = 2 * time.Second // over which the keyframes of many shows are spread
)

var (
	studioPath = regexp.MustCompile(`^/studio/gigs/([a-z0-9]+)$`)
	keyInPage  = regexp.MustCompile(`data-stream-key[^>]*>\s*([A-Za-z0-9_-]+)\s*<`)
	rtmpInPage = regexp.MustCompile(`data-rtmp-url[^>]*>\s*([^<\s]+)\s*<`)
)

func newCreator(base string) (*creator, error) {
	jar, err := cookiejar.New(nil)
	if err != nil {
		return nil, err
	}
	return &creator{base, &http.Client{
		Jar: jar, Timeout: joinTime, Transport: &http.Transport{},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}}, nil
}

func (c *creator) close() { c.client.CloseIdleConnections() }

// list lists a gig that is on now and reads its key.
func (c *creator) list(ctx context.Context, title string) (listed, error) {
	now := time.Now().UTC()
	location, err := c.post(ctx, "/gigs", url.Values{
		"name": {"Ada Quill"}, "title": {title}, "category": {"music"}, "price": {"0"}, "time_zone": {"UTC"},
		"date":      {now.Format("2006-01-02")},
		"time_from": {now.Format("15:04")}, "time_to": {now.Add(showTime).Format("15:04")},
	})
	if err != nil {
		return listed{}, err
	}
	m := studioPath.FindStringSubmatch(location)
	if m == nil {
		return listed{}, fmt.Errorf("POST /gigs leads to %q", location)
	}
	return c.studio(ctx, m[1])
}

// rotate takes a new key for the gig; the old one is void.
func (c *creator) rotate(ctx context.Context, id string) (listed, error) {
	if _, err := c.post(ctx, "/studio/gigs/"+id+"/key", nil); err != nil {
		return listed{}, err
	}
	return c.studio(ctx, id)
}

// studio reads the key from the studio, which shows it once.
func (c *creator) studio(ctx context.Context, id string) (listed, error) {
	page, _, err := c.do(ctx, http.MethodGet, "/studio/gigs/"+id, nil, http.StatusOK)
	if err != nil {
		return listed{}, err
	}
	key, server := keyInPage.FindStringSubmatch(page), rtmpInPage.FindStringSubmatch(page)
	if key == nil || server == nil {
		return listed{}, errors.New("the studio shows no stream key")
	}
	return listed{id: id, server: html.UnescapeString(server[1]), key: key[1]}, nil
}

// post sends a form and returns where the answer leads to.
func (c *creator) post(ctx context.Context, path string, form url.Values) (location string, err error) {
	_, location, err = c.do(ctx, http.MethodPost, path, form, http.StatusSeeOther)
	return location, err
}

func (c *creator) do(ctx context.Context, method, path string, form url.Values, want int) (page, location string, err error) {
	req, err := http.NewRequestWithContext(ctx, method, c.base+path, strings.NewReader(form.Encode()))
	if err != nil {
		return "", "", err
	}
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	req.Header.Set("Origin", c.base)
	res, err := c.client.Do(req)
	if err != nil {
		return "", "", err
	}
	defer res.Body.Close()
	if res.StatusCode != want {
		return "", "", fmt.Errorf("%s %s: %s", method, path, res.Status)
	}
	b, err := io.ReadAll(io.LimitReader(res.Body, pageLimit))
	return string(b), res.Header.Get("Location"), err
}

// publishing is a clip on its way to a gig, in a loop, at its own pace.
type publishing struct {
	cancel context.CancelFunc
	done   chan error
}

// publish starts to send the clip, an FLV file, with timestamps that begin at
// start. It ends with ctx or stop, or when the server ends it.
func publish(ctx context.Context, g listed, clip []byte, start time.Duration) *publishing {
	ctx, cancel := context.WithCancel(ctx)
	p := &publishing{cancel, make(chan error, 1)}
	go func() {
		p.done <- media.PushFrom(ctx, g.server, g.key, clip, true, start)
		close(p.done)
	}()
	return p
}

// stop says goodbye to the server and waits until the clip is no longer sent.
// It returns why that was so already, nil otherwise; after the first time, nil.
func (p *publishing) stop() error {
	p.cancel()
	return <-p.done
}

// awaitLive waits until the gig's stream can be watched.
func awaitLive(ctx context.Context, stream string) error {
	ctx, cancel := context.WithTimeout(ctx, joinTime)
	defer cancel()
	for {
		req, err := http.NewRequestWithContext(ctx, http.MethodHead, stream, nil)
		if err != nil {
			return err
		}
		res, err := http.DefaultClient.Do(req)
		if err != nil {
			return err
		}
		res.Body.Close()
		if res.StatusCode == http.StatusOK {
			return nil
		}
		if !pause(ctx, 100*time.Millisecond) {
			return fmt.Errorf("%s does not go live: %s", stream, res.Status)
		}
	}
}

// shows are several gigs that a clip is published to.
type shows struct {
	creator    *creator
	publishing []*publishing
	streams    []string // URLs
}

// startShows lists n gigs on the server and publishes the clip in the file to
// each of them, not all in the same moment. They end with stop.
func startShows(ctx context.Context, server, file string, n int) (*shows, error) {
	clip, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	c, err := newCreator(server)
	if err != nil {
		return nil, err
	}
	s := &shows{creator: c}
	for i := range n {
		g, err := c.list(ctx, fmt.Sprintf("Load %d", i+1))
		if err != nil {
			return nil, errors.Join(err, s.stop())
		}
		s.publishing = append(s.publishing, publish(ctx, g, clip, 0))
		s.streams = append(s.streams, streamURL(server, g.id))
		pause(ctx, spread/time.Duration(n))
	}
	for _, stream := range s.streams {
		if err := awaitLive(ctx, stream); err != nil {
			return nil, errors.Join(err, s.stop())
		}
	}
	return s, nil
}

// stop ends the shows. It returns what ended any of them before.
func (s *shows) stop() error {
	defer s.creator.close()
	for _, p := range s.publishing {
		p.cancel()
	}
	var err error
	for _, p := range s.publishing {
		err = errors.Join(err, p.stop())
	}
	return err
}
