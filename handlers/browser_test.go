package handlers

import (
	"context"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/emulation"
	cdpage "github.com/chromedp/cdproto/page"
	"github.com/chromedp/chromedp"
)

// The sizes and schemes in which pages are looked at.
const (
	wide, phone = 1280, 390
	narrowest   = 320
	light, dark = "light", "dark"
)

// startChromium starts a browser that the end of the test closes. Windows are
// opened in it with openWindow.
func startChromium(t *testing.T) context.Context {
	t.Helper()
	dir := t.TempDir()
	alloc, stopAlloc := chromedp.NewExecAllocator(context.Background(), append(chromedp.DefaultExecAllocatorOptions[:],
		chromedp.ExecPath("chromium"), chromedp.NoSandbox, chromedp.DisableGPU, chromedp.UserDataDir(dir),
		chromedp.Flag("disable-quic", true), chromedp.Flag("disable-component-update", true),
		chromedp.Flag("autoplay-policy", "no-user-gesture-required"), chromedp.Flag("lang", "en-GB"))...)
	ctx, stop := chromedp.NewContext(alloc)
	t.Cleanup(func() {
		stop()
		stopAlloc()
		chromedp.FromContext(ctx).Allocator.Wait()
	})
	if err := chromedp.Do(ctx); err != nil {
		t.Fatalf("chromium does not start: %v", err)
	}
	return ctx
}

// window is one visitor's window: its cookies are its own.
type window struct {
	t   *testing.T
	ctx context.Context

	mu     sync.Mutex
	faults []string // errors on the console, refused by policy or thrown
}

// openWindow opens a window of a new visitor in the browser, in London and at
// 1280 by 900, light. At the end of the test its console must be clean.
func openWindow(t *testing.T, browser context.Context) *window {
	t.Helper()
	ctx, stop := chromedp.NewContext(browser, chromedp.WithNewBrowserContext())
	w := &window{t: t, ctx: ctx}
	if err := chromedp.Do(ctx); err != nil {
		t.Fatal(err)
	}
	console, stopConsole := context.WithCancel(ctx)
	messages := chromedp.Console(console)
	read := make(chan struct{})
	go func() {
		defer close(read)
		for m, err := range messages {
			if err != nil {
				return
			}
			if m.Type == chromedp.ConsoleError || m.Type == chromedp.ConsoleException {
				w.mu.Lock()
				w.faults = append(w.faults, m.String()+" "+m.URL)
				w.mu.Unlock()
			}
		}
	}()
	t.Cleanup(func() {
		for _, f := range w.console() {
			t.Errorf("on the console: %s", f)
		}
		stopConsole()
		<-read
		stop()
	})
	w.clock("Europe/London", "en-GB")
	w.look(wide, light)
	return w
}

// console takes what has gone wrong on the console so far. A test that expects
// an error takes it, so that it is not counted at the end.
func (w *window) console() []string {
	w.mu.Lock()
	defer w.mu.Unlock()
	faults := w.faults
	w.faults = nil
	return faults
}

// do runs steps, 30 s at most.
func (w *window) do(steps ...chromedp.Action[chromedp.Void]) {
	w.t.Helper()
	ctx, cancel := context.WithTimeout(w.ctx, 30*time.Second)
	defer cancel()
	if err := chromedp.Do(ctx, steps...); err != nil {
		w.t.Fatalf("in the window: %v", err)
	}
}

func (w *window) open(url string) { w.t.Helper(); w.do(chromedp.Navigate(url)) }

// look sets the window's width and scheme.
func (w *window) look(width int64, scheme string) {
	w.t.Helper()
	height := int64(900)
	if width < 600 {
		height = 844
	}
	w.do(chromedp.EmulateViewport(width, height), func(ctx context.Context, t *chromedp.Target) (v chromedp.Void, err error) {
		_, err = cdp.Call(ctx, t, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{
			Features: []*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: scheme}}})
		return v, err
	})
}

// clock sets the visitor's time zone and locale, for pages opened afterwards.
func (w *window) clock(zone, locale string) {
	w.t.Helper()
	w.do(func(ctx context.Context, t *chromedp.Target) (v chromedp.Void, err error) {
		if _, err = cdp.Call(ctx, t, emulation.SetTimezoneOverride, emulation.SetTimezoneOverrideParams{TimezoneID: zone}); err != nil {
			return v, err
		}
		if _, err = cdp.Call(ctx, t, emulation.SetLocaleOverride, emulation.SetLocaleOverrideParams{}); err != nil {
			return v, err
		}
		_, err = cdp.Call(ctx, t, emulation.SetLocaleOverride, emulation.SetLocaleOverrideParams{Locale: locale})
		return v, err
	})
}

// scripts allows scripts or not, for pages opened afterwards.
func (w *window) scripts(allowed bool) {
	w.t.Helper()
	w.do(func(ctx context.Context, t *chromedp.Target) (v chromedp.Void, err error) {
		_, err = cdp.Call(ctx, t, emulation.SetScriptExecutionDisabled, emulation.SetScriptExecutionDisabledParams{Value: !allowed})
		return v, err
	})
}

// before runs a script in every page before the page's own.
func (w *window) before(script string) {
	w.t.Helper()
	w.do(func(ctx context.Context, t *chromedp.Target) (v chromedp.Void, err error) {
		_, err = cdp.Call(ctx, t, cdpage.AddScriptToEvaluateOnNewDocument, cdpage.AddScriptToEvaluateOnNewDocumentParams{Source: script})
		return v, err
	})
}

