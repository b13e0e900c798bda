package main

import (
	"bytes"
	"errors"
	"flag"
	"strings"
	"testing"
)

func none(string) string { return "" }

func TestConfigDefaults(t *testing.T) {
	c, err := parseConfig(nil, none, &bytes.Buffer{})
	want := config{http: ":8080", rtmp: ":1935", ops: "127.0.0.1:9090", data: "data",
		maxBitrate: 20, maxPublishers: 100, maxViewers: 8000, maxViewersPerShow: 5000}
	if err != nil || c != want {
		t.Errorf("%+v, %v; want %+v", c, err, want)
	}
}

func TestConfigSources(t *testing.T) {
	env := map[string]string{
		"BOOKMYGIG_HTTP": "127.0.0.1:81", "BOOKMYGIG_PUBLIC_URL": "https://Gigs.example/",
		"BOOKMYGIG_RTMP_URL": "rtmp://in.gigs.example/live", "BOOKMYGIG_DEMO": "true", "BOOKMYGIG_DATA": "/var/gigs",
		"BOOKMYGIG_MAX_BITRATE": "8", "BOOKMYGIG_MAX_PUBLISHERS": "3", "BOOKMYGIG_MAX_VIEWERS": "70", "BOOKMYGIG_MAX_VIEWERS_PER_SHOW": "50",
	}
	c, err := parseConfig([]string{"-http", "127.0.0.1:82", "-ops", "", "-max-viewers", "60"}, func(k string) string { return env[k] }, &bytes.Buffer{})
	want := config{
		http: "127.0.0.1:82", rtmp: ":1935", publicURL: "https://Gigs.example", rtmpURL: "rtmp://in.gigs.example/live",
		data: "/var/gigs", demo: true, maxBitrate: 8, maxPublishers: 3, maxViewers: 60, maxViewersPerShow: 50,
	}
	if err != nil || c != want {
		t.Errorf("%+v, %v; want %+v", c, err, want)
	}
}

// The operator's port can be turned off by flag and by variable.
func TestConfigOpsOff(t *testing.T) {
	for _, args := range [][]string{{"-ops", "off"}, {"-ops", ""}, {"-ops=off"}} {
		if c, err := parseConfig(args, none, &bytes.Buffer{}); err != nil || c.ops != "" {
			t.Errorf("%q: %q, %v", args, c.ops, err)
		}
	}
	for value, want := range map[string]string{"off": "", "": "127.0.0.1:9090", "127.0.0.1:0": "127.0.0.1:0"} {
		env := map[string]string{"BOOKMYGIG_OPS": value}
		c, err := parseConfig(nil, func(k string) string { return env[k] }, &bytes.Buffer{})
		if err != nil || c.ops != want {
			t.Errorf("BOOKMYGIG_OPS=%s: %q, %v, want %q", value, c.ops, err, want)
		}
	}
}

// Each wrong value is refused with a message that names its flag.
func TestConfigRefusals(t *testing.T) {
	tests := []struct{ flag, value string }{
		{"http", ""}, {"http", "8080"}, {"http", "localhost"}, {"http", ":65536"}, {"http", ":http"}, {"http", ":-1"},
		{"rtmp", "1935"}, {"rtmp", ""}, {"ops", "9090"}, {"ops", "[::1"},
		{"public-url", "gigs.example"}, {"public-url", "ftp://gigs.example"}, {"public-url", "https://"},
		{"public-url", "https://gigs.example/path"}, {"public-url", "https://u:p@gigs.example"},
		{"public-url", "https://gigs.example?x=1"}, {"public-url", "https://gigs.example\x7f"}, {"public-url", "https://:443"},
		{"rtmp-url", "https://gigs.example/live"}, {"rtmp-url", "rtmp://gigs.example"}, {"rtmp-url", "rtmp:///live"},
		{"rtmp-url", "rtmp://gigs.example/stage"},
		{"data", ""}, {"redis", "redis://localhost:6379/0"}, {"demo", "perhaps"},
		{"max-bitrate", "0"}, {"max-bitrate", "10001"}, {"max-bitrate", "20M"}, {"max-bitrate", "2.5"}, {"max-publishers", "-1"},
		{"max-publishers", "1000001"}, {"max-viewers", "0"}, {"max-viewers", "99999999999999999999"}, {"max-viewers-per-show", "many"},
	}
	for _, tt := range tests {
		t.Run(tt.flag+"="+tt.value, func(t *testing.T) {
			_, err := parseConfig([]string{"-" + tt.flag + "=" + tt.value}, none, &bytes.Buffer{})
			if err == nil || !strings.Contains(err.Error(), "-"+tt.flag) {
				t.Errorf("as a flag: %v", err)
			}
			if tt.value == "" {
				return // an empty variable is as good as none
			}
			name := envPrefix + strings.ToUpper(strings.ReplaceAll(tt.flag, "-", "_"))
			_, err = parseConfig(nil, func(k string) string {
				if k == name {
					return tt.value
				}
				return ""
			}, &bytes.Buffer{})
			if err == nil || !strings.Contains(err.Error(), "-"+tt.flag) {
				t.Errorf("as a variable: %v", err)
			}
			if strings.Contains(err.Error(), "\n") {
				t.Errorf("more than one line: %q", err)
			}
		})
	}
}

func TestConfigStrays(t *testing.T) {
	if _, err := parseConfig([]string{"serve"}, none, &bytes.Buffer{}); err == nil || !strings.Contains(err.Error(), `"serve"`) {
		t.Errorf("stray argument: %v", err)
	}
	if _, err := parseConfig([]string{"-port", "1"}, none, &bytes.Buffer{}); err == nil || !strings.Contains(err.Error(), "-port") {
		t.Errorf("unknown flag: %v", err)
	}
}

func TestConfigHelp(t *testing.T) {
	var usage bytes.Buffer
	if _, err := parseConfig([]string{"-h"}, none, &usage); !errors.Is(err, flag.ErrHelp) {
		t.Errorf("-h: %v", err)
	}
	for _, f := range []string{"-http", "-rtmp", "-ops", "-public-url", "-rtmp-url", "-data", "-redis", "-demo", "-max-bitrate", "-max-publishers",
		"-max-viewers", "-max-viewers-per-show", envPrefix} {
		if !strings.Contains(usage.String(), f) {
			t.Errorf("the usage lacks %s", f)
		}
	}
}
