package wandb_test

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"regexp"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	wandb "libwandb-login.invalid/wandb"
)

// tokenServer exchanges identity tokens for the access tokens token-1, token-2, …, and
// answers other requests with the request's body, or 401 without a valid token.
type tokenServer struct {
	*httptest.Server
	life time.Duration
	// A function in this channel is called before the next exchange.
	before chan func()

	mu       sync.Mutex
	issued   []time.Time     // of each token
	refused  map[string]bool // header values that get 401
	requests int
	rejected int
}

func newTokenServer(t *testing.T, life time.Duration) *tokenServer {
	s := &tokenServer{life: life, before: make(chan func(), 1), refused: map[string]bool{}}
	s.Server = httptest.NewServer(s)
	t.Cleanup(s.Close)
	return s
}

func (s *tokenServer) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.URL.Path == "/oidc/token" {
		select {
		case f := <-s.before:
			f()
		default:
		}
		s.mu.Lock()
		defer s.mu.Unlock()
		s.issued = append(s.issued, time.Now())
		fmt.Fprintf(w, `{"access_token": "token-%d", "expires_in": %d}`, len(s.issued), int(s.life.Seconds()))
		return
	}
	body, _ := io.ReadAll(r.Body)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.requests++
	number := 0
	fmt.Sscanf(r.Header.Get("Authorization"), "Bearer token-%d", &number)
	if number < 1 || number > len(s.issued) || s.refused[r.Header.Get("Authorization")] ||
		time.Since(s.issued[number-1]) > s.life {
		s.rejected++
		http.Error(w, "who are you?", http.StatusUnauthorized)
		return
	}
	w.Write(body)
}

// counts returns the number of exchanges, of other requests, and of those with a 401.
func (s *tokenServer) counts() (exchanges, requests, rejected int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.issued), s.requests, s.rejected
}

func (s *tokenServer) refuse(value string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.refused[value] = true
}

// login logs in with an identity token.
func (s *tokenServer) login(t *testing.T, options ...wandb.Option) *wandb.Session {
	h := newHome(t)
	return h.login([]string{"WANDB_BASE_URL=" + s.URL,
		"WANDB_IDENTITY_TOKEN_FILE=" + h.write("token", "eyJh.eyJz.c2ln\n")}, options...)
}

// aged returns the session with a token that was issued an hour less left ago.
func aged(t *testing.T, s *wandb.Session, left time.Duration) *wandb.Session {
	t.Helper()
	text, err := s.Export()
	if err != nil {
		t.Fatal(err)
	}
	// Without the checksum, the text may be changed.
	text = regexp.MustCompile("(?m)^checksum .*\n").ReplaceAll(text, nil)
	for name, end := range map[string]time.Duration{"expires_at": left, "issued_at": left - time.Hour} {
		line := regexp.MustCompile("(?m)^" + name + " .*$")
		text = line.ReplaceAll(text, fmt.Appendf(nil, "%s %d", name, time.Now().Add(end).Unix()))
	}
	old, err := wandb.ImportSession(text)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { old.Close() })
	return old
}

func newRenewer(t *testing.T, s *wandb.Session, options ...wandb.Option) *wandb.Renewer {
	t.Helper()
	renewer, err := s.Renewer(options...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { renewer.Close() })
	return renewer
}

