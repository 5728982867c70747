package api

import (
	"compress/gzip"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"syscall"

	"inference-stack/sim/backend/internal/store"
)

// bodyLimit bounds a request after decompression. The engine splits a batch of journal entries that is refused with
// status 413.
const bodyLimit = 256 << 20

// httpError is an error in the form in which the CLI prints it.
type httpError struct {
	Code    int    `json:"code"`
	Message string `json:"message"`
}

func (e *httpError) Error() string { return e.Message }

func notFound(format string, arguments ...any) error {
	return &httpError{Code: http.StatusNotFound, Message: "Not Found: " + fmt.Sprintf(format, arguments...)}
}

func badRequest(format string, arguments ...any) error {
	return &httpError{Code: http.StatusBadRequest, Message: "Bad Request: " + fmt.Sprintf(format, arguments...)}
}

// asHTTP chooses the status codes on which the CLI acts: 403 ends an engine whose lease is lost, 409 is a conflict,
// and anything from 500 on is tried again.
func asHTTP(err error) *httpError {
	var ready *httpError
	var conflict *store.ConflictError
	var tooLarge *http.MaxBytesError
	switch {
	case errors.As(err, &ready):
		return ready
	case errors.As(err, &conflict):
		return &httpError{http.StatusConflict, "Conflict: " + err.Error()}
	case errors.Is(err, store.ErrExists):
		return &httpError{http.StatusConflict, "Conflict: " + err.Error()}
	case errors.Is(err, store.ErrHasResources):
		// The CLI knows this refusal by its exact words.
		return &httpError{http.StatusBadRequest, "Bad Request: Stack still contains resources."}
	case errors.Is(err, store.ErrNotFound):
		return &httpError{http.StatusNotFound, "Not Found: " + err.Error()}
	case errors.Is(err, store.ErrLeaseLost):
		return &httpError{http.StatusForbidden, "Forbidden: " + err.Error()}
	case errors.Is(err, store.ErrInvalid):
		return &httpError{http.StatusBadRequest, "Bad Request: " + err.Error()}
	case errors.As(err, &tooLarge):
		return &httpError{http.StatusRequestEntityTooLarge, err.Error()}
	case errors.Is(err, syscall.ENOSPC), errors.Is(err, syscall.EDQUOT):
		return &httpError{http.StatusInsufficientStorage, "the state service cannot write: " + err.Error()}
	}
	return &httpError{http.StatusInternalServerError, "the state service failed: " + err.Error()}
}

func (s *Server) fail(w http.ResponseWriter, r *http.Request, err error) {
	answer := asHTTP(err)
	level := s.Log.Info
	if answer.Code >= http.StatusInternalServerError {
		level = s.Log.Error
	}
	level("refused", "method", r.Method, "path", r.URL.Path, "status", answer.Code, "error", err)
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(answer.Code)
	if err := json.NewEncoder(w).Encode(answer); err != nil {
		s.Log.Info("the client did not wait for the answer", "error", err)
	}
}

func reply(w http.ResponseWriter, value any) error {
	content, err := json.Marshal(value)
	if err != nil {
		return err
	}
	w.Header().Set("Content-Type", "application/json")
	// Nobody is left to tell when the client has gone away.
	_, _ = w.Write(content)
	return nil
}

// done answers what has worked and has nothing to tell.
func done(w http.ResponseWriter, err error) error {
	if err == nil {
		w.WriteHeader(http.StatusNoContent)
	}
	return err
}

// readBody gives the request's body, decompressed.
func readBody(w http.ResponseWriter, r *http.Request) ([]byte, error) {
	body := io.Reader(r.Body)
	if r.Header.Get("Content-Encoding") == "gzip" {
		unzipped, err := gzip.NewReader(r.Body)
		if err != nil {
			return nil, badRequest("the body is not gzip: %v", err)
		}
		body = unzipped
	}
	content, err := io.ReadAll(http.MaxBytesReader(w, io.NopCloser(body), bodyLimit))
	if err != nil {
		return nil, fmt.Errorf("reading the request: %w", err)
	}
	return content, nil
}

func decode(w http.ResponseWriter, r *http.Request, value any) error {
	content, err := readBody(w, r)
	if err != nil {
		return err
	}
	if err := json.Unmarshal(content, value); err != nil {
		return badRequest("the body is not what %s %s takes: %v", r.Method, r.URL.Path, err)
	}
	return nil
}
