package wandb_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	wandb "libwandb-login.invalid/wandb"
)

const cloud = "https://api.wandb.ai"

func TestEachSource(t *testing.T) {
	type expected struct {
		source wandb.Source
		name   string // "/…": a path in the home of the test
		saved  bool
	}
	tests := map[string]struct {
		prepare func(h home) (environ []string, options []wandb.Option)
		want    expected
	}{
		"explicit": {
			func(h home) ([]string, []wandb.Option) { return nil, []wandb.Option{wandb.WithAPIKey(key1)} },
			expected{wandb.SourceExplicit, "", true},
		},
		"explicit, not saved": {
			func(h home) ([]string, []wandb.Option) {
				return nil, []wandb.Option{wandb.WithAPIKey(key1), wandb.WithNoSave()}
			},
			expected{wandb.SourceExplicit, "", false},
		},
		"session": {
			func(h home) ([]string, []wandb.Option) {
				other := newHome(h.t).login([]string{"WANDB_API_KEY=" + key1})
				return []string{"WANDB_API_KEY=" + key2}, []wandb.Option{wandb.WithSession(other)}
			},
			expected{wandb.SourceSession, "WANDB_API_KEY", false},
		},
		"environment": {
			func(h home) ([]string, []wandb.Option) { return []string{"WANDB_API_KEY=" + key1}, nil },
			expected{wandb.SourceEnvironment, "WANDB_API_KEY", false},
		},
		"the last entry of a name is used": {
			func(h home) ([]string, []wandb.Option) {
				return []string{"WANDB_API_KEY=" + key2, "WANDB_API_KEY=" + key1}, nil
			},
			expected{wandb.SourceEnvironment, "WANDB_API_KEY", false},
		},
		"key file": {
			func(h home) ([]string, []wandb.Option) {
				return []string{"WANDB_API_KEY_FILE=" + h.write("secret", key1+"\n")}, nil
			},
			expected{wandb.SourceKeyFile, "/secret", false},
		},
		"system settings": {
			func(h home) ([]string, []wandb.Option) {
				h.write("home/.config/wandb/settings", "[default]\napi_key = "+key1+"\n")
				return nil, nil
			},
			expected{wandb.SourceSettings, "/home/.config/wandb/settings", true},
		},
		"workspace settings": {
			func(h home) ([]string, []wandb.Option) {
				h.write("cwd/wandb/settings", "[default]\napi_key = "+key1+"\n")
				return nil, nil
			},
			expected{wandb.SourceSettings, "/cwd/wandb/settings", true},
		},
		"netrc": {
			func(h home) ([]string, []wandb.Option) {
				h.write("home/.netrc", "machine api.wandb.ai login user password "+key1+"\n")
				return nil, nil
			},
			expected{wandb.SourceNetrc, "/home/.netrc", true},
		},
		"netrc before settings": {
			func(h home) ([]string, []wandb.Option) {
				h.write("home/.netrc", "machine api.wandb.ai login user password "+key1+"\n")
				h.write("home/.config/wandb/settings", "[default]\napi_key = "+key2+"\n")
				return nil, []wandb.Option{wandb.WithSDKOrder()}
			},
			expected{wandb.SourceNetrc, "/home/.netrc", true},
		},
		"prompt": {
			func(h home) ([]string, []wandb.Option) {
				ask := func(context.Context, wandb.PromptRequest) (string, error) { return key1, nil }
				return nil, []wandb.Option{wandb.WithPrompt(ask)}
			},
			expected{wandb.SourcePrompt, "", true},
		},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			h := newHome(t)
			environ, options := test.prepare(h)
			session := h.login(environ, options...)
			got := expected{session.Source(), session.SourceName(), session.Saved()}
			if path, ok := strings.CutPrefix(got.name, h.base); ok {
				got.name = path
			}
			equal(t, got, test.want)
			equal(t, session.APIKey(), key1)
			equal(t, session.BaseURL(), cloud)
			equal(t, strings.HasPrefix(session.AppURL(), "https://"), true)
			equal(t, session.Verified(), false)
			equal(t, session.ExpiresAt(), time.Time{})
			netrc, err := os.ReadFile(h.path("home/.netrc"))
			stored := err == nil && strings.Contains(string(netrc), key1)
			equal(t, stored, test.want.saved && test.want.source != wandb.SourceSettings)
		})
	}
}

