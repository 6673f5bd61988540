package wandb_test

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"syscall"
	"testing"
	"unicode"
	"unicode/utf8"

	wandb "libwandb-login.invalid/wandb"
)

// plain asserts that a text from a server is one line of UTF-8 without a secret.
func plain(t *testing.T, text string) {
	t.Helper()
	if !utf8.ValidString(text) || strings.ContainsFunc(text, unicode.IsControl) {
		t.Errorf("%q is not plain text", text)
	}
	if strings.Contains(text, key1) {
		t.Errorf("%q contains the key", text)
	}
}

// A server that repeats the key, or tries to control the terminal.
func TestHostileServer(t *testing.T) {
	evil := `x\u001b[2J\u0000\r\nwandb: done\u009b\u202e `
	bodies := map[string]string{
		"names":     strings.ReplaceAll(strings.ReplaceAll(viewer, "zoë", evil), "équipe", evil),
		"errors":    `{"errors": [{"message": "` + evil + key1 + `"}]}`,
		"bytes":     "\xff\xfe\x00" + key1 + "\x1b[2J",
		"deep":      strings.Repeat(`{"data":`, 120) + strings.Repeat("}", 120),
		"deeper":    strings.Repeat("[", 100000),
		"long":      `{"data": {"viewer": {"username": "` + strings.Repeat("x", 900000) + `"}}}`,
		"malformed": `{"data": {"viewer": {"username": "` + key1 + `", "email": "\ud800"}}}`,
	}
	for name, body := range bodies {
		for _, status := range []int{200, 302, 401, 500} {
			server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				w.Header().Set("Location", "https://other.example/"+key1)
				w.Header().Set("X-Key", r.Header.Get("Authorization"))
				w.WriteHeader(status)
				w.Write([]byte(body))
			}))
			var log lines
			h := newHome(t)
			session, err := wandb.Login(context.Background(), h.options(nil, log.option(),
				wandb.WithHost(server.URL), wandb.WithAPIKey(key1), wandb.WithVerify(), wandb.WithHTTPTimeout(1e9))...)
			server.Close()
			var e *wandb.Error
			switch {
			case err == nil:
				shown := append(session.Teams(), session.String(), session.Username(), session.Email(), session.Entity())
				for _, text := range shown {
					plain(t, text)
				}
				session.Close()
			case errors.As(err, &e):
				plain(t, e.Message)
			default:
				t.Errorf("%s: %v", name, err)
			}
			plain(t, strings.ReplaceAll(log.String(), "\n", " "))
		}
	}
}

// A session that was damaged on its way is refused, or is the same one.
func TestDamagedSession(t *testing.T) {
	h := newHome(t)
	session := h.login([]string{"WANDB_API_KEY=" + key1})
	text, err := session.Export()
	if err != nil {
		t.Fatal(err)
	}
	for i := range text {
		for _, change := range []byte{1, 32, 128, text[i]} {
			changed := append([]byte(nil), text...)
			changed[i] ^= change
			damaged, err := wandb.ImportSession(changed)
			if err != nil {
				plain(t, fails(t, err, wandb.ErrArgument).Message)
				continue
			}
			again, err := damaged.Export()
			if err != nil || string(again) != string(text) {
				t.Errorf("byte %d: %q is another session", i, changed)
			}
			damaged.Close()
		}
	}
}

// A closed standard input does not become a file of the library.
func TestClosedStandardInput(t *testing.T) {
	saved, err := syscall.Dup(0)
	if err != nil {
		t.Fatal(err)
	}
	defer syscall.Close(saved)
	h := newHome(t)
	syscall.Close(0)
	session, err := wandb.Login(context.Background(), h.options(nil, wandb.WithAPIKey(key1))...)
	_, open := os.Lstat("/proc/self/fd/0")
	if err := syscall.Dup2(saved, 0); err != nil {
		t.Fatal(err)
	}
	if err != nil {
		t.Fatal(err)
	}
	session.Close()
	if open == nil {
		t.Error("descriptor 0 was left open")
	}
	equal(t, strings.Contains(h.read("home/.netrc"), key1), true)
}
