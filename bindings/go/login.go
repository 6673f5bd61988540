// Package wandb logs a program in to Weights & Biases, as wandb.login() of the
// Python SDK does:
//
//	session, err := wandb.Login(ctx)
//	if err != nil {
//		return err
//	}
//	defer session.Close()
//	client := &http.Client{Transport: session.Transport(nil)}
//
// It finds the API key where the SDK finds it (options, environment, settings
// files, netrc), asks for it where a human is, and stores a key that was given
// or typed. Without [WithVerify] it does not touch the network. In a distributed
// job only rank 0 prompts, writes and verifies.
//
// The package is a thin face of libwandb_login, a C library: cgo is needed, and
// the library's header and pkg-config file; see the README beside it.
//
// The calls read the environment and the working directory as Go knows them, not
// C's, so that [os.Setenv] on another goroutine is no race. They end when their
// context ends. Signals stay Go's own: at the terminal prompt Ctrl-C is an
// [ErrPrompt]; for signals that come from outside, use
// [os/signal.NotifyContext], so that the prompt can give the terminal back.
package wandb

// #include "bridge.h"
import "C"

import (
	"context"
	"encoding/json"
	"fmt"
	"sync"
)

// Login logs in: with the key of [WithAPIKey], else with the first one that is
// configured, else with one that a human is asked for. In mode offline or
// disabled the error is [ErrOffline]: train without W&B.
func Login(ctx context.Context, options ...Option) (*Session, error) {
	return open(ctx, options, func(o *C.wandb_login_options, s **C.wandb_login_session) C.wandb_login_status {
		return C.wandb_login(o, s)
	})
}

// PromptAPIKey asks for a key without looking for one first, then checks it,
// verifies it with [WithVerify], and stores it.
func PromptAPIKey(ctx context.Context, options ...Option) (*Session, error) {
	return open(ctx, options, func(o *C.wandb_login_options, s **C.wandb_login_session) C.wandb_login_status {
		return C.wandb_prompt_api_key(o, s)
	})
}

// Check tells whether [Login] would find a well-formed credential without asking
// anybody, whatever the mode: nil if so, [ErrNotConfigured] if there is none, or
// the error that the login would end with. It never uses the network, prompts or
// writes.
func Check(ctx context.Context, options ...Option) error {
	return invoke(ctx, options, func(o *C.wandb_login_options) C.wandb_login_status {
		return C.wandb_login_check(o)
	})
}

// IsAPIKeyConfigured tells whether [Check] finds nothing wrong.
func IsAPIKeyConfigured(ctx context.Context, options ...Option) bool {
	return Check(ctx, options...) == nil
}

// Forget logs out: it removes what is stored for the server, under all its
// names. Entries of other tools and settings stay. That nothing was stored is no
// error; the log says what still logs in, such as a variable.
func Forget(ctx context.Context, options ...Option) error {
	return invoke(ctx, options, func(o *C.wandb_login_options) C.wandb_login_status {
		return C.wandb_login_forget(o)
	})
}

// Explain says which key [Login] would use and why, and what became of every
// other source. It never uses the network, prompts or writes.
func Explain(ctx context.Context, options ...Option) (*Report, error) {
	text, err := explain(ctx, options, C.WANDB_LOGIN_REPORT_JSON)
	if err != nil {
		return nil, err
	}
	report := new(Report)
	if err := json.Unmarshal([]byte(text), report); err != nil {
		return nil, &Error{Status: ErrInternal, Message: "the library's report is no report", cause: err}
	}
	return report, nil
}

// ExplainText is [Explain] in a form for a person.
func ExplainText(ctx context.Context, options ...Option) (string, error) {
	return explain(ctx, options, C.WANDB_LOGIN_REPORT_TEXT)
}

// Version is the version of the library that is loaded, such as "0.1.0".
func Version() string { return C.GoString(C.wandb_login_version()) }

// Report is what [Explain] found. Keys are masked.
type Report struct {
	Configured bool           `json:"configured"` // whether a login would find a credential
	Host       ReportHost     `json:"host"`
	Winner     string         `json:"winner"`  // Source of the credential in force, or ""
	Sources    []ReportSource `json:"sources"` // in the order in which they are looked at
	Rank       *ReportRank    `json:"rank"`    // nil: not one of several processes
	Warnings   []string       `json:"warnings"`
}

// ReportHost is the server, and where its address came from.
type ReportHost struct {
	URL        string `json:"url"`
	Source     string `json:"source"` // option, cloud, environment, workspace_settings, system_settings or default
	SourceName string `json:"source_name"`
}

// ReportSource is what became of one source.
type ReportSource struct {
	Source     string `json:"source"`      // as [Source.String]
	SourceName string `json:"source_name"` // variable or path, or ""
	State      string `json:"state"`       // used, shadowed, absent, invalid or skipped
	Key        string `json:"key"`         // masked, or ""
	Problem    string `json:"problem"`
	Line       int    `json:"line"` // in the file, or 0
}

// ReportRank is this process's place in its job.
type ReportRank struct {
	Index    int    `json:"index"`
	Size     int    `json:"size"`
	Variable string `json:"variable"` // the one that holds Index
}

// open runs a function that gives a session.
func open(ctx context.Context, options []Option, run func(*C.wandb_login_options, **C.wandb_login_session) C.wandb_login_status) (*Session, error) {
	var handle *C.wandb_login_session
	// Ours to free if a callback's panic passes through here.
	defer func() { C.wandb_login_session_free(handle) }()
	err := invoke(ctx, options, func(o *C.wandb_login_options) C.wandb_login_status {
		return run(o, &handle)
	})
	if err != nil {
		return nil, err
	}
	session := adopt(handle)
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

// checkLibrary is the error for a loaded library that does not go with the
// header that this package was built with.
var checkLibrary = sync.OnceValue(func() error {
	return compareVersions(C.WANDB_LOGIN_VERSION_NUMBER, uint32(C.wandb_login_version_number()))
})

func compareVersions(header, loaded uint32) error {
	if loaded >= header && loaded/10_000 == header/10_000 {
		return nil
	}
	text := func(n uint32) string { return fmt.Sprintf("%d.%d.%d", n/10_000, n/100%100, n%100) }
	return &Error{Status: ErrUnsupported, Message: fmt.Sprintf(
		"the libwandb_login that is loaded is version %s, but the program was built for %s: install that version or a later one of the same major number",
		text(loaded), text(header))}
}