// watchPolicy notes what the Content-Security-Policy stops in pages opened
// afterwards.
func (w *window) watchPolicy() {
	w.t.Helper()
	w.before(`window.reports = []; document.addEventListener("securitypolicyviolation", (e) =>
		window.reports.push([e.violatedDirective, e.blockedURI, e.sourceFile, e.lineNumber, e.columnNumber, e.sample].join(" ")))`)
}

// keptPolicy checks that the policy had nothing to stop in this page so far.
func (w *window) keptPolicy(where string) {
	w.t.Helper()
	if got := eval[[]string](w, "window.reports"); len(got) > 0 {
		w.t.Errorf("%s: the policy had to stop %q", where, got)
	}
}

// eval is the value of a JavaScript expression; promises are waited for.
func eval[T any](w *window, js string) T {
	w.t.Helper()
	ctx, cancel := context.WithTimeout(w.ctx, 30*time.Second)
	defer cancel()
	v, err := chromedp.Run(ctx, chromedp.Evaluate[T](js, chromedp.EvalAwaitPromise))
	if err != nil {
		w.t.Fatalf("%s: %v", js, err)
	}
	return v
}

// text is the text of the first element that the selector finds, "" if none.
func (w *window) text(selector string) string {
	w.t.Helper()
	return eval[string](w, "(document.querySelector("+quote(selector)+")?.textContent ?? '').trim().replace(/\\s+/g, ' ')")
}

// waitFor waits until a JavaScript condition holds, in whatever page the window
// then shows.
func (w *window) waitFor(js string) {
	w.t.Helper()
	eventually(w.t, js, func() bool {
		ctx, cancel := context.WithTimeout(w.ctx, 5*time.Second)
		defer cancel()
		ok, err := chromedp.Run(ctx, chromedp.Evaluate[bool]("Boolean("+js+")"))
		return err == nil && ok // an error: the page is changing right now
	})
}

// set fills in a field as if it were typed.
func (w *window) set(id, value string) {
	w.t.Helper()
	eval[bool](w, `((e) => { e.value = `+quote(value)+`;
		for (const type of ["input", "change"]) e.dispatchEvent(new Event(type, {bubbles: true})); return true })(document.getElementById(`+quote(id)+`))`)
}

// types puts the focus into a field and types, as at a keyboard.
func (w *window) types(selector, text string) {
	w.t.Helper()
	w.waitFor("document.querySelector(" + quote(selector) + ")?.checkVisibility()")
	w.do(chromedp.Evaluate[chromedp.Void]("document.querySelector("+quote(selector)+").focus()"), chromedp.KeyEvent(text))
}

func quote(s string) string {
	b, _ := json.Marshal(s)
	return string(b)
}

// shot writes a picture of the window into $SCREENSHOTS, for people to look at.
func (w *window) shot(name string) {
	w.t.Helper()
	dir := os.Getenv("SCREENSHOTS")
	if dir == "" {
		return
	}
	picture, err := chromedp.Run(w.ctx, chromedp.CaptureScreenshot())
	if err == nil {
		err = os.WriteFile(filepath.Join(dir, name+".png"), picture, 0o644)
	}
	if err != nil {
		w.t.Error(err)
	}
}

var axeSource = sync.OnceValues(func() ([]byte, error) {
	return os.ReadFile("../static/vendor/axe-core/axe.min.js")
})

// axe checks the page with axe-core; every violation fails the test.
func axe(t *testing.T, w *window) {
	t.Helper()
	source, err := axeSource()
	if err != nil {
		t.Fatal(err)
	}
	eval[bool](w, string(source)+";true")
	// Colours are judged at rest, not in the middle of a transition.
	eval[bool](w, `(document.getAnimations().filter((a) => a instanceof CSSTransition).forEach((a) => a.finish()), true)`)
	type violation struct {
		ID, Help string
		Nodes    []string
	}
	found := eval[[]violation](w, `axe.run(document, {resultTypes: ["violations"]}).then((r) => r.violations.map((v) =>
		({ID: v.id, Help: v.help, Nodes: v.nodes.map((n) => n.html.slice(0, 200) + " — " + n.failureSummary)})))`)
	for _, v := range found {
		t.Errorf("axe: %s: %s\n\t%s", v.ID, v.Help, strings.Join(v.Nodes, "\n\t"))
	}
}

// inAllLooks checks the page at both widths in both schemes: with axe, and
// that it is never wider than the window. name is for screenshots.
func inAllLooks(t *testing.T, w *window, name string) {
	t.Helper()
	for _, width := range []int64{wide, phone} {
		for _, scheme := range []string{light, dark} {
			w.look(width, scheme)
			fits(t, w, name, width)
			axe(t, w)
			w.shot(strings.Join([]string{name, map[int64]string{wide: "wide", phone: "phone"}[width], scheme}, "-"))
		}
	}
	w.look(narrowest, light)
	fits(t, w, name, narrowest)
	// With the letters at twice their size, as some people need them.
	w.look(wide, light)
	eval[bool](w, `document.documentElement.style.fontSize = "200%", true`)
	fits(t, w, name+" at 200 % text", wide)
	w.shot(name + "-large")
	eval[bool](w, `document.documentElement.style.fontSize = "", true`)
}

// fits checks that the page is not wider than the window.
func fits(t *testing.T, w *window, name string, width int64) {
	t.Helper()
	if over := eval[int](w, "document.documentElement.scrollWidth - document.documentElement.clientWidth"); over > 0 {
		t.Errorf("%s at %d: %d pixels wider than the window", name, width, over)
	}
}
