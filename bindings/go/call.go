package wandb

// #include "bridge.h"
import "C"

import (
	"context"
	"math"
	"os"
	"runtime"
	"runtime/cgo"
	"slices"
	"strings"
	"time"
	"unsafe"
)

const errorSize = 1024

// call is the data of one library call that its callbacks use.
type call struct {
	config
	ctx context.Context

	promptErr error // error of the prompt function
	panicked  any   // value of a callback's panic
	exited    bool  // a callback called runtime.Goexit
}

// invoke calls a library function with the options and converts its status to an
// error.
func invoke(ctx context.Context, options []Option, run func(*C.wandb_login_options) C.wandb_login_status) error {
	if err := checkLibrary(); err != nil {
		return err
	}
	if ctx.Err() != nil {
		return contextError(ctx)
	}
	c := &call{ctx: ctx}
	handle := cgo.NewHandle(c)
	defer handle.Delete()
	return c.run(options, handle, run)
}

// run calls a library function whose callbacks get the handle of c. A panic in a
// callback is raised again here, when no C code is left on the stack.
func (c *call) run(options []Option, handle cgo.Handle, run func(*C.wandb_login_options) C.wandb_login_status) error {
	for _, option := range options {
		option(&c.config)
	}
	raw, err := c.marshal()
	if err != nil {
		return err
	}
	defer raw.free()
	if c.session != nil {
		session := c.session.retain()
		if session == nil {
			return closedError()
		}
		defer C.wandb_login_session_free(session)
		raw.options.session = session
	}
	C.wandb_go_connect(&raw.options, C.uintptr_t(handle), c.prompt != nil, c.log != nil, c.backend != nil)

	status := Status(run(&raw.options))
	c.reraise()
	switch {
	case status == C.WANDB_LOGIN_STATUS_OK:
		return nil
	case (status == ErrCancelled || status == ErrPrompt) && c.ctx.Err() != nil:
		return contextError(c.ctx)
	}
	message := C.GoString(raw.options.error_buf)
	if message == "" {
		message = status.Error()
	}
	if status == ErrPrompt && c.promptErr != nil {
		message += ": " + c.promptErr.Error()
		return &Error{Status: status, Message: message, cause: c.promptErr}
	}
	return &Error{Status: status, Message: message}
}

// reraise ends the goroutine in the way in which a callback ended.
func (c *call) reraise() {
	switch {
	case c.panicked != nil:
		panic(c.panicked)
	case c.exited:
		runtime.Goexit()
	}
}

// rawOptions are the options in C. Everything they point to is in one block of C
// memory, so no pointer to Go memory is passed to C, and one call wipes it all.
type rawOptions struct {
	options C.wandb_login_options
	block   unsafe.Pointer
	size    uintptr
}

func (r *rawOptions) free() {
	C.wandb_go_wipe(r.block, C.size_t(r.size))
	C.free(r.block)
}

func (c *call) marshal() (*rawOptions, error) {
	environ := c.environ
	if environ == nil {
		environ = os.Environ()
	}
	dir := c.dir
	if dir == "" {
		// On error it stays empty; the library reports it if it needs the directory.
		dir, _ = os.Getwd()
	}
	texts := append([]string{c.apiKey, c.host, c.referrer, dir}, environ...)
	pointers := uintptr(len(environ)+1) * unsafe.Sizeof(uintptr(0))
	size := pointers + errorSize
	for i, text := range texts {
		if strings.IndexByte(text, 0) >= 0 {
			name := "an entry of the environment"
			if i < 4 {
				name = [...]string{"the API key", "the host", "the referrer", "the directory"}[i]
			}
			return nil, argumentError("%s contains a NUL byte", name)
		}
		size += uintptr(len(text)) + 1
	}

	// C.malloc never returns NULL: cgo ends the program if memory is exhausted.
	r := &rawOptions{block: C.malloc(C.size_t(size)), size: size}
	entries := unsafe.Slice((**C.char)(r.block), len(environ)+1)
	rest := unsafe.Slice((*byte)(unsafe.Add(r.block, pointers)), size-pointers)
	put := func(text string) *C.char {
		start := (*C.char)(unsafe.Pointer(&rest[0]))
		rest[copy(rest, text)] = 0
		rest = rest[len(text)+1:]
		return start
	}
	o := &r.options
	C.wandb_login_options_init(o, C.sizeof_wandb_login_options)
	o.api_key, o.host, o.referrer, o.working_directory = put(c.apiKey), put(c.host), put(c.referrer), put(dir)
	// The library uses the first entry of a name, Go uses the last.
	for i, entry := range slices.Backward(environ) {
		entries[len(environ)-1-i] = put(entry)
	}
	entries[len(environ)] = nil
	o.environment = (**C.char)(r.block)
	o.error_buf, o.error_buf_size = (*C.char)(unsafe.Pointer(&rest[0])), errorSize
	rest[0] = 0
	o.flags = c.flags
	o.anonymous = C.int32_t(c.anonymous)
	o.prompt_timeout_ms = milliseconds(c.promptTimeout)
	if c.httpTimeout < 0 {
		r.free()
		return nil, argumentError("the HTTP timeout is negative: %v", c.httpTimeout)
	}
	o.http_timeout_ms = milliseconds(c.httpTimeout)
	return r, nil
}

// milliseconds rounds up, so that a short limit does not become 0, the default. A
// limit that is negative or too long becomes "no limit".
func milliseconds(limit time.Duration) C.uint32_t {
	ms := (limit + time.Millisecond - 1) / time.Millisecond
	if limit < 0 || ms > math.MaxUint32 {
		return math.MaxUint32
	}
	return C.uint32_t(ms)
}
