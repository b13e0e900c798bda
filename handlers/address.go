package handlers

import (
	"net"
	"net/http"
	"net/url"
	"strconv"
	"strings"
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
