package wandb_test

import (
	"context"
	"encoding/pem"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	wandb "libwandb-login.invalid/wandb"
)

// tlsStub is a server with a certificate of its own CA. It returns the request's headers.
func tlsStub(t *testing.T) (server *httptest.Server, ca string) {
	server = httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		r.Header.Write(w)
	}))
	server.Config.ErrorLog = log.New(io.Discard, "", 0) // it logs failed handshakes
	server.StartTLS()
	t.Cleanup(server.Close)
	return server, string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: server.Certificate().Raw}))
}

// get returns the body of the answer, or the error.
func get(session *wandb.Session, base http.RoundTripper, url string) (string, error) {
	client := &http.Client{Transport: session.Transport(base)}
	defer client.CloseIdleConnections()
	response, err := client.Get(url)
	if err != nil {
		return "", err
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	return string(body), err
}

func TestTransportTrustsTheCAOfTheLogin(t *testing.T) {
	server, ca := tlsStub(t)
	h := newHome(t)
	file, dir := h.write("ca.pem", ca), h.path("cas")
	h.write("cas/one.pem", ca)
	h.write("cas/notes.txt", "no certificate")
	empty := h.write("empty.pem", "")
	tests := map[string]struct {
		environ []string
		problem string
	}{
		"file":                 {[]string{"SSL_CERT_FILE=" + file}, ""},
		"directory":            {[]string{"SSL_CERT_DIR=" + dir}, ""},
		"both":                 {[]string{"SSL_CERT_DIR=" + dir, "SSL_CERT_FILE=" + empty}, ""},
		"bundle":               {[]string{"REQUESTS_CA_BUNDLE=" + file}, ""},
		"bundle directory":     {[]string{"REQUESTS_CA_BUNDLE=" + dir}, ""},
		"missing and good":     {[]string{"SSL_CERT_FILE=" + h.path("none.pem"), "SSL_CERT_DIR=" + dir}, ""},
		"unchecked":            {[]string{"WANDB_INSECURE_DISABLE_SSL=true"}, ""},
		"system":               {nil, "certificate"},
		"empty":                {[]string{"SSL_CERT_FILE=" + empty}, "contains no PEM certificate"},
		"missing":              {[]string{"SSL_CERT_FILE=" + h.path("none.pem")}, "no such file"},
		"not a file":           {[]string{"SSL_CERT_FILE=/dev/null"}, "not a regular file"},
		"missing directory":    {[]string{"SSL_CERT_DIR=" + h.path("none")}, "no such file"},
		"unchecked, no system": {[]string{"WANDB_INSECURE_DISABLE_SSL=true", "SSL_CERT_FILE=" + empty}, ""},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			session := h.login(append(test.environ, "WANDB_API_KEY="+key1, "WANDB_BASE_URL="+server.URL))
			got, err := get(session, nil, server.URL)
			if test.problem == "" {
				if err != nil || !strings.Contains(got, "Authorization: "+session.Authorization()) {
					t.Errorf("got %q, %v", got, err)
				}
			} else if err == nil || !strings.Contains(err.Error(), test.problem) {
				t.Errorf("got %v, want %q", err, test.problem)
			}
			// A base that is given decides itself.
			if _, err := get(session, http.DefaultTransport, server.URL); err == nil {
				t.Error("the CA of the session changed the given transport")
			}
		})
	}
}

// proxy forwards requests to any host to this server. It requires a password.
func proxy(t *testing.T, server *httptest.Server, seen *[]string) *httptest.Server {
	target := strings.TrimPrefix(strings.TrimPrefix(server.URL, "http://"), "https://")
	p := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		*seen = append(*seen, r.Method+" "+r.Host)
		request := http.Request{Header: http.Header{"Authorization": r.Header["Proxy-Authorization"]}}
		if user, password, _ := request.BasicAuth(); user != "me" || password != "p@ss" {
			w.WriteHeader(http.StatusProxyAuthRequired)
			return
		}
		if r.Method != http.MethodConnect {
			r.Header.Write(w)
			return
		}
		there, err := net.Dial("tcp", target)
		if err != nil {
			t.Error(err)
			return
		}
		defer there.Close()
		here, buffered, err := w.(http.Hijacker).Hijack()
		if err != nil {
			t.Error(err)
			return
		}
		defer here.Close()
		fmt.Fprint(here, "HTTP/1.1 200 OK\r\n\r\n")
		go io.Copy(there, buffered)
		io.Copy(here, there)
	}))
	t.Cleanup(p.Close)
	return p
}

