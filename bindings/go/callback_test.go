package wandb_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"testing"
	"time"

	wandb "libwandb-login.invalid/wandb"
)

func TestPrompt(t *testing.T) {
	h := newHome(t)
	var asked []wandb.PromptRequest
	answers := []string{"short", strings.Repeat("3", 70_000), key1}
	ask := func(ctx context.Context, r wandb.PromptRequest) (string, error) {
		if _, ok := ctx.Deadline(); !ok {
			t.Error("the context of the prompt has no deadline")
		}
		asked = append(asked, r)
		return answers[len(asked)-1], nil
	}
	environ := []string{"WANDB_BASE_URL=https://wandb.corp.example"}
	options := h.options(environ, wandb.WithPrompt(ask), wandb.WithPromptTimeout(time.Hour))
	_, err := wandb.PromptAPIKey(context.Background(), options...)
	// The second answer is not a valid key.
	e := fails(t, err, wandb.ErrPrompt)
	equal(t, strings.Contains(e.Message, "too long"), true)

	answers = []string{"short", key1}
	asked = nil
	session, err := wandb.PromptAPIKey(context.Background(), options...)
	if err != nil {
		t.Fatal(err)
	}
	defer session.Close()
	equal(t, session.APIKey(), key1)
	if len(asked) != 2 {
		t.Fatalf("the prompt was called %d times", len(asked))
	}
	first, second := asked[0], asked[1]
	equal(t, first.Problem, "")
	equal(t, second.Problem, "API key must have 40+ characters, has 5.")
	second.Problem = ""
	equal(t, second, wandb.PromptRequest{
		Server:       "https://wandb.corp.example",
		ServerSource: "WANDB_BASE_URL",
		AuthorizeURL: "https://wandb.corp.example/authorize",
		SignupURL:    first.SignupURL,
		MayOffline:   true,
		Attempt:      2,
	})
}

// Without a terminal the error is ErrNotConfigured, but the function is called.
func TestPromptUseTerminal(t *testing.T) {
	h := newHome(t)
	asked := 0
	_, err := wandb.Login(context.Background(), h.options(nil, wandb.WithSilent(), wandb.WithPrompt(
		func(context.Context, wandb.PromptRequest) (string, error) {
			asked++
			return "", wandb.UseTerminal
		}))...)
	fails(t, err, wandb.ErrNotConfigured)
	equal(t, asked, 1)
}

func TestAnonymousInThePrompt(t *testing.T) {
	h := newHome(t)
	anonymous := wandb.WithPrompt(func(_ context.Context, r wandb.PromptRequest) (string, error) {
		equal(t, r.MayAnonymous, false)
		return "", wandb.UseAnonymous
	})
	_, err := wandb.Login(context.Background(), h.options(nil, anonymous)...)
	fails(t, err, wandb.ErrPrompt)
}

func TestLogAndBackend(t *testing.T) {
	h := newHome(t)
	var log lines
	var kept *wandb.Session
	session := h.login([]string{"WANDB_API_KEY=" + key1}, log.option(),
		wandb.WithBackend(func(s *wandb.Session) { kept = s }))
	if !strings.Contains(log.String(), "INFO [wandb.login()] Loaded credentials for "+cloud+" from WANDB_API_KEY") {
		t.Errorf("the log is %q", log.String())
	}
	if strings.Contains(log.String(), key1) {
		t.Error("the log contains the key")
	}
	session.Close()
	equal(t, kept.APIKey(), key1)
	equal(t, kept.Close(), nil)
}

type oddity struct{ int }

func TestPanic(t *testing.T) {
	h := newHome(t)
	blow := map[string]wandb.Option{
		"prompt": wandb.WithPrompt(func(context.Context, wandb.PromptRequest) (string, error) { panic(oddity{1}) }),
		"backend": wandb.WithBackend(func(s *wandb.Session) {
			s.Close()
			panic(oddity{1})
		}),
	}
	for name, option := range blow {
		t.Run(name, func(t *testing.T) {
			var environ []string
			if name != "prompt" {
				environ = []string{"WANDB_API_KEY=" + key1}
			}
			defer func() { equal(t, recover(), any(oddity{1})) }()
			wandb.Login(context.Background(), h.options(environ, option)...)
			t.Error("no panic")
		})
	}
	// The library still works.
	h.login([]string{"WANDB_API_KEY=" + key1})
}

