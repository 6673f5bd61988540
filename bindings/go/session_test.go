package wandb_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	wandb "libwandb-login.invalid/wandb"
)

func TestSecretsAreNotPrinted(t *testing.T) {
	h := newHome(t)
	session := h.login([]string{"WANDB_API_KEY=" + key1})
	secret := func(text string) bool {
		return strings.Contains(text, key1) || strings.Contains(text, session.Authorization()) ||
			strings.Contains(text, fmt.Sprintf("%x", key1))
	}
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%X", "%d", "%t"} {
		text := fmt.Sprintf(verb, session)
		if secret(text) {
			t.Errorf("%s prints a secret", verb)
		}
	}
	text, err := json.Marshal(map[string]any{"session": session})
	if err != nil || secret(string(text)) {
		t.Errorf("JSON: %s, %v", text, err)
	}
	equal(t, session.String(), fmt.Sprint(session))
	equal(t, strings.HasPrefix(session.String(), "W&B API key is configured") ||
		strings.HasPrefix(session.String(), "Currently logged in"), true)
	if option := fmt.Sprintf("%+v", wandb.WithAPIKey(key1)); secret(option) {
		t.Error("an option prints a secret")
	}
}

func TestEnviron(t *testing.T) {
	h := newHome(t)
	session := h.login([]string{"WANDB_API_KEY=" + key1})
	child := h.login(session.Environ())
	equal(t, child.APIKey(), key1)
	equal(t, child.BaseURL(), session.BaseURL())
}

func TestClose(t *testing.T) {
	h := newHome(t)
	session := h.login([]string{"WANDB_API_KEY=" + key1})
	equal(t, session.Close(), nil)
	equal(t, session.Close(), nil)
	equal(t, session.APIKey(), "")
	equal(t, session.Authorization(), "")
	equal(t, len(session.Environ()), 0)
	equal(t, session.BaseURL(), cloud)
	equal(t, session.Source(), wandb.SourceEnvironment)
	_, err := session.Export()
	fails(t, err, wandb.ErrArgument)
	_, err = session.Refresh(context.Background())
	fails(t, err, wandb.ErrArgument)

	var none *wandb.Session
	equal(t, none.Close(), nil)
	equal(t, none.APIKey(), "")
	_, err = none.Export()
	fails(t, err, wandb.ErrArgument)
}

func TestExportImport(t *testing.T) {
	h := newHome(t)
	session := h.login([]string{"WANDB_API_KEY=" + key1})
	text, err := session.Export()
	if err != nil {
		t.Fatal(err)
	}
	copied, err := wandb.ImportSession(text)
	if err != nil {
		t.Fatal(err)
	}
	defer copied.Close()
	session.Close()
	equal(t, copied.APIKey(), key1)
	equal(t, copied.Source(), wandb.SourceEnvironment)
	equal(t, copied.SourceName(), "WANDB_API_KEY")
	for _, bad := range []string{"", "nonsense", string(text[:len(text)-1]), string(text) + "\x00"} {
		_, err := wandb.ImportSession([]byte(bad))
		fails(t, err, wandb.ErrArgument)
	}
}

func TestRefresh(t *testing.T) {
	h := newHome(t)
	session := h.login([]string{"WANDB_API_KEY=" + key1})
	fresh, err := session.Refresh(context.Background(), h.options([]string{"WANDB_API_KEY=" + key2})...)
	if err != nil {
		t.Fatal(err)
	}
	defer fresh.Close()
	equal(t, fresh.APIKey(), key2)
	equal(t, session.APIKey(), key1)
}

// Goroutines log in, use and close a shared session, while another one changes the
// environment.
func TestConcurrency(t *testing.T) {
	h := newHome(t)
	shared := h.login([]string{"WANDB_API_KEY=" + key1})
	stop := make(chan struct{})
	changing := sync.WaitGroup{}
	changing.Add(1)
	go func() {
		defer changing.Done()
		for i := 0; ; i++ {
			select {
			case <-stop:
				return
			default:
				os.Setenv("WANDB_GO_TEST", strconv.Itoa(i))
			}
		}
	}()
	var all sync.WaitGroup
	for i := range 64 {
		all.Add(1)
		go func() {
			defer all.Done()
			for round := range 8 {
				options := []wandb.Option{wandb.WithAPIKey(key1)}
				if i%2 == 1 {
					options = []wandb.Option{wandb.WithSession(shared), wandb.WithNoPrompt()}
				}
				session, err := wandb.Login(context.Background(), h.options(nil, options...)...)
				switch {
				case err == nil:
					equal(t, session.APIKey(), key1)
					session.Close()
				case i%2 == 1 && errors.Is(err, wandb.ErrArgument): // already closed
				default:
					t.Error(err)
				}
				if round == 4 && i >= 32 {
					shared.Close()
				}
				if got := shared.APIKey(); got != key1 && got != "" {
					t.Errorf("the shared session's key is %q", got)
				}
			}
		}()
	}
	all.Wait()
	close(stop)
	changing.Wait()
	equal(t, strings.Count(h.read("home/.netrc"), "machine"), 1)
}

// footprint returns the resident memory in bytes and the number of open files.
func footprint(t *testing.T) (memory, files int) {
	t.Helper()
	runtime.GC()
	runtime.GC()
	text, err := os.ReadFile("/proc/self/statm")
	if err != nil {
		t.Skip("there is no /proc") // not Linux
	}
	pages, err := strconv.Atoi(strings.Fields(string(text))[1])
	if err != nil {
		t.Fatal(err)
	}
	open, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		t.Fatal(err)
	}
	return pages * os.Getpagesize(), len(open)
}

func TestLoopDoesNotLeak(t *testing.T) {
	h := newHome(t)
	var log lines
	options := h.options([]string{"WANDB_API_KEY=" + key1}, wandb.WithBackend(func(s *wandb.Session) { s.Close() }))
	failing := h.options([]string{"WANDB_API_KEY=1"}, wandb.WithReferrer(strings.Repeat("x", 10_000)))
	loop := func(times int) {
		for i := range times {
			session, err := wandb.Login(context.Background(), options...)
			if err != nil {
				t.Fatal(err)
			}
			if i%2 == 0 { // the garbage collector closes the others
				session.Close()
			}
			if wandb.IsAPIKeyConfigured(context.Background(), failing...) {
				t.Fatal("a key of one character was accepted")
			}
		}
	}
	loop(1_000)
	memory, files := footprint(t)
	const times = 10_000
	loop(times)
	memoryAfter, filesAfter := footprint(t)
	equal(t, filesAfter, files)
	// A leak of the options would be 100 MB, one of the sessions 20 MB.
	if grown := memoryAfter - memory; grown > 8<<20 && !raceDetector {
		t.Errorf("%d logins grew the process by %d bytes", times, grown)
	}
	equal(t, log.String(), "")
}

// Logins, prompts and verification do not change Go's signal handlers.
func TestSignalHandlersAreUnchanged(t *testing.T) {
	h := newHome(t)
	h.login(nil, wandb.WithPrompt(func(context.Context, wandb.PromptRequest) (string, error) { return key1, nil }))
	for _, want := range []syscall.Signal{syscall.SIGUSR1, syscall.SIGINT, syscall.SIGTERM, syscall.SIGWINCH} {
		got := make(chan os.Signal, 1)
		signal.Notify(got, want)
		if err := syscall.Kill(os.Getpid(), want); err != nil {
			t.Fatal(err)
		}
		select {
		case received := <-got:
			equal(t, received, os.Signal(want))
		case <-time.After(time.Minute):
			t.Errorf("%v did not arrive", want)
		}
		signal.Stop(got)
	}
}
