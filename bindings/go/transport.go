//go:build cgo

package wandb

import (
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"
)

// Transport sends requests as the session's user. To requests with the scheme, host
// and port of the session's server it adds the Authorization header whose credential is
// valid then: a [Renewer] renews an access token before it ends. All other requests,
// such as those after a redirect to another server, are sent unchanged.
//
//	client := &http.Client{Transport: session.Transport(nil)}
//
// If the server answers 401, the request is sent once more with another credential. This
// needs another credential, and a request without a body or with GetBody, which
// [http.NewRequest] sets. Otherwise the caller gets the 401, and the next request uses
// the other credential.
//
// With base nil, requests to the session's server take the way of the login: its CA
// certificates, its proxy, and no verification if the user disabled it. All other
// requests use [http.DefaultTransport]. A given base sends all requests, and decides
// about certificates and proxy; see [Session.TLSConfig] and [Session.Proxy]. In both
// cases requests to the session's server get [Session.Headers] that they do not have.
//
// After [Session.Close] a request to the session's server returns an error.
func (s *Session) Transport(base http.RoundTripper) http.RoundTripper {
	// The library returns a normalized URL, which always parses.
	server, _ := url.Parse(s.BaseURL())
	t := &transport{session: s, origin: originOf(server), base: base, other: base, headers: s.Headers()}
	t.renewer, t.err = s.sharedRenewer()
	if base == nil {
		t.other = http.DefaultTransport
		if t.err == nil {
			t.base, t.err = s.connection()
		}
	}
	return t
}

type transport struct {
	session *Session
	renewer *Renewer
	err     error             // why no request can be sent to the server, or nil
	base    http.RoundTripper // to the session's server; nil if err is set
	other   http.RoundTripper // to other servers
	origin  origin
	headers http.Header
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
		return t.other.RoundTrip(request)
	}
	session, err := t.current(request)
	if err != nil {
		if request.Body != nil {
			request.Body.Close()
		}
		return nil, err
	}
	defer func() { session.Close() }()
	response, err := t.send(request, request.Body, session)
	if err != nil || response.StatusCode != http.StatusUnauthorized {
		return response, err
	}
	t.renewer.Refused(session)
	body, again := bodyAgain(request)
	if !again {
		return response, nil
	}
	other, err := t.current(request)
	if err != nil {
		if body != nil {
			body.Close()
		}
		return response, nil
	}
	session.Close()
	session = other
	response.Body.Close()
	response, err = t.send(request, body, session)
	if err == nil && response.StatusCode == http.StatusUnauthorized {
		t.renewer.Refused(session)
	}
	return response, err
}

// current returns the session for a request.
func (t *transport) current(request *http.Request) (*Session, error) {
	if t.err != nil {
		return nil, t.err
	}
	if !t.session.isOpen() {
		return nil, closedError()
	}
	return t.renewer.Get(request.Context())
}

// send sends the request with the credential of a session.
func (t *transport) send(request *http.Request, body io.ReadCloser, session *Session) (*http.Response, error) {
	// Do not change the caller's request: http.Client copies its headers to the
	// request after a redirect.
	authorized := request.Clone(request.Context())
	authorized.Body = body
	for name, values := range t.headers {
		if _, given := authorized.Header[name]; !given {
			authorized.Header[name] = slices.Clone(values)
		}
	}
	authorized.Header.Set("Authorization", session.Authorization())
	return t.base.RoundTrip(authorized)
}

// bodyAgain returns the body of a request that was sent, if it can be had again.
func bodyAgain(request *http.Request) (body io.ReadCloser, ok bool) {
	if request.Body == nil || request.Body == http.NoBody {
		return request.Body, true
	}
	if request.GetBody == nil {
		return nil, false
	}
	body, err := request.GetBody()
	return body, err == nil
}

// CloseIdleConnections forwards [http.Client.CloseIdleConnections].
func (t *transport) CloseIdleConnections() {
	for _, base := range []http.RoundTripper{t.base, t.other} {
		if base, ok := base.(interface{ CloseIdleConnections() }); ok {
			base.CloseIdleConnections()
		}
	}
}
