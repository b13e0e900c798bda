package handlers

import (
	"net/url"
	"regexp"
	"strconv"
	"strings"
	"unicode"

	"golang.org/x/net/idna"
)

// Limits of money.
const (
	maxCents   = 999_999 // $9,999.99
	maxPointer = 255     // bytes of a payment pointer's URL
)

var (
	priceForm     = regexp.MustCompile(`^\$? ?([0-9]*)(?:[.,]([0-9]*))?(?: ?(?:\$|USD))?$`)
	thousandsForm = regexp.MustCompile(`^(\$? ?[0-9]{1,3}),([0-9]{3})($|\.)`)
)

// parsePrice reads a price in US dollars and returns cents. It takes what
// people write: "0", "free", "5", "$5", "12.50", "1,50", "1,250". When it is not
// clear, advice says to the creator how to write it.
func parsePrice(s string) (cents int, advice string) {
	s = strings.TrimSpace(s)
	if s == "" || strings.EqualFold(s, "free") {
		return 0, ""
	}
	if strings.HasPrefix(s, "-") || strings.HasPrefix(s, "$-") {
		return 0, "A price cannot be below zero; 0 makes it free."
	}
	m := priceForm.FindStringSubmatch(thousandsForm.ReplaceAllString(s, "$1$2$3"))
	if m == nil || m[1]+m[2] == "" {
		return 0, "Write dollars and cents in figures, for example 5 or 12.50."
	}
	if len(m[2]) > 2 {
		return 0, "Cents have two digits at most, for example 12.50."
	}
	whole := strings.TrimLeft(m[1], "0")
	if len(whole) > 4 {
		return 0, "A seat costs $9,999.99 at most."
	}
	// Digits only, six at most: this cannot fail.
	cents, _ = strconv.Atoi("0" + whole + (m[2] + "00")[:2])
	return min(cents, maxCents), ""
}

// formatPrice writes cents as the form's field takes them: "0", "5", "12.50".
func formatPrice(cents int) string {
	s := strconv.Itoa(cents / 100)
	if c := cents % 100; c != 0 {
		s += "." + strconv.Itoa(c/10) + strconv.Itoa(c%10)
	}
	return s
}

// Advice about a payment pointer, to the creator.
const (
	pointerStart  = "Begin it with $ or https://, for example $wallet.example/noor."
	pointerHost   = "The part after $ or https:// should be the name of your wallet’s site, for example wallet.example."
	pointerForm   = "It should be a plain address, for example $wallet.example/noor, with no name, port or # in it."
	pointerHidden = "There is a character in it that cannot be seen. Type it in by hand, for example $wallet.example/noor."
	pointerLong   = "It is too long: 255 characters at most."
)

// parsePointer reads a payment pointer (paymentpointers.org) or the https URL
// of a wallet and returns the https URL; empty stays empty. When it is neither,
// advice says to the creator what to change.
func parsePointer(s string) (pointer, advice string) {
	s = strings.TrimSpace(s)
	if s == "" {
		return "", ""
	}
	if len(s) > maxPointer {
		return "", pointerLong
	}
	rest, dollar := strings.CutPrefix(s, "$")
	if !dollar {
		if len(s) < 8 || !strings.EqualFold(s[:8], "https://") {
			return "", pointerStart
		}
		rest = s[8:]
	}
	if strings.ContainsFunc(rest, hides) {
		return "", pointerHidden
	}
	if strings.ContainsFunc(rest, func(r rune) bool { return unicode.IsSpace(r) || strings.ContainsRune("\\\"<>^`{|}\uFFFD", r) }) {
		return "", pointerForm
	}
	u, err := url.Parse("https://" + rest)
	if err != nil || u.User != nil || strings.ContainsAny(rest, "#") || strings.Contains(u.Host, ":") ||
		dollar && strings.Contains(rest, "?") || !plainPath(u) {
		return "", pointerForm
	}
	host, ok := publicHost(u.Host)
	if !ok {
		return "", pointerHost
	}
	u.Host = host
	if dollar && (u.Path == "" || u.Path == "/") {
		u.Path = "/.well-known/pay"
	}
	if out := u.String(); len(out) <= maxPointer {
		return out, ""
	}
	return "", pointerLong
}

// hides reports the characters that are not seen, or that the rules for host
// names leave out in silence: what is read would be one site and what is meant
// another.
func hides(r rune) bool {
	return unicode.In(r, unicode.Cc, unicode.Cf, unicode.Variation_Selector, unicode.Other_Default_Ignorable_Code_Point)
}

// plainPath reports whether the path of a URL means what it says: no encoded
// control characters, also in the query, and no segments that lead upwards.
func plainPath(u *url.URL) bool {
	query, err := url.QueryUnescape(u.RawQuery)
	if err != nil || strings.ContainsFunc(u.Path+query, unicode.IsControl) {
		return false
	}
	for segment := range strings.SplitSeq(u.Path, "/") {
		if segment == "." || segment == ".." {
			return false
		}
	}
	return true
}

// publicHost returns a host name in its ASCII form. Addresses in figures and
// names without a dot are nobody's wallet.
func publicHost(s string) (string, bool) {
	host, err := idna.Lookup.ToASCII(s)
	if err != nil || len(host) > 253 {
		return "", false
	}
	labels := strings.Split(host, ".")
	for _, l := range labels {
		if l == "" || len(l) > 63 {
			return "", false
		}
	}
	last := labels[len(labels)-1]
	return host, len(labels) > 1 && (last[0] < '0' || last[0] > '9')
}
