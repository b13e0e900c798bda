package handlers

import (
	"bytes"
	"context"
	"crypto/tls"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"bookmygig/media"
)

// TestLiveFLVFlushed covers what cannot be taken over: HTTP/2 and TLS.
func TestLiveFLVFlushed(t *testing.T) {
	ts := newTestServer(t)
	g := ts.listGig(t, nil)
	p := ts.goLive(t, g.ID)
	for _, http2 := range []bool{false, true} {
		web := httptest.NewUnstartedServer(ts.Server)
		web.EnableHTTP2 = http2
		web.StartTLS()
		client := &http.Client{Transport: &http.Transport{
			TLSClientConfig: &tls.Config{InsecureSkipVerify: true}, ForceAttemptHTTP2: http2,
		}}
		ctx, cancel := context.WithCancel(t.Context())
		req, _ := http.NewRequestWithContext(ctx, "GET", web.URL+"/gigs/"+g.ID+"/live.flv", nil)
		resp, err := client.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		if (resp.ProtoMajor == 2) != http2 {
			t.Errorf("the protocol is %s", resp.Proto)
		}
		late := append(bytes.Clone(testKeyframe), resp.Proto...)
		if err := p.WriteTag(media.TagVideo, 300, late); err != nil {
			t.Fatal(err)
		}
		readUntil(t, resp.Body, late)
		cancel()
		resp.Body.Close()
		eventually(t, "the viewer is gone", func() bool { return ts.Relay.Viewers(g.ID) == 0 })
		client.CloseIdleConnections()
		web.Close()
	}
}

// overTLS serves ts once more, over TLS with short times for pages, and opens
// the stream there.
func (ts *testServer) overTLS(t *testing.T, gigID string, http2 bool) *http.Response {
	t.Helper()
	web := httptest.NewUnstartedServer(ts.Server)
	web.EnableHTTP2 = http2
	web.Config.ReadTimeout, web.Config.WriteTimeout = time.Second, time.Second
	web.StartTLS()
	client := &http.Client{Transport: &http.Transport{
		TLSClientConfig: &tls.Config{InsecureSkipVerify: true}, ForceAttemptHTTP2: http2,
	}}
	ctx, cancel := context.WithCancel(t.Context())
	t.Cleanup(func() {
		cancel()
		client.CloseIdleConnections()
		web.CloseClientConnections()
		web.Close()
	})
	req, _ := http.NewRequestWithContext(ctx, "GET", web.URL+"/gigs/"+gigID+"/live.flv", nil)
	resp, err := client.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { resp.Body.Close() })
	return resp
}

// A grace in which nothing is written lasts longer than every deadline.
func TestFlushedViewerOutlastsTheGrace(t *testing.T) {
	for _, http2 := range []bool{false, true} {
		ts := newTestServer(t)
		ts.streams.stallAt = 300 * time.Millisecond
		g := ts.listGig(t, nil)
		p := ts.goLive(t, g.ID)
		resp := ts.overTLS(t, g.ID, http2)
		readUntil(t, resp.Body, testKeyframe)
		p.Close()
		time.Sleep(1500 * time.Millisecond) // past the stall limit and the times of pages
		late := append(bytes.Clone(testKeyframe), "after the grace"...)
		if err := ts.goLive(t, g.ID).WriteTag(media.TagVideo, 700, late); err != nil {
			t.Fatal(err)
		}
		readUntil(t, resp.Body, late)
	}
}

func TestFlushedViewerThatStallsIsCut(t *testing.T) {
	for _, http2 := range []bool{false, true} {
		ts := newTestServer(t)
		ts.streams.stallAt = 300 * time.Millisecond
		g := ts.listGig(t, nil)
		p := ts.goLive(t, g.ID)
		ts.overTLS(t, g.ID, http2)
		stop := make(chan struct{})
		done := publishUntil(t, p, stop)
		eventually(t, "the stalled viewer is cut", func() bool { return ts.Relay.Viewers(g.ID) == 0 })
		close(stop)
		<-done
	}
}
