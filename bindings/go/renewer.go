package wandb

// #include "bridge.h"
import "C"

import (
	"context"
	"runtime"
	"runtime/cgo"
	"sync"
	"time"
	"unsafe"
)

// Renewer gives the session whose credential is valid now, for as long as a training
// runs. An access token is renewed before it ends: from the cache that all processes
// of the user share, else by one exchange. [Session.Transport] uses a renewer by
// itself; use one directly for gRPC, websockets and other clients:
//
//	session, err := renewer.Get(ctx)
//	if err != nil {
//		return err
//	}
//	header.Set("Authorization", session.Authorization())
//
// Any goroutine may use it. A process that forked makes a renewer of its own.
type Renewer struct{ *renewal }

// renewal is what a renewer shares with the goroutine that calls the library. Only
// one goroutine at a time does: the others wait in Go, where they take no thread and
// see their context end.
type renewal struct {
	renewer *C.wandb_login_renewer
	call    *call
	handle  cgo.Handle
	cancel  context.CancelFunc
	options []Option

	mu      sync.Mutex
	closed  bool
	attempt *attempt // that runs now, or nil
	refusal int      // number of reports of a refused session
	last    *Session // nil after a refusal
}

// attempt is one call of the library.
type attempt struct {
	done    chan struct{}
	refusal int // renewal.refusal at its start
	session *Session
	err     error
	call    *call // of a callback that did not return, or nil
}

// Renewer makes a renewer that begins with this session. It uses the options of the
// login that returned the session, without its key, prompt and session, and then the
// given ones. Environment and directory are those of now. The functions of [WithLog]
// and [WithBackend] are called during renewals; they must not use the renewer. If one
// panics, each Get that waits for that renewal panics with the same value.
//
// The renewer stays valid after Close of the session. An unused renewer is closed by
// the garbage collector.
func (s *Session) Renewer(options ...Option) (*Renewer, error) {
	last := s.share()
	if last == nil {
		return nil, closedError()
	}
	all := append(append([]Option{}, s.options...), options...)
	all = append(all, func(c *config) { c.apiKey, c.host, c.prompt, c.session = "", "", nil, nil })
	last.options = all

	ctx, cancel := context.WithCancel(context.Background())
	r := &renewal{call: &call{ctx: ctx}, cancel: cancel, options: all, last: last}
	r.handle = cgo.NewHandle(r.call)
	err := r.call.run(all, r.handle, func(o *C.wandb_login_options) C.wandb_login_status {
		return C.wandb_login_renewer_new(last.handle, o, &r.renewer)
	})
	if err != nil {
		cancel()
		r.handle.Delete()
		return nil, err
	}
	renewer := &Renewer{r}
	runtime.AddCleanup(renewer, func(r *renewal) { r.close() }, r)
	return renewer, nil
}

// sharedRenewer returns the renewer of the session's transports, which Close closes.
func (s *Session) sharedRenewer() (*Renewer, error) {
	s.mu.Lock()
	shared := s.renewer
	s.mu.Unlock()
	if shared != nil {
		return shared, nil
	}
	renewer, err := s.Renewer()
	if err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.renewer != nil || s.handle == nil {
		renewer.Close() // another goroutine was first, or has closed the session
		return s.renewer, nil
	}
	s.renewer = renewer
	return renewer, nil
}

// Get returns the session whose credential is valid now. The session is the caller's
// own: close it, or leave it to the garbage collector.
//
// While a renewal runs, Get returns the old session as long as that is valid. If the
// renewal fails, Get still does; the next attempt follows after a pause. After the end
// of the old session Get waits for the renewal and returns its error: [ErrRejected] if
// the server refused the credential and no other one is configured. When ctx ends, Get
// returns its error; the renewal goes on for the others.
func (r *Renewer) Get(ctx context.Context) (*Session, error) {
	if r == nil {
		return nil, closedRenewerError()
	}
	defer runtime.KeepAlive(r)
	for {
		a, current, err := r.join()
		if a == nil {
			return current, err
		}
		select {
		case <-a.done:
		case <-ctx.Done():
			return nil, contextError(ctx)
		}
		if session, err, ok := r.result(a); ok {
			return session, err
		}
	}
}

// Refused reports that the server answered 401 to a session of Get, which must not be
// closed yet. The next Get returns another credential: a new token, or another
// configured key. Only a report about the current session has an effect.
func (r *Renewer) Refused(session *Session) {
	handle := session.retain()
	defer C.wandb_login_session_free(handle)
	if r == nil || handle == nil {
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.closed {
		return
	}
	C.wandb_login_renewer_refused(r.renewer, handle)
	r.refusal++
	if r.last != nil && r.last.Authorization() == C.GoString(C.wandb_login_session_authorization(handle)) {
		r.last = nil
	}
}

// Close wipes the credential of the renewer and ends a running renewal. Sessions that
// Get returned stay valid. A second Close, or Close of a nil renewer, does nothing. The
// error is always nil.
func (r *Renewer) Close() error {
	if r != nil {
		r.close()
	}
	return nil
}

func closedRenewerError() error { return argumentError("the renewer is nil or closed") }

// join returns the attempt to wait for, which it starts if none runs. Without an
// attempt it returns the outcome: the last session, or an error.
func (r *renewal) join() (*attempt, *Session, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.closed {
		return nil, nil, closedRenewerError()
	}
	// The library has nothing to do for a key, and is at work for a token.
	if last := r.last; last != nil && (last.data.expires.IsZero() || r.attempt != nil && time.Now().Before(last.data.expires)) {
		return nil, last.share(), nil
	}
	if r.attempt == nil {
		r.attempt = &attempt{done: make(chan struct{}), refusal: r.refusal}
		go r.run(r.attempt)
	}
	return r.attempt, nil, nil
}

// run calls the library, and frees it if the renewer was closed meanwhile.
func (r *renewal) run(a *attempt) {
	message := (*C.char)(C.malloc(errorSize))
	defer C.free(unsafe.Pointer(message))
	var handle *C.wandb_login_session
	status := Status(C.wandb_login_renewer_get(r.renewer, &handle, message, errorSize))

	r.mu.Lock()
	defer r.mu.Unlock()
	switch {
	case r.call.ended():
		C.wandb_login_session_free(handle)
		a.call = &call{panicked: r.call.panicked, exited: r.call.exited}
		r.call.panicked, r.call.exited = nil, false
	case handle == nil:
		a.err = &Error{Status: status, Message: C.GoString(message)}
	case r.last != nil && r.last.handle == handle:
		C.wandb_login_session_free(handle)
		a.session = r.last
	default:
		a.session = adopt(handle)
		a.session.options = r.options
		r.last = a.session
	}
	r.attempt = nil
	close(a.done)
	if r.closed {
		r.free()
	}
}

// result returns the outcome of an attempt. ok is false if a session was refused after
// the attempt began: it may be the one that the attempt returned.
func (r *renewal) result(a *attempt) (session *Session, err error, ok bool) {
	if a.call != nil {
		a.call.reraise()
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if a.refusal != r.refusal && !r.closed {
		return nil, nil, false
	}
	if a.err != nil {
		return nil, a.err, true
	}
	if session = a.session.share(); session == nil {
		return nil, closedRenewerError(), true
	}
	return session, nil, true
}

func (r *renewal) close() {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.closed {
		return
	}
	r.closed = true
	r.cancel()
	if r.attempt == nil {
		r.free()
	}
}

func (r *renewal) free() {
	C.wandb_login_renewer_free(r.renewer)
	r.handle.Delete()
	r.last.Close()
	r.last = nil
}