func TestTransportUsesTheProxyOfTheLogin(t *testing.T) {
	// Go's own variables do not apply.
	t.Setenv("HTTP_PROXY", "http://127.0.0.1:1")
	t.Setenv("HTTPS_PROXY", "http://127.0.0.1:1")
	server, ca := tlsStub(t)
	var seen []string
	p := proxy(t, server, &seen)
	address := strings.Replace(p.URL, "http://", "http://me:p%40ss@", 1)
	h := newHome(t)
	file := h.write("ca.pem", ca)
	for _, url := range []string{"http://wandb.invalid:8080", "https://example.com"} { // in the certificate
		session := h.login([]string{"WANDB_API_KEY=" + key1, "WANDB_BASE_URL=" + url, "SSL_CERT_FILE=" + file,
			"HTTP_PROXY=" + address, "HTTPS_PROXY=" + address})
		equal(t, session.Proxy().String(), address)
		got, err := get(session, nil, url)
		if err != nil || !strings.Contains(got, "Authorization: "+session.Authorization()) {
			t.Errorf("%s: got %q, %v", url, got, err)
		}
	}
	equal(t, strings.Join(seen, ", "), "GET wandb.invalid:8080, CONNECT example.com:443")

	// Without a proxy, or where NO_PROXY applies.
	for _, environ := range []string{"", "HTTPS_PROXY=" + address + " NO_PROXY=127.0.0.1"} {
		session := h.login(append(strings.Fields(environ),
			"WANDB_API_KEY="+key1, "WANDB_BASE_URL="+server.URL, "SSL_CERT_FILE="+file))
		equal(t, session.Proxy() == nil, true)
		if _, err := get(session, nil, server.URL); err != nil {
			t.Error(err)
		}
	}
	equal(t, len(seen), 2)
}

// Extra headers go to the session's server only, also with a given transport, and do not
// replace those of the request.
func TestTransportAddsTheHeadersOfTheLogin(t *testing.T) {
	var headers []http.Header
	base := roundTrip(func(r *http.Request) (*http.Response, error) {
		headers = append(headers, r.Header)
		return &http.Response{StatusCode: 200, Body: http.NoBody, Request: r}, nil
	})
	h := newHome(t)
	session := h.login([]string{"WANDB_API_KEY=" + key1, "WANDB_BASE_URL=https://wandb.corp.example",
		`WANDB_X_EXTRA_HTTP_HEADERS={"X-Gateway": "secret", "X-Team": "blue"}`, "WANDB_USERNAME=zoe"})
	transport := session.Transport(base)
	for _, url := range []string{"https://wandb.corp.example/graphql", "https://evil.test/"} {
		request, err := http.NewRequestWithContext(context.Background(), "GET", url, nil)
		if err != nil {
			t.Fatal(err)
		}
		request.Header.Set("X-Team", "red")
		if _, err := transport.RoundTrip(request); err != nil {
			t.Fatal(err)
		}
		equal(t, len(request.Header), 1)
	}
	equal(t, headers[0].Get("X-Gateway"), "secret")
	equal(t, headers[0].Get("X-Team"), "red")
	equal(t, headers[0].Get("X-Wandb-Username"), "zoe")
	equal(t, len(headers[1]), 1)
	session.Headers().Set("X-Gateway", "changed")
	equal(t, session.Headers().Get("X-Gateway"), "secret")
	for _, verb := range []string{"%v", "%+v", "%#v", "%d", "%x"} {
		equal(t, strings.Contains(fmt.Sprintf(verb, session), "secret"), false)
	}
}

func TestRouteIsExported(t *testing.T) {
	h := newHome(t)
	session := h.login([]string{"WANDB_API_KEY=" + key1, "SSL_CERT_FILE=" + h.path("ca.pem"),
		"SSL_CERT_DIR=" + h.path("cas"), "HTTPS_PROXY=http://me:secret@127.0.0.1:1", "WANDB_USERNAME=zoe"})
	text, err := session.Export()
	if err != nil {
		t.Fatal(err)
	}
	copied, err := wandb.ImportSession(text)
	if err != nil {
		t.Fatal(err)
	}
	defer copied.Close()
	equal(t, copied.CAFile(), h.path("ca.pem"))
	equal(t, copied.CADir(), h.path("cas"))
	equal(t, copied.TLSUnchecked(), false)
	equal(t, copied.Proxy().String(), (&url.URL{Scheme: "http", User: url.UserPassword("me", "secret"), Host: "127.0.0.1:1"}).String())
	equal(t, copied.Headers().Get("X-Wandb-Username"), "zoe")
	copied.Close()
	equal(t, copied.CAFile()+copied.CADir(), "")
	equal(t, copied.Proxy() == nil, true)
	equal(t, len(copied.Headers()), 0)
}
