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

// Session is a successful login: the credential, its source, and its user if
// verified. It is immutable, and any goroutine may use it.
//
// The credential is kept in C memory, so printing a session does not show it.
// [Session.Close] wipes it; everything else stays readable. The garbage collector
// closes a session that is not used any more.
type Session struct {
	mu      sync.Mutex
	handle  *C.wandb_login_session // owned; nil after Close
	cleanup runtime.Cleanup
	renewer *Renewer // of the transports; nil before the first one

	data    *sessionData // shared by the owners of one handle
	options []Option     // of the login, for the renewals of Transport and Renewer
}

// sessionData is the part of a session that is not secret.
type sessionData struct {
	baseURL, appURL, display            string
	username, email, entity, sourceName string
	teams                               []string
	source                              Source
	verified, saved                     bool
	expires                             time.Time
}

// adopt makes a Session that takes ownership of handle.
func adopt(handle *C.wandb_login_session) *Session {
	data := &sessionData{
		baseURL:    C.GoString(C.wandb_login_session_base_url(handle)),
		appURL:     C.GoString(C.wandb_login_session_app_url(handle)),
		display:    C.GoString(C.wandb_login_session_display(handle)),
		username:   C.GoString(C.wandb_login_session_username(handle)),
		email:      C.GoString(C.wandb_login_session_email(handle)),
		entity:     C.GoString(C.wandb_login_session_entity(handle)),
		teams:      goStrings(C.wandb_login_session_teams(handle)),
		source:     Source(C.wandb_login_session_source(handle)),
		sourceName: C.GoString(C.wandb_login_session_source_name(handle)),
		verified:   bool(C.wandb_login_session_verified(handle)),
		saved:      bool(C.wandb_login_session_saved(handle)),
	}
	if seconds := C.wandb_login_session_expires_at(handle); seconds >= 0 {
		data.expires = time.Unix(int64(seconds), 0)
	}
	return newSession(handle, data)
}

// newSession makes a Session that takes ownership of handle, with its data.
func newSession(handle *C.wandb_login_session, data *sessionData) *Session {
	s := &Session{handle: handle, data: data}
	s.cleanup = runtime.AddCleanup(s, func(handle *C.wandb_login_session) {
		C.wandb_login_session_free(handle)
	}, handle)
	return s
}

// goStrings copies a NULL-terminated array of strings.
func goStrings(array **C.char) []string {
	var list []string
	for ; array != nil && *array != nil; array = (**C.char)(unsafe.Add(unsafe.Pointer(array), unsafe.Sizeof(*array))) {
		list = append(list, C.GoString(*array))
	}
	return list
}

// retain returns the C session with one more owner, nil after Close. The caller
// frees it; until then it stays valid even if the Session is closed.
func (s *Session) retain() *C.wandb_login_session {
	if s == nil {
		return nil
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	return C.wandb_login_session_retain(s.handle)
}

// isOpen reports whether Close was not called.
func (s *Session) isOpen() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.handle != nil
}

// share returns another owner of the session, nil after Close.
func (s *Session) share() *Session {
	handle := s.retain()
	if handle == nil {
		return nil
	}
	shared := newSession(handle, s.data)
	shared.options = s.options
	return shared
}

// Close wipes the credential, also that of its transports, or lets the last running
// call that uses it do so. A renewer of [Session.Renewer] is closed separately. A second
// Close, or Close of a nil session, does nothing. The error is always nil.
func (s *Session) Close() error {
	if s == nil {
		return nil
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.handle != nil {
		s.renewer.Close()
		s.cleanup.Stop()
		C.wandb_login_session_free(s.handle)
		s.handle = nil
	}
	return nil
}

// APIKey returns the API key, a secret. It is "" for a session from an identity token
// and after Close.
func (s *Session) APIKey() string {
	handle := s.retain()
	defer C.wandb_login_session_free(handle)
	return C.GoString(C.wandb_login_session_api_key(handle))
}

// Authorization returns the value of the HTTP header Authorization, a secret. It is
// "" after Close. Send it only to BaseURL, as [Session.Transport] does.
func (s *Session) Authorization() string {
	handle := s.retain()
	defer C.wandb_login_session_free(handle)
	return C.GoString(C.wandb_login_session_authorization(handle))
}

// Environ returns "NAME=value" entries that log in a child process: append them to
// [os/exec.Cmd].Env. They contain the credential. It is nil after Close.
func (s *Session) Environ() []string {
	handle := s.retain()
	defer C.wandb_login_session_free(handle)
	return goStrings(C.wandb_login_session_environ(handle))
}

// Export writes the session as text, which [ImportSession] reads in another process
// of the same job. It contains the credential.
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

// ImportSession makes a session from the text of [Session.Export], which it
// validates.
func ImportSession(text []byte) (*Session, error) {
	if err := checkLibrary(); err != nil {
		return nil, err
	}
	if slices.Contains(text, 0) {
		return nil, argumentError("the exported session contains a NUL byte")
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
		return nil, &Error{Status: status, Message: "not an exported session: " + status.Error()}
	}
	return adopt(handle), nil
}

// Refresh logs in to the same server again, without a prompt: it exchanges the
// identity token for a new access token, or looks up the key again. For long
// trainings, call it before ExpiresAt. The session itself does not change.
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

// BaseURL returns the URL of the server without a trailing slash, such as
// https://api.wandb.ai.
func (s *Session) BaseURL() string { return s.data.baseURL }

// AppURL returns the URL of the server's web pages.
func (s *Session) AppURL() string { return s.data.appURL }

// Username returns the user's name, "" unless Verified.
func (s *Session) Username() string { return s.data.username }

// Email returns the user's e-mail address, "" unless Verified.
func (s *Session) Email() string { return s.data.email }

// Entity returns the user's default team, "" unless Verified.
func (s *Session) Entity() string { return s.data.entity }

// Teams returns the names of the user's teams, nil unless Verified.
func (s *Session) Teams() []string { return slices.Clone(s.data.teams) }

// Verified reports whether the server accepted the credential, in this login or in
// the one whose session was reused.
func (s *Session) Verified() bool { return s.data.verified }

// Source returns where the credential came from.
func (s *Session) Source() Source { return s.data.source }

// SourceName returns the variable or the path of the file that the credential came
// from, "" if the key was passed in or typed.
func (s *Session) SourceName() string { return s.data.sourceName }

// Saved reports whether the key is stored in a file where the next login finds it. If
// it could not be stored, the session is valid nevertheless; the log has the reason.
func (s *Session) Saved() bool { return s.data.saved }

// ExpiresAt returns when the credential expires, the zero time if it does not.
func (s *Session) ExpiresAt() time.Time { return s.data.expires }

// String returns one line for a person in the wording of the Python SDK, "Currently
// logged in as: …". It contains no secret.
func (s *Session) String() string { return s.data.display }

// GoString keeps %#v from printing the fields of the session.
func (s *Session) GoString() string { return "&wandb.Session{" + s.data.display + "}" }

// Source is where a credential came from. Later versions of the library may return
// other values.
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
	SourcePrompt        Source = C.WANDB_LOGIN_SOURCE_PROMPT         // the terminal, or WithPrompt
	SourceAnonymous     Source = C.WANDB_LOGIN_SOURCE_ANONYMOUS      // an account that the server created
)

// String returns the name that [Report] uses.
func (s Source) String() string {
	names := [...]string{"none", "explicit", "session", "environment", "identity_token", "key_file", "settings", "netrc", "prompt", "anonymous"}
	if s < 0 || int(s) >= len(names) {
		return "unknown"
	}
	return names[s]
}
