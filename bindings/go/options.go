package wandb

// #include "bridge.h"
import "C"

import (
	"context"
	"errors"
	"log/slog"
	"time"
)

// An Option tells a call what to do other than the default. The same option
// given twice: the last one counts.
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

// WithAPIKey logs in with this key, before every other source, and stores it
// where the next login finds it; see [WithNoSave].
func WithAPIKey(key string) Option { return func(c *config) { c.apiKey = key } }

// WithHost logs in to the server of this address, such as
// https://wandb.example.com, and remembers it in the system settings, as the
// Python SDK does. Default: WANDB_BASE_URL, else the settings files, else
// https://api.wandb.ai.
func WithHost(url string) Option { return func(c *config) { c.host = url } }

// WithCloud logs in to https://api.wandb.ai, whatever is configured.
func WithCloud() Option { return flag(C.WANDB_LOGIN_CLOUD) }

// WithVerify checks the credential with the server, before it is stored.
// Without it a login does not touch the network, unless an anonymous account or
// an identity token needs the server.
func WithVerify() Option { return flag(C.WANDB_LOGIN_VERIFY) }

// WithRelogin asks for a key although one is configured.
func WithRelogin() Option { return flag(C.WANDB_LOGIN_RELOGIN) }

// WithForce offers neither "create an account" nor "offline" in the prompt.
func WithForce() Option { return flag(C.WANDB_LOGIN_FORCE) }

// WithNoPrompt never asks: [ErrNotConfigured] instead.
func WithNoPrompt() Option { return flag(C.WANDB_LOGIN_NO_PROMPT) }

// WithNoSave writes no file.
func WithNoSave() Option { return flag(C.WANDB_LOGIN_NO_SAVE) }

// WithSilent prints no information and does not ask on the terminal. Warnings
// that concern the safety of a key are still shown, and [WithLog] still gets
// every line.
func WithSilent() Option { return flag(C.WANDB_LOGIN_SILENT) }

// WithSDKOrder looks into netrc before the settings files, as the Python SDK
// 0.30 and later do. W&B documents the order without it.
func WithSDKOrder() Option { return flag(C.WANDB_LOGIN_SDK_ORDER) }

// WithAllRanks prompts, writes and verifies on every rank of a distributed job,
// not on rank 0 alone.
func WithAllRanks() Option { return flag(C.WANDB_LOGIN_ALL_RANKS) }

// WithReferrer names who sends the user to the web page where keys are made.
func WithReferrer(name string) Option { return func(c *config) { c.referrer = name } }

// Anonymous says whether an account without a name will do.
type Anonymous int32

const (
	AnonymousNever Anonymous = C.WANDB_LOGIN_ANONYMOUS_NEVER // the default
	AnonymousAllow Anonymous = C.WANDB_LOGIN_ANONYMOUS_ALLOW // if the user chooses it in the prompt
	AnonymousMust  Anonymous = C.WANDB_LOGIN_ANONYMOUS_MUST  // unless a key is configured
)

// WithAnonymous says whether an anonymous account will do.
func WithAnonymous(a Anonymous) Option { return func(c *config) { c.anonymous = a } }

// WithPromptTimeout limits how long a prompt may last. 0: as WANDB_LOGIN_TIMEOUT
// or the login_timeout setting say, else without limit. Negative: without limit.
func WithPromptTimeout(limit time.Duration) Option {
	return func(c *config) { c.promptTimeout = limit }
}

// WithHTTPTimeout limits how long the server may take. 0: WANDB_HTTP_TIMEOUT, else
// 10 s. The context's own deadline holds as well.
func WithHTTPTimeout(limit time.Duration) Option {
	return func(c *config) { c.httpTimeout = limit }
}

// PromptRequest is what a function given to [WithPrompt] is told.
type PromptRequest struct {
	Server       string // address of the server that the key is for
	ServerSource string // where that address came from, such as WANDB_BASE_URL
	AuthorizeURL string // web page where the user makes a key
	SignupURL    string // web page where the user makes an account first
	MayOffline   bool   // whether ErrOffline is on offer
	MayAnonymous bool   // whether UseAnonymous is on offer
	Attempt      int    // 1 for the first time, then counted up
	Problem      string // what was wrong with the answer before, or ""
}

var (
	// UseTerminal is returned by a function given to [WithPrompt] to have the
	// user asked on the terminal instead.
	UseTerminal = errors.New("ask on the terminal")
	// UseAnonymous is returned by a function given to [WithPrompt] to choose an
	// anonymous account; see [PromptRequest].
	UseAnonymous = errors.New("use an anonymous account")
)

// WithPrompt asks for a key in place of the terminal: a web page, a vault. ask
// returns the key, or [ErrOffline], [UseTerminal], [UseAnonymous], or another
// error to give up, which the call's own error then wraps. It is called again
// with what was wrong if the key is no good. Its context ends with the call's
// and at the prompt's time limit; the call waits for it to return.
//
// This and the other functions given to options are called one at a time,
// before the call returns, on a goroutine of their own. If one panics or exits
// its goroutine, the call ends, and does the same on the caller's goroutine.
func WithPrompt(ask func(ctx context.Context, request PromptRequest) (key string, err error)) Option {
	return func(c *config) { c.prompt = ask }
}

// WithLog takes the lines that would go to standard error; they never hold a
// secret. For a logger of package log/slog:
//
//	wandb.WithLog(func(level slog.Level, line string) { logger.Log(ctx, level, line) })
func WithLog(log func(level slog.Level, line string)) Option {
	return func(c *config) { c.log = log }
}

// WithBackend is called with the session after every successful login, prompt
// and refresh, on every rank of a job. It may keep the session, and closes it
// if it does not.
func WithBackend(use func(*Session)) Option { return func(c *config) { c.backend = use } }

// WithSession uses the credential of this session again if it is for the same
// server.
func WithSession(s *Session) Option { return func(c *config) { c.session = s } }

// WithEnviron uses these "NAME=value" entries in place of [os.Environ]; the last
// one of a name counts, as for [os/exec.Cmd]. nil: os.Environ.
func WithEnviron(environ []string) Option { return func(c *config) { c.environ = environ } }

// WithDir looks for the workspace settings in this directory in place of the
// one of [os.Getwd].
func WithDir(dir string) Option { return func(c *config) { c.dir = dir } }
