package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sync/errgroup"

	"bookmygig/chat"
	"bookmygig/handlers"
	"bookmygig/media"
	"bookmygig/store"
)

// What a client may take, and what a stop may take before connections are cut.
const (
	headTime    = 5 * time.Second  // for the head of a request
	requestTime = 10 * time.Second // for the whole of it
	answerTime  = 30 * time.Second // for taking a page or a file
	drainTime   = 7 * time.Second  // for a stop
	pagesTime   = 2 * time.Second  // of that, for the requests of pages under way
)

// run is the program: it returns nil after a clean stop, which the end of ctx
// asks for. Logs and the usage go to stdout.
func run(ctx context.Context, args []string, getenv func(string) string, stdout io.Writer) error {
	c, err := parseConfig(args, getenv, stdout)
	if errors.Is(err, flag.ErrHelp) {
		return nil
	}
	if err != nil {
		return err
	}
	log := slog.New(slog.NewTextHandler(stdout, nil))

	// Ports first: a second copy by mistake then says so, instead of waiting
	// for the first one's data folder. Nothing answers on them yet.
	ports, err := listen(c)
	if err != nil {
		return err
	}
	defer ports.close()
	data, err := store.OpenEmbedded(c.data)
	if err != nil {
		return fmt.Errorf("-data: %w", err)
	}
	n := newNode(c, log, ports, data)
	return errors.Join(n.serve(ctx), data.Close())
}

// node is one running process with its parts.
type node struct {
	config config
	log    *slog.Logger
	ports  listeners
	room   room
	data   *store.Embedded

	relay  *media.Relay
	ingest *media.Ingest
	hub    *chat.Hub
	pages  *handlers.Server

	http, ops *http.Server
	requests  sync.WaitGroup // requests being answered, hijacked ones included
	draining  atomic.Bool
}

// newNode makes the parts and ties them together; nothing runs but the relay.
func newNode(c config, log *slog.Logger, ports listeners, data *store.Embedded) *node {
	n := &node{config: c, log: log, ports: ports, data: data}
	m := newMetrics()

	n.relay = media.NewRelay(media.RelayOptions{
		Logger: log, MaxBitrate: c.maxBitrate * 1_000_000, MaxPublishers: c.maxPublishers,
		MaxViewers: c.maxViewers, MaxShowViewers: c.maxViewersPerShow,
	})
	n.room = roomFor(openFiles())
	n.ingest = media.NewIngest(n.relay, data, media.IngestOptions{Logger: log, MaxConns: n.room.rtmp})
	broker := chat.NewLocalBroker(data)
	n.hub = chat.NewHub(broker, handlers.ChatRenderer{}, chat.HubOptions{Logger: log})
	n.pages = handlers.NewServer(handlers.Options{
		Gigs:      data,
		Sessions:  data.Sessions(),
		Relay:     n.relay,
		Hub:       n.hub,
		History:   broker,
		PublicURL: c.publicURL,
		RTMPURL:   c.rtmpURL,
		RTMPPort:  ports.rtmp.Addr().(*net.TCPAddr).Port,
		Logger:    log,
		OnRequest: m.request,
	})
	n.relay.Observe(n.pages)
	m.watch(n.relay, n.hub)

	n.http = newHTTPServer(n.counted(n.pages), log)
	n.ops = newHTTPServer(n.opsHandler(m), log)
	return n
}

// newHTTPServer bounds what a client can hold on to. What lasts longer is out
// of reach of these times: net/http lifts them from a connection that is taken
// over, as streams and sockets do, and those set deadlines of their own.
func newHTTPServer(h http.Handler, log *slog.Logger) *http.Server {
	return &http.Server{
		Handler:           h,
		ReadHeaderTimeout: headTime,
		ReadTimeout:       requestTime,
		WriteTimeout:      answerTime,
		IdleTimeout:       2 * time.Minute,
		MaxHeaderBytes:    32 << 10,
		ErrorLog:          slog.NewLogLogger(log.Handler(), slog.LevelWarn),
	}
}

// counted lets a stop wait for hijacked connections, of which http.Server
// knows nothing any more.
func (n *node) counted(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		n.requests.Add(1)
		defer n.requests.Done()
		next.ServeHTTP(w, r)
	})
}

