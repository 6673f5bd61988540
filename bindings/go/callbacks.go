package wandb

// #include "bridge.h"
import "C"

import (
	"context"
	"errors"
	"log/slog"
	"math"
	"runtime/cgo"
	"strings"
	"time"
	"unsafe"
)

// callback calls a user function and reports whether it returned. The function
// runs on another goroutine, so that neither a panic nor runtime.Goexit (which
// testing.T.FailNow calls) unwinds the C frames of this one.
func (c *call) callback(f func()) bool {
	if c.ended() {
		return false
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		c.exited = true
		defer func() {
			if c.panicked = recover(); c.panicked != nil {
				c.exited = false
			}
		}()
		f()
		c.exited = false
	}()
	<-done
	return !c.ended()
}

// ended reports whether a callback did not return. No other callback is called
// then, and the library call is cancelled.
func (c *call) ended() bool { return c.panicked != nil || c.exited }

func callOf(handle C.uintptr_t) *call { return cgo.Handle(handle).Value().(*call) }

//export wandbGoPrompt
func wandbGoPrompt(handle C.uintptr_t, request *C.wandb_login_prompt_request, buffer *C.char, size C.size_t) C.int32_t {
	c := callOf(handle)
	promptRequest := PromptRequest{
		Server:       C.GoString(request.server),
		ServerSource: C.GoString(request.server_source),
		AuthorizeURL: C.GoString(request.authorize_url),
		SignupURL:    C.GoString(request.signup_url),
		MayOffline:   request.may_offline != 0,
		MayAnonymous: request.may_anonymous != 0,
		Attempt:      int(request.attempt),
		Problem:      C.GoString(request.problem),
	}
	ctx := c.ctx
	if request.remaining_ms != math.MaxUint32 {
		limited, cancel := context.WithTimeout(ctx, time.Duration(request.remaining_ms)*time.Millisecond)
		defer cancel()
		ctx = limited
	}
	var key string
	var err error
	if !c.callback(func() { key, err = c.prompt(ctx, promptRequest) }) {
		return -1
	}
	target := unsafe.Slice((*byte)(unsafe.Pointer(buffer)), int(size))
	switch {
	case errors.Is(err, ErrOffline):
		return C.WANDB_LOGIN_PROMPT_OFFLINE
	case errors.Is(err, UseTerminal):
		return C.WANDB_LOGIN_PROMPT_TERMINAL
	case errors.Is(err, UseAnonymous):
		return C.WANDB_LOGIN_PROMPT_ANONYMOUS
	case err == nil && len(key) >= len(target):
		err = errors.New("the key is too long")
	case err == nil && strings.IndexByte(key, 0) >= 0:
		err = errors.New("the key contains a NUL byte")
	}
	if err != nil {
		c.promptErr = err
		return -1
	}
	target[copy(target, key)] = 0
	return C.WANDB_LOGIN_PROMPT_KEY
}

//export wandbGoLog
func wandbGoLog(handle C.uintptr_t, level C.int32_t, line *C.char) {
	c := callOf(handle)
	text := C.GoString(line)
	severity := slog.LevelInfo
	switch level {
	case C.WANDB_LOGIN_LOG_ERROR:
		severity = slog.LevelError
	case C.WANDB_LOGIN_LOG_WARN:
		severity = slog.LevelWarn
	}
	c.callback(func() { c.log(severity, text) })
}

//export wandbGoBackend
func wandbGoBackend(handle C.uintptr_t, session *C.wandb_login_session) {
	c := callOf(handle)
	owned := adopt(C.wandb_login_session_retain(session))
	if !c.callback(func() { c.backend(owned) }) {
		owned.Close()
	}
}

//export wandbGoCancel
func wandbGoCancel(handle C.uintptr_t) C.int32_t {
	c := callOf(handle)
	select {
	case <-c.ctx.Done():
		return 1
	default:
	}
	if c.ended() {
		return 1
	}
	return 0
}
