// Package wandb logs a program in to Weights & Biases, as wandb.login() of the
// Python SDK does:
//
//	session, err := wandb.Login(ctx)
//	switch {
//	case err == nil:
//		defer session.Close()
//		client = &http.Client{Transport: session.Transport(nil)}
//	case errors.Is(err, wandb.ErrOffline), errors.Is(err, wandb.ErrNotConfigured):
//		// Train without W&B.
//	default:
//		return err
//	}
//
// It finds the API key where the SDK finds it (options, environment, settings
// files, netrc), prompts the user if none is configured, and stores a key that was
// passed in or typed. Without [WithVerify] it uses the network only for anonymous
// accounts and identity tokens. In a distributed job only rank 0 prompts, writes
// and verifies.
//
// The package calls the C library libwandb_login. It needs cgo, and the library's
// header and pkg-config file; see README.md in this directory.
//
// A call uses the environment and the working directory of Go ([os.Environ],
// [os.Getwd]), so [os.Setenv] on another goroutine is not a data race. It ends when
// its context ends. The package installs no signal handlers. Ctrl-C at the terminal
// prompt is [ErrPrompt]. For signals from other processes use
// [os/signal.NotifyContext], so that the prompt can restore the terminal.
package wandb

// #include "bridge.h"
import "C"

import (
	"context"
	"encoding/json"
	"fmt"
	"sync"
)

// Login logs in: with the key of [WithAPIKey], otherwise with the first configured
// key, otherwise with a key from a prompt. If W&B is offline or disabled, the error
// is [ErrOffline]: train without W&B.
func Login(ctx context.Context, options ...Option) (*Session, error) {
	return open(ctx, options, func(o *C.wandb_login_options, s **C.wandb_login_session) C.wandb_login_status {
		return C.wandb_login(o, s)
	})
}

// PromptAPIKey prompts for a key without looking for a configured one, verifies it
// if [WithVerify] is set, and stores it.
func PromptAPIKey(ctx context.Context, options ...Option) (*Session, error) {
	return open(ctx, options, func(o *C.wandb_login_options, s **C.wandb_login_session) C.wandb_login_status {
		return C.wandb_prompt_api_key(o, s)
	})
}

// Check reports whether [Login] would find a well-formed credential without a
// prompt: nil if it would, [ErrNotConfigured] if none is configured, otherwise the
// error of the login. It ignores the W&B mode and never uses the network, prompts or
// writes.
func Check(ctx context.Context, options ...Option) error {
	return invoke(ctx, options, func(o *C.wandb_login_options) C.wandb_login_status {
		return C.wandb_login_check(o)
	})
}

// IsAPIKeyConfigured reports whether [Check] returns nil.
func IsAPIKeyConfigured(ctx context.Context, options ...Option) bool {
	return Check(ctx, options...) == nil
}

// Forget logs out: it removes what is stored for all names of the server. It keeps
// entries of other tools and the settings. If nothing is stored, it returns nil. The
// log names the sources that still have a credential, such as a variable.
func Forget(ctx context.Context, options ...Option) error {
	return invoke(ctx, options, func(o *C.wandb_login_options) C.wandb_login_status {
		return C.wandb_login_forget(o)
	})
}

// Explain reports which key [Login] would use and why, and the state of every other
// source. It never uses the network, prompts or writes.
func Explain(ctx context.Context, options ...Option) (*Report, error) {
	text, err := explain(ctx, options, C.WANDB_LOGIN_REPORT_JSON)
	if err != nil {
		return nil, err
	}
	report := new(Report)
	if err := json.Unmarshal([]byte(text), report); err != nil {
		return nil, &Error{Status: ErrInternal, Message: "the report of the library is not valid JSON", cause: err}
	}
	return report, nil
}

// ExplainText returns the report of [Explain] as text for a person.
func ExplainText(ctx context.Context, options ...Option) (string, error) {
	return explain(ctx, options, C.WANDB_LOGIN_REPORT_TEXT)
}

// Version returns the version of the loaded library, such as "0.2.0".
func Version() string { return C.GoString(C.wandb_login_version()) }

// Report is the result of [Explain]. Keys are masked.
type Report struct {
	Configured bool           `json:"configured"` // whether a login would find a credential
	Host       ReportHost     `json:"host"`
	Winner     string         `json:"winner"`  // source of the active credential, or ""
	Sources    []ReportSource `json:"sources"` // in lookup order
	Rank       *ReportRank    `json:"rank"`    // nil: not a distributed job
	Warnings   []string       `json:"warnings"`
}

// ReportHost is the server, and where its URL is configured.
type ReportHost struct {
	URL        string `json:"url"`
	Source     string `json:"source"` // option, cloud, environment, workspace_settings, system_settings or default
	SourceName string `json:"source_name"`
}

// ReportSource is the state of one source.
type ReportSource struct {
	Source     string `json:"source"`      // see [Source.String]
	SourceName string `json:"source_name"` // variable or path, or ""
	State      string `json:"state"`       // used, shadowed, absent, invalid or skipped
	Key        string `json:"key"`         // masked, or ""
	Problem    string `json:"problem"`
	Line       int    `json:"line"` // in the file, or 0
}

// ReportRank is the rank of this process in a distributed job.
type ReportRank struct {
	Index    int    `json:"index"`
	Size     int    `json:"size"`
	Variable string `json:"variable"` // variable that contains Index
}

// open calls a library function that returns a session.
func open(ctx context.Context, options []Option, run func(*C.wandb_login_options, **C.wandb_login_session) C.wandb_login_status) (*Session, error) {
	var handle *C.wandb_login_session
	// Frees the session if a callback's panic passes through here.
	defer func() { C.wandb_login_session_free(handle) }()
	err := invoke(ctx, options, func(o *C.wandb_login_options) C.wandb_login_status {
		return run(o, &handle)
	})
	if err != nil {
		return nil, err
	}
	session := adopt(handle)
	session.options = options
	handle = nil
	return session, nil
}

func explain(ctx context.Context, options []Option, format C.int32_t) (string, error) {
	var text *C.char
	defer func() { C.wandb_login_string_free(text) }()
	err := invoke(ctx, options, func(o *C.wandb_login_options) C.wandb_login_status {
		return C.wandb_login_explain(o, format, &text)
	})
	return C.GoString(text), err
}

// checkLibrary returns an error if the version of the loaded library does not fit
// the header that this package was compiled with.
var checkLibrary = sync.OnceValue(func() error {
	return compareVersions(C.WANDB_LOGIN_VERSION_NUMBER, uint32(C.wandb_login_version_number()))
})

func compareVersions(header, loaded uint32) error {
	if loaded >= header && loaded/10_000 == header/10_000 {
		return nil
	}
	version := func(n uint32) string { return fmt.Sprintf("%d.%d.%d", n/10_000, n/100%100, n%100) }
	return &Error{Status: ErrUnsupported, Message: fmt.Sprintf(
		"libwandb_login %s is loaded, but the program was built for %s: install that version or a later one with the same major number",
		version(loaded), version(header))}
}
