package handlers

import (
	"net/http"
	"strings"
	"testing"
)

func TestChatOrigin(t *testing.T) {
	ts := newTestServer(t)
	g := ts.listGig(t, nil)
	host := strings.TrimPrefix(ts.URL, "http://")
	ts.PublicURL = "https://gigs.example/"
	tests := []struct {
		name   string
		header []string
		ok     bool
	}{
		{"the page's own", []string{"Origin", "http://" + host}, true},
		{"the same host behind TLS", []string{"Origin", "https://" + host}, true},
		{"other letter case", []string{"Origin", "http://" + strings.ToUpper(host)}, true},
		{"the public URL", []string{"Origin", "https://gigs.example"}, true},
		{"absent: no browser", nil, true},
		{"null", []string{"Origin", "null"}, false},
		{"empty", []string{"Origin", ""}, false},
		{"another site", []string{"Origin", "https://evil.example"}, false},
		{"another port", []string{"Origin", "http://127.0.0.1:1"}, false},
		{"no port", []string{"Origin", "http://127.0.0.1"}, false},
		{"another name of the machine", []string{"Origin", strings.Replace(ts.URL, "127.0.0.1", "localhost", 1)}, false},
		{"a suffix", []string{"Origin", "http://" + host + ".evil.example"}, false},
		{"a prefix", []string{"Origin", "http://evil.example." + host}, false},
		{"the public URL with a suffix", []string{"Origin", "https://gigs.example.evil.example"}, false},
		{"below the public URL", []string{"Origin", "https://evil.gigs.example"}, false},
		{"the public URL without TLS", []string{"Origin", "http://gigs.example"}, false},
		{"in the user part", []string{"Origin", "http://" + host + "@evil.example"}, false},
		{"with a user part", []string{"Origin", "http://evil@" + host}, false},
		{"in the path", []string{"Origin", "http://evil.example/" + host}, false},
		{"with a path", []string{"Origin", "http://" + host + "/"}, false},
		{"in the query", []string{"Origin", "http://evil.example?" + host}, false},
		{"another scheme", []string{"Origin", "ws://" + host}, false},
		{"an extension", []string{"Origin", "chrome-extension://" + host}, false},
		{"no scheme", []string{"Origin", host}, false},
		{"two, one right", []string{"Origin", "http://" + host, "Origin", "https://evil.example"}, false},
		{"a browser that names another site", []string{"Sec-Fetch-Site", "cross-site"}, false},
		{"a browser that names a sibling", []string{"Sec-Fetch-Site", "same-site", "Origin", "http://" + host}, false},
		{"a browser that names its own", []string{"Sec-Fetch-Site", "same-origin", "Origin", "http://" + host}, true},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			c, resp, err := ts.dialChat(t, g.ID, "", test.header...)
			if (err == nil) != test.ok {
				t.Fatalf("got %v, %v", resp, err)
			}
			if !test.ok && resp.StatusCode != http.StatusForbidden {
				t.Errorf("status %d", resp.StatusCode)
			}
			if test.ok {
				c.until("people-list")
			}
		})
	}
}
