package main

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"
)

// openBrowser starts Chromium without a screen; it ends with the test.
func openBrowser(t *testing.T) context.Context {
	t.Helper()
	opts := append(chromedp.DefaultExecAllocatorOptions[:],
		chromedp.ExecPath("chromium"), chromedp.NoSandbox, chromedp.DisableGPU, chromedp.UserDataDir(t.TempDir()),
		chromedp.Flag("disable-quic", true), chromedp.Flag("disable-component-update", true),
		chromedp.Flag("autoplay-policy", "no-user-gesture-required"),
	)
	alloc, cancelAlloc := chromedp.NewExecAllocator(context.Background(), opts...)
	browser, cancel := chromedp.NewContext(alloc)
	t.Cleanup(func() {
		end, done := context.WithTimeout(browser, 10*time.Second)
		defer done()
		_ = chromedp.Cancel(end) // it is killed with its allocator at the latest
		cancel()
		cancelAlloc()
	})
	if err := chromedp.Do(browser); err != nil {
		t.Fatalf("chromium does not start: %v", err)
	}
	return browser
}

// window is one visitor: a window with cookies of its own.
type window struct {
	t    *testing.T
	name string
	ctx  context.Context

	mu       sync.Mutex
	problems []string // console errors, exceptions and refusals by policy
	streams  int      // requests for the stream
}

// openWindow opens a window of the size that a visitor with a laptop has.
func openWindow(t *testing.T, browser context.Context, name string) *window {
	t.Helper()
	ctx, cancel := chromedp.NewContext(browser, chromedp.WithNewBrowserContext())
	t.Cleanup(cancel)
	w := &window{t: t, name: name, ctx: ctx}
	if err := chromedp.Do(ctx, chromedp.EmulateViewport(1280, 900)); err != nil {
		t.Fatal(err)
	}
	// Violations of the policy are told by an event, whatever the console says.
	watch := func(ctx context.Context, target *chromedp.Target) (chromedp.Void, error) {
		_, err := chromedp.Call(ctx, page.AddScriptToEvaluateOnNewDocument, page.AddScriptToEvaluateOnNewDocumentParams{
			Source: `addEventListener('securitypolicyviolation', e => console.error('policy: ' + e.violatedDirective + ' ' + e.blockedURI))`,
		})
		return chromedp.Void{}, err
	}
	if err := chromedp.Do(ctx, watch); err != nil {
		t.Fatal(err)
	}
	if err := chromedp.Listen(ctx, w.hear); err != nil {
		t.Fatal(err)
	}
	go w.readConsole(chromedp.Console(ctx))
	return w
}

func (w *window) hear(ev any) {
	if e, ok := ev.(*network.EventRequestWillBeSent); ok && strings.Contains(e.Request.URL, "/live.flv") {
		w.mu.Lock()
		w.streams++
		w.mu.Unlock()
	}
}

func (w *window) readConsole(messages func(func(chromedp.ConsoleMessage, error) bool)) {
	for m, err := range messages {
		if err != nil {
			return
		}
		switch fmt.Sprint(m.Type) {
		case "error", "warning", "assert", string(chromedp.ConsoleException):
			w.mu.Lock()
			w.problems = append(w.problems, fmt.Sprintf("%v: %s", m.Type, m.Text))
			w.mu.Unlock()
		}
	}
}

// clean fails the test for what the console has said since the last call,
// other than the texts in allowed.
func (w *window) clean(allowed ...string) {
	w.t.Helper()
	w.mu.Lock()
	defer w.mu.Unlock()
next:
	for _, p := range w.problems {
		for _, a := range allowed {
			if strings.Contains(p, a) {
				continue next
			}
		}
		w.t.Errorf("%s: console: %s", w.name, p)
	}
	w.problems = nil
}

func (w *window) streamRequests() int {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.streams
}

func (w *window) do(what string, steps ...chromedp.Action[chromedp.Void]) {
	w.t.Helper()
	ctx, cancel := context.WithTimeout(w.ctx, 20*time.Second)
	defer cancel()
	if err := chromedp.Do(ctx, steps...); err != nil {
		w.t.Fatalf("%s: %s: %v", w.name, what, err)
	}
}

func (w *window) open(url string) {
	w.t.Helper()
	w.do("open "+url, chromedp.Navigate(url))
}

