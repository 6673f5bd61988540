package wandb

// #include "bridge.h"
import "C"

import (
	"context"
	"errors"
	"log/slog"
	"time"
)

// An Option changes the default of a call. If an option is given twice, the last one
// is used.
type Option func(*config)

type config struct {
	apiKey, host, referrer     string
	flags                      C.uint32_t
	anonymous                  Anonymous
	promptTimeout, httpTimeout time.Duration
	prompt                     func(context.Context, PromptRequest) (string, error)
	log                        func(slog.Level, string)
	backend                    func(*Session)
	session                    *Session
	environ                    []string
	dir                        string
}

func flag(bit C.uint32_t) Option {
	return func(c *config) { c.flags |= bit }
}

// WithAPIKey logs in with this key instead of every other source, and stores it
// where the next login finds it; see [WithNoSave].
func WithAPIKey(key string) Option { return func(c *config) { c.apiKey = key } }

// WithHost logs in to the server with this URL, such as https://wandb.example.com,
// and saves it in the system settings, as the Python SDK does. Default:
// WANDB_BASE_URL, then the settings files, then https://api.wandb.ai.
func WithHost(url string) Option { return func(c *config) { c.host = url } }

// WithCloud logs in to https://api.wandb.ai and ignores the configured server.
func WithCloud() Option { return flag(C.WANDB_LOGIN_CLOUD) }

// WithVerify verifies the credential with the server before storing it. Without it
// a login uses the network only for anonymous accounts and identity tokens.
func WithVerify() Option { return flag(C.WANDB_LOGIN_VERIFY) }

// WithRelogin prompts for a key even if one is configured.
func WithRelogin() Option { return flag(C.WANDB_LOGIN_RELOGIN) }

// WithForce does not offer "create an account" and "offline" in the prompt.
func WithForce() Option { return flag(C.WANDB_LOGIN_FORCE) }

// WithNoPrompt disables the prompt. If no credential is configured, the error is
// [ErrNotConfigured].
func WithNoPrompt() Option { return flag(C.WANDB_LOGIN_NO_PROMPT) }

// WithNoSave writes no file.
func WithNoSave() Option { return flag(C.WANDB_LOGIN_NO_SAVE) }

// WithSilent prints no information lines and does not prompt on the terminal.
// Warnings about the safety of a key are still printed. [WithLog] still receives
// every line.
func WithSilent() Option { return flag(C.WANDB_LOGIN_SILENT) }

// WithSDKOrder reads the netrc file before the settings files, as the Python SDK
// 0.30 and later do. The default is the order that W&B documents.
func WithSDKOrder() Option { return flag(C.WANDB_LOGIN_SDK_ORDER) }

// WithAllRanks prompts, writes and verifies on every rank of a distributed job. The
// default is rank 0 only.
func WithAllRanks() Option { return flag(C.WANDB_LOGIN_ALL_RANKS) }

// WithBareHost also stores the key for the host without the port, if the server has
// one. The Python SDK 0.22 and older look it up there; so do servers on other ports.
func WithBareHost() Option { return flag(C.WANDB_LOGIN_BARE_HOST) }

// WithReferrer sets ref= in the URL of the web page where the user gets a key.
func WithReferrer(name string) Option { return func(c *config) { c.referrer = name } }

// Anonymous selects whether an anonymous account may be used.
type Anonymous int32

const (
	AnonymousNever Anonymous = C.WANDB_LOGIN_ANONYMOUS_NEVER // the default
	AnonymousAllow Anonymous = C.WANDB_LOGIN_ANONYMOUS_ALLOW // offer one in the prompt
	AnonymousMust  Anonymous = C.WANDB_LOGIN_ANONYMOUS_MUST  // create one if no key is configured
)

// WithAnonymous selects whether an anonymous account may be used.
func WithAnonymous(a Anonymous) Option { return func(c *config) { c.anonymous = a } }

// WithPromptTimeout limits the time of the prompt. 0: WANDB_LOGIN_TIMEOUT, then the
// login_timeout setting, then no limit. Negative: no limit.
func WithPromptTimeout(limit time.Duration) Option {
	return func(c *config) { c.promptTimeout = limit }
}

// WithHTTPTimeout limits the time for the server's response. 0: WANDB_HTTP_TIMEOUT,
// then 10 s. The deadline of the context applies as well.
func WithHTTPTimeout(limit time.Duration) Option {
	return func(c *config) { c.httpTimeout = limit }
}

// PromptRequest is the argument of a [WithPrompt] function.
type PromptRequest struct {
	Server       string // URL of the server that the key is for
	ServerSource string // where that URL is configured, such as WANDB_BASE_URL
	AuthorizeURL string // web page where the user gets an API key
	SignupURL    string // web page where a new user creates an account
	MayOffline   bool   // whether ErrOffline is allowed
	MayAnonymous bool   // whether UseAnonymous is allowed
	Attempt      int    // counted from 1
	Problem      string // why the previous answer was not accepted, or ""
}

var (
	// UseTerminal is returned by a [WithPrompt] function to prompt on the terminal
	// instead.
	UseTerminal = errors.New("prompt on the terminal")
	// UseAnonymous is returned by a [WithPrompt] function to create an anonymous
	// account; see [PromptRequest].
	UseAnonymous = errors.New("use an anonymous account")
)

// WithPrompt prompts for a key with a function instead of the terminal. The function
// returns the key, or [ErrOffline], [UseTerminal] or [UseAnonymous]. Any other error
// aborts the login; the error of the call wraps it. If the key is not accepted, the
// function is called again with [PromptRequest].Problem set. Its context ends with
// that of the call or when the prompt times out; the call waits until it returns.
//
// This and all other functions passed as options are called one at a time, before
// the call returns, on a separate goroutine. If one panics or exits its goroutine,
// the call ends and does the same on the caller's goroutine.
func WithPrompt(prompt func(ctx context.Context, request PromptRequest) (key string, err error)) Option {
	return func(c *config) { c.prompt = prompt }
}

// WithLog receives the log lines instead of standard error. They contain no secrets.
// For a logger of package log/slog:
//
//	wandb.WithLog(func(level slog.Level, line string) { logger.Log(ctx, level, line) })
func WithLog(log func(level slog.Level, line string)) Option {
	return func(c *config) { c.log = log }
}

// WithBackend receives the session after every successful login, prompt and refresh,
// on every rank of a job. The function owns the session and must close it.
func WithBackend(backend func(*Session)) Option {
	return func(c *config) { c.backend = backend }
}

// WithSession reuses the credential of this session if it is for the same server.
func WithSession(s *Session) Option { return func(c *config) { c.session = s } }

// WithEnviron uses these "NAME=value" entries instead of [os.Environ]. The last entry
// of a name is used, as in [os/exec.Cmd]. nil: os.Environ.
func WithEnviron(environ []string) Option { return func(c *config) { c.environ = environ } }

// WithDir uses this working directory for the workspace settings and for relative
// paths instead of that of [os.Getwd].
func WithDir(dir string) Option { return func(c *config) { c.dir = dir } }
