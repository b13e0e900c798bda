package main

import (
	"context"
	"encoding/pem"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

func TestViewerTakesEveryKindOfAnswer(t *testing.T) {
	const closing = "HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n"
	good := newStream().header().key(0).sound(3).between(40).String()
	tests := []struct {
		name, url string
		slow      int
		want      viewing // Ended, Refused, Tags
		fault     string
	}{
		{"until the connection ends", bare(t, closing+good).URL, 0, viewing{Ended: true, Tags: 4}, ""},
		{"slowly", bare(t, closing+good).URL, 100, viewing{Ended: true, Tags: 4}, ""},
		{"cut in the middle of a tag", bare(t, closing+good[:len(good)-9]).URL, 0, viewing{Ended: true, Tags: 3}, ""},
		{"in chunks", source(t, 100, 5).URL + "/show", 0, viewing{Ended: true, Tags: 12}, ""},
		{"not there", source(t, 100, 5).URL + "/other", 0, viewing{Refused: 404}, ""},
		{"a page", bare(t, closing+"<!DOCTYPE html>").URL, 0, viewing{}, "not an FLV stream"},
		{"no HTTP", bare(t, "RTSP/1.0 200 OK\r\n\r\n").URL, 0, viewing{}, "malformed"},
		{"no answer", bare(t, "").URL, 0, viewing{Ended: true}, ""},
		{"no server", "http://127.0.0.1:1/show", 0, viewing{}, "refused"},
		{"no address", "http://127.0.0.1:x/", 0, viewing{}, "invalid port"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			v := newViewing(&audience{url: tt.url})
			v.watchShow(t.Context(), tt.slow)
			if v.Ended != tt.want.Ended || v.Refused != tt.want.Refused || v.Tags != tt.want.Tags {
				t.Errorf("ended %t, refused %d, %d tags", v.Ended, v.Refused, v.Tags)
			}
			if (v.Fault == "") != (tt.fault == "") || !strings.Contains(v.Fault, tt.fault) {
				t.Errorf("fault %q, want %q", v.Fault, tt.fault)
			}
		})
	}
}

func TestViewerOverTLS(t *testing.T) {
	s := httptest.NewUnstartedServer(source(t, 100, 5).Config.Handler)
	s.StartTLS()
	t.Cleanup(s.Close)
	file := filepath.Join(t.TempDir(), "roots.pem")
	roots := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: s.Certificate().Raw})
	if err := os.WriteFile(file, roots, 0o600); err != nil {
		t.Fatal(err)
	}
	t.Setenv("SSL_CERT_FILE", file)
	v := newViewing(&audience{url: s.URL + "/show"})
	v.watchShow(t.Context(), 0)
	if !v.Ended || v.Tags != 12 || v.Fault != "" {
		t.Errorf("ended %t, %d tags, fault %q", v.Ended, v.Tags, v.Fault)
	}
}

// The end of the run is no fault of the server, whatever the viewer was doing.
func TestViewerEndsWithTheRun(t *testing.T) {
	silent := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/head" {
			_ = http.NewResponseController(w).Flush() // it is looked at by its client only
		}
		<-r.Context().Done()
	}))
	t.Cleanup(silent.Close)
	for name, url := range map[string]string{
		"watching": source(t, 100, 0).URL + "/show", "waiting for the stream": silent.URL + "/head", "waiting for an answer": silent.URL,
	} {
		for _, slow := range []int{0, 100} {
			ctx, cancel := context.WithTimeout(t.Context(), 250*time.Millisecond)
			v := newViewing(&audience{url: url})
			v.watchShow(ctx, slow)
			cancel()
			if v.Fault != "" || v.Ended {
				t.Errorf("%s, %d KiB/s: ended %t, fault %q", name, slow, v.Ended, v.Fault)
			}
		}
	}
}
