package main

import (
	"context"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"testing"
)

// isolate sets an environment without a login.
func isolate(t *testing.T, environ ...string) {
	for _, entry := range os.Environ() {
		if name, _, _ := strings.Cut(entry, "="); strings.HasPrefix(name, "WANDB_") {
			t.Setenv(name, "")
		}
	}
	home := t.TempDir()
	t.Setenv("HOME", home)
	t.Chdir(home)
	for _, entry := range environ {
		name, value, _ := strings.Cut(entry, "=")
		t.Setenv(name, value)
	}
}

func TestTrain(t *testing.T) {
	key := strings.Repeat("1", 40)
	var losses []float64
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		user, password, _ := r.BasicAuth()
		if user != "api" || password != key {
			http.Error(w, "who are you?", http.StatusUnauthorized)
			return
		}
		var metrics struct{ Loss float64 }
		if err := json.NewDecoder(r.Body).Decode(&metrics); err != nil {
			t.Error(err)
		}
		losses = append(losses, metrics.Loss)
	}))
	defer server.Close()
	isolate(t, "WANDB_API_KEY="+key, "WANDB_BASE_URL="+server.URL)
	if err := run(context.Background()); err != nil {
		t.Fatal(err)
	}
	if len(losses) != 5 {
		t.Fatalf("the server received %v", losses)
	}
	// The noise alone is 0.01.
	if last := losses[4]; losses[0] < 10*last || last > 0.02 {
		t.Errorf("the loss does not decrease: %v", losses)
	}

	t.Setenv("WANDB_API_KEY", strings.Repeat("2", 40))
	if err := run(context.Background()); err == nil || !strings.Contains(err.Error(), "401") {
		t.Errorf("a wrong key returns %v", err)
	}
}

func TestOffline(t *testing.T) {
	isolate(t, "WANDB_MODE=offline")
	if err := run(context.Background()); err != nil {
		t.Error(err)
	}
}

func TestNotLoggedIn(t *testing.T) {
	isolate(t, "WANDB_SILENT=true")
	if err := run(context.Background()); err == nil {
		t.Error("run succeeded without a key")
	}
}
