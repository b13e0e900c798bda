package main

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"net"
	"net/url"
	"strconv"
	"strings"
)

// config is what the flags and the environment say.
type config struct {
	http, rtmp, ops string // addresses to listen on; ops is empty when it is off
	publicURL       string // "https://host[:port]", or empty
	rtmpURL         string // "rtmp://host[:port]/app", or empty
	data            string // folder of the store
	redis           string
	demo            bool

	maxBitrate, maxPublishers     int // of one publisher in Mbit/s; of shows on air
	maxViewers, maxViewersPerShow int
}

// envPrefix precedes a flag's name, in capitals and with underscores, in the
// environment: -public-url is BOOKMYGIG_PUBLIC_URL.
const envPrefix = "BOOKMYGIG_"

// parseConfig reads the flags; one that is not given is taken from the
// environment. It returns flag.ErrHelp after -h, having written the usage.
func parseConfig(args []string, getenv func(string) string, usage io.Writer) (config, error) {
	var c config
	fs := flag.NewFlagSet("bookmygig", flag.ContinueOnError)
	fs.SetOutput(io.Discard)
	fs.StringVar(&c.http, "http", ":8080", "`address` for pages, streams and chat")
	fs.StringVar(&c.rtmp, "rtmp", ":1935", "`address` for RTMP, application live")
	fs.StringVar(&c.ops, "ops", "127.0.0.1:9090", "`address` for /healthz /readyz /metrics /debug/pprof/; off: none")
	fs.StringVar(&c.publicURL, "public-url", "", "`URL` that visitors use, such as https://gigs.example; empty: the host that a request names")
	fs.StringVar(&c.rtmpURL, "rtmp-url", "", "`URL` that creators type into their encoder; empty: rtmp://<that host>:<rtmp port>/live")
	fs.StringVar(&c.data, "data", "data", "`folder` of the embedded store")
	fs.StringVar(&c.redis, "redis", "", "`URL` of a Redis server; this version has none: leave it empty")
	fs.IntVar(&c.maxBitrate, "max-bitrate", 20, "most that one encoder may send for long, in whole `Mbit/s`")
	fs.IntVar(&c.maxPublishers, "max-publishers", 100, "most `shows` on air at once; each takes up to 32 MiB")
	fs.IntVar(&c.maxViewers, "max-viewers", 8000, "most `viewers` of all shows")
	fs.IntVar(&c.maxViewersPerShow, "max-viewers-per-show", 5000, "most `viewers` of one show")
	fs.BoolVar(&c.demo, "demo", false, "list a sample gig and stream a short clip to it")

	switch err := fs.Parse(args); {
	case errors.Is(err, flag.ErrHelp):
		fmt.Fprintf(usage, "Usage of bookmygig (each flag can be set by %s<NAME> as well):\n", envPrefix)
		fs.SetOutput(usage)
		fs.PrintDefaults()
		return config{}, err
	case err != nil:
		return config{}, err
	case fs.NArg() > 0:
		return config{}, fmt.Errorf("unexpected argument %q; see bookmygig -h", fs.Arg(0))
	}
	if err := fromEnvironment(fs, getenv); err != nil {
		return config{}, err
	}
	// A word for it: a variable that is set and empty cannot be told from none.
	if c.ops == "off" {
		c.ops = ""
	}
	return c, c.validate()
}

// fromEnvironment sets the flags that were not given and have a variable.
func fromEnvironment(fs *flag.FlagSet, getenv func(string) string) error {
	given := map[string]bool{}
	fs.Visit(func(f *flag.Flag) { given[f.Name] = true })
	var bad error
	fs.VisitAll(func(f *flag.Flag) {
		name := envPrefix + strings.ToUpper(strings.ReplaceAll(f.Name, "-", "_"))
		value := getenv(name)
		if value == "" || given[f.Name] || bad != nil {
			return
		}
		if err := fs.Set(f.Name, value); err != nil {
			bad = fmt.Errorf("-%s (from %s): %q is not a valid value: %w", f.Name, name, value, err)
		}
	})
	return bad
}

// validate returns an error that names the first flag with a wrong value.
func (c *config) validate() error {
	for _, a := range []struct {
		flag, value string
		optional    bool
	}{{"http", c.http, false}, {"rtmp", c.rtmp, false}, {"ops", c.ops, true}} {
		if a.value == "" && a.optional {
			continue
		}
		if err := checkAddress(a.value); err != nil {
			return fmt.Errorf("-%s: %q is not an address to listen on: %w", a.flag, a.value, err)
		}
	}
	if c.publicURL != "" {
		u, err := checkURL(c.publicURL, "http", "https")
		if err == nil && strings.Trim(u.Path, "/") != "" {
			err = errors.New("it must have no path")
		}
		if err != nil {
			return fmt.Errorf("-public-url: %q cannot be used: %w", c.publicURL, err)
		}
		c.publicURL = u.Scheme + "://" + u.Host
	}
	if c.rtmpURL != "" {
		u, err := checkURL(c.rtmpURL, "rtmp", "rtmps")
		if err == nil && strings.Trim(u.Path, "/") != "live" {
			err = errors.New("its path must be /live")
		}
		if err != nil {
			return fmt.Errorf("-rtmp-url: %q cannot be used: %w", c.rtmpURL, err)
		}
	}
	for _, l := range []struct {
		flag        string
		value, most int
	}{
		{"max-bitrate", c.maxBitrate, 10_000}, {"max-publishers", c.maxPublishers, 1_000_000},
		{"max-viewers", c.maxViewers, 1_000_000}, {"max-viewers-per-show", c.maxViewersPerShow, 1_000_000},
	} {
		if l.value < 1 || l.value > l.most {
			return fmt.Errorf("-%s: %d is not a number from 1 to %d", l.flag, l.value, l.most)
		}
	}
	if c.data == "" {
		return errors.New("-data: a folder is needed")
	}
	if c.redis != "" {
		return errors.New("-redis: this version keeps its data in the embedded store; leave -redis empty")
	}
	return nil
}

func checkAddress(a string) error {
	_, port, err := net.SplitHostPort(a)
	if err != nil {
		return errors.New("write host:port or :port, such as :8080")
	}
	if n, err := strconv.Atoi(port); err != nil || n < 0 || n > 65535 {
		return fmt.Errorf("the port %q is not a number from 0 to 65535", port)
	}
	return nil
}

// checkURL parses s as an absolute URL of one of the schemes, with nothing in
// it that has no place in the address of a server.
func checkURL(s string, schemes ...string) (*url.URL, error) {
	u, err := url.Parse(s)
	if err != nil {
		return nil, errors.New("it is not a URL")
	}
	u.Scheme = strings.ToLower(u.Scheme)
	for _, scheme := range schemes {
		if u.Scheme != scheme {
			continue
		}
		switch {
		case u.Hostname() == "":
			return nil, errors.New("it has no host")
		case u.User != nil || u.RawQuery != "" || u.Fragment != "":
			return nil, errors.New("it must have no user, query or fragment")
		}
		return u, nil
	}
	return nil, fmt.Errorf("it must begin with %s://", strings.Join(schemes, ":// or "))
}
