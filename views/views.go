// Package views holds the pages and fragments as templ components, and the
// plain view models that they take. It knows no store and no request.
package views

// current is the value of aria-current for a link of the main navigation.
func current(here, path string) string {
	if here == path {
		return "page"
	}
	return "false"
}
