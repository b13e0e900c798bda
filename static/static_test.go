package static

import (
	"crypto/sha256"
	"encoding/hex"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// Every vendored library states licence, version and the checksum of its file,
// and the file is the one that was checked.
func TestVendoredFilesAreUnmodified(t *testing.T) {
	dirs, err := filepath.Glob("vendor/*")
	if err != nil || len(dirs) == 0 {
		t.Fatalf("no vendored libraries found: %v", err)
	}
	row := regexp.MustCompile(`(?m)^\| ([a-z.0-9-]+\.js) \| ([0-9a-f]{64}) \|$`)
	for _, dir := range dirs {
		readme, err := os.ReadFile(filepath.Join(dir, "README.md"))
		if err != nil {
			t.Errorf("%s: %v", dir, err)
			continue
		}
		if _, err := os.Stat(filepath.Join(dir, "LICENSE")); err != nil {
			t.Errorf("%s: %v", dir, err)
		}
		rows := row.FindAllStringSubmatch(string(readme), -1)
		scripts, _ := filepath.Glob(filepath.Join(dir, "*.js"))
		if len(rows) != len(scripts) || len(rows) == 0 {
			t.Errorf("%s: README lists %d files, the folder holds %d", dir, len(rows), len(scripts))
		}
		for _, r := range rows {
			body, err := os.ReadFile(filepath.Join(dir, r[1]))
			if err != nil {
				t.Errorf("%s: %v", dir, err)
				continue
			}
			if sum := sha256.Sum256(body); hex.EncodeToString(sum[:]) != r[2] {
				t.Errorf("%s/%s: checksum differs from its README", dir, r[1])
			}
		}
	}
}

func TestHandlerServesHashedPathsOnly(t *testing.T) {
	p := Path("app.css")
	rec := httptest.NewRecorder()
	Handler().ServeHTTP(rec, httptest.NewRequest("GET", p, nil))
	if rec.Code != 200 || !strings.HasPrefix(rec.Header().Get("Content-Type"), "text/css") {
		t.Fatalf("GET %s: %d %s", p, rec.Code, rec.Header().Get("Content-Type"))
	}
	if cc := rec.Header().Get("Cache-Control"); !strings.Contains(cc, "immutable") {
		t.Errorf("Cache-Control %q does not keep the file for ever", cc)
	}
	for _, bad := range []string{"/static/app.css", "/static/", p + "/", "/static/000000000000/app.css"} {
		rec := httptest.NewRecorder()
		Handler().ServeHTTP(rec, httptest.NewRequest("GET", bad, nil))
		if rec.Code != 404 {
			t.Errorf("GET %s: %d, want 404", bad, rec.Code)
		}
	}
}
