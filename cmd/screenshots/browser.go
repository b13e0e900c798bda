package main

import (
	"context"
	"fmt"
	"os"
	"time"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/chromedp"
)

const patience = time.Minute

func openBrowser(ctx context.Context) (context.Context, func(), error) {
	opts := append(chromedp.DefaultExecAllocatorOptions[:], chromedp.ExecPath("chromium"), chromedp.NoSandbox,
		chromedp.DisableGPU, chromedp.Flag("autoplay-policy", "no-user-gesture-required"))
	alloc, stopAlloc := chromedp.NewExecAllocator(ctx, opts...)
	browser, stop := chromedp.NewContext(alloc)
	end := func() { stop(); stopAlloc() }
	if err := chromedp.Do(browser); err != nil {
		end()
		return nil, nil, fmt.Errorf("chromium: %w", err)
	}
	return browser, end, nil
}

// visitor is a window with cookies of its own.
func visitor(browser context.Context) (context.Context, context.CancelFunc) {
	return chromedp.NewContext(browser, chromedp.WithNewBrowserContext())
}

// until waits for a JavaScript condition.
func until(ctx context.Context, condition string) error {
	deadline := time.Now().Add(patience)
	for {
		ok, err := chromedp.Run(ctx, chromedp.Evaluate[bool]("!!("+condition+")"))
		if err == nil && ok {
			return nil
		}
		if time.Now().After(deadline) {
			return fmt.Errorf("waited %v for %s: %w", patience, condition, context.DeadlineExceeded)
		}
		time.Sleep(100 * time.Millisecond)
	}
}

// shoot takes the window's picture at both sizes and in both schemes.
func shoot(ctx context.Context, path, ready string) error {
	for _, size := range []struct{ width, height int64 }{{1280, 900}, {390, 844}} {
		if err := chromedp.Do(ctx, chromedp.EmulateViewport(size.width, size.height)); err != nil {
			return err
		}
		for _, scheme := range []string{"light", "dark"} {
			prefer := emulation.SetEmulatedMediaParams{Features: []*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: scheme}}}
			if _, err := chromedp.Call(ctx, emulation.SetEmulatedMedia, prefer); err != nil {
				return err
			}
			if err := until(ctx, ready); err != nil {
				return err
			}
			if err := chromedp.Do(ctx, chromedp.Sleep(time.Second)); err != nil { // for what moves
				return err
			}
			quality := int64(82)
			shot, err := chromedp.Call(ctx, page.CaptureScreenshot, page.CaptureScreenshotParams{
				Format: page.CaptureScreenshotFormatJpeg, Quality: &quality,
			})
			if err != nil {
				return err
			}
			name := fmt.Sprintf("%s-%d-%s.jpg", path, size.width, scheme)
			if err := os.WriteFile(name, shot.Data, 0o644); err != nil {
				return err
			}
		}
	}
	return nil
}
