package wandb

import (
	"net/http"
	"net/url"
	"strings"
)

// Transport adds the Authorization header to requests with the scheme, host and port
// of the session's server. All other requests, such as those after a redirect to
// another server, are passed to base unchanged. base nil: [http.DefaultTransport].
//
//	client := &http.Client{Transport: session.Transport(nil)}
//
// After [Session.Close] a request to the session's server returns an error.
func (s *Session) Transport(base http.RoundTripper) http.RoundTripper {
	if base == nil {
		base = http.DefaultTransport
	}
	// The library returns a normalized URL, which always parses.
	server, _ := url.Parse(s.BaseURL())
	return &transport{session: s, base: base, origin: originOf(server)}
}

type transport struct {
	session *Session
	base    http.RoundTripper
	origin  origin
}

type origin struct{ scheme, host, port string }

func originOf(u *url.URL) origin {
	o := origin{strings.ToLower(u.Scheme), strings.ToLower(u.Hostname()), u.Port()}
	if o.port == "" {
		o.port = map[string]string{"http": "80", "https": "443"}[o.scheme]
	}
	return o
}

// RoundTrip implements [http.RoundTripper].
func (t *transport) RoundTrip(request *http.Request) (*http.Response, error) {
	if request.URL == nil || originOf(request.URL) != t.origin {
		return t.base.RoundTrip(request)
	}
	authorization := t.session.Authorization()
	if authorization == "" {
		if request.Body != nil {
			request.Body.Close()
		}
		return nil, closedError()
	}
	// Do not change the caller's request: http.Client copies its headers to the
	// request after a redirect.
	authorized := request.Clone(request.Context())
	authorized.Header.Set("Authorization", authorization)
	return t.base.RoundTrip(authorized)
}

// CloseIdleConnections forwards [http.Client.CloseIdleConnections] to base.
func (t *transport) CloseIdleConnections() {
	if base, ok := t.base.(interface{ CloseIdleConnections() }); ok {
		base.CloseIdleConnections()
	}
}
