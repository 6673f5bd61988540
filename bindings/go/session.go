package wandb

// #include "bridge.h"
import "C"

import (
	"context"
	"runtime"
	"slices"
	"sync"
	"time"
	"unsafe"
)

// Session is a login that succeeded: a credential, where it came from and whose
// it is. It does not change, and any goroutine may use it.
//
// The credential is in C memory until it is asked for, so that no way of
// printing a session shows it. [Session.Close] wipes it there; what is no
// secret stays readable. A session that is no longer used is closed when the
// garbage collector finds it.
type Session struct {
	mu      sync.Mutex
	handle  *C.wandb_login_session // one owner's share; nil once closed
	cleanup runtime.Cleanup

	facts facts
}

// facts are what a session holds that is no secret.
type facts struct {
	baseURL, appURL, display          string
	username, email, entity, fromName string
	teams                             []string
	source                            Source
	verified, saved                   bool
	expires                           time.Time
}

// adopt takes over the caller's share of a session.
func adopt(handle *C.wandb_login_session) *Session {
	s := &Session{handle: handle, facts: facts{
		baseURL:  C.GoString(C.wandb_login_session_base_url(handle)),
		appURL:   C.GoString(C.wandb_login_session_app_url(handle)),
		display:  C.GoString(C.wandb_login_session_display(handle)),
		username: C.GoString(C.wandb_login_session_username(handle)),
		email:    C.GoString(C.wandb_login_session_email(handle)),
		entity:   C.GoString(C.wandb_login_session_entity(handle)),
		teams:    texts(C.wandb_login_session_teams(handle)),
		source:   Source(C.wandb_login_session_source(handle)),
		fromName: C.GoString(C.wandb_login_session_source_name(handle)),
		verified: bool(C.wandb_login_session_verified(handle)),
		saved:    bool(C.wandb_login_session_saved(handle)),
	}}
	if seconds := C.wandb_login_session_expires_at(handle); seconds >= 0 {
		s.facts.expires = time.Unix(int64(seconds), 0)
	}
	s.cleanup = runtime.AddCleanup(s, func(handle *C.wandb_login_session) {
		C.wandb_login_session_free(handle)
	}, handle)
	return s
}

// texts copies a NULL-terminated array.
func texts(array **C.char) []string {
	var list []string
	for ; array != nil && *array != nil; array = (**C.char)(unsafe.Add(unsafe.Pointer(array), unsafe.Sizeof(*array))) {
		list = append(list, C.GoString(*array))
	}
	return list
}