// authorization returns the value that a renewer gives now.
func authorization(t *testing.T, r *wandb.Renewer) string {
	t.Helper()
	session, err := r.Get(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	defer session.Close()
	return session.Authorization()
}

// Goroutines ask for the credential while tokens of a few seconds come and go. Each of
// their requests is accepted, and each token takes one exchange.
func TestRenewerWithShortTokens(t *testing.T) {
	server := newTokenServer(t, 5*time.Second)
	session := server.login(t)
	renewer := newRenewer(t, session)
	client := &http.Client{Transport: session.Transport(nil)}
	var all sync.WaitGroup
	for i := range 64 {
		all.Add(1)
		go func() {
			defer all.Done()
			for exchanges := 0; exchanges < 3; exchanges, _, _ = server.counts() {
				if i%8 == 0 {
					response, err := client.Post(server.URL+"/graphql", "", strings.NewReader("body"))
					if err != nil {
						t.Error(err)
						return
					}
					response.Body.Close()
					if response.StatusCode != http.StatusOK {
						t.Errorf("the client got %s", response.Status)
					}
				} else if got, err := renewer.Get(context.Background()); err != nil {
					t.Error(err)
					return
				} else if got.Authorization() == "" || !time.Now().Before(got.ExpiresAt().Add(time.Second)) {
					t.Errorf("got a token that expired at %v", got.ExpiresAt())
				}
				time.Sleep(10 * time.Millisecond)
			}
		}()
	}
	all.Wait()
	// Renewer and Transport share the tokens through the cache.
	exchanges, _, _ := server.counts()
	equal(t, exchanges, 3)
	for i := 1; i < exchanges; i++ {
		if age := server.issued[i].Sub(server.issued[i-1]); age < server.life/2 {
			t.Errorf("token %d was replaced after %v", i, age)
		}
	}
}

// While one goroutine renews, the others get the old token as long as it is valid. Get
// ends with its context while the renewal goes on.
func TestRenewerDuringAnExchange(t *testing.T) {
	server := newTokenServer(t, time.Hour)
	session := server.login(t)
	renewer := newRenewer(t, aged(t, session, -time.Minute), identityOptions(t, server)...)
	release := make(chan struct{})
	server.before <- func() { <-release }
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error)
	for range 64 {
		go func() {
			_, err := renewer.Get(ctx)
			ended <- err
		}()
	}
	cancel()
	for range 64 {
		cancelled(t, <-ended, context.Canceled)
	}
	close(release)
	equal(t, authorization(t, renewer), "Bearer token-2")

	// A valid token that is due. The first attempt may fail, after which Get knows it.
	due := newRenewer(t, aged(t, session, 4*time.Minute), identityOptions(t, server)...)
	server.before <- func() {
		for range 64 {
			current, err := due.Get(context.Background())
			if err != nil || current.Authorization() != "Bearer token-1" {
				t.Errorf("got %v, %v", current, err)
			}
		}
	}
	for authorization(t, due) != "Bearer token-3" {
		runtime.Gosched()
	}
}

// identityOptions log in to the server with an identity token, from another home.
func identityOptions(t *testing.T, server *tokenServer) []wandb.Option {
	h := newHome(t)
	return h.options([]string{"WANDB_BASE_URL=" + server.URL,
		"WANDB_IDENTITY_TOKEN_FILE=" + h.write("token", "eyJh.eyJz.c2ln\n")})
}