// serve runs all parts until ctx ends or one of them fails, then stops them.
func (n *node) serve(ctx context.Context) error {
	parts, ctx := errgroup.WithContext(ctx)
	// Chat and pages outlast ctx: drain stops them in its own order.
	inner, stopInner := context.WithCancel(context.WithoutCancel(ctx))
	defer stopInner()
	n.http.BaseContext = func(net.Listener) context.Context { return inner }

	chatCtx, stopChat := context.WithCancel(inner)
	defer stopChat()
	parts.Go(func() error { return ignore(n.hub.Run(chatCtx), context.Canceled) })
	parts.Go(func() error { return ignore(n.pages.Run(inner), context.Canceled) })
	parts.Go(func() error { return n.ingest.Serve(n.ports.rtmp) })
	parts.Go(func() error {
		capped := &cappedListener{Listener: n.ports.http, limit: n.room.http, log: n.log}
		return ignore(n.http.Serve(capped), http.ErrServerClosed, net.ErrClosed)
	})
	if n.ports.ops != nil {
		capped := &cappedListener{Listener: n.ports.ops, limit: maxOpsConns, log: n.log}
		parts.Go(func() error { return ignore(n.ops.Serve(capped), http.ErrServerClosed) })
	}
	n.logAddresses()
	if n.config.demo {
		parts.Go(func() error { return n.demo(ctx) })
	}

	var stopping time.Time
	parts.Go(func() error {
		<-ctx.Done()
		stopping = time.Now()
		n.drain(stopChat)
		stopInner()
		return nil
	})
	err := parts.Wait()
	n.log.Info("stopped", "took", time.Since(stopping).Round(time.Millisecond))
	return err
}

func (n *node) logAddresses() {
	ops := "off"
	if n.ports.ops != nil {
		ops = n.ports.ops.Addr().String()
	}
	n.log.Info("listening", "http", n.ports.http.Addr(), "rtmp", n.ports.rtmp.Addr(), "ops", ops,
		"open", n.address())
	if n.room.http < n.config.maxViewers || n.room.rtmp < n.config.maxPublishers {
		n.log.Warn("connections end before the limits of viewers or publishers do; more open files may help (ulimit -n)",
			"http", n.room.http, "rtmp", n.room.rtmp)
	}
}

// address is where somebody at this machine finds the pages.
func (n *node) address() string {
	if n.config.publicURL != "" {
		return n.config.publicURL
	}
	return "http://" + reachable(n.ports.http)
}

// drain stops in the order in which people notice least: nobody new comes in,
// chats are told when to come back, publishers are dropped, streams end, and when
// every request has been answered the rest follows. Pages that take longer than
// pagesTime are cut, and the rest after drainTime.
func (n *node) drain(stopChat func()) {
	n.log.Info("stopping")
	n.draining.Store(true)
	ctx, cancel := context.WithTimeout(context.Background(), drainTime)
	defer cancel()

	answered := make(chan error, 1)
	n.ports.http.Close()
	go func() { answered <- n.finishPages() }()
	n.hub.Dismiss() // before any stream ends: players are told why
	stopChat()
	n.report("publishers", n.ingest.Shutdown(ctx))
	n.report("streams", n.relay.Shutdown(ctx))
	n.report("requests", errors.Join(<-answered, wait(ctx, &n.requests)))
	n.ops.Close()
}

// finishPages lets the requests of pages end, and cuts those that wait for
// their client. It leaves alone the connections that were taken over.
func (n *node) finishPages() error {
	ctx, cancel := context.WithTimeout(context.Background(), pagesTime)
	defer cancel()
	err := n.http.Shutdown(ctx)
	_ = n.http.Close() // says what Shutdown has said
	return err
}

func (n *node) report(what string, err error) {
	if err != nil {
		n.log.Warn("did not stop in time", "what", what, "err", err)
	}
}

// wait waits for wg or for ctx.
func wait(ctx context.Context, wg *sync.WaitGroup) error {
	done := make(chan struct{})
	go func() { wg.Wait(); close(done) }()
	select {
	case <-done:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// ignore drops err when it is one that the end of a service brings along.
func ignore(err error, usual ...error) error {
	for _, u := range usual {
		if errors.Is(err, u) {
			return nil
		}
	}
	return err
}