// value is what a JavaScript expression has for value, as JSON into v.
func (w *window) value(expression string, v any) error {
	ctx, cancel := context.WithTimeout(w.ctx, 10*time.Second)
	defer cancel()
	b, err := chromedp.Run(ctx, chromedp.Evaluate[[]byte]("("+expression+") ?? null", func(p *runtime.EvaluateParams) {}))
	if err != nil {
		return err
	}
	return json.Unmarshal(b, v)
}

// text is the value of an expression that is a string.
func (w *window) text(expression string) string {
	w.t.Helper()
	var s string
	if err := w.value(expression, &s); err != nil {
		w.t.Fatalf("%s: %s: %v", w.name, expression, err)
	}
	return s
}

// until waits for a JavaScript condition.
func (w *window) until(limit time.Duration, condition string) {
	w.t.Helper()
	eventually(w.t, limit, w.name+": "+condition, func() error {
		var ok bool
		if err := w.value("!!("+condition+")", &ok); err != nil {
			return err
		}
		if !ok {
			return fmt.Errorf("it is not so; state %s", w.situation())
		}
		return nil
	})
}

// situation describes a gig page for a failure's text.
func (w *window) situation() string {
	var s string
	err := w.value(`[location.pathname, document.querySelector('#stream-state')?.dataset.state,
		(v => v && [v.videoWidth, v.currentTime, v.readyState, v.paused].join('/'))(document.querySelector('video#player')),
		[...document.querySelectorAll('#chat-log li[id]')].map(l => l.id).slice(-8).join(' ')].join(' | ')`, &s)
	if err != nil {
		return err.Error()
	}
	return s
}

// plays waits until the picture has the width and its time goes on.
func (w *window) plays(limit time.Duration, width int) {
	w.t.Helper()
	w.until(limit, fmt.Sprintf(`document.querySelector('video#player').videoWidth === %d`, width))
	var from float64
	if err := w.value(`document.querySelector('video#player').currentTime`, &from); err != nil {
		w.t.Fatal(err)
	}
	// A player that was rebuilt begins anew: then it is the new time that goes on.
	w.until(limit, fmt.Sprintf(`(v => { window.seen ??= %f; if (v.currentTime < window.seen) window.seen = v.currentTime;
		const on = v.currentTime > window.seen + 1; if (on) delete window.seen; return on })(document.querySelector('video#player'))`, from))
}

// types focuses a field and presses keys. chromedp.SendKeys looks at the node's
// attributes without its lock, which the race detector rightly reports.
func (w *window) types(selector, text string) {
	w.t.Helper()
	quoted, err := json.Marshal(selector)
	if err != nil {
		w.t.Fatal(err)
	}
	w.until(10*time.Second, fmt.Sprintf(`document.querySelector(%s)?.checkVisibility()`, quoted))
	w.do("type into "+selector,
		chromedp.Evaluate[chromedp.Void](fmt.Sprintf(`document.querySelector(%s).focus()`, quoted)),
		chromedp.KeyEvent(text))
}

// takeName answers the chat's question for a name.
func (w *window) takeName(name string) {
	w.t.Helper()
	w.types("form#name-form input[name=name]", name+"\n")
	w.until(10*time.Second, `document.querySelector('form#chat-form input[name=text]')`)
}

// say types a message and sends it.
func (w *window) say(text string) {
	w.t.Helper()
	w.types("form#chat-form input[name=text]", text+"\n")
}

// reads waits until a message stands in the log, exactly once, as text.
func (w *window) reads(limit time.Duration, text string) {
	w.t.Helper()
	quoted, err := json.Marshal(text)
	if err != nil {
		w.t.Fatal(err)
	}
	w.until(limit, fmt.Sprintf(`[...document.querySelectorAll('#chat-log li[id^="m-"]')].filter(l => l.textContent.includes(%s)).length === 1`, quoted))
}

// log is the numbers of the messages in the log, in the order shown.
func (w *window) log() (seqs []int) {
	w.t.Helper()
	if err := w.value(`[...document.querySelectorAll('#chat-log li[id^="m-"]')].map(l => +l.id.slice(2))`, &seqs); err != nil {
		w.t.Fatal(err)
	}
	return seqs
}
