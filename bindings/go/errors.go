package wandb

// #include "bridge.h"
import "C"

import (
	"context"
	"errors"
	"fmt"
)

// Status is the kind of an [Error]. The constants below are errors themselves, for
// use with [errors.Is]:
//
//	if errors.Is(err, wandb.ErrNotConfigured) { … }
//
// Later versions of the library may return other values.
type Status int32

const (
	// ErrOffline: W&B is offline or disabled. WANDB_MODE or the mode setting is
	// offline, dryrun or disabled, or the user chose offline mode. Nothing was
	// done; train without W&B. A [WithPrompt] function returns it to choose
	// offline mode.
	ErrOffline Status = C.WANDB_LOGIN_STATUS_OFFLINE
	// ErrNotConfigured: no credential is configured, and prompting is disabled or
	// not possible.
	ErrNotConfigured Status = C.WANDB_LOGIN_STATUS_NOT_CONFIGURED
	// ErrArgument: an option is invalid.
	ErrArgument Status = C.WANDB_LOGIN_STATUS_ERR_ARGUMENT
	// ErrCredentials: a configured credential is malformed, conflicts with another
	// one, or is not for this server.
	ErrCredentials Status = C.WANDB_LOGIN_STATUS_ERR_CREDENTIALS
	// ErrRejected: the server rejected the credential.
	ErrRejected Status = C.WANDB_LOGIN_STATUS_ERR_REJECTED
	// ErrNetwork: the server cannot be reached.
	ErrNetwork Status = C.WANDB_LOGIN_STATUS_ERR_NETWORK
	// ErrPrompt: the prompt timed out or was interrupted, the prompt function
	// failed, or another prompt is open in this process.
	ErrPrompt Status = C.WANDB_LOGIN_STATUS_ERR_PROMPT
	// ErrStore: [Forget] could not write a file.
	ErrStore Status = C.WANDB_LOGIN_STATUS_ERR_STORE
	// ErrTLS: the server's certificate is not trusted, or the server does not
	// support TLS.
	ErrTLS Status = C.WANDB_LOGIN_STATUS_ERR_TLS
	// ErrTimeout: the server did not respond in time.
	ErrTimeout Status = C.WANDB_LOGIN_STATUS_ERR_TIMEOUT
	// ErrProxy: the proxy refused the connection, or its type is not supported.
	ErrProxy Status = C.WANDB_LOGIN_STATUS_ERR_PROXY
	// ErrServer: the server returned an unexpected response.
	ErrServer Status = C.WANDB_LOGIN_STATUS_ERR_SERVER
	// ErrCancelled: the context ended. The error also wraps ctx.Err().
	ErrCancelled Status = C.WANDB_LOGIN_STATUS_ERR_CANCELLED
	// ErrUnsupported: the loaded library does not include the requested feature,
	// or its version does not work with this package.
	ErrUnsupported Status = C.WANDB_LOGIN_STATUS_ERR_UNSUPPORTED
	// ErrInternal: an internal error of the library. Please report it.
	ErrInternal Status = C.WANDB_LOGIN_STATUS_ERR_INTERNAL
)

// Error returns what the status means, in a few words.
func (s Status) Error() string {
	return C.GoString(C.wandb_login_status_string(C.int32_t(s)))
}

// Error is the type of all errors of this package. It contains no secrets.
type Error struct {
	Status  Status
	Message string // one sentence
	cause   error  // error of the context or of the prompt function, or nil
}

func (e *Error) Error() string { return "wandb: " + e.Message }

// Unwrap returns the status, and the cause if there is one.
func (e *Error) Unwrap() []error {
	if e.cause == nil {
		return []error{e.Status}
	}
	return []error{e.Status, e.cause}
}

func argumentError(format string, args ...any) error {
	return &Error{Status: ErrArgument, Message: fmt.Sprintf(format, args...)}
}

// closedError is the error for using the credential of a closed session.
func closedError() error { return argumentError("the session is nil or closed") }

// contextError is the error of a context that has ended.
func contextError(ctx context.Context) error {
	err := ctx.Err()
	if cause := context.Cause(ctx); cause != err {
		err = errors.Join(err, cause)
	}
	return &Error{Status: ErrCancelled, Message: "the login was cancelled: " + ctx.Err().Error(), cause: err}
}
