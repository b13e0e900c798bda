package handlers

import (
	"strings"
	"testing"
)

func TestParsePrice(t *testing.T) {
	for in, want := range map[string]int{
		"": 0, "0": 0, "0.00": 0, "free": 0, " Free ": 0, "$0": 0,
		"5": 500, "5.": 500, "5.0": 500, "5.00": 500, "$5": 500, "$ 5": 500, "5 USD": 500, "5$": 500, "005": 500,
		"12.5": 1250, "12.50": 1250, "1,50": 150, "0.5": 50, ".5": 50, "0.01": 1, "0,99": 99,
		"1,250": 125000, "1,250.50": 125050, "$1,000": 100000, "9999.99": 999999, "9,999.99": 999999,
	} {
		if got, err := parsePrice(in); err != nil || got != want {
			t.Errorf("%q: %d, %v, want %d", in, got, err, want)
		}
	}
}

func TestParsePriceRefuses(t *testing.T) {
	for in, want := range map[string]string{
		"-1": "below zero", "$-5": "below zero", "-0.01": "below zero",
		"five": "in figures", "$": "in figures", ".": "in figures", ",": "in figures", "5 EUR": "in figures", "€5": "in figures",
		"1e3": "in figures", "0x10": "in figures", "NaN": "in figures", "Inf": "in figures", "5 5": "in figures",
		"1.2.3": "in figures", "1,2,3": "in figures", "٥": "in figures", "５": "in figures", "+5": "in figures",
		"5.001": "two digits", "1.250": "two digits", "5,0000": "two digits",
		"10000": "9,999.99", "10,000": "9,999.99", "99999999999999999999": "9,999.99", strings.Repeat("9", 10_000): "9,999.99",
	} {
		if got, err := parsePrice(in); err == nil || !strings.Contains(err.Error(), want) || got != 0 {
			t.Errorf("%.30q: %d, %v, want an error with %q", in, got, err, want)
		}
	}
}

func TestPriceSurvivesEditing(t *testing.T) {
	for _, cents := range []int{0, 1, 5, 10, 99, 100, 101, 150, 1250, 999999} {
		if got, err := parsePrice(formatPrice(cents)); err != nil || got != cents {
			t.Errorf("%d cents are written %q and read %d, %v", cents, formatPrice(cents), got, err)
		}
	}
}

func TestParsePointer(t *testing.T) {
	for in, want := range map[string]string{
		"":                            "",
		"  ":                          "",
		"$wallet.example":             "https://wallet.example/.well-known/pay",
		"$wallet.example/":            "https://wallet.example/.well-known/pay",
		"$wallet.example/noor":        "https://wallet.example/noor",
		" $wallet.example/noor ":      "https://wallet.example/noor",
		"$WALLET.Example/Noor":        "https://wallet.example/Noor",
		"$ilp.wallet.example/a/b/c":   "https://ilp.wallet.example/a/b/c",
		"$wallet.example/a%20b":       "https://wallet.example/a%20b",
		"$wallet.example/~noor_1-x.y": "https://wallet.example/~noor_1-x.y",
		"https://wallet.example/noor": "https://wallet.example/noor",
		"HTTPS://wallet.example/noor": "https://wallet.example/noor",
		"https://wallet.example":      "https://wallet.example",
		"https://w.example/a?b=c&d":   "https://w.example/a?b=c&d",
		"$bücher.example/x":           "https://xn--bcher-kva.example/x",
		"$wallet.example/mün":         "https://wallet.example/m%C3%BCn",
	} {
		if got, err := parsePointer(in); err != nil || got != want {
			t.Errorf("%q: %q, %v, want %q", in, got, err, want)
		}
	}
}

func TestParsePointerRefuses(t *testing.T) {
	for in, want := range map[string]error{
		"wallet.example/noor":                         errPointerStart,
		"http://wallet.example/noor":                  errPointerStart,
		"javascript:alert(1)":                         errPointerStart,
		"data:text/html,x":                            errPointerStart,
		"//wallet.example":                            errPointerStart,
		"ftp://wallet.example":                        errPointerStart,
		"https:wallet.example":                        errPointerStart,
		"$":                                           errPointerHost,
		"https://":                                    errPointerHost,
		"$/noor":                                      errPointerHost,
		"$localhost/noor":                             errPointerHost,
		"https://localhost":                           errPointerHost,
		"$127.0.0.1/noor":                             errPointerHost,
		"https://10.0.0.1":                            errPointerHost,
		"$0x7f.1":                                     errPointerHost,
		"$wallet..example":                            errPointerHost,
		"$.example":                                   errPointerHost,
		"$wallet.example./x":                          errPointerHost,
		"$-wallet.example":                            errPointerHost,
		"$wal_let.example":                            errPointerHost,
		"$wallet.example\u202e/x":                     errPointerHost,
		"$" + strings.Repeat("a", 64) + ".com":        errPointerHost,
		"https://[::1]/x":                             errPointerForm,
		"https://[fe80::1%25eth0]/x":                  errPointerForm,
		"$noor@wallet.example":                        errPointerForm,
		"https://noor:pw@wallet.example/x":            errPointerForm,
		"https://@wallet.example/x":                   errPointerForm,
		"$wallet.example:8080/noor":                   errPointerForm,
		"https://wallet.example:443/noor":             errPointerForm,
		"https://wallet.example:/noor":                errPointerForm,
		"$wallet.example/noor#me":                     errPointerForm,
		"$wallet.example/noor?a=b":                    errPointerForm,
		"https://wallet.example/#":                    errPointerForm,
		"$wallet.example/a b":                         errPointerForm,
		"$wallet.example/a\nb":                        errPointerForm,
		"$wallet.example/\"onload=x":                  errPointerForm,
		"$wallet.example/<script>":                    errPointerForm,
		"$wallet.example\\@evil.example":              errPointerForm,
		"$wallet.example/%zz":                         errPointerForm,
		"$wallet.example/" + strings.Repeat("a", 255): errPointerLong,
		"$wallet.example/" + strings.Repeat("ü", 100): errPointerLong,
	} {
		if got, err := parsePointer(in); err != want || got != "" {
			t.Errorf("%.60q: %q, %v, want %v", in, got, err, want)
		}
	}
}
