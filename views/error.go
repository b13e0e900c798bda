package views

import "net/http"

// errorWords are what a failed request is told.
type errorWords struct{ heading, text string }

// wordsFor says what happened and what comes next. What went wrong inside is
// not the visitor's business, and not told.
func wordsFor(status int) errorWords {
	switch status {
	case http.StatusForbidden:
		return errorWords{"Not this way", "This door opens to others only. If you came from another site, go back and start from here."}
	case http.StatusBadRequest, http.StatusRequestEntityTooLarge:
		return errorWords{"That did not arrive whole", "What was sent could not be read, or was too much at once. Go back and try again."}
	case http.StatusConflict:
		return errorWords{"Nothing on this stage", "Nothing is live here now. The show’s page opens by itself when it begins."}
	case http.StatusServiceUnavailable:
		return errorWords{"One moment", "The house is busy. Nothing is lost; try again in a few seconds."}
	case http.StatusNotFound:
		return errorWords{"Wrong door", "There is no show behind this one. It may have been taken off, or the address has a slip of the pen in it."}
	}
	return errorWords{"A lamp has gone out", "Something broke on our side, and we have been told. Try again in a minute."}
}
