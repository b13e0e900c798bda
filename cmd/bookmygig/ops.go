package main

import (
	"context"
	"net/http"
	"net/http/pprof"
	"strconv"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"bookmygig/chat"
	"bookmygig/media"
)

// readyTime is how long the store may take to say that it can answer.
const readyTime = 2 * time.Second

// opsHandler serves what only the operator should see, on a port of its own.
func (n *node) opsHandler(m *metrics) http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, r *http.Request) {
		_, _ = w.Write([]byte("ok\n")) // the asker may have gone
	})
	mux.HandleFunc("GET /readyz", func(w http.ResponseWriter, r *http.Request) {
		ctx, cancel := context.WithTimeout(r.Context(), readyTime)
		defer cancel()
		switch err := n.data.Ready(ctx); {
		case n.draining.Load():
			http.Error(w, "stopping", http.StatusServiceUnavailable)
		case err != nil:
			n.log.Warn("store is not ready", "err", err)
			http.Error(w, "the store does not answer", http.StatusServiceUnavailable)
		default:
			_, _ = w.Write([]byte("ready\n")) // the asker may have gone
		}
	})
	mux.Handle("GET /metrics", promhttp.HandlerFor(m.registry, promhttp.HandlerOpts{}))
	mux.HandleFunc("GET /debug/pprof/", pprof.Index)
	mux.HandleFunc("GET /debug/pprof/cmdline", pprof.Cmdline)
	mux.HandleFunc("GET /debug/pprof/profile", pprof.Profile)
	mux.HandleFunc("GET /debug/pprof/symbol", pprof.Symbol)
	mux.HandleFunc("GET /debug/pprof/trace", pprof.Trace)
	return mux
}

// metrics is the registry of this process and the counters that are kept here;
// the others are read from the parts when somebody asks.
type metrics struct {
	registry *prometheus.Registry
	requests *prometheus.CounterVec
	took     *prometheus.HistogramVec
}

func newMetrics() *metrics {
	m := &metrics{
		registry: prometheus.NewRegistry(),
		requests: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "bookmygig_http_requests_total",
			Help: "Answered HTTP requests.",
		}, []string{"route", "method", "status"}),
		took: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name:    "bookmygig_http_request_duration_seconds",
			Help:    "Time to answer: of a stream until it starts, of a socket until it is closed.",
			Buckets: []float64{.001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 10, 60, 600, 3600},
		}, []string{"route"}),
	}
	m.registry.MustRegister(m.requests, m.took, collectors.NewGoCollector(),
		collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	return m
}

// request counts one answered request. A method that is not a usual one counts
// as "other": a client must not be able to add series.
func (m *metrics) request(route, method string, status int, took time.Duration) {
	switch method {
	case http.MethodGet, http.MethodHead, http.MethodPost, http.MethodOptions:
	default:
		method = "other"
	}
	m.requests.WithLabelValues(route, method, strconv.Itoa(status)).Inc()
	m.took.WithLabelValues(route).Observe(took.Seconds())
}

// watch adds the figures of the relay and the hub.
func (m *metrics) watch(r *media.Relay, h *chat.Hub) {
	m.registry.MustRegister(&partsCollector{r, h})
}

// partsCollector reads the parts' figures at each scrape.
type partsCollector struct {
	relay *media.Relay
	hub   *chat.Hub
}

func desc(name, help string, labels ...string) *prometheus.Desc {
	return prometheus.NewDesc("bookmygig_"+name, help, labels, nil)
}

var (
	descPublishers  = desc("publishers", "Publishers connected.")
	descViewers     = desc("viewers", "Viewers connected.")
	descBytesIn     = desc("media_bytes_in_total", "Bytes of tags from publishers.")
	descBytesOut    = desc("media_bytes_out_total", "Bytes of tags handed to viewers.")
	descTagsIn      = desc("media_tags_in_total", "Tags from publishers.")
	descTagsDropped = desc("media_tags_dropped_total", "Tags that were not relayed or that a viewer missed.", "reason")
	descLimited     = desc("media_refused_total", "Viewers and publishers refused, and publishers cut off, by the limit that was reached.", "reason")
	descRooms       = desc("chat_rooms", "Chat rooms with members.")
	descMembers     = desc("chat_members", "Chat members connected.")
	descMessages    = desc("chat_messages_total", "Chat messages delivered to this node.")
	descRefused     = desc("chat_refused_total", "Chat messages refused.", "reason")
	descCut         = desc("chat_members_cut_total", "Chat members cut because they read too slowly.")
)

// Describe implements prometheus.Collector.
func (c *partsCollector) Describe(ch chan<- *prometheus.Desc) {
	for _, d := range []*prometheus.Desc{descPublishers, descViewers, descBytesIn, descBytesOut, descTagsIn,
		descTagsDropped, descLimited, descRooms, descMembers, descMessages, descRefused, descCut} {
		ch <- d
	}
}

// Collect implements prometheus.Collector.
func (c *partsCollector) Collect(ch chan<- prometheus.Metric) {
	gauge := func(d *prometheus.Desc, v int) {
		ch <- prometheus.MustNewConstMetric(d, prometheus.GaugeValue, float64(v))
	}
	counter := func(d *prometheus.Desc, v uint64, labels ...string) {
		ch <- prometheus.MustNewConstMetric(d, prometheus.CounterValue, float64(v), labels...)
	}
	r, h := c.relay.Stats(), c.hub.Stats()
	gauge(descPublishers, r.Publishers)
	gauge(descViewers, r.Viewers)
	counter(descBytesIn, r.BytesIn)
	counter(descBytesOut, r.BytesOut)
	counter(descTagsIn, r.TagsIn)
	for reason, n := range r.TagsDropped {
		counter(descTagsDropped, n, reason)
	}
	for reason, n := range r.Refused {
		counter(descLimited, n, reason)
	}
	gauge(descRooms, h.Rooms)
	gauge(descMembers, h.Members)
	counter(descMessages, h.Messages)
	for reason, n := range h.Refused {
		counter(descRefused, n, reason)
	}
	counter(descCut, h.Cut)
}
