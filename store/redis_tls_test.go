package store

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

func init() {
	children["use Redis over TLS"] = func(url string) {
		r, err := OpenRedis(ctx, url)
		must(err)
		must(r.CreateGig(ctx, aGig("a", noon)))
		l, err := r.ListGigs(ctx, Query{PerPage: 9})
		must(err)
		must(r.Close())
		fmt.Print(len(l.Gigs))
	}
}

// TestRedisTLS checks that rediss:// works with an authority that the machine
// trusts, which only another process can be told, and with no other.
func TestRedisTLS(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	cert, key := filepath.Join(dir, "cert.pem"), filepath.Join(dir, "key.pem")
	writeCertificate(t, cert, key)
	s, err := newServer(dir)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.kill)
	s.kill()
	_, port, _ := net.SplitHostPort(s.addr)
	s.args = []string{"--port", "0", "--tls-port", port, "--tls-cert-file", cert, "--tls-key-file", key,
		"--tls-ca-cert-file", cert, "--tls-auth-clients", "no", "--requirepass", "secret"}
	s.mustRestart(t)

	url := "rediss://:secret@" + s.addr
	start := time.Now()
	_, err = OpenRedis(ctx, url)
	if !errors.Is(err, ErrUnavailable) || !strings.Contains(err.Error(), "certificate") || strings.Contains(err.Error(), "secret") || time.Since(start) > 2*patience {
		t.Errorf("unknown authority: %v after %v", err, time.Since(start))
	}
	if _, err := openPatient(ctx, strings.Replace(url, "rediss", "redis", 1), 500*time.Millisecond); !errors.Is(err, ErrUnavailable) {
		t.Errorf("without TLS: %v", err)
	}
	child := childCommand("use Redis over TLS", url)
	child.Env = append(child.Env, "SSL_CERT_FILE="+cert)
	if out, err := child.Output(); err != nil || string(out) != "1" {
		t.Errorf("trusted authority: %q, %v", out, err)
	}
}

func writeCertificate(t *testing.T, certFile, keyFile string) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, IsCA: true, BasicConstraintsValid: true,
		KeyUsage: x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign,
	}
	cert, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	secret, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	for file, block := range map[string]*pem.Block{certFile: {Type: "CERTIFICATE", Bytes: cert}, keyFile: {Type: "PRIVATE KEY", Bytes: secret}} {
		if err := os.WriteFile(file, pem.EncodeToMemory(block), 0o600); err != nil {
			t.Fatal(err)
		}
	}
}
