package handlers

import (
	"errors"
	"net/url"
	"regexp"
	"strconv"
	"strings"

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
// people write: "0", "free", "5", "$5", "12.50", "1,50", "1,250". The error's
// text is for the creator.
func parsePrice(s string) (cents int, err error) {
	s = strings.TrimSpace(s)
	if s == "" || strings.EqualFold(s, "free") {
		return 0, nil
	}
	if strings.HasPrefix(s, "-") || strings.HasPrefix(s, "$-") {
		return 0, errors.New("A price cannot be below zero; 0 makes it free.")
	}
	m := priceForm.FindStringSubmatch(thousandsForm.ReplaceAllString(s, "$1$2$3"))
	if m == nil || m[1]+m[2] == "" {
		return 0, errors.New("Write dollars and cents in figures, for example 5 or 12.50.")
	}
	if len(m[2]) > 2 {
		return 0, errors.New("Cents have two digits at most, for example 12.50.")
	}
	whole := strings.TrimLeft(m[1], "0")
	if len(whole) > 4 {
		return 0, errors.New("A seat costs $9,999.99 at most.")
	}
	// Digits only, six at most: this cannot fail.
	cents, err = strconv.Atoi("0" + whole + (m[2] + "00")[:2])
	return min(cents, maxCents), err
}

// formatPrice writes cents as the form's field takes them: "0", "5", "12.50".
func formatPrice(cents int) string {
	s := strconv.Itoa(cents / 100)
	if c := cents % 100; c != 0 {
		s += "." + strconv.Itoa(c/10) + strconv.Itoa(c%10)
	}
	return s
}

// Errors of a payment pointer, to the creator.
var (
	errPointerStart = errors.New("Begin it with $ or https://, for example $wallet.example/noor.")
	errPointerHost  = errors.New("The part after $ or https:// should be the name of your wallet’s site, for example wallet.example.")
	errPointerForm  = errors.New("It should be a plain address, for example $wallet.example/noor, with no name, port or # in it.")
	errPointerLong  = errors.New("It is too long: 255 characters at most.")
)

// parsePointer reads a payment pointer (paymentpointers.org) or the https URL
// of a wallet and returns the https URL; empty stays empty.
func parsePointer(s string) (string, error) {
	s = strings.TrimSpace(s)
	if s == "" {
		return "", nil
	}
	if len(s) > maxPointer {
		return "", errPointerLong
	}
	rest, dollar := strings.CutPrefix(s, "$")
	if !dollar {
		if len(s) < 8 || !strings.EqualFold(s[:8], "https://") {
			return "", errPointerStart
		}
		rest = s[8:]
	}
	if strings.ContainsFunc(rest, func(r rune) bool { return r <= ' ' || r == 0x7f || strings.ContainsRune("\\\"<>^`{|}\uFFFD", r) }) {
		return "", errPointerForm
	}
	u, err := url.Parse("https://" + rest)
	if err != nil || u.User != nil || strings.ContainsAny(rest, "#") || strings.Contains(u.Host, ":") || dollar && strings.Contains(rest, "?") {
		return "", errPointerForm
	}
	host, ok := publicHost(u.Host)
	if !ok {
		return "", errPointerHost
	}
	u.Host = host
	if dollar && (u.Path == "" || u.Path == "/") {
		u.Path = "/.well-known/pay"
	}
	if out := u.String(); len(out) <= maxPointer {
		return out, nil
	}
	return "", errPointerLong
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
