package main

import (
	"bytes"
	"image/jpeg"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"testing"

	"github.com/chromedp/chromedp"
)

// A page is taken at both sizes and in both schemes, and those differ.
func TestShoot(t *testing.T) {
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/html")
		_, _ = w.Write([]byte(`<!DOCTYPE html><meta name=viewport content="width=device-width">
			<style>body { background: light-dark(white, black); color-scheme: light dark }</style><p id=here>here</p>`))
	}))
	defer srv.Close()
	browser, closeBrowser, err := openBrowser(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer closeBrowser()
	ctx, closeWindow := visitor(browser)
	defer closeWindow()
	if err := chromedp.Do(ctx, chromedp.Navigate(srv.URL)); err != nil {
		t.Fatal(err)
	}
	out := t.TempDir()
	if err := shoot(ctx, filepath.Join(out, "page"), `document.querySelector('#here')`); err != nil {
		t.Fatal(err)
	}
	for size, want := range map[string][2]int{"1280": {1280, 900}, "390": {390, 844}} {
		var bright [2]uint32
		for i, scheme := range []string{"light", "dark"} {
			b, err := os.ReadFile(filepath.Join(out, "page-"+size+"-"+scheme+".jpg"))
			if err != nil {
				t.Fatal(err)
			}
			img, err := jpeg.Decode(bytes.NewReader(b))
			if err != nil {
				t.Fatal(err)
			}
			if s := img.Bounds().Size(); s.X != want[0] || s.Y != want[1] {
				t.Errorf("%s %s is %v", size, scheme, s)
			}
			bright[i], _, _, _ = img.At(want[0]/2, want[1]/2).RGBA()
		}
		if bright[0] < 0xf000 || bright[1] > 0x2000 {
			t.Errorf("%s: brightness in light %x, in dark %x", size, bright[0], bright[1])
		}
	}
}
