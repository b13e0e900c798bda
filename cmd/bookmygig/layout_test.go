package main

import (
	"encoding/json"
	"errors"
	"io"
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"
)

// arrows says which packages of ours each package may import, tests aside.
var arrows = map[string][]string{
	"bookmygig/cmd/bookmygig":   {"bookmygig/handlers", "bookmygig/chat", "bookmygig/media", "bookmygig/store"},
	"bookmygig/cmd/showload":    {"bookmygig/media"},
	"bookmygig/cmd/screenshots": {"bookmygig/media"},
	"bookmygig/handlers":        {"bookmygig/views", "bookmygig/static", "bookmygig/chat", "bookmygig/media", "bookmygig/store"},
	"bookmygig/views":           {"bookmygig/static"},
	"bookmygig/store":           {"bookmygig/chat", "bookmygig/media"},
	"bookmygig/chat":            {},
	"bookmygig/media":           {},
	"bookmygig/static":          {},
}

// owners says which package alone may import a library; clients that speak to
// a server from outside are in cmd.
var owners = map[string][]string{
	"go.etcd.io/bbolt":             {"bookmygig/store"},
	"github.com/gomodule/redigo":   {"bookmygig/store"},
	"github.com/yutopp/go-rtmp":    {"bookmygig/media"},
	"github.com/yutopp/go-amf0":    {"bookmygig/media"},
	"github.com/gorilla/websocket": {"bookmygig/handlers", "bookmygig/cmd/showload"},
	"github.com/go-chi/chi":        {"bookmygig/handlers"},
	"github.com/alexedwards/scs":   {"bookmygig/handlers", "bookmygig/store"},
	"github.com/a-h/templ":         {"bookmygig/handlers", "bookmygig/views"},
	"github.com/prometheus":        {"bookmygig/cmd/bookmygig"},
	"github.com/chromedp":          {"bookmygig/cmd/screenshots"},
}

type listed struct {
	ImportPath, Name, Doc string
	Imports               []string
}

func listPackages(t *testing.T) []listed {
	t.Helper()
	cmd := exec.Command("go", "list", "-json=ImportPath,Name,Doc,Imports", "bookmygig/...")
	out, err := cmd.Output()
	if err != nil {
		t.Fatal(err)
	}
	var all []listed
	for d := json.NewDecoder(strings.NewReader(string(out))); ; {
		var l listed
		if err := d.Decode(&l); errors.Is(err, io.EOF) {
			return all
		} else if err != nil {
			t.Fatal(err)
		}
		all = append(all, l)
	}
}

func TestArrowsBetweenPackages(t *testing.T) {
	for _, p := range listPackages(t) {
		allowed, known := arrows[p.ImportPath]
		if !known {
			t.Errorf("package %s has no place in the layout", p.ImportPath)
			continue
		}
		if p.Doc == "" {
			t.Errorf("package %s has no comment", p.ImportPath)
		}
		for _, i := range p.Imports {
			if strings.HasPrefix(i, "bookmygig/") && !slices.Contains(allowed, i) {
				t.Errorf("%s must not import %s", p.ImportPath, i)
			}
			for library, by := range owners {
				if (i == library || strings.HasPrefix(i, library+"/")) && !slices.Contains(by, p.ImportPath) {
					t.Errorf("%s must not import %s", p.ImportPath, i)
				}
			}
			if i == "net/http" && slices.Contains([]string{"bookmygig/media", "bookmygig/chat", "bookmygig/store"}, p.ImportPath) {
				t.Errorf("%s must know no HTTP", p.ImportPath)
			}
		}
	}
}

func TestTopLevelIsFixed(t *testing.T) {
	fixed := strings.Fields("cmd handlers views media chat store static docs go.mod go.sum README.md LICENSE Makefile")
	cmd := exec.Command("git", "ls-tree", "--name-only", "HEAD")
	cmd.Dir = "../.."
	out, err := cmd.Output()
	if err != nil {
		// A source archive has no history: look at the folder, where the
		// default data folder may be.
		entries, err := os.ReadDir("../..")
		if err != nil {
			t.Fatal(err)
		}
		for _, e := range entries {
			out = append(out, e.Name()+"\n"...)
		}
		fixed = append(fixed, "data", "bookmygig", "showload")
	}
	for name := range strings.FieldsSeq(string(out)) {
		if !strings.HasPrefix(name, ".") && !slices.Contains(fixed, name) {
			t.Errorf("%s has no place at the top level", name)
		}
	}
}
