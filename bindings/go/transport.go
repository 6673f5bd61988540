package wandb

import (
	"io"
	"net/http"
	"net/url"
	"strings"
)

// Transport sends requests as the session's user. To requests with the scheme, host
// and port of the session's server it adds the Authorization header whose credential is
// valid then: a [Renewer] renews an access token before it ends. All other requests,
// such as those after a redirect to another server, are sent unchanged.
//
//	client := &http.Client{Transport: session.Transport(nil)}
//
// If the server answers 401, the request is sent once more with another credential, if
// there is one and the body can be had again (there is none, or GetBody is set, as
// [http.NewRequest] does). Otherwise the caller gets the 401, and the next request uses
// the other credential.
//
// base sends the requests; nil: [http.DefaultTransport].
//
// After [Session.Close] a request to the session's server returns an error.
func (s *Session) Transport(base http.RoundTripper) http.RoundTripper {
	if base == nil {
		base = http.DefaultTransport
	}
	// The library returns a normalized URL, which always parses.
	server, _ := url.Parse(s.BaseURL())
	renewer, err := s.Renewer()
	return &transport{session: s, renewer: renewer, err: err, base: base, origin: originOf(server)}
}

type transport struct {
	session *Session
	renewer *Renewer
	err     error // of the renewer
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
	// Reading the body to its end lets the connection be used again.
	io.CopyN(io.Discard, response.Body, 64<<10)
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

// CloseIdleConnections forwards [http.Client.CloseIdleConnections] to base.
func (t *transport) CloseIdleConnections() {
	if base, ok := t.base.(interface{ CloseIdleConnections() }); ok {
		base.CloseIdleConnections()
	}
}
