package wandb_test

import (
	"context"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	wandb "libwandb-login.invalid/wandb"
)

const viewer = `{"data": {"viewer": {"id": "x", "username": "zoë", "email": "z@example.com", "entity": "équipe",
	"flags": "{}", "teams": {"edges": [{"node": {"name": "équipe"}}, {"node": {"name": "two"}}]}}}}`

func TestVerify(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if user, password, _ := r.BasicAuth(); user != "api" || password != key1 {
			w.WriteHeader(http.StatusUnauthorized)
			return
		}
		io.WriteString(w, viewer)
	}))
	defer server.Close()
	h := newHome(t)
	session := h.login(nil, wandb.WithHost(server.URL), wandb.WithAPIKey(key1), wandb.WithVerify())
	equal(t, session.Verified(), true)
	equal(t, session.Username(), "zoë")
	equal(t, session.Email(), "z@example.com")
	equal(t, session.Entity(), "équipe")
	equal(t, strings.Join(session.Teams(), " "), "équipe two")
	equal(t, strings.Contains(session.String(), "zoë"), true)

	_, err := wandb.Login(context.Background(),
		h.options(nil, wandb.WithHost(server.URL), wandb.WithAPIKey(key2), wandb.WithVerify())...)
	fails(t, err, wandb.ErrRejected)
	equal(t, strings.Contains(h.read("home/.netrc"), key1), true)
}

// An access token in exchange for an identity token.
func TestIdentityToken(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		io.WriteString(w, `{"access_token": "token-of-the-server", "expires_in": 3600}`)
	}))
	defer server.Close()
	h := newHome(t)
	environ := []string{"WANDB_BASE_URL=" + server.URL,
		"WANDB_IDENTITY_TOKEN_FILE=" + h.write("token", "aaaa.bbbb.cccc\n")}
	session := h.login(environ)
	equal(t, session.Source(), wandb.SourceIdentityToken)
	equal(t, session.SourceName(), h.path("token"))
	equal(t, session.APIKey(), "")
	equal(t, session.Authorization(), "Bearer token-of-the-server")
	if left := time.Until(session.ExpiresAt()); left <= 0 || left > time.Hour {
		t.Errorf("it expires in %v", left)
	}
	fresh, err := session.Refresh(context.Background(), h.options(environ)...)
	if err != nil {
		t.Fatal(err)
	}
	fresh.Close()
}

// Each failure of a server has a status.
func TestServerFailures(t *testing.T) {
	status := func(code int) http.HandlerFunc {
		return func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(code) }
	}
	hang := func(_ http.ResponseWriter, r *http.Request) {
		io.Copy(io.Discard, r.Body)
		<-r.Context().Done()
	}
	plain := httptest.NewServer(status(200))
	defer plain.Close()
	gone := httptest.NewServer(status(200))
	gone.Close()
	proxy := httptest.NewServer(status(407))
	defer proxy.Close()
	tls := httptest.NewUnstartedServer(status(200))
	tls.Config.ErrorLog = log.New(io.Discard, "", 0) // it logs the failed handshake
	tls.StartTLS()
	defer tls.Close()
	serve := func(handler http.HandlerFunc) string {
		server := httptest.NewServer(handler)
		t.Cleanup(server.Close)
		return server.URL
	}
	tests := map[string]struct {
		url     string
		environ string
		want    wandb.Status
	}{
		"rejected":   {serve(status(401)), "", wandb.ErrRejected},
		"not W&B":    {plain.URL, "", wandb.ErrServer},
		"refused":    {gone.URL, "", wandb.ErrNetwork},
		"untrusted":  {tls.URL, "", wandb.ErrTLS},
		"plain HTTP": {strings.Replace(plain.URL, "http", "https", 1), "", wandb.ErrTLS},
		"timeout":    {serve(hang), "", wandb.ErrTimeout},
		"proxy":      {"http://wandb.invalid", "HTTP_PROXY=" + proxy.URL, wandb.ErrProxy},
		"404":        {serve(status(404)), "", wandb.ErrServer},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			limit := time.Minute
			if test.want == wandb.ErrTimeout {
				limit = 100 * time.Millisecond
			}
			h := newHome(t)
			_, err := wandb.Login(context.Background(), h.options([]string{test.environ},
				wandb.WithHost(test.url), wandb.WithAPIKey(key1), wandb.WithVerify(), wandb.WithHTTPTimeout(limit))...)
			e := fails(t, err, test.want)
			equal(t, strings.Contains(e.Message, key1), false)
		})
	}
}

// A server that accepts the connection and does not respond.
func TestContextEndsAtTheServer(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	h := newHome(t)
	ctx, cancel := context.WithCancel(context.Background())
	go func() {
		if connection, err := listener.Accept(); err == nil {
			defer connection.Close()
			cancel()
			io.Copy(io.Discard, connection)
		}
	}()
	_, err = wandb.Login(ctx, h.options(nil, wandb.WithHost("http://"+listener.Addr().String()),
		wandb.WithAPIKey(key1), wandb.WithVerify())...)
	cancelled(t, err, context.Canceled)
}