// runtime.Goexit, which t.FailNow calls, must not unwind C frames.
func TestGoexit(t *testing.T) {
	h := newHome(t)
	returned, left := false, make(chan struct{})
	go func() {
		defer close(left)
		wandb.Login(context.Background(), h.options(nil, wandb.WithPrompt(
			func(context.Context, wandb.PromptRequest) (string, error) {
				runtime.Goexit()
				return "", nil
			}))...)
		returned = true
	}()
	<-left
	equal(t, returned, false)
	h.login([]string{"WANDB_API_KEY=" + key1})
}

// cancelled asserts that an error is a cancellation for this library and for
// package context.
func cancelled(t *testing.T, err, want error) {
	t.Helper()
	fails(t, err, wandb.ErrCancelled)
	if !errors.Is(err, want) {
		t.Errorf("%v is not %v", err, want)
	}
}

func TestContextThatHasEnded(t *testing.T) {
	h := newHome(t)
	ctx, cancel := context.WithCancelCause(context.Background())
	cancel(os.ErrProcessDone)
	_, err := wandb.Login(ctx, h.options(nil, wandb.WithAPIKey(key1))...)
	cancelled(t, err, context.Canceled)
	cancelled(t, err, os.ErrProcessDone)
	if _, err := os.Stat(h.path("home/.netrc")); err == nil {
		t.Error("a file was written")
	}
}

func TestContextEndsInPrompt(t *testing.T) {
	h := newHome(t)
	ctx, cancel := context.WithCancel(context.Background())
	_, err := wandb.Login(ctx, h.options(nil, wandb.WithPrompt(
		func(ctx context.Context, _ wandb.PromptRequest) (string, error) {
			cancel()
			<-ctx.Done()
			return "", ctx.Err()
		}))...)
	cancelled(t, err, context.Canceled)
}

func TestPromptTimeLimit(t *testing.T) {
	h := newHome(t)
	_, err := wandb.Login(context.Background(), h.options(nil, wandb.WithPromptTimeout(time.Millisecond), wandb.WithPrompt(
		func(ctx context.Context, _ wandb.PromptRequest) (string, error) {
			<-ctx.Done()
			return "", ctx.Err()
		}))...)
	e := fails(t, err, wandb.ErrPrompt)
	// The limit may pass before or after the function is called.
	if strings.Contains(e.Message, "callback") && !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("%v does not wrap the error of the prompt function", err)
	}
}

// The key file is a pipe without a writer.
func TestContextEndsAtAPipe(t *testing.T) {
	h := newHome(t)
	pipe := filepath.Join(h.base, "pipe")
	if err := syscall.Mkfifo(pipe, 0o600); err != nil {
		t.Fatal(err)
	}
	writer, err := os.OpenFile(pipe, os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer writer.Close()
	ctx, cancel := context.WithTimeout(context.Background(), 50*time.Millisecond)
	defer cancel()
	_, err = wandb.Login(ctx, h.options([]string{"WANDB_API_KEY_FILE=" + pipe})...)
	cancelled(t, err, context.DeadlineExceeded)
}

// Another process holds the lock of the netrc file.
func TestContextEndsAtALock(t *testing.T) {
	h := newHome(t)
	netrc, err := os.OpenFile(h.write("home/.netrc", ""), os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer netrc.Close()
	if err := syscall.Flock(int(netrc.Fd()), syscall.LOCK_EX); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(context.Background(), 50*time.Millisecond)
	defer cancel()
	_, err = wandb.Login(ctx, h.options(nil, wandb.WithAPIKey(key1))...)
	cancelled(t, err, context.DeadlineExceeded)
}
