// Log in to Weights & Biases from C++17.
//
//     if (auto session = wandb::login()) {
//         // send session->authorization().reveal() to session->base_url()
//     } else {
//         // W&B is offline or disabled: train without it
//     }
//
// Each function has two forms. `wandb::login()` throws a `wandb::login_error` with
// a status and a message. `wandb::try_login()` returns them instead; with
// -fno-exceptions only this form exists. wandb_login.h documents the functions and
// the options. Strings are UTF-8. Any thread may call any function; set
// `environment` if other threads change the environment of the process.
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

// A program may contain objects compiled with and without exceptions. The namespaces
// keep their inline functions apart.
#ifdef WANDB_LOGIN_HPP_EXCEPTIONS
inline namespace with_exceptions {
#else
inline namespace without_exceptions {
#endif

/// The result of a call. Later versions of the library may return other values.
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

/// Returns what a status means, in a few words. A static string.
inline const char *to_string(status status) {
    return wandb_login_status_string(static_cast<std::int32_t>(status));
}

/// Where a credential came from. Later versions may return other values.
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

/// A string that must not be printed: it cannot be written to a stream, and only
/// `reveal()` returns its text. Copies share one buffer, which the last one wipes.
class secret {
  public:
    secret() = default;

    /// Copies the text. The caller wipes its own copy.
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

    /// Returns the text, which is NUL-terminated. It is valid as long as this secret
    /// or a copy of it exists.
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
Stream &operator<<(Stream &, const secret &) = delete; // use reveal()

struct options;
template <class T> struct result;
namespace detail {
class call;
}

/// A successful login: move-only, immutable, readable from any thread. After a move
/// the getters of the source return empty values, `false` or `none`.
class session {
  public:
    /// Takes ownership of a session of the C library.
    explicit session(wandb_login_session *handle) noexcept : handle_(handle) {}
    session(session &&other) noexcept : handle_(std::exchange(other.handle_, nullptr)) {}
    session &operator=(session &&other) noexcept {
        session moved(std::move(other));
        std::swap(handle_, moved.handle_);
        return *this;
    }
    session(const session &) = delete;
    session &operator=(const session &) = delete;
    ~session() { wandb_login_session_free(handle_); }

    /// Returns another owner of the same session.
    session share() const noexcept { return session(wandb_login_session_retain(handle_)); }
    /// False after a move.
    explicit operator bool() const noexcept { return handle_ != nullptr; }
    /// The session for functions of the C library. Borrowed.
    wandb_login_session *get() const noexcept { return handle_; }

    /// Empty for a session from an identity token.
    std::optional<secret> api_key() const {
        const char *key = wandb_login_session_api_key(handle_);
        return key == nullptr ? std::nullopt : std::optional<secret>(owned(key));
    }
    /// The value of the HTTP header `Authorization`. Send it only to `base_url()`.
    secret authorization() const { return owned(wandb_login_session_authorization(handle_)); }
    /// A `string_view` of a session is valid as long as one of its owners exists.
    std::string_view base_url() const noexcept { return view(wandb_login_session_base_url(handle_)); }
    std::string_view app_url() const noexcept { return view(wandb_login_session_app_url(handle_)); }
    /// One line for a person, without secrets.
    std::string_view display() const noexcept { return view(wandb_login_session_display(handle_)); }
    /// User name, e-mail and entity are empty if the login was not verified.
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
    /// The variable or the file that the credential came from, if any.
    std::optional<std::string_view> source_name() const noexcept {
        return maybe(wandb_login_session_source_name(handle_));
    }
    /// Empty if the credential does not expire.
    std::optional<std::chrono::system_clock::time_point> expires_at() const noexcept {
        const auto seconds = wandb_login_session_expires_at(handle_);
        if (handle_ == nullptr || seconds < 0) {
            return std::nullopt;
        }
        return std::chrono::system_clock::time_point(std::chrono::seconds(seconds));
    }
    /// `NAME=value` entries that log in a child process.
    std::vector<secret> child_environment() const {
        std::vector<secret> entries;
        for (auto entry = wandb_login_session_environ(handle_); entry && *entry; ++entry) {
            entries.push_back(owned(*entry));
        }
        return entries;
    }

    // The way to the server: what the login found. wandb_login_curl.hpp gives it to a curl
    // handle.

    /// The file of CA certificates that replaces the system's trust store, if any.
    std::optional<std::string_view> ca_file() const noexcept {
        return maybe(wandb_login_session_ca_file(handle_));
    }
    /// The directory of CA certificates that replaces the system's trust store, if any.
    std::optional<std::string_view> ca_dir() const noexcept {
        return maybe(wandb_login_session_ca_dir(handle_));
    }
    /// Whether the user disabled the verification of certificates.
    bool tls_unchecked() const noexcept { return wandb_login_session_tls_unchecked(handle_); }
    /// The URL of the proxy, with its password; empty for a direct connection.
    std::optional<secret> proxy() const {
        const char *url = wandb_login_session_proxy(handle_);
        return url == nullptr ? std::nullopt : std::optional<secret>(owned(url));
    }
    /// `Name: value` headers to send with each request, beside `Authorization`.
    std::vector<secret> headers() const {
        std::vector<secret> lines;
        for (auto line = wandb_login_session_headers(handle_); line && *line; ++line) {
            lines.push_back(owned(*line));
        }
        return lines;
    }

    /// Logs in to the same server again, without a prompt.
    result<session> try_refresh(const options &options) const;
    /// Writes the session as a string for another process of the same job.
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
    /// A string of this session that keeps the session alive.
    secret owned(const char *text) const {
        if (text == nullptr) {
            return secret();
        }
        auto owner = std::make_shared<session>(share());
        return secret(std::shared_ptr<const char>(std::move(owner), text));
    }

    wandb_login_session *handle_ = nullptr;
};

/// Keeps the credential of a session good for as long as a training runs. Copies share
/// one renewer, and any thread may use it. After a move only assignment is allowed.
///
/// The renewer copies the options; `api_key`, `host`, `session`, `anonymous` and `prompt`
/// are ignored. Callbacks run on the thread that calls `get()`, never two at once, and
/// must not call `get()`.
class renewer {
  public:
    /// Makes a renewer that begins with a session. It keeps the session alive.
    static result<renewer> try_make(const session &session, options options);
    /// Returns the session that is good now. Without need for a renewal it takes well
    /// under a microsecond.
    result<session> try_get() const;
#ifdef WANDB_LOGIN_HPP_EXCEPTIONS
    explicit renewer(const session &session);
    renewer(const session &session, options options);
    session get() const;
#endif
    /// Reports that the server answered 401 to a session of `get()`. The next `get()`
    /// returns another credential, or fails with `status::rejected` if it finds no other.
    void refused(const session &session) const noexcept;

  private:
    struct state;
    explicit renewer(std::shared_ptr<const state> owned) noexcept : state_(std::move(owned)) {}

    std::shared_ptr<const state> state_{};
};

/// The argument of a prompt callback. Its strings are valid until it returns.
struct prompt_request {
    std::string_view server;        ///< URL of the server that the key is for
    std::string_view server_source; ///< where that URL is configured
    std::string_view authorize_url; ///< web page where the user gets an API key
    std::string_view signup_url;    ///< web page where a new user creates an account
    bool may_offline;
    bool may_anonymous;
    unsigned attempt; ///< counted from 1
    std::optional<std::chrono::milliseconds> remaining;
    std::optional<std::string_view> problem; ///< why the previous answer was not accepted
};

/// The result of a prompt callback.
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

/// For `prompt_timeout`: no limit.
inline constexpr std::chrono::milliseconds no_timeout =
    (std::chrono::milliseconds::max)(); // in parentheses: <windows.h> defines a macro `max`

/// The options of a call; see `wandb_login_options`.
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
    /// Empty: as configured.
    std::optional<std::chrono::milliseconds> prompt_timeout{};
    std::optional<std::chrono::milliseconds> http_timeout{};
    /// Callbacks run on the calling thread. If one throws, the call is cancelled and
    /// throws the same exception.
    std::function<prompt_answer(const prompt_request &)> prompt{};
    std::function<void(log_level, std::string_view)> log{};
    std::function<void(const wandb::session &)> backend{};
    std::function<bool()> cancel{}; ///< true cancels the call
    /// A session to reuse. Borrowed during the call.
    const wandb::session *session = nullptr;
    /// `NAME=value` entries instead of the environment of the process.
    std::optional<std::vector<std::string>> environment{};
    std::string working_directory{};
    /// If the server has a port, also store the key for the host without it.
    bool bare_host = false;
};

/// The result of a function that does not throw.
struct outcome {
    wandb::status status = wandb::status::ok;
    std::string message{}; ///< one sentence without secrets; empty if ok
#ifdef WANDB_LOGIN_HPP_EXCEPTIONS
    std::exception_ptr thrown{}; ///< what a callback threw
#endif
    explicit operator bool() const noexcept { return status == wandb::status::ok; }
};

/// An outcome with a value, which is set if the status is ok.
template <class T> struct result : outcome {
    std::optional<T> value{};
    T &operator*() & { return *value; }
    const T &operator*() const & { return *value; }
    T &&operator*() && { return *std::move(value); }
    T *operator->() { return &*value; }
    const T *operator->() const { return &*value; }
};

#ifdef WANDB_LOGIN_HPP_EXCEPTIONS
/// A failed call. `what()` is one sentence without secrets.
class login_error : public std::runtime_error {
  public:
    login_error(wandb::status status, const std::string &message)
        : std::runtime_error(message), status_(status) {}
    wandb::status status() const noexcept { return status_; }

  private:
    wandb::status status_;
};

/// A failed call with a particular status, for use in `catch`. The classes below are the
/// exceptions that are thrown: `std::terminate()` prints the name of one that is not
/// caught.
template <wandb::status Status> class error_of : public login_error {
  public:
    explicit error_of(const std::string &message) : login_error(Status, message) {}
};
struct offline_error : error_of<status::offline> { using error_of::error_of; };
struct not_configured_error : error_of<status::not_configured> { using error_of::error_of; };
struct argument_error : error_of<status::argument> { using error_of::error_of; };
struct credentials_error : error_of<status::credentials> { using error_of::error_of; };
struct rejected_error : error_of<status::rejected> { using error_of::error_of; };
struct network_error : error_of<status::network> { using error_of::error_of; };
struct prompt_error : error_of<status::prompt> { using error_of::error_of; };
struct store_error : error_of<status::store> { using error_of::error_of; };
struct tls_error : error_of<status::tls> { using error_of::error_of; };
struct timeout_error : error_of<status::timeout> { using error_of::error_of; };
struct proxy_error : error_of<status::proxy> { using error_of::error_of; };
struct server_error : error_of<status::server> { using error_of::error_of; };
struct cancelled_error : error_of<status::cancelled> { using error_of::error_of; };
struct unsupported_error : error_of<status::unsupported> { using error_of::error_of; };
struct internal_error : error_of<status::internal> { using error_of::error_of; };
#endif

namespace detail {

/// Whether the loaded library fits this header: it has the same major version, and is
/// not older.
inline bool library_fits() noexcept {
    const std::uint32_t header = WANDB_LOGIN_VERSION_NUMBER;
    const std::uint32_t library = wandb_login_version_number();
    return library / 10000 == header / 10000 && library / 100 >= header / 100;
}

/// One call of the C library: the options, and the state of its callbacks.
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
        raw_.flags = flags(given);
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
            set_environment(*given.environment);
        }
        set_callbacks();
    }
    call(const call &) = delete;
    call &operator=(const call &) = delete;

    /// Calls `function` with the C options and sets `out` to the result.
    template <class Function> void run(outcome &out, Function &&function) {
        if (refused_ == status::ok) {
            out.status = static_cast<wandb::status>(function(&raw_));
            out.message = error_;
#ifdef WANDB_LOGIN_HPP_EXCEPTIONS
            out.thrown = thrown_;
#endif
        }
        if (refused_ != status::ok) { // before the call or in a callback
            out.status = refused_;
            out.message = problem_;
        } else if (!out && out.message.empty()) {
            out.message = to_string(out.status);
        }
    }

  private:
    void set_environment(const std::vector<std::string> &entries) {
        entries_.reserve(entries.size() + 1);
        for (const auto &entry : entries) {
            entries_.push_back(text(entry, "environment"));
        }
        entries_.push_back(nullptr);
        raw_.environment = entries_.data();
    }

    void set_callbacks() {
        if (given_.prompt) {
            raw_.prompt_fn = on_prompt;
            raw_.prompt_user_data = this;
        }
        if (given_.log) {
            raw_.log_fn = on_log;
            raw_.log_user_data = this;
        }
        if (given_.backend) {
            raw_.backend_fn = on_backend;
            raw_.backend_user_data = this;
        }
        // Always set, so that an exception of another callback cancels the call.
        raw_.cancel_fn = on_cancel;
        raw_.cancel_user_data = this;
    }

    void refuse(wandb::status status, std::string problem) {
        if (refused_ == status::ok) {
            refused_ = status;
            problem_ = std::move(problem);
        }
    }

    /// A string for C. It must not contain a NUL; an empty one means "not set".
    const char *text(std::string_view text, const char *member) {
        if (text.find('\0') != std::string_view::npos) {
            refuse(status::argument, std::string("options.") + member + " contains a NUL character");
        }
        return text.empty() ? "" : text.data();
    }

    static std::uint32_t flags(const options &given) noexcept {
        const auto flag = [](bool on, std::uint32_t bit) { return on ? bit : 0; };
        return flag(given.relogin, WANDB_LOGIN_RELOGIN) | flag(given.force, WANDB_LOGIN_FORCE) |
               flag(given.no_prompt, WANDB_LOGIN_NO_PROMPT) |
               flag(given.verify, WANDB_LOGIN_VERIFY) | flag(given.no_save, WANDB_LOGIN_NO_SAVE) |
               flag(given.silent, WANDB_LOGIN_SILENT) | flag(given.cloud, WANDB_LOGIN_CLOUD) |
               flag(given.sdk_order, WANDB_LOGIN_SDK_ORDER) |
               flag(given.all_ranks, WANDB_LOGIN_ALL_RANKS) |
               flag(given.bare_host, WANDB_LOGIN_BARE_HOST);
    }

    static std::uint32_t milliseconds(std::optional<std::chrono::milliseconds> time) noexcept {
        if (!time) {
            return 0; // as configured
        }
        if (time->count() >= UINT32_MAX) {
            return UINT32_MAX; // no limit
        }
        return time->count() < 1 ? 1 : static_cast<std::uint32_t>(time->count());
    }

    /// Runs a callback and stores what it throws; the call throws it when it ends.
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

    static std::int32_t on_prompt(void *data, const wandb_login_prompt_request *raw, char *buffer,
                                  std::size_t size) noexcept {
        auto &self = *static_cast<call *>(data);
        return self.guarded(std::int32_t{-1}, [&]() -> std::int32_t {
            prompt_request request{raw->server,
                                   raw->server_source,
                                   raw->authorize_url,
                                   raw->signup_url,
                                   raw->may_offline != 0,
                                   raw->may_anonymous != 0,
                                   raw->attempt,
                                   std::nullopt,
                                   std::nullopt};
            if (raw->remaining_ms != UINT32_MAX) {
                request.remaining = std::chrono::milliseconds(raw->remaining_ms);
            }
            if (raw->problem != nullptr) {
                request.problem = raw->problem;
            }
            const prompt_answer answer = self.given_.prompt(request);
            const std::string_view key = answer.key_.reveal();
            if (key.size() >= size || key.find('\0') != std::string_view::npos) {
                self.refuse(status::prompt,
                            "the prompt callback's key is too long or contains a NUL character");
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

#ifdef WANDB_LOGIN_HPP_EXCEPTIONS
/// Where the callbacks of a renewer store what they throw: callbacks run on the thread
/// that calls `renewer::get()`, which then throws it.
class exception_scope {
  public:
    explicit exception_scope(std::exception_ptr &thrown) noexcept
        : outer_(std::exchange(current(), &thrown)) {}
    exception_scope(const exception_scope &) = delete;
    exception_scope &operator=(const exception_scope &) = delete;
    ~exception_scope() { current() = outer_; }

    static bool has_exception() noexcept { return current() != nullptr && *current(); }

    template <class Function> static void run(Function &&function) noexcept {
        try {
            function();
        } catch (...) {
            if (current() != nullptr && !*current()) {
                *current() = std::current_exception();
            }
        }
    }

  private:
    static std::exception_ptr *&current() noexcept {
        static thread_local std::exception_ptr *innermost = nullptr;
        return innermost;
    }

    std::exception_ptr *outer_;
};
#endif

/// Makes the callbacks of a renewer store what they throw, per call of `get()`.
inline void keep_exceptions(options &options) {
#ifdef WANDB_LOGIN_HPP_EXCEPTIONS
    if (auto log = std::move(options.log)) {
        options.log = [log](log_level level, std::string_view line) {
            exception_scope::run([&] { log(level, line); });
        };
    }
    if (auto backend = std::move(options.backend)) {
        options.backend = [backend](const session &session) {
            exception_scope::run([&] { backend(session); });
        };
    }
    options.cancel = [cancel = std::move(options.cancel)] {
        bool cancelled = false;
        if (cancel) {
            exception_scope::run([&] { cancelled = cancel(); });
        }
        return cancelled || exception_scope::has_exception();
    };
#else
    (void)options;
#endif
}

/// Frees a string of the C library, which wipes it.
struct free_text {
    void operator()(char *text) const noexcept { wandb_login_string_free(text); }
};
using owned_text = std::unique_ptr<char, free_text>;

/// Calls a function of the C library that returns only a status.
template <class Function> outcome run(const options &given, Function &&function) {
    outcome ended;
    call(given).run(ended, function);
    return ended;
}

/// Calls a function of the C library that returns a string.
template <class Text, class Function>
result<Text> make_text(const options &given, Function &&function) {
    result<Text> made;
    char *text = nullptr;
    call(given).run(made, [&](const wandb_login_options *raw) { return function(raw, &text); });
    const owned_text owner(text);
    if (made) {
        made.value.emplace(std::string_view(text));
    }
    return made;
}

/// Calls a function of the C library that returns a session.
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
/// Throws the exception for the status of `failed`.
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

// The functions that do not throw. With `status::offline`, train without W&B.

/// Logs in: finds the key or prompts for it, verifies it if requested, stores it.
inline result<session> try_login(const options &options = {}) {
    return detail::make_session(options, wandb_login);
}

/// Prompts for a key without looking for a configured one.
inline result<session> try_prompt_api_key(const options &options = {}) {
    return detail::make_session(options, wandb_prompt_api_key);
}

/// Checks whether a login would find a credential without a prompt.
inline outcome try_check(const options &options = {}) {
    return detail::run(options, wandb_login_check);
}

/// Logs out: removes the stored key.
inline outcome try_forget(const options &options = {}) {
    return detail::run(options, wandb_login_forget);
}

/// Reports which key a login would use, and why. Keys are masked.
inline result<std::string> try_explain(report format = report::text, const options &options = {}) {
    return detail::make_text<std::string>(options, [&](const wandb_login_options *raw, char **text) {
        return wandb_login_explain(raw, static_cast<std::int32_t>(format), text);
    });
}

inline result<session> session::try_refresh(const options &options) const {
    return detail::make_session(options, [&](const wandb_login_options *raw, wandb_login_session **fresh) {
        return wandb_login_session_refresh(handle_, raw, fresh);
    });
}

inline result<secret> session::try_export() const {
    return detail::make_text<secret>(options{}, [&](const wandb_login_options *, char **text) {
        return wandb_login_session_export(handle_, text);
    });
}

inline result<session> session::try_import(const secret &text) {
    return detail::make_session(options{}, [&](const wandb_login_options *, wandb_login_session **made) {
        return wandb_login_session_import(text.reveal().data(), made);
    });
}

/// The C renewer, and the options with the callbacks that it uses.
struct renewer::state {
    explicit state(wandb::options options) : given(std::move(options)), making(given) {}
    state(const state &) = delete;
    state &operator=(const state &) = delete;
    ~state() { wandb_login_renewer_free(handle); }

    const wandb::options given;
    detail::call making; // its callbacks run in renewals, too
    wandb_login_renewer *handle = nullptr;
};

inline result<renewer> renewer::try_make(const session &session, options options) {
    options.api_key.reset();
    options.host.clear();
    options.session = nullptr;
    options.anonymous = anonymous::never;
    options.prompt = nullptr;
    detail::keep_exceptions(options);
    const auto owner = std::make_shared<state>(std::move(options));
    result<renewer> made;
    owner->making.run(made, [&](const wandb_login_options *raw) {
        return wandb_login_renewer_new(session.get(), raw, &owner->handle);
    });
    if (made) {
        made.value = renewer(std::shared_ptr<const state>(owner));
    }
    return made;
}

inline result<session> renewer::try_get() const {
    result<session> made;
    wandb_login_session *handle = nullptr;
    char error[1024] = "";
    wandb_login_renewer *const raw = state_ ? state_->handle : nullptr;
#ifdef WANDB_LOGIN_HPP_EXCEPTIONS
    const detail::exception_scope scope(made.thrown);
#endif
    made.status = static_cast<status>(wandb_login_renewer_get(raw, &handle, error, sizeof error));
    session owner(handle);
    if (made) {
        made.value.emplace(std::move(owner));
    } else {
        made.message = error;
    }
    return made;
}

inline void renewer::refused(const session &session) const noexcept {
    wandb_login_renewer_refused(state_ ? state_->handle : nullptr, session.get());
}

inline bool is_apikey_configured(const options &options = {}) {
    const outcome ended = try_check(options);
#ifdef WANDB_LOGIN_HPP_EXCEPTIONS
    if (ended.thrown) {
        std::rethrow_exception(ended.thrown);
    }
#endif
    return static_cast<bool>(ended);
}

#ifdef WANDB_LOGIN_HPP_EXCEPTIONS
// The functions that throw. An empty result means that W&B is offline or disabled.

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

inline renewer::renewer(const session &session) : renewer(session, options{}) {}

inline renewer::renewer(const session &session, options options)
    : renewer(detail::unwrap(try_make(session, std::move(options)))) {}

inline session renewer::get() const { return detail::unwrap(try_get()); }
#endif

} // namespace with_exceptions or without_exceptions
} // namespace wandb

#endif
