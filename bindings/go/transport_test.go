package wandb_test

import (
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

// stub is a server that returns the Authorization header of the request, or redirects.
func stub(t *testing.T) *httptest.Server {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if to := r.URL.Query().Get("to"); to != "" {
			http.Redirect(w, r, to, http.StatusTemporaryRedirect)
			return
		}
		io.WriteString(w, r.Header.Get("Authorization"))
	}))
	t.Cleanup(server.Close)
	return server
}

func TestTransport(t *testing.T) {
	mine, other := stub(t), stub(t)
	h := newHome(t)
	session := h.login([]string{"WANDB_API_KEY=" + key1, "WANDB_BASE_URL=" + mine.URL})
	client := &http.Client{Transport: session.Transport(nil)}
	authorized := session.Authorization()
	equal(t, strings.HasPrefix(authorized, "Basic "), true)

	// localhost is not equal to 127.0.0.1: the host must be spelled as in the session.
	localhost := strings.Replace(mine.URL, "127.0.0.1", "localhost", 1)
	upper := strings.Replace(mine.URL, "http", "HTTP", 1)
	tests := map[string]struct{ url, want string }{
		"the server":           {mine.URL + "/graphql", authorized},
		"in capital letters":   {upper, authorized},
		"another port":         {other.URL, ""},
		"another name":         {localhost, ""},
		"redirected within":    {mine.URL + "?to=/files", authorized},
		"redirected elsewhere": {mine.URL + "?to=" + other.URL, ""},
		"redirected back":      {other.URL + "?to=" + mine.URL, authorized},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			request, err := http.NewRequest("POST", test.url, strings.NewReader("body"))
			if err != nil {
				t.Fatal(err)
			}
			response, err := client.Do(request)
			if err != nil {
				t.Fatal(err)
			}
			defer response.Body.Close()
			got, err := io.ReadAll(response.Body)
			if err != nil {
				t.Fatal(err)
			}
			equal(t, string(got), test.want)
			equal(t, request.Header.Get("Authorization"), "")
		})
	}

	client.CloseIdleConnections()
	session.Close()
	if _, err := client.Post(mine.URL, "", strings.NewReader("")); err == nil {
		t.Error("a closed session adds the header")
	} else if !strings.Contains(err.Error(), "closed") {
		t.Error(err)
	}
	response, err := client.Get(other.URL)
	if err != nil {
		t.Fatal(err)
	}
	response.Body.Close()
}

// The default port is the same server; another scheme is not.
func TestTransportOrigin(t *testing.T) {
	h := newHome(t)
	session := h.login([]string{"WANDB_API_KEY=" + key1, "WANDB_BASE_URL=https://wandb.corp.example/sub"})
	var got string
	transport := session.Transport(roundTrip(func(r *http.Request) (*http.Response, error) {
		got = r.Header.Get("Authorization")
		return &http.Response{StatusCode: 200, Body: http.NoBody, Request: r}, nil
	}))
	for url, want := range map[string]bool{
		"https://wandb.corp.example":           true,
		"https://wandb.corp.example:443/x":     true,
		"https://WANDB.corp.example/x":         true,
		"http://wandb.corp.example":            false,
		"http://wandb.corp.example:443":        false,
		"https://wandb.corp.example:8443":      false,
		"https://wandb.corp.example.evil.test": false,
		"https://evil.test/wandb.corp.example": false,
		"https://wandb.corp.example@evil.test": false,
	} {
		request, err := http.NewRequest("GET", url, nil)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := transport.RoundTrip(request); err != nil {
			t.Fatal(err)
		}
		if (got == session.Authorization()) != want || !want && got != "" {
			t.Errorf("%s: authorized is %v, want %v", url, got != "", want)
		}
	}
}

type roundTrip func(*http.Request) (*http.Response, error)

func (f roundTrip) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }
