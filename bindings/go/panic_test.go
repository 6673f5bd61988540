//go:build wandb_login_panic_test

package wandb

import (
	"context"
	"errors"
	"log/slog"
	"runtime"
	"strings"
	"sync"
	"testing"
)

// A panic in the library is an error, and the Go runtime continues.
func TestPanicOfTheLibrary(t *testing.T) {
	key := strings.Repeat("1", 40)
	ctx := context.Background()
	sessions := make(chan *Session)
	options := []Option{
		WithEnviron([]string{"HOME=" + t.TempDir(), "WANDB_API_KEY=" + key}),
		WithDir(t.TempDir()),
		WithNoPrompt(),
		WithLog(func(slog.Level, string) {}),
		WithBackend(func(s *Session) { sessions <- s }),
	}
	var all sync.WaitGroup
	for range 64 {
		all.Add(2)
		// Two goroutines that wait for each other, with garbage collection.
		go func() {
			defer all.Done()
			err := callPanicking(ctx, options...)
			var e *Error
			if !errors.Is(err, ErrInternal) || !errors.As(err, &e) || e.Status != -99 ||
				!strings.Contains(e.Message, "internal error in libwandb_login") {
				t.Errorf("got %v", err)
			}
			runtime.GC()
			session, err := Login(ctx, options...)
			if err != nil {
				t.Error(err)
				sessions <- nil
				return
			}
			if session.APIKey() != key {
				t.Error("another key")
			}
			session.Close()
		}()
		go func() {
			defer all.Done()
			if lent := <-sessions; lent != nil && lent.APIKey() != key {
				t.Error("another key in the callback")
			}
		}()
	}
	all.Wait()

	// This library is built without HTTP, which is another error.
	_, err := Login(ctx, append(options, WithVerify())...)
	if !errors.Is(err, ErrUnsupported) {
		t.Errorf("got %v", err)
	}
}