// By default the environment and the directory are those of Go.
func TestProcessEnvironment(t *testing.T) {
	h := newHome(t)
	h.write("cwd/wandb/settings", "[default]\nbase_url = https://wandb.corp.example\napi_key = "+key2+"\n")
	t.Chdir(h.path("cwd"))
	for _, entry := range os.Environ() {
		if name, _, _ := strings.Cut(entry, "="); strings.HasPrefix(name, "WANDB_") {
			t.Setenv(name, "")
		}
	}
	t.Setenv("HOME", h.path("home"))
	session, err := wandb.Login(context.Background(), wandb.WithNoPrompt(), wandb.WithSilent())
	if err != nil {
		t.Fatal(err)
	}
	defer session.Close()
	equal(t, session.APIKey(), key2)
	equal(t, session.BaseURL(), "https://wandb.corp.example")
}

func TestHostAndFlags(t *testing.T) {
	h := newHome(t)
	session := h.login(nil, wandb.WithHost("https://WANDB.corp.example:443/"), wandb.WithAPIKey(key1))
	equal(t, session.BaseURL(), "https://wandb.corp.example")
	settings := h.read("home/.config/wandb/settings")
	if !strings.Contains(settings, "base_url = https://wandb.corp.example") {
		t.Errorf("the server is not saved: %q", settings)
	}
	environ := []string{"WANDB_BASE_URL=https://wandb.corp.example"}
	session = h.login(environ, wandb.WithCloud(), wandb.WithAPIKey(key2))
	equal(t, session.BaseURL(), cloud)
	// Rank 1 saves only with WithAllRanks.
	environ = []string{"RANK=1", "WORLD_SIZE=2"}
	equal(t, h.login(environ, wandb.WithAPIKey(key1)).Saved(), false)
	equal(t, h.login(environ, wandb.WithAPIKey(key1), wandb.WithAllRanks()).Saved(), true)
	h.login(nil, wandb.WithHost("https://old.example:8443"), wandb.WithAPIKey(key1), wandb.WithBareHost())
	if netrc := h.read("home/.netrc"); !strings.Contains(netrc, "machine old.example\n") {
		t.Errorf("the key is not stored for the bare host: %q", netrc)
	}
}

func TestErrors(t *testing.T) {
	ctx := context.Background()
	h := newHome(t)
	one := "WANDB_API_KEY=" + key1
	giveUp := wandb.WithPrompt(func(context.Context, wandb.PromptRequest) (string, error) {
		return "", os.ErrPermission
	})
	offline := wandb.WithPrompt(func(context.Context, wandb.PromptRequest) (string, error) {
		return "", wandb.ErrOffline
	})
	closed := h.login([]string{one})
	closed.Close()
	tests := map[string]struct {
		environ []string
		options []wandb.Option
		want    wandb.Status
	}{
		"nothing":             {nil, nil, wandb.ErrNotConfigured},
		"mode":                {[]string{"WANDB_MODE=offline", one}, nil, wandb.ErrOffline},
		"chosen":              {nil, []wandb.Option{offline}, wandb.ErrOffline},
		"chosen, not allowed": {nil, []wandb.Option{offline, wandb.WithForce()}, wandb.ErrPrompt},
		"host and cloud":      {nil, []wandb.Option{wandb.WithHost(cloud), wandb.WithCloud()}, wandb.ErrArgument},
		"host":                {nil, []wandb.Option{wandb.WithHost("wandb.example.com")}, wandb.ErrArgument},
		"NUL":                 {nil, []wandb.Option{wandb.WithAPIKey(key1 + "\x00")}, wandb.ErrArgument},
		"NUL in environment":  {[]string{"A=\x00"}, nil, wandb.ErrArgument},
		"not UTF-8":           {nil, []wandb.Option{wandb.WithReferrer("\xff")}, wandb.ErrArgument},
		"anonymous":           {nil, []wandb.Option{wandb.WithAnonymous(3)}, wandb.ErrArgument},
		"HTTP timeout":        {nil, []wandb.Option{wandb.WithHTTPTimeout(-1)}, wandb.ErrArgument},
		"closed session":      {nil, []wandb.Option{wandb.WithSession(closed)}, wandb.ErrArgument},
		"short key":           {[]string{"WANDB_API_KEY=123"}, nil, wandb.ErrCredentials},
		"two variables":       {[]string{one, "WANDB_IDENTITY_TOKEN_FILE=/x"}, nil, wandb.ErrCredentials},
		"prompt gave up":      {nil, []wandb.Option{giveUp}, wandb.ErrPrompt},
		"relogin without asking": {[]string{one}, []wandb.Option{wandb.WithRelogin(), wandb.WithNoPrompt()},
			wandb.ErrNotConfigured},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			session, err := wandb.Login(ctx, h.options(test.environ, test.options...)...)
			e := fails(t, err, test.want)
			if session != nil {
				t.Error("there is a session in spite of the error")
			}
			if strings.Contains(err.Error(), key1) || strings.Contains(e.Message, "\x00") {
				t.Errorf("the error contains a secret: %v", err)
			}
			equal(t, test.want.Error() != "unknown status", true)
		})
	}
	_, err := wandb.Login(ctx, h.options(nil, giveUp)...)
	if !errors.Is(err, os.ErrPermission) {
		t.Errorf("%v does not wrap the error of the prompt function", err)
	}
	_, err = wandb.PromptAPIKey(ctx, h.options(nil, wandb.WithAPIKey(key1))...)
	fails(t, err, wandb.ErrArgument)
}

