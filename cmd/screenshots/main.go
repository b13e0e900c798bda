// Command screenshots takes the pictures in docs/screenshots, of a running
// server with its demo show: the four pages, wide and narrow, in both schemes.
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/chromedp/chromedp"

	"bookmygig/media"
)

func main() {
	if err := run(context.Background(), os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "screenshots:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, args []string) error {
	fs := flag.NewFlagSet("screenshots", flag.ContinueOnError)
	url := fs.String("url", "http://localhost:8080", "`URL` of the server")
	gig := fs.String("gig", "", "`id` of the gig that is live")
	out := fs.String("out", "docs/screenshots", "`folder` for the pictures")
	clip := fs.String("clip", "cmd/bookmygig/demo.flv", "`file` for a second show")
	if err := fs.Parse(args); err != nil {
		return err
	}
	flv, err := os.ReadFile(*clip)
	if err != nil {
		return err
	}
	if err := os.MkdirAll(*out, 0o755); err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, 5*time.Minute)
	defer cancel()
	browser, closeBrowser, err := openBrowser(ctx)
	if err != nil {
		return err
	}
	defer closeBrowser()
	return shootAll(browser, *url, *gig, *out, flv)
}

// shootAll lists some gigs, streams to one of them, lets two people talk at
// the demo, and takes the pictures.
func shootAll(browser context.Context, url, gig, out string, flv []byte) error {
	creator, closeCreator := visitor(browser)
	defer closeCreator()
	var mine listed
	for _, b := range bill {
		var err error
		if mine, err = list(creator, url, b); err != nil {
			return fmt.Errorf("list %q: %w", b.title, err)
		}
	}
	// The creator of the gig listed last is on air by now; its studio is shown.
	pushCtx, stop := context.WithCancel(browser)
	pushed := make(chan error, 1)
	go func() { pushed <- media.Push(pushCtx, mine.rtmp, mine.key, flv, true) }()
	defer func() { stop(); <-pushed }()

	guest, closeGuest := visitor(browser)
	defer closeGuest()
	host, closeHost := visitor(browser)
	defer closeHost()
	if err := talk(url+"/gigs/"+gig, host, guest); err != nil {
		return fmt.Errorf("talk: %w", err)
	}
	for _, p := range []struct {
		name, url, ready string
		ctx              context.Context
	}{
		{"gig", "", `(v => v.videoWidth > 0 && +v.dataset.lag < 2)(document.querySelector('video#player'))`, guest},
		{"listing", url + "/", `document.querySelectorAll('.card').length > 5`, guest},
		{"form", url + "/gigs/new", `document.querySelector('form input[name=title]')`, guest},
		{"studio", url + "/studio/gigs/" + mine.id, `document.querySelector('#stream-state[data-state=live]')`, creator},
	} {
		if p.url != "" {
			if err := chromedp.Do(p.ctx, chromedp.Navigate(p.url)); err != nil {
				return err
			}
		}
		if err := shoot(p.ctx, filepath.Join(out, p.name), p.ready); err != nil {
			return fmt.Errorf("%s: %w", p.name, err)
		}
	}
	return nil
}
