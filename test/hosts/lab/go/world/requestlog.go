package main

import (
	"encoding/json"
	"net"
	"net/http"
	"os"
	"sync"
	"time"
)

// A line for each request and each DNS question, for tests that ask what a host fetched and from where.
type requestLog struct {
	mutex sync.Mutex
	file  *os.File
}

type logLine struct {
	Time   time.Time `json:"time"`
	Client string    `json:"client"`
	// "http", "https" or "dns".
	Scheme string `json:"scheme"`
	// GET and so on, or the type of a DNS question.
	Method string `json:"method"`
	Host   string `json:"host"`
	Path   string `json:"path,omitempty"`
	// HTTP status, or the response code of DNS.
	Status int   `json:"status"`
	Bytes  int64 `json:"bytes,omitempty"`
}

func openRequestLog(path string) (*requestLog, error) {
	file, err := os.OpenFile(path, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o644)
	return &requestLog{file: file}, err
}

func (l *requestLog) add(line logLine) {
	line.Time = time.Now()
	if host, _, err := net.SplitHostPort(line.Client); err == nil {
		line.Client = host
	}
	body, err := json.Marshal(line)
	if err != nil {
		return
	}
	l.mutex.Lock()
	defer l.mutex.Unlock()
	_, _ = l.file.Write(append(body, '\n'))
}

func (l *requestLog) wrap(handler http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, request *http.Request) {
		counted := &countingWriter{ResponseWriter: w, status: http.StatusOK}
		defer func() {
			scheme := "http"
			if request.TLS != nil {
				scheme = "https"
			}
			l.add(logLine{
				Client: request.RemoteAddr, Scheme: scheme, Method: request.Method, Host: hostName(request),
				Path: request.URL.RequestURI(), Status: counted.status, Bytes: counted.bytes,
			})
		}()
		handler.ServeHTTP(counted, request)
	})
}

type countingWriter struct {
	http.ResponseWriter
	status int
	bytes  int64
}

func (w *countingWriter) WriteHeader(status int) {
	w.status = status
	w.ResponseWriter.WriteHeader(status)
}

func (w *countingWriter) Write(body []byte) (int, error) {
	n, err := w.ResponseWriter.Write(body)
	w.bytes += int64(n)
	return n, err
}

// For http.ResponseController.
func (w *countingWriter) Unwrap() http.ResponseWriter { return w.ResponseWriter }