func TestForgetCannotWrite(t *testing.T) {
	h := newHome(t)
	h.login(nil, wandb.WithAPIKey(key1))
	if err := os.Chmod(h.path("home/.netrc"), 0o400); err != nil {
		t.Fatal(err)
	}
	err := wandb.Forget(context.Background(), h.options(nil)...)
	fails(t, err, wandb.ErrStore)
}

func TestCheckAndForget(t *testing.T) {
	ctx := context.Background()
	h := newHome(t)
	options := h.options(nil)
	fails(t, wandb.Check(ctx, options...), wandb.ErrNotConfigured)
	equal(t, wandb.IsAPIKeyConfigured(ctx, options...), false)
	h.login(nil, wandb.WithAPIKey(key1))
	equal(t, wandb.Check(ctx, options...), nil)
	equal(t, wandb.IsAPIKeyConfigured(ctx, options...), true)
	equal(t, wandb.Forget(ctx, options...), nil)
	equal(t, wandb.IsAPIKeyConfigured(ctx, options...), false)
	equal(t, wandb.Forget(ctx, options...), nil)
}

func TestExplain(t *testing.T) {
	ctx := context.Background()
	h := newHome(t)
	netrc := h.write("home/.netrc", "machine api.wandb.ai login user password "+strings.Repeat("2", 36)+"beef\n")
	options := h.options([]string{"WANDB_API_KEY=" + strings.Repeat("1", 36) + "cafe", "RANK=1", "WORLD_SIZE=2"})
	report, err := wandb.Explain(ctx, options...)
	if err != nil {
		t.Fatal(err)
	}
	equal(t, report.Configured, true)
	equal(t, report.Winner, wandb.SourceEnvironment.String())
	equal(t, report.Host, wandb.ReportHost{URL: cloud, Source: "default"})
	equal(t, *report.Rank, wandb.ReportRank{Index: 1, Size: 2, Variable: "RANK"})
	of := func(name string) wandb.ReportSource {
		i := slices.IndexFunc(report.Sources, func(s wandb.ReportSource) bool { return s.Source == name })
		if i < 0 {
			t.Fatalf("the report does not contain %s", name)
		}
		return report.Sources[i]
	}
	equal(t, of("environment").State, "used")
	equal(t, of("environment").SourceName, "WANDB_API_KEY")
	lost := of("netrc")
	equal(t, lost.State, "shadowed")
	equal(t, lost.SourceName, netrc)
	equal(t, strings.HasSuffix(lost.Key, "beef"), true)
	equal(t, of("settings").State, "absent")

	text, err := wandb.ExplainText(ctx, options...)
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"WANDB_API_KEY", netrc, cloud} {
		if !strings.Contains(text, want) {
			t.Errorf("the text does not name %s:\n%s", want, text)
		}
	}
	if strings.Contains(text, strings.Repeat("1", 36)) {
		t.Errorf("the text contains the key:\n%s", text)
	}
	_, err = wandb.Explain(ctx, h.options(nil, wandb.WithHost("nonsense"))...)
	fails(t, err, wandb.ErrArgument)
}

func TestNonASCII(t *testing.T) {
	h := newHome(t)
	folder := h.path("Übung 学習")
	if err := os.MkdirAll(filepath.Join(folder, "wandb"), 0o700); err != nil {
		t.Fatal(err)
	}
	settings := h.write("Übung 学習/wandb/settings", "[default]\napi_key = "+key1+"\n")
	session := h.login(nil, wandb.WithDir(folder))
	equal(t, session.SourceName(), settings)

	var asked wandb.PromptRequest
	h.login(nil, wandb.WithReferrer("Grüße"), wandb.WithPrompt(
		func(_ context.Context, r wandb.PromptRequest) (string, error) {
			asked = r
			return key2, nil
		}))
	equal(t, strings.Contains(asked.AuthorizeURL, "ref=Gr%C3%BC%C3%9Fe"), true)
	_, err := wandb.Login(context.Background(), h.options(nil, wandb.WithAPIKey(strings.Repeat("ключ", 20)))...)
	fails(t, err, wandb.ErrCredentials)
}
