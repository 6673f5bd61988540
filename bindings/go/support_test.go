package wandb_test

import (
	"context"
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	wandb "libwandb-login.invalid/wandb"
)

// Keys for the tests.
var (
	key1 = strings.Repeat("1", 40)
	key2 = strings.Repeat("2", 40)
)

// home is a new home directory and working directory for a test.
type home struct {
	t    *testing.T
	base string
}

func newHome(t *testing.T) home {
	t.Helper()
	h := home{t, t.TempDir()}
	for _, name := range []string{"home", "cwd"} {
		if err := os.Mkdir(filepath.Join(h.base, name), 0o700); err != nil {
			t.Fatal(err)
		}
	}
	return h
}

func (h home) path(name string) string { return filepath.Join(h.base, name) }

// write creates a file such as home/.netrc and returns its path.
func (h home) write(name, text string) string {
	h.t.Helper()
	path := h.path(name)
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		h.t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		h.t.Fatal(err)
	}
	return path
}

func (h home) read(name string) string {
	h.t.Helper()
	text, err := os.ReadFile(h.path(name))
	if err != nil {
		h.t.Fatal(err)
	}
	return string(text)
}

// options returns options that select this home and discard log lines, followed by
// those of the test.
func (h home) options(environ []string, options ...wandb.Option) []wandb.Option {
	return append([]wandb.Option{
		wandb.WithEnviron(append([]string{"HOME=" + h.path("home")}, environ...)),
		wandb.WithDir(h.path("cwd")),
		wandb.WithLog(func(slog.Level, string) {}),
	}, options...)
}

// login logs in with these options, and must succeed.
func (h home) login(environ []string, options ...wandb.Option) *wandb.Session {
	h.t.Helper()
	session, err := wandb.Login(context.Background(), h.options(environ, options...)...)
	if err != nil {
		h.t.Fatal(err)
	}
	h.t.Cleanup(func() { session.Close() })
	return session
}

// fails asserts that an error is an *Error with this status.
func fails(t *testing.T, err error, want wandb.Status) *wandb.Error {
	t.Helper()
	var e *wandb.Error
	if !errors.As(err, &e) {
		t.Fatalf("got %v, want an *Error with %q", err, want)
	}
	if !errors.Is(err, want) || e.Status != want {
		t.Fatalf("got status %d (%v), want %q", e.Status, err, want)
	}
	if e.Message == "" {
		t.Errorf("the error has no message")
	}
	return e
}

// equal asserts that two values are equal.
func equal[T comparable](t *testing.T, got, want T) {
	t.Helper()
	if got != want {
		t.Errorf("got %v, want %v", got, want)
	}
}

// lines collects the log lines of a call.
type lines struct {
	mu   sync.Mutex
	text []string
}

func (l *lines) option() wandb.Option {
	return wandb.WithLog(func(level slog.Level, line string) {
		l.mu.Lock()
		defer l.mu.Unlock()
		l.text = append(l.text, level.String()+" "+line)
	})
}

func (l *lines) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return strings.Join(l.text, "\n")
}
