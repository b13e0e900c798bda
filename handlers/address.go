package handlers

import (
	"net"
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"bookmygig/store"
)

// publicURL is the address that links to this house begin with.
func (s *Server) publicURL(r *http.Request) string {
	if s.PublicURL != "" {
		return strings.TrimSuffix(s.PublicURL, "/")
	}
	if r.TLS != nil {
		return "https://" + r.Host
	}
	return "http://" + r.Host
}

// shareURL is the full address of a gig's page, or "" where nobody said what
// visitors type: a request may name any host.
func (s *Server) shareURL(g *store.Gig) string {
	if s.PublicURL == "" {
		return ""
	}
	return strings.TrimSuffix(s.PublicURL, "/") + "/gigs/" + g.ID
}

// rtmpURL is what a creator types into the encoder as the server.
func (s *Server) rtmpURL(r *http.Request) string {
	if s.RTMPURL != "" {
		return s.RTMPURL
	}
	host := r.Host
	if u, err := url.Parse(s.PublicURL); err == nil && u.Host != "" {
		host = u.Host
	}
	return "rtmp://" + net.JoinHostPort(hostname(host), strconv.Itoa(s.RTMPPort)) + "/live"
}

// hostname is a Host without its port and brackets.
func hostname(host string) string {
	if h, _, err := net.SplitHostPort(host); err == nil {
		return h
	}
	return strings.TrimSuffix(strings.TrimPrefix(host, "["), "]")
}
