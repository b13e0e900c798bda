package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"
)

// studio is a server on which gigs can be listed, and nothing more.
func studio(t *testing.T, page string) *creator {
	t.Helper()
	mux := http.NewServeMux()
	mux.HandleFunc("POST /gigs", func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Origin") != "http://"+r.Host || r.FormValue("title") == "" {
			http.Error(w, "no", http.StatusForbidden)
			return
		}
		http.SetCookie(w, &http.Cookie{Name: "owner", Value: "me"})
		http.Redirect(w, r, "/studio/gigs/"+r.FormValue("title"), http.StatusSeeOther)
	})
	mux.HandleFunc("POST /studio/gigs/{id}/key", func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, "/studio/gigs/"+r.PathValue("id"), http.StatusSeeOther)
	})
	mux.HandleFunc("GET /studio/gigs/{id}", func(w http.ResponseWriter, r *http.Request) {
		if _, err := r.Cookie("owner"); err != nil {
			http.NotFound(w, r)
			return
		}
		fmt.Fprint(w, page)
	})
	mux.HandleFunc("HEAD /gigs/{id}/live.flv", func(http.ResponseWriter, *http.Request) {})
	s := httptest.NewServer(mux)
	t.Cleanup(s.Close)
	c, err := newCreator(s.URL)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.close)
	return c
}

func TestCreatorListsAndRotates(t *testing.T) {
	c := studio(t, `<code data-rtmp-url="">rtmp://h:1935/live?a&amp;b</code> <code data-stream-key x> k-1_Z </code>`)
	want := listed{id: "abc", server: "rtmp://h:1935/live?a&b", key: "k-1_Z"}
	g, err := c.list(t.Context(), "abc")
	if err != nil || g != want {
		t.Errorf("listed %+v, %v", g, err)
	}
	if g, err = c.rotate(t.Context(), "abc"); err != nil || g != want {
		t.Errorf("rotated %+v, %v", g, err)
	}
	for title, part := range map[string]string{"": "403", "No id": "leads to"} {
		if _, err := c.list(t.Context(), title); err == nil || !strings.Contains(err.Error(), part) {
			t.Errorf("title %q: %v", title, err)
		}
	}
	if _, err := studio(t, "nothing").list(t.Context(), "abc"); err == nil || !strings.Contains(err.Error(), "no stream key") {
		t.Errorf("no key: %v", err)
	}
}

func TestPublishingTellsWhyItEnded(t *testing.T) {
	g := listed{server: "rtmp://127.0.0.1:1/live", key: "secret"}
	p := publish(t.Context(), g, newStream().header().key(0).between(40).Bytes(), time.Hour)
	if err := <-p.done; err == nil || strings.Contains(err.Error(), "secret") {
		t.Errorf("no server: %v", err)
	}
	if err := p.stop(); err != nil {
		t.Errorf("stopped a second time: %v", err)
	}
	if _, err := startShows(t.Context(), "http://127.0.0.1:1", "no such file", 1); err == nil {
		t.Error("no error though there is no clip")
	}
}

// Several shows on the program itself, with viewers spread over them.
func TestShowsWithViewers(t *testing.T) {
	t.Parallel()
	server, _ := soakServer(t, new(record))
	var out bytes.Buffer
	args := []string{"-url", server.url, "-clip", demoClip, "-shows", "3", "-viewers", "6", "-duration", "5s", "-ramp", "0s", "-json"}
	if err := run(t.Context(), args, &out); err != nil {
		t.Fatal(err, out.String())
	}
	var r report
	if err := json.Unmarshal(out.Bytes(), &r); err != nil {
		t.Fatal(err)
	}
	if v := r.Viewers; v.Started != 6 || v.Ended != 0 || v.Gaps != 0 || v.FaultsIn != 0 || v.FirstP50 == 0 {
		t.Errorf("%+v", v)
	}
	if s := r.Steady; !s.Measured || s.Delivered != 1 || s.Bytes == 0 || s.LagP99 == 0 {
		t.Errorf("%+v", s)
	}
	if err := run(t.Context(), []string{"-url", server.url, "-clip", "no such file", "-viewers", "1"}, &out); err == nil {
		t.Error("no error though there is no clip")
	}
}
