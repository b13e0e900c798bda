// Package static embeds the files that a browser loads: the stylesheet, the
// scripts of the project and, under vendor, unmodified releases of others.
//
// Every file is served under a path that contains a hash of its bytes, so that
// it may be cached for ever and still changes at once when the program does.
package static

import (
	"bytes"
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"io/fs"
	"mime"
	"net/http"
	"path"
	"strings"
	"time"
)

// Prefix is the path below which Handler serves.
const Prefix = "/static/"

//go:embed *.css *.js *.svg vendor/htmx/htmx.min.js vendor/htmx-ext-ws/ws.min.js vendor/flv.js/flv.min.js
var files embed.FS

type file struct {
	body        []byte
	contentType string
	path        string
}

// byName maps a file's name below this folder to the file, byPath its path on
// the server. Both are complete before main starts and never change.
var byName, byPath = load()

func load() (map[string]*file, map[string]*file) {
	names, paths := map[string]*file{}, map[string]*file{}
	err := fs.WalkDir(files, ".", func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		body, err := files.ReadFile(name)
		if err != nil {
			return err
		}
		sum := sha256.Sum256(body)
		f := &file{
			body:        body,
			contentType: mime.TypeByExtension(path.Ext(name)),
			path:        Prefix + hex.EncodeToString(sum[:6]) + "/" + path.Base(name),
		}
		names[name], paths[f.path] = f, f
		return nil
	})
	if err != nil {
		panic("static: embedded files cannot be read: " + err.Error())
	}
	return names, paths
}

// Path returns the path on the server of the named file, such as "app.css" or
// "vendor/htmx/htmx.min.js". It panics on an unknown name: the names are
// written in the program, not typed by anybody.
func Path(name string) string {
	f, ok := byName[name]
	if !ok {
		panic("static: no file " + name)
	}
	return f.path
}

// Handler serves the files under their hashed paths, to be cached for a year.
// Anything else is 404.
func Handler() http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		f, ok := byPath[path.Clean(r.URL.Path)]
		if !ok || strings.HasSuffix(r.URL.Path, "/") {
			http.NotFound(w, r)
			return
		}
		w.Header().Set("Content-Type", f.contentType)
		w.Header().Set("Cache-Control", "public, max-age=31536000, immutable")
		http.ServeContent(w, r, f.path, time.Time{}, bytes.NewReader(f.body))
	})
}