// retain gives a share of the C session to use and to free, nil once closed:
// whoever holds it need not care what happens to the Session meanwhile.
func (s *Session) retain() *C.wandb_login_session {
	if s == nil {
		return nil
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	return C.wandb_login_session_retain(s.handle)
}

// Close wipes the credential, unless a call that is running still needs it.
// Closing twice is fine, so is a nil session. The error is always nil.
func (s *Session) Close() error {
	if s == nil {
		return nil
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.handle != nil {
		s.cleanup.Stop()
		C.wandb_login_session_free(s.handle)
		s.handle = nil
	}
	return nil
}

// APIKey is the key, a secret; "" for a session that rests on an identity
// token, and after Close.
func (s *Session) APIKey() string {
	handle := s.retain()
	defer C.wandb_login_session_free(handle)
	return C.GoString(C.wandb_login_session_api_key(handle))
}

// Authorization is the value for an HTTP Authorization header, a secret; "" after
// Close. Send it to BaseURL and nowhere else: [Session.Transport] does.
func (s *Session) Authorization() string {
	handle := s.retain()
	defer C.wandb_login_session_free(handle)
	return C.GoString(C.wandb_login_session_authorization(handle))
}

// Environ is what logs a child process in, "NAME=value" entries to append to
// [os/exec.Cmd].Env. They hold the credential; nil after Close.
func (s *Session) Environ() []string {
	handle := s.retain()
	defer C.wandb_login_session_free(handle)
	return texts(C.wandb_login_session_environ(handle))
}

// Export writes the session as text that [ImportSession] reads in another
// process of the same job. It holds the credential.
func (s *Session) Export() ([]byte, error) {
	handle := s.retain()
	if handle == nil {
		return nil, closedError()
	}
	defer C.wandb_login_session_free(handle)
	var text *C.char
	if status := Status(C.wandb_login_session_export(handle, &text)); text == nil {
		return nil, &Error{Status: status, Message: status.Error()}
	}
	defer C.wandb_login_string_free(text)
	return []byte(C.GoString(text)), nil
}

// ImportSession makes a session from what [Session.Export] wrote. Every part of
// it is checked.
func ImportSession(text []byte) (*Session, error) {
	if err := checkLibrary(); err != nil {
		return nil, err
	}
	if slices.Contains(text, 0) {
		return nil, argumentError("the exported session holds a NUL byte")
	}
	size := C.size_t(len(text) + 1)
	block := C.malloc(size)
	defer func() {
		C.wandb_go_wipe(block, size)
		C.free(block)
	}()
	copied := unsafe.Slice((*byte)(block), len(text)+1)
	copied[copy(copied, text)] = 0
	var handle *C.wandb_login_session
	status := Status(C.wandb_login_session_import((*C.char)(block), &handle))
	if handle == nil {
		return nil, &Error{Status: status, Message: "this is no exported session: " + status.Error()}
	}
	return adopt(handle), nil
}

// Refresh logs in again as the session did, without asking: a new access token
// in exchange for the identity token, or the key of the same server resolved
// anew. For long trainings, before ExpiresAt. The session itself stays as it is.
func (s *Session) Refresh(ctx context.Context, options ...Option) (*Session, error) {
	handle := s.retain()
	if handle == nil {
		return nil, closedError()
	}
	defer C.wandb_login_session_free(handle)
	return open(ctx, options, func(o *C.wandb_login_options, fresh **C.wandb_login_session) C.wandb_login_status {
		return C.wandb_login_session_refresh(handle, o, fresh)
	})
}

// BaseURL is the server's address in its normal form, such as
// https://api.wandb.ai.
func (s *Session) BaseURL() string { return s.facts.baseURL }

// AppURL is the address of the server's web pages.
func (s *Session) AppURL() string { return s.facts.appURL }

// Username, Email, Entity (the default team) and Teams are what the server
// told; empty unless Verified.
func (s *Session) Username() string { return s.facts.username }

// Email: see Username.
func (s *Session) Email() string { return s.facts.email }

// Entity: see Username.
func (s *Session) Entity() string { return s.facts.entity }

// Teams: see Username.
func (s *Session) Teams() []string { return slices.Clone(s.facts.teams) }

// Verified tells whether the server accepted the credential during this login.
func (s *Session) Verified() bool { return s.facts.verified }

// Source is where the credential came from.
func (s *Session) Source() Source { return s.facts.source }

// SourceName is the variable or the file that the credential came from; "" for
// a key that was given or typed.
func (s *Session) SourceName() string { return s.facts.fromName }

// Saved tells whether the key is in a file where the next login finds it. The
// log says why a key could not be stored; the login is good all the same.
func (s *Session) Saved() bool { return s.facts.saved }

// ExpiresAt is when the credential expires; the zero time: never.
func (s *Session) ExpiresAt() time.Time { return s.facts.expires }

// String is one line for a human, in the Python SDK's words: "Currently logged
// in as: …". Never a secret.
func (s *Session) String() string { return s.facts.display }

// GoString is String: a session's insides are nobody's business.
func (s *Session) GoString() string { return "&wandb.Session{" + s.facts.display + "}" }

// Source is where a credential came from. Later versions of the library may
// know more.
type Source int32

const (
	SourceNone          Source = C.WANDB_LOGIN_SOURCE_NONE
	SourceExplicit      Source = C.WANDB_LOGIN_SOURCE_EXPLICIT       // WithAPIKey
	SourceSession       Source = C.WANDB_LOGIN_SOURCE_SESSION        // WithSession
	SourceEnvironment   Source = C.WANDB_LOGIN_SOURCE_ENVIRONMENT    // WANDB_API_KEY
	SourceIdentityToken Source = C.WANDB_LOGIN_SOURCE_IDENTITY_TOKEN // WANDB_IDENTITY_TOKEN_FILE
	SourceKeyFile       Source = C.WANDB_LOGIN_SOURCE_KEY_FILE       // WANDB_API_KEY_FILE
	SourceSettings      Source = C.WANDB_LOGIN_SOURCE_SETTINGS       // a settings file
	SourceNetrc         Source = C.WANDB_LOGIN_SOURCE_NETRC          // the netrc file
	SourcePrompt        Source = C.WANDB_LOGIN_SOURCE_PROMPT         // a human, or WithPrompt
	SourceAnonymous     Source = C.WANDB_LOGIN_SOURCE_ANONYMOUS      // the server
)

// String is the name that [Report] uses.
func (s Source) String() string {
	names := [...]string{"none", "explicit", "session", "environment", "identity_token", "key_file", "settings", "netrc", "prompt", "anonymous"}
	if s < 0 || int(s) >= len(names) {
		return "unknown"
	}
	return names[s]
}
