package wandb

// #include "bridge.h"
import "C"

import (
	"context"
	"errors"
	"fmt"
)

// Status says what kind of failure an [Error] is. The constants below are errors
// themselves, to be found in a chain with [errors.Is]:
//
//	if errors.Is(err, wandb.ErrNotConfigured) { … }
//
// Later versions of the library may return others.
type Status int32

const (
	// ErrOffline: nothing was done, because WANDB_MODE or the mode setting is
	// offline, dryrun or disabled, or because the user chose so. Train without
	// W&B. A function given to [WithPrompt] returns it to choose so.
	ErrOffline Status = C.WANDB_LOGIN_STATUS_OFFLINE
	// ErrNotConfigured: no credential was found, and asking is not possible or
	// not allowed.
	ErrNotConfigured Status = C.WANDB_LOGIN_STATUS_NOT_CONFIGURED
	// ErrArgument: an option is wrong.
	ErrArgument Status = C.WANDB_LOGIN_STATUS_ERR_ARGUMENT
	// ErrCredentials: a variable, a file or a key is set but malformed, in
	// conflict with another, or not meant for this server.
	ErrCredentials Status = C.WANDB_LOGIN_STATUS_ERR_CREDENTIALS
	// ErrRejected: the server does not accept the credential.
	ErrRejected Status = C.WANDB_LOGIN_STATUS_ERR_REJECTED
	// ErrNetwork: the server cannot be reached.
	ErrNetwork Status = C.WANDB_LOGIN_STATUS_ERR_NETWORK
	// ErrPrompt: the prompt timed out or was interrupted, its function failed,
	// or a prompt is already open in this process.
	ErrPrompt Status = C.WANDB_LOGIN_STATUS_ERR_PROMPT
	// ErrStore: [Forget] could not write.
	ErrStore Status = C.WANDB_LOGIN_STATUS_ERR_STORE
	// ErrTLS: the server's certificate is not trusted, or it does not speak TLS.
	ErrTLS Status = C.WANDB_LOGIN_STATUS_ERR_TLS
	// ErrTimeout: the server did not answer in time.
	ErrTimeout Status = C.WANDB_LOGIN_STATUS_ERR_TIMEOUT
	// ErrProxy: the proxy refused, or is of a kind that is not supported.
	ErrProxy Status = C.WANDB_LOGIN_STATUS_ERR_PROXY
	// ErrServer: the server answered, but not as W&B's server does.
	ErrServer Status = C.WANDB_LOGIN_STATUS_ERR_SERVER
	// ErrCancelled: the context ended first. The error is ctx.Err(), too.
	ErrCancelled Status = C.WANDB_LOGIN_STATUS_ERR_CANCELLED
	// ErrUnsupported: the library that is loaded leaves out what was asked for,
	// or is not of a version that this package works with.
	ErrUnsupported Status = C.WANDB_LOGIN_STATUS_ERR_UNSUPPORTED
	// ErrInternal: a bug of the library, caught; please report it.
	ErrInternal Status = C.WANDB_LOGIN_STATUS_ERR_INTERNAL
)

// Error says in a few words what the status means.
func (s Status) Error() string {
	return C.GoString(C.wandb_login_status_string(C.int32_t(s)))
}

// Error is what the functions of this package return when they fail. None of
// its texts holds a secret.
type Error struct {
	Status  Status
	Message string // one sentence
	cause   error  // the context's error, or that of a prompt function
}

func (e *Error) Error() string { return "wandb: " + e.Message }

// Unwrap gives the status, and what this error came from if anything.
func (e *Error) Unwrap() []error {
	if e.cause == nil {
		return []error{e.Status}
	}
	return []error{e.Status, e.cause}
}

func argumentError(format string, args ...any) error {
	return &Error{Status: ErrArgument, Message: fmt.Sprintf(format, args...)}
}

// closedError is what a session gives where its credential is needed after
// Close.
func closedError() error { return argumentError("the session is nil or closed") }

// contextError is the error of a context that has ended.
func contextError(ctx context.Context) error {
	err := ctx.Err()
	if cause := context.Cause(ctx); cause != err {
		err = errors.Join(err, cause)
	}
	return &Error{Status: ErrCancelled, Message: "the login was cancelled: " + ctx.Err().Error(), cause: err}
}
