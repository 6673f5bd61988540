// Log in to Weights & Biases from C++17.
//
//     if (auto session = wandb::login()) {
//         // send session->authorization().reveal() to session->base_url()
//     } // else the user trains offline
//
// Each function comes in two forms. `wandb::login()` and its like throw a
// `wandb::login_error`, which carries a status and a sentence. `wandb::try_login()`
// and its like return both, and are all there is under -fno-exceptions. What the
// functions do is told in wandb_login.h, on which this header stands; text is
// UTF-8, and any thread may call (pass `environment` where other threads change
// the process's own).
#ifndef WANDB_LOGIN_HPP
#define WANDB_LOGIN_HPP

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "wandb_login.h"

#if defined(__cpp_exceptions) || defined(_CPPUNWIND)
#define WANDB_LOGIN_HPP_EXCEPTIONS 1
#include <exception>
#include <stdexcept>
#endif

static_assert(WANDB_LOGIN_VERSION_NUMBER / 10000 == 0,
              "wandb_login.hpp and wandb_login.h are of different versions");

namespace wandb {

// One program may hold objects that were compiled with and without exceptions;
// this keeps their inline functions apart.
#ifdef WANDB_LOGIN_HPP_EXCEPTIONS
inline namespace with_exceptions {
#else
inline namespace without_exceptions {
#endif

/// What a call came to. A later library may return other numbers.
enum class status : std::int32_t {
    ok = WANDB_LOGIN_STATUS_OK,
    offline = WANDB_LOGIN_STATUS_OFFLINE,
    not_configured = WANDB_LOGIN_STATUS_NOT_CONFIGURED,
    argument = WANDB_LOGIN_STATUS_ERR_ARGUMENT,
    credentials = WANDB_LOGIN_STATUS_ERR_CREDENTIALS,
    rejected = WANDB_LOGIN_STATUS_ERR_REJECTED,
    network = WANDB_LOGIN_STATUS_ERR_NETWORK,
    prompt = WANDB_LOGIN_STATUS_ERR_PROMPT,
    store = WANDB_LOGIN_STATUS_ERR_STORE,
    tls = WANDB_LOGIN_STATUS_ERR_TLS,
    timeout = WANDB_LOGIN_STATUS_ERR_TIMEOUT,
    proxy = WANDB_LOGIN_STATUS_ERR_PROXY,
    server = WANDB_LOGIN_STATUS_ERR_SERVER,
    cancelled = WANDB_LOGIN_STATUS_ERR_CANCELLED,
    unsupported = WANDB_LOGIN_STATUS_ERR_UNSUPPORTED,
    internal = WANDB_LOGIN_STATUS_ERR_INTERNAL,
};

/// What a status means, in a few words. Static text.
inline const char *to_string(status status) {
    return wandb_login_status_string(static_cast<std::int32_t>(status));
}

/// Where a credential came from. A later library may return other numbers.
enum class source : std::int32_t {
    none = WANDB_LOGIN_SOURCE_NONE,
    explicit_key = WANDB_LOGIN_SOURCE_EXPLICIT,
    session = WANDB_LOGIN_SOURCE_SESSION,
    environment = WANDB_LOGIN_SOURCE_ENVIRONMENT,
    identity_token = WANDB_LOGIN_SOURCE_IDENTITY_TOKEN,
    key_file = WANDB_LOGIN_SOURCE_KEY_FILE,
    settings = WANDB_LOGIN_SOURCE_SETTINGS,
    netrc = WANDB_LOGIN_SOURCE_NETRC,
    prompt = WANDB_LOGIN_SOURCE_PROMPT,
    anonymous = WANDB_LOGIN_SOURCE_ANONYMOUS,
};

enum class log_level : std::int32_t {
    error = WANDB_LOGIN_LOG_ERROR,
    warn = WANDB_LOGIN_LOG_WARN,
    info = WANDB_LOGIN_LOG_INFO,
};

enum class anonymous : std::int32_t {
    never = WANDB_LOGIN_ANONYMOUS_NEVER,
    allow = WANDB_LOGIN_ANONYMOUS_ALLOW,
    must = WANDB_LOGIN_ANONYMOUS_MUST,
};

enum class report : std::int32_t {
    text = WANDB_LOGIN_REPORT_TEXT,
    json = WANDB_LOGIN_REPORT_JSON,
};

/// A text that must not be printed: it goes into no stream, and becomes a string
/// only by `reveal()`. Copies share one buffer; the last one wipes it.
class secret {
  public:
    secret() = default;

    /// Keeps a copy. The caller's own text stays the caller's to wipe.
    explicit secret(std::string_view text) {
        auto *copy = new char[text.size() + 1];
        text.copy(copy, text.size());
        copy[text.size()] = '\0';
        size_ = text.size();
        text_ = std::shared_ptr<const char>(copy, [size = size_](const char *wiped) {
            volatile char *bytes = const_cast<char *>(wiped);
            for (std::size_t i = 0; i < size; ++i) {
                bytes[i] = 0;
            }
            delete[] wiped;
        });
    }

    /// The text itself. A NUL follows it; it lives as long as this secret or a
    /// copy of it, and that of a session as long as the session.
    std::string_view reveal() const noexcept {
        return text_ ? std::string_view(text_.get(), size_) : std::string_view("");
    }

    bool empty() const noexcept { return size_ == 0; }

  private:
    friend class session;
    explicit secret(std::shared_ptr<const char> text)
        : text_(std::move(text)), size_(text_ ? std::strlen(text_.get()) : 0) {}

    std::shared_ptr<const char> text_;
    std::size_t size_ = 0;
};

template <class Stream>
Stream &operator<<(Stream &, const secret &) = delete; // say reveal() where it is meant

struct options;
template <class T> struct result;
namespace detail {
class call;
}

/// A login that succeeded: move-only, never changing, readable from any thread.
/// One that was moved from answers with nothing: empty texts, `false`, `none`.
class session {
  public:
    /// Takes over one owner's share of a handle of the C library.
    explicit session(wandb_login_session *handle) noexcept : handle_(handle) {}
    session(session &&other) noexcept : handle_(std::exchange(other.handle_, nullptr)) {}
    session &operator=(session &&other) noexcept {
        session gone(std::move(other));
        std::swap(handle_, gone.handle_);
        return *this;
    }
    session(const session &) = delete;
    session &operator=(const session &) = delete;
    ~session() { wandb_login_session_free(handle_); }

    /// One more owner of the same login.
    session share() const noexcept { return session(wandb_login_session_retain(handle_)); }
    /// False once it was moved from.
    explicit operator bool() const noexcept { return handle_ != nullptr; }
    /// The handle, for functions of the C library; this session keeps it.
    wandb_login_session *get() const noexcept { return handle_; }

    /// Nothing where the login rests on an identity token.
    std::optional<secret> api_key() const {
        const char *key = wandb_login_session_api_key(handle_);
        return key == nullptr ? std::nullopt : std::optional<secret>(owned(key));
    }
    /// The value of an HTTP `Authorization` header, for `base_url()` alone.
    secret authorization() const { return owned(wandb_login_session_authorization(handle_)); }
    /// Texts live as long as a session of this login.
    std::string_view base_url() const noexcept { return view(wandb_login_session_base_url(handle_)); }
    std::string_view app_url() const noexcept { return view(wandb_login_session_app_url(handle_)); }
    /// One line for a human; no secret in it.
    std::string_view display() const noexcept { return view(wandb_login_session_display(handle_)); }
    /// Nothing unless the login was verified; so are the next two.
    std::optional<std::string_view> username() const noexcept {
        return maybe(wandb_login_session_username(handle_));
    }
    std::optional<std::string_view> email() const noexcept {
        return maybe(wandb_login_session_email(handle_));
    }
    std::optional<std::string_view> entity() const noexcept {
        return maybe(wandb_login_session_entity(handle_));
    }
    std::vector<std::string_view> teams() const {
        std::vector<std::string_view> names;
        for (auto name = wandb_login_session_teams(handle_); name && *name; ++name) {
            names.emplace_back(*name);
        }
        return names;
    }
    bool verified() const noexcept { return wandb_login_session_verified(handle_); }
    bool saved() const noexcept { return wandb_login_session_saved(handle_); }
    wandb::source source() const noexcept {
        return static_cast<wandb::source>(wandb_login_session_source(handle_));
    }
    /// The variable or the file that the credential came from.
    std::optional<std::string_view> source_name() const noexcept {
        return maybe(wandb_login_session_source_name(handle_));
    }
    /// Nothing for a credential that does not expire.
    std::optional<std::chrono::system_clock::time_point> expires_at() const noexcept {
        const auto seconds = wandb_login_session_expires_at(handle_);
        if (handle_ == nullptr || seconds < 0) {
            return std::nullopt;
        }
        return std::chrono::system_clock::time_point(std::chrono::seconds(seconds));
    }
    /// `NAME=value` entries that log a child process in.
    std::vector<secret> child_environment() const {
        std::vector<secret> entries;
        for (auto entry = wandb_login_session_environ(handle_); entry && *entry; ++entry) {
            entries.push_back(owned(*entry));
        }
        return entries;
    }

    /// Logs in again to the same server, without asking.
    result<session> try_refresh(const options &options) const;
    /// A text that makes the same session in another process of the job.
    result<secret> try_export() const;
    static result<session> try_import(const secret &text);
#ifdef WANDB_LOGIN_HPP_EXCEPTIONS
    session refresh(const options &options) const;
    secret export_text() const;
    static session import_text(const secret &text);
#endif

  private:
    static std::string_view view(const char *text) noexcept { return text ? text : ""; }
    static std::optional<std::string_view> maybe(const char *text) noexcept {
        return text ? std::optional<std::string_view>(text) : std::nullopt;
    }
    /// A text of this login that keeps the login alive.
    secret owned(const char *text) const {
        if (text == nullptr) {
            return secret();
        }
        auto owner = std::make_shared<session>(share());
        return secret(std::shared_ptr<const char>(std::move(owner), text));
    }

    wandb_login_session *handle_ = nullptr;
};

/// What a prompt callback is told. The texts live until it returns.
struct prompt_request {
    std::string_view server;        ///< address of the server that the key is for
    std::string_view server_source; ///< where that address came from
    std::string_view authorize_url; ///< web page where the user makes a key
    std::string_view signup_url;    ///< web page where the user makes an account first
    bool may_offline;
    bool may_anonymous;
    unsigned attempt; ///< 1 for the first time
    std::optional<std::chrono::milliseconds> remaining;
    std::optional<std::string_view> problem; ///< of the answer before
};

/// What a prompt callback says.
class prompt_answer {
  public:
    static prompt_answer key(secret key) { return {WANDB_LOGIN_PROMPT_KEY, std::move(key)}; }
    static prompt_answer offline() { return {WANDB_LOGIN_PROMPT_OFFLINE, secret()}; }
    static prompt_answer terminal() { return {WANDB_LOGIN_PROMPT_TERMINAL, secret()}; }
    static prompt_answer anonymous() { return {WANDB_LOGIN_PROMPT_ANONYMOUS, secret()}; }
    static prompt_answer give_up() { return {-1, secret()}; }

  private:
    friend class detail::call;
    prompt_answer(std::int32_t code, secret key) : code_(code), key_(std::move(key)) {}
    std::int32_t code_;
    secret key_;
};

/// For `prompt_timeout`: wait for the user for ever.
inline constexpr std::chrono::milliseconds no_timeout = std::chrono::milliseconds::max();

/// What a call can be told. Every member's default is the library's.
struct options {
    std::optional<secret> api_key{};
    std::string host{};
    std::string referrer{};
    bool relogin = false;
    bool force = false;
    bool no_prompt = false;
    bool verify = false;
    bool no_save = false;
    bool silent = false;
    bool cloud = false;
    bool sdk_order = false;
    bool all_ranks = false;
    wandb::anonymous anonymous = wandb::anonymous::never;
    /// Nothing: as configured.
    std::optional<std::chrono::milliseconds> prompt_timeout{};
    std::optional<std::chrono::milliseconds> http_timeout{};
    /// Callbacks run on the calling thread. What they throw ends the wait and
    /// comes out of the call.
    std::function<prompt_answer(const prompt_request &)> prompt{};
    std::function<void(log_level, std::string_view)> log{};
    std::function<void(const wandb::session &)> backend{};
    std::function<bool()> cancel{}; ///< true ends the wait
    /// A login to use again; not kept.
    const wandb::session *session = nullptr;
    /// `NAME=value` entries in place of the process's environment.
    std::optional<std::vector<std::string>> environment{};
    std::string working_directory{};
};

/// How a call of the non-throwing form ended.
struct outcome {
    wandb::status status = wandb::status::ok;
    std::string message{}; ///< one sentence unless the status is ok; never a secret
#ifdef WANDB_LOGIN_HPP_EXCEPTIONS
    std::exception_ptr thrown{}; ///< what a callback threw
#endif
    explicit operator bool() const noexcept { return status == wandb::status::ok; }
};

/// The same with what the call gives: there exactly when the status is ok.
template <class T> struct result : outcome {
    std::optional<T> value{};
    T &operator*() & { return *value; }
    const T &operator*() const & { return *value; }
    T &&operator*() && { return *std::move(value); }
    T *operator->() { return &*value; }
    const T *operator->() const { return &*value; }
};

#ifdef WANDB_LOGIN_HPP_EXCEPTIONS
/// A call that failed. `what()` is a sentence, never a secret.
class login_error : public std::runtime_error {
  public:
    login_error(wandb::status status, const std::string &message)
        : std::runtime_error(message), status_(status) {}
    wandb::status status() const noexcept { return status_; }

  private:
    wandb::status status_;
};

/// The same for one status, where a caller handles one kind apart.
template <wandb::status Status> class error_of : public login_error {
  public:
    explicit error_of(const std::string &message) : login_error(Status, message) {}
};
using offline_error = error_of<status::offline>;
using not_configured_error = error_of<status::not_configured>;
using argument_error = error_of<status::argument>;
using credentials_error = error_of<status::credentials>;
using rejected_error = error_of<status::rejected>;
using network_error = error_of<status::network>;
using prompt_error = error_of<status::prompt>;
using store_error = error_of<status::store>;
using tls_error = error_of<status::tls>;
using timeout_error = error_of<status::timeout>;
using proxy_error = error_of<status::proxy>;
using server_error = error_of<status::server>;
using cancelled_error = error_of<status::cancelled>;
using unsupported_error = error_of<status::unsupported>;
using internal_error = error_of<status::internal>;
#endif

namespace detail {

/// Whether this header can work with the library that was loaded: it must be of
/// the same ABI, and no older.
inline bool library_fits() noexcept {
    const std::uint32_t header = WANDB_LOGIN_VERSION_NUMBER;
    const std::uint32_t library = wandb_login_version_number();
    return library / 10000 == header / 10000 && library / 100 >= header / 100;
}

/// One call of the C library: its options, and what its callbacks left.
class call {
  public:
    explicit call(const options &given) : given_(given) {
        raw_.struct_size = sizeof raw_;
        raw_.error_buf = error_;
        raw_.error_buf_size = sizeof error_;
        if (!library_fits()) {
            refuse(status::unsupported,
                   "this program was compiled against wandb_login " WANDB_LOGIN_VERSION
                   ", but libwandb_login " +
                       std::string(wandb_login_version()) + " is loaded");
            return;
        }
        if (given.api_key) {
            raw_.api_key = text(given.api_key->reveal(), "api_key");
        }
        raw_.host = text(given.host, "host");
        raw_.referrer = text(given.referrer, "referrer");
        raw_.working_directory = text(given.working_directory, "working_directory");
        raw_.flags = flag(given.relogin, WANDB_LOGIN_RELOGIN) | flag(given.force, WANDB_LOGIN_FORCE) |
                     flag(given.no_prompt, WANDB_LOGIN_NO_PROMPT) |
                     flag(given.verify, WANDB_LOGIN_VERIFY) | flag(given.no_save, WANDB_LOGIN_NO_SAVE) |
                     flag(given.silent, WANDB_LOGIN_SILENT) | flag(given.cloud, WANDB_LOGIN_CLOUD) |
                     flag(given.sdk_order, WANDB_LOGIN_SDK_ORDER) |
                     flag(given.all_ranks, WANDB_LOGIN_ALL_RANKS);
        raw_.anonymous = static_cast<std::int32_t>(given.anonymous);
        raw_.prompt_timeout_ms = milliseconds(given.prompt_timeout);
        raw_.http_timeout_ms = milliseconds(given.http_timeout);
        if (given.session != nullptr) {
            raw_.session = given.session->get();
            if (raw_.session == nullptr) {
                refuse(status::argument, "options.session was moved from");
            }
        }
        if (given.environment) {
            entries_.reserve(given.environment->size() + 1);
            for (const auto &entry : *given.environment) {
                entries_.push_back(text(entry, "environment"));
            }
            entries_.push_back(nullptr);
            raw_.environment = entries_.data();
        }
        if (given.prompt) {
            raw_.prompt_fn = on_prompt;
            raw_.prompt_user_data = this;
        }
        if (given.log) {
            raw_.log_fn = on_log;
            raw_.log_user_data = this;
        }
        if (given.backend) {
            raw_.backend_fn = on_backend;
            raw_.backend_user_data = this;
        }
        // Always there, so that what another callback threw ends the wait.
        raw_.cancel_fn = on_cancel;
        raw_.cancel_user_data = this;
    }
    call(const call &) = delete;
    call &operator=(const call &) = delete;

    /// Runs `function`, which gets the C options, and fills in how it ended.
    template <class Function> void run(outcome &out, Function &&function) {
        if (refused_ == status::ok) {
            out.status = static_cast<wandb::status>(function(&raw_));
            out.message = error_;
#ifdef WANDB_LOGIN_HPP_EXCEPTIONS
            out.thrown = thrown_;
#endif
        }
        if (refused_ != status::ok) { // before the call, or by a callback in it
            out.status = refused_;
            out.message = problem_;
        } else if (!out && out.message.empty()) {
            out.message = to_string(out.status);
        }
    }

  private:
    void refuse(wandb::status status, std::string problem) {
        if (refused_ == status::ok) {
            refused_ = status;
            problem_ = std::move(problem);
        }
    }

    /// A text for C, which takes a NUL for its end and empty for "not given".
    const char *text(std::string_view text, const char *member) {
        if (text.find('\0') != std::string_view::npos) {
            refuse(status::argument, std::string("options.") + member + " holds a NUL character");
        }
        return text.empty() ? "" : text.data();
    }

    static std::uint32_t flag(bool on, std::uint32_t bit) noexcept { return on ? bit : 0; }

    static std::uint32_t milliseconds(std::optional<std::chrono::milliseconds> time) noexcept {
        if (!time) {
            return 0; // as configured
        }
        if (time->count() >= UINT32_MAX) {
            return UINT32_MAX; // without limit
        }
        return time->count() < 1 ? 1 : static_cast<std::uint32_t>(time->count());
    }

    /// Runs a callback of the caller: what it throws is kept for after the call.
    template <class T, class Function> T guarded(T failed, Function &&function) noexcept {
#ifdef WANDB_LOGIN_HPP_EXCEPTIONS
        try {
            return function();
        } catch (...) {
            if (!thrown_) {
                thrown_ = std::current_exception();
            }
            return failed;
        }
#else
        (void)failed;
        return function();
#endif
    }

    static std::int32_t on_prompt(void *data, const wandb_login_prompt_request *asked, char *buffer,
                                  std::size_t size) noexcept {
        auto &self = *static_cast<call *>(data);
        return self.guarded(std::int32_t{-1}, [&]() -> std::int32_t {
            prompt_request request{asked->server,
                                   asked->server_source,
                                   asked->authorize_url,
                                   asked->signup_url,
                                   asked->may_offline != 0,
                                   asked->may_anonymous != 0,
                                   asked->attempt,
                                   std::nullopt,
                                   std::nullopt};
            if (asked->remaining_ms != UINT32_MAX) {
                request.remaining = std::chrono::milliseconds(asked->remaining_ms);
            }
            if (asked->problem != nullptr) {
                request.problem = asked->problem;
            }
            const prompt_answer answer = self.given_.prompt(request);
            const std::string_view key = answer.key_.reveal();
            if (key.size() >= size || key.find('\0') != std::string_view::npos) {
                self.refuse(status::prompt,
                            "the prompt callback's key is too long or holds a NUL character");
                return -1;
            }
            std::memcpy(buffer, key.data(), key.size());
            buffer[key.size()] = '\0';
            return answer.code_;
        });
    }

    static void on_log(void *data, std::int32_t level, const char *line) noexcept {
        auto &self = *static_cast<call *>(data);
        self.guarded(0, [&] {
            self.given_.log(static_cast<log_level>(level), line);
            return 0;
        });
    }

    static void on_backend(void *data, wandb_login_session *handle) noexcept {
        auto &self = *static_cast<call *>(data);
        self.guarded(0, [&] {
            self.given_.backend(session(wandb_login_session_retain(handle)));
            return 0;
        });
    }

    static std::int32_t on_cancel(void *data) noexcept {
        auto &self = *static_cast<call *>(data);
#ifdef WANDB_LOGIN_HPP_EXCEPTIONS
        if (self.thrown_) {
            return 1;
        }
#endif
        if (!self.given_.cancel) {
            return 0;
        }
        return self.guarded(std::int32_t{1}, [&] { return std::int32_t{self.given_.cancel()}; });
    }

    const options &given_;
    wandb_login_options raw_{};
    char error_[1024] = "";
    std::vector<const char *> entries_{};
    wandb::status refused_ = status::ok;
    std::string problem_{};
#ifdef WANDB_LOGIN_HPP_EXCEPTIONS
    std::exception_ptr thrown_{};
#endif
};

/// A text of the C library's, which it wipes and frees.
struct free_text {
    void operator()(char *text) const noexcept { wandb_login_string_free(text); }
};
using owned_text = std::unique_ptr<char, free_text>;

/// A function of the C library that makes a session.
template <class Function> result<session> make_session(const options &given, Function &&function) {
    result<session> made;
    wandb_login_session *handle = nullptr;
    call(given).run(made, [&](const wandb_login_options *raw) { return function(raw, &handle); });
    session owner(handle);
    if (made) {
        made.value.emplace(std::move(owner));
    }
    return made;
}

#ifdef WANDB_LOGIN_HPP_EXCEPTIONS
/// The same outcome as an exception.
[[noreturn]] inline void raise(const outcome &failed) {
    switch (failed.status) {
    case status::offline: throw offline_error(failed.message);
    case status::not_configured: throw not_configured_error(failed.message);
    case status::argument: throw argument_error(failed.message);
    case status::credentials: throw credentials_error(failed.message);
    case status::rejected: throw rejected_error(failed.message);
    case status::network: throw network_error(failed.message);
    case status::prompt: throw prompt_error(failed.message);
    case status::store: throw store_error(failed.message);
    case status::tls: throw tls_error(failed.message);
    case status::timeout: throw timeout_error(failed.message);
    case status::proxy: throw proxy_error(failed.message);
    case status::server: throw server_error(failed.message);
    case status::cancelled: throw cancelled_error(failed.message);
    case status::unsupported: throw unsupported_error(failed.message);
    case status::internal: throw internal_error(failed.message);
    case status::ok: break;
    }
    throw login_error(failed.status, failed.message);
}

inline void check(const outcome &ended) {
    if (ended.thrown) {
        std::rethrow_exception(ended.thrown);
    }
    if (!ended) {
        raise(ended);
    }
}

template <class T> T unwrap(result<T> ended) {
    check(ended);
    return *std::move(ended.value);
}

inline std::optional<session> unless_offline(result<session> ended) {
    if (ended.status == status::offline && !ended.thrown) {
        return std::nullopt;
    }
    return unwrap(std::move(ended));
}
#endif

} // namespace detail

// The non-throwing form. `status::offline` is no failure: train without W&B.

/// Logs in: finds the key, asks where a human is, verifies if told to, stores.
inline result<session> try_login(const options &options = {}) {
    return detail::make_session(options, wandb_login);
}

/// Asks without looking first.
inline result<session> try_prompt_api_key(const options &options = {}) {
    return detail::make_session(options, wandb_prompt_api_key);
}

/// Whether a login would find a credential without asking.
inline outcome try_check(const options &options = {}) {
    outcome ended;
    detail::call(options).run(ended, wandb_login_check);
    return ended;
}

/// Removes the stored key.
inline outcome try_forget(const options &options = {}) {
    outcome ended;
    detail::call(options).run(ended, wandb_login_forget);
    return ended;
}

/// Which key a login would use, and why; keys are masked.
inline result<std::string> try_explain(report format = report::text, const options &options = {}) {
    result<std::string> ended;
    char *text = nullptr;
    detail::call(options).run(ended, [&](const wandb_login_options *raw) {
        return wandb_login_explain(raw, static_cast<std::int32_t>(format), &text);
    });
    const detail::owned_text owner(text);
    if (ended) {
        ended.value.emplace(text);
    }
    return ended;
}

inline result<session> session::try_refresh(const options &options) const {
    return detail::make_session(options, [&](const wandb_login_options *raw, wandb_login_session **fresh) {
        return wandb_login_session_refresh(handle_, raw, fresh);
    });
}

inline result<secret> session::try_export() const {
    result<secret> ended;
    char *text = nullptr;
    detail::call(options{}).run(ended, [&](const wandb_login_options *) {
        return wandb_login_session_export(handle_, &text);
    });
    const detail::owned_text owner(text);
    if (ended) {
        ended.value.emplace(std::string_view(text));
    }
    return ended;
}

inline result<session> session::try_import(const secret &text) {
    return detail::make_session(options{}, [&](const wandb_login_options *, wandb_login_session **made) {
        return wandb_login_session_import(text.reveal().data(), made);
    });
}

inline bool is_apikey_configured(const options &options = {}) {
    outcome ended = try_check(options);
#ifdef WANDB_LOGIN_HPP_EXCEPTIONS
    if (ended.thrown) {
        std::rethrow_exception(ended.thrown);
    }
#endif
    return static_cast<bool>(ended);
}

#ifdef WANDB_LOGIN_HPP_EXCEPTIONS
// The throwing form. Nothing in place of a session: the user works offline.

inline std::optional<session> login(const options &options = {}) {
    return detail::unless_offline(try_login(options));
}

inline std::optional<session> prompt_api_key(const options &options = {}) {
    return detail::unless_offline(try_prompt_api_key(options));
}

inline void check(const options &options = {}) { detail::check(try_check(options)); }

inline void forget(const options &options = {}) { detail::check(try_forget(options)); }

inline std::string explain(report format = report::text, const options &options = {}) {
    return detail::unwrap(try_explain(format, options));
}

inline session session::refresh(const options &options) const {
    return detail::unwrap(try_refresh(options));
}

inline secret session::export_text() const { return detail::unwrap(try_export()); }

inline session session::import_text(const secret &text) {
    return detail::unwrap(try_import(text));
}
#endif

} // namespace with_exceptions or without_exceptions
} // namespace wandb

#endif