func TestRenewerRefused(t *testing.T) {
	server := newTokenServer(t, time.Hour)
	session := server.login(t)
	renewer := newRenewer(t, session)
	first, err := renewer.Get(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	equal(t, first.Authorization(), session.Authorization())
	renewer.Refused(first)
	equal(t, authorization(t, renewer), "Bearer token-2")
	renewer.Refused(first) // a session that is not current
	equal(t, authorization(t, renewer), "Bearer token-2")
	first.Close()
	renewer.Refused(first) // a closed session
	renewer.Refused(nil)
	equal(t, authorization(t, renewer), "Bearer token-2")

	// A key that is refused, and no other one; then another one.
	h := newHome(t)
	keyed := h.login([]string{"WANDB_API_KEY=" + key1})
	keys := newRenewer(t, keyed)
	keys.Refused(keyed)
	_, err = keys.Get(context.Background())
	fails(t, err, wandb.ErrRejected)
	other := newRenewer(t, keyed, wandb.WithEnviron([]string{"WANDB_API_KEY=" + key2}))
	other.Refused(keyed)
	again, err := other.Get(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	equal(t, again.APIKey(), key2)
}

func TestRenewerClose(t *testing.T) {
	server := newTokenServer(t, time.Hour)
	session := server.login(t)
	renewer := newRenewer(t, session)
	session.Close()
	equal(t, authorization(t, renewer), "Bearer token-1")
	got, err := renewer.Get(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	equal(t, renewer.Close(), nil)
	equal(t, renewer.Close(), nil)
	renewer.Refused(got)
	equal(t, got.Authorization(), "Bearer token-1")
	_, err = renewer.Get(context.Background())
	fails(t, err, wandb.ErrArgument)
	_, err = session.Renewer()
	fails(t, err, wandb.ErrArgument)
	var none *wandb.Renewer
	_, err = none.Get(context.Background())
	fails(t, err, wandb.ErrArgument)
	none.Refused(got)
	equal(t, none.Close(), nil)

	// Close ends a renewal that waits for the server.
	ended := newRenewer(t, aged(t, got, -time.Minute), identityOptions(t, server)...)
	server.before <- func() { ended.Close() }
	if _, err := ended.Get(context.Background()); err == nil {
		t.Error("a closed renewer returned a session")
	}
}

// Callbacks of a renewal: log lines and new sessions arrive, and a panic is raised in Get.
func TestRenewerCallbacks(t *testing.T) {
	server := newTokenServer(t, time.Hour)
	var renewed []string
	var angry bool
	session := server.login(t, wandb.WithBackend(func(s *wandb.Session) {
		defer s.Close()
		if angry {
			panic("no")
		}
		renewed = append(renewed, s.Authorization())
	}))
	equal(t, strings.Join(renewed, " "), "Bearer token-1")
	renewer := newRenewer(t, session)
	renewer.Refused(session)
	equal(t, authorization(t, renewer), "Bearer token-2")
	equal(t, strings.Join(renewed, " "), "Bearer token-1 Bearer token-2")

	current, err := renewer.Get(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	renewer.Refused(current)
	angry = true
	func() {
		defer func() { equal(t, recover(), any("no")) }()
		renewer.Get(context.Background())
	}()
	angry = false
	equal(t, strings.HasPrefix(authorization(t, renewer), "Bearer token-"), true)
}

// The garbage collector closes renewers and transports that are not used any more.
func TestRenewerLoopDoesNotLeak(t *testing.T) {
	h := newHome(t)
	session := h.login([]string{"WANDB_API_KEY=" + key1}, wandb.WithReferrer(strings.Repeat("x", 10_000)))
	loop := func(times int) {
		for i := range times {
			renewer, err := session.Renewer()
			if err != nil {
				t.Fatal(err)
			}
			if _, err := renewer.Get(context.Background()); err != nil {
				t.Fatal(err)
			}
			if i%2 == 0 {
				renewer.Close()
			}
			if i%100 == 0 {
				runtime.GC()
			}
		}
	}
	loop(500)
	memory, files := footprint(t)
	loop(5_000)
	memoryAfter, filesAfter := footprint(t)
	equal(t, filesAfter, files)
	if grown := memoryAfter - memory; grown > 16<<20 && !raceDetector {
		t.Errorf("5000 renewers grew the process by %d bytes", grown)
	}
}

// A refused token is replaced and the request sent once more, if its body can be had
// again.
func TestTransportReplaysARefusedRequest(t *testing.T) {
	server := newTokenServer(t, time.Hour)
	session := server.login(t)
	client := &http.Client{Transport: session.Transport(nil)}
	send := func(body io.Reader) (status int, text string, rejected int) {
		t.Helper()
		_, _, before := server.counts()
		response, err := client.Post(server.URL+"/graphql", "", body)
		if err != nil {
			t.Fatal(err)
		}
		defer response.Body.Close()
		got, err := io.ReadAll(response.Body)
		if err != nil {
			t.Fatal(err)
		}
		_, _, after := server.counts()
		return response.StatusCode, string(got), after - before
	}
	long := strings.Repeat("body", 100_000)
	for i, body := range []io.Reader{strings.NewReader(long), bytes.NewReader([]byte(long)), nil, http.NoBody} {
		server.refuse(fmt.Sprintf("Bearer token-%d", i+1))
		status, text, rejected := send(body)
		equal(t, status, 200)
		equal(t, rejected, 1)
		equal(t, text == long || i >= 2 && text == "", true)
	}
	// A body that can be read once: the caller gets the 401, the next request succeeds.
	server.refuse("Bearer token-5")
	once := struct{ io.Reader }{strings.NewReader("once")}
	status, _, rejected := send(once)
	equal(t, status, 401)
	equal(t, rejected, 1)
	status, text, rejected := send(struct{ io.Reader }{strings.NewReader("once")})
	equal(t, status, 200)
	equal(t, text, "once")
	equal(t, rejected, 0)

	// A key without another one: one request, and its 401.
	h := newHome(t)
	keyed := h.login([]string{"WANDB_API_KEY=" + key1, "WANDB_BASE_URL=" + server.URL})
	client.Transport = keyed.Transport(nil)
	status, text, rejected = send(strings.NewReader("body"))
	equal(t, status, 401)
	equal(t, text, "who are you?\n")
	equal(t, rejected, 1)
}
