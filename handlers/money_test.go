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
		if got, advice := parsePrice(in); advice != "" || got != want {
			t.Errorf("%q: %d, %q, want %d", in, got, advice, want)
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
		if got, advice := parsePrice(in); !strings.Contains(advice, want) || got != 0 {
			t.Errorf("%.30q: %d, %q, want advice with %q", in, got, advice, want)
		}
	}
}

func TestPriceSurvivesEditing(t *testing.T) {
	for _, cents := range []int{0, 1, 5, 10, 99, 100, 101, 150, 1250, 999999} {
		if got, advice := parsePrice(formatPrice(cents)); advice != "" || got != cents {
			t.Errorf("%d cents are written %q and read %d, %q", cents, formatPrice(cents), got, advice)
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
		"$wallet.example/..noor...":   "https://wallet.example/..noor...",
		"$bu\u0308cher.example/x":     "https://xn--bcher-kva.example/x",
		"https://w.example/?a=b+c%20": "https://w.example/?a=b+c%20",
		"$wallet.example/mün":         "https://wallet.example/m%C3%BCn",
	} {
		if got, advice := parsePointer(in); advice != "" || got != want {
			t.Errorf("%q: %q, %q, want %q", in, got, advice, want)
		}
	}
}

func TestParsePointerRefuses(t *testing.T) {
	for in, want := range map[string]string{
		"wallet.example/noor":                         pointerStart,
		"http://wallet.example/noor":                  pointerStart,
		"javascript:alert(1)":                         pointerStart,
		"data:text/html,x":                            pointerStart,
		"//wallet.example":                            pointerStart,
		"ftp://wallet.example":                        pointerStart,
		"https:wallet.example":                        pointerStart,
		"$":                                           pointerHost,
		"https://":                                    pointerHost,
		"$/noor":                                      pointerHost,
		"$localhost/noor":                             pointerHost,
		"https://localhost":                           pointerHost,
		"$127.0.0.1/noor":                             pointerHost,
		"https://10.0.0.1":                            pointerHost,
		"$0x7f.1":                                     pointerHost,
		"$wallet..example":                            pointerHost,
		"$.example":                                   pointerHost,
		"$wallet.example./x":                          pointerHost,
		"$-wallet.example":                            pointerHost,
		"$wal_let.example":                            pointerHost,
		"$wallet.example\u202e/x":                     pointerHidden,
		"https://ex\u202eample.com":                   pointerHidden,
		"https://ex\u200bample.com":                   pointerHidden,
		"https://ex\u00adample.com":                   pointerHidden,
		"https://ex\ufe0fample.com":                   pointerHidden,
		"https://ex\u034fample.com":                   pointerHidden,
		"https://ex\U000e0041ample.com":               pointerHidden,
		"https://ex\x00ample.com":                     pointerHidden,
		"$wallet.example/a\u2066b":                    pointerHidden,
		"https://ex\ufffdample.com":                   pointerForm,
		"https://ex\u3000ample.com":                   pointerForm,
		"$wallet.example/a%0d%0aSet-Cookie:x":         pointerForm,
		"$wallet.example/%00":                         pointerForm,
		"$wallet.example/%7f":                         pointerForm,
		"$wallet.example/%C2%85":                      pointerForm,
		"https://wallet.example/?a=%0A":               pointerForm,
		"https://wallet.example/?a=%zz":               pointerForm,
		"$a.b/../../x":                                pointerForm,
		"$wallet.example/a/./b":                       pointerForm,
		"$wallet.example/a/..":                        pointerForm,
		"$wallet.example/%2e%2E/x":                    pointerForm,
		"$wallet.example/a%2f..%2fb":                  pointerForm,
		"$" + strings.Repeat("a", 64) + ".com":        pointerHost,
		"https://[::1]/x":                             pointerForm,
		"https://[fe80::1%25eth0]/x":                  pointerForm,
		"$noor@wallet.example":                        pointerForm,
		"https://noor:pw@wallet.example/x":            pointerForm,
		"https://@wallet.example/x":                   pointerForm,
		"$wallet.example:8080/noor":                   pointerForm,
		"https://wallet.example:443/noor":             pointerForm,
		"https://wallet.example:/noor":                pointerForm,
		"$wallet.example/noor#me":                     pointerForm,
		"$wallet.example/noor?a=b":                    pointerForm,
		"https://wallet.example/#":                    pointerForm,
		"$wallet.example/a b":                         pointerForm,
		"$wallet.example/a\nb":                        pointerHidden,
		"$wallet.example/\"onload=x":                  pointerForm,
		"$wallet.example/<script>":                    pointerForm,
		"$wallet.example\\@evil.example":              pointerForm,
		"$wallet.example/%zz":                         pointerForm,
		"$wallet.example/" + strings.Repeat("a", 255): pointerLong,
		"$wallet.example/" + strings.Repeat("ü", 100): pointerLong,
	} {
		if got, advice := parsePointer(in); advice != want || got != "" {
			t.Errorf("%.60q: %q, %q, want %q", in, got, advice, want)
		}
	}
}
