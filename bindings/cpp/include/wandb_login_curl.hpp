// Gives the way to the W&B server to a libcurl handle: what the login found about proxy,
// certificates and headers, and the credential.
//
//     CURL *curl = curl_easy_init();
//     const auto headers = wandb::apply(session, curl); // before your own options
//     curl_easy_setopt(curl, CURLOPT_URL, url.c_str()); // below session.base_url()
//     curl_easy_perform(curl);
//
// | session | libcurl |
// |---|---|
// | `ca_file()`, `ca_dir()` | `CURLOPT_CAINFO`, `CURLOPT_CAPATH`, and those of the proxy; NULL for the other one if only one is set, curl's own default if none is |
// | `tls_unchecked()` | `CURLOPT_SSL_VERIFYPEER` and `CURLOPT_SSL_VERIFYHOST` 0, else 1 and 2, and those of the proxy |
// | `proxy()` | `CURLOPT_PROXY`, `""` for none; `CURLOPT_NOPROXY` `""` |
// | `authorization()`, `headers()` | `CURLOPT_HTTPHEADER`; `CURLOPT_HEADEROPT` `CURLHEADER_SEPARATE` |
// | send the key only to this server | `CURLOPT_FOLLOWLOCATION` 0, `CURLOPT_NETRC` 0 |
//
// Each is set also where the session has none: the variables that curl reads by itself
// (`http_proxy`, `https_proxy`, `all_proxy`, `no_proxy`) have no effect, and a handle that
// was used for another session keeps nothing of it.
//
// A directory of certificates must have the hashed names of `openssl rehash`, as curl
// needs them; the login reads every file in it.
#ifndef WANDB_LOGIN_CURL_HPP
#define WANDB_LOGIN_CURL_HPP

#include <curl/curl.h>

#include "wandb_login.hpp"

#if LIBCURL_VERSION_NUM < 0x073400
#error "wandb_login_curl.hpp needs libcurl 7.52 or later"
#endif

namespace wandb {

#ifdef WANDB_LOGIN_HPP_EXCEPTIONS
inline namespace with_exceptions {
#else
inline namespace without_exceptions {
#endif

/// The headers of a handle, with the credential. The handle refers to them: they must
/// live until its last transfer has ended. They are wiped then. Move-only.
class [[nodiscard]] curl_headers {
  public:
    /// Adds a header of your own, such as `Content-Type: application/json`. False if there
    /// is no memory.
    bool append(const char *line) noexcept {
        curl_slist *const longer = curl_slist_append(list_.get(), line);
        if (longer == nullptr) {
            return false;
        }
        if (longer != list_.get()) {
            static_cast<void>(list_.release());
            list_.reset(longer);
        }
        return curl_easy_setopt(curl_, CURLOPT_HTTPHEADER, longer) == CURLE_OK;
    }
    /// The list, for a handle that was duplicated. Borrowed.
    curl_slist *get() const noexcept { return list_.get(); }

  private:
    friend result<curl_headers> try_apply(const session &session, CURL *curl);
    explicit curl_headers(CURL *curl) noexcept : curl_(curl) {}

    struct wipe_and_free {
        void operator()(curl_slist *list) const noexcept {
            for (const curl_slist *line = list; line != nullptr; line = line->next) {
                for (volatile char *byte = line->data; *byte != 0; ++byte) {
                    *byte = 0;
                }
            }
            curl_slist_free_all(list);
        }
    };

    CURL *curl_;
    std::unique_ptr<curl_slist, wipe_and_free> list_{};
};

namespace detail {

/// Sets options of a handle, up to the first one that this libcurl refuses.
class curl_options {
  public:
    explicit curl_options(CURL *curl) noexcept : curl_(curl) {}

    template <class Value>
    curl_options &set(CURLoption option, Value value, const char *name) noexcept {
        const CURLcode code = failed_ ? CURLE_OK : curl_easy_setopt(curl_, option, value);
        if (code != CURLE_OK) {
            failed_ = name;
            code_ = code;
        }
        return *this;
    }

    const char *failed() const noexcept { return failed_; }
    CURLcode code() const noexcept { return code_; }

  private:
    CURL *curl_;
    const char *failed_ = nullptr;
    CURLcode code_ = CURLE_OK;
};

#define WANDB_LOGIN_CURL_SET(option, value) set(option, value, #option)

/// The file and the directory of a handle without configuration.
struct curl_trust {
    char *file = nullptr;
    char *directory = nullptr;
    bool known = false;
};

inline curl_trust default_trust(CURL *curl) noexcept {
    curl_trust found;
#if LIBCURL_VERSION_NUM >= 0x075400 // 7.84
    found.known = curl_easy_getinfo(curl, CURLINFO_CAINFO, &found.file) == CURLE_OK &&
                  curl_easy_getinfo(curl, CURLINFO_CAPATH, &found.directory) == CURLE_OK;
#else
    static_cast<void>(curl);
#endif
    return found;
}

inline void set_trust(curl_options &options, CURL *curl, const session &session) noexcept {
    const long peer = session.tls_unchecked() ? 0 : 1, host = session.tls_unchecked() ? 0 : 2;
    options.WANDB_LOGIN_CURL_SET(CURLOPT_SSL_VERIFYPEER, peer)
        .WANDB_LOGIN_CURL_SET(CURLOPT_SSL_VERIFYHOST, host)
        .WANDB_LOGIN_CURL_SET(CURLOPT_PROXY_SSL_VERIFYPEER, peer)
        .WANDB_LOGIN_CURL_SET(CURLOPT_PROXY_SSL_VERIFYHOST, host);
    const char *file = wandb_login_session_ca_file(session.get());
    const char *directory = wandb_login_session_ca_dir(session.get());
    if (file == nullptr && directory == nullptr) {
        const curl_trust trust = default_trust(curl);
        if (!trust.known) {
            return; // a new handle has curl's default
        }
        file = trust.file;
        directory = trust.directory;
    } else {
        // Not in addition to the trust store of the system.
        options.WANDB_LOGIN_CURL_SET(CURLOPT_SSL_OPTIONS, 0L)
            .WANDB_LOGIN_CURL_SET(CURLOPT_PROXY_SSL_OPTIONS, 0L);
    }
#if LIBCURL_VERSION_NUM >= 0x074d00 // 7.77
    options.WANDB_LOGIN_CURL_SET(CURLOPT_CAINFO_BLOB, static_cast<curl_blob *>(nullptr))
        .WANDB_LOGIN_CURL_SET(CURLOPT_PROXY_CAINFO_BLOB, static_cast<curl_blob *>(nullptr));
#endif
    options.WANDB_LOGIN_CURL_SET(CURLOPT_CAINFO, file)
        .WANDB_LOGIN_CURL_SET(CURLOPT_PROXY_CAINFO, file)
        .WANDB_LOGIN_CURL_SET(CURLOPT_CAPATH, directory)
        .WANDB_LOGIN_CURL_SET(CURLOPT_PROXY_CAPATH, directory);
}

inline void set_proxy(curl_options &options, const session &session) noexcept {
    const char *const none = nullptr;
    const char *const proxy = wandb_login_session_proxy(session.get());
    // The URL has port, user name and password. An empty one means "direct"; without the
    // option curl would look into its variables.
    options.WANDB_LOGIN_CURL_SET(CURLOPT_PROXY, proxy == nullptr ? "" : proxy)
        .WANDB_LOGIN_CURL_SET(CURLOPT_NOPROXY, "")
        .WANDB_LOGIN_CURL_SET(CURLOPT_PRE_PROXY, none)
        .WANDB_LOGIN_CURL_SET(CURLOPT_PROXYUSERNAME, none)
        .WANDB_LOGIN_CURL_SET(CURLOPT_PROXYPASSWORD, none)
        .WANDB_LOGIN_CURL_SET(CURLOPT_PROXYAUTH, static_cast<long>(CURLAUTH_BASIC))
        .WANDB_LOGIN_CURL_SET(CURLOPT_HTTPPROXYTUNNEL, 0L)
        .WANDB_LOGIN_CURL_SET(CURLOPT_PROXYHEADER, static_cast<curl_slist *>(nullptr));
}

#undef WANDB_LOGIN_CURL_SET

/// `Name: value` as curl needs it: it does not send `Name:` without a value, but `Name;`.
inline bool append_header(curl_headers &headers, const char *line) {
    const char *const colon = std::strchr(line, ':');
    if (colon == nullptr || colon[1 + std::strspn(colon + 1, " \t")] != '\0') {
        return headers.append(line);
    }
    return headers.append((std::string(line, colon) + ";").c_str());
}

inline bool append_authorization(curl_headers &headers, const session &session) {
    static constexpr char name[] = "Authorization: ";
    const secret value = session.authorization();
    std::string line;
    line.reserve(sizeof name + value.reveal().size()); // never grows, so no copy is left behind
    line.append(name).append(value.reveal());
    const bool appended = headers.append(line.c_str());
    for (volatile char &byte : line) {
        byte = 0;
    }
    return appended;
}

} // namespace detail

/// Sets the options of a handle so that it reaches the server of a session as the login
/// did, with the credential of the session. Set your own options afterwards. Use the handle
/// only for URLs below `base_url()`.
///
/// The status is `unsupported` if this libcurl lacks something that the session needs: do
/// not use the handle then.
inline result<curl_headers> try_apply(const session &session, CURL *curl) {
    result<curl_headers> made;
    if (curl == nullptr || !session) {
        made.status = status::argument;
        made.message = curl == nullptr ? "the curl handle is NULL" : "the session was moved from";
        return made;
    }
    detail::curl_options options(curl);
    detail::set_trust(options, curl, session);
    detail::set_proxy(options, session);
    options.set(CURLOPT_FOLLOWLOCATION, 0L, "CURLOPT_FOLLOWLOCATION")
        .set(CURLOPT_NETRC, static_cast<long>(CURL_NETRC_IGNORED), "CURLOPT_NETRC")
        .set(CURLOPT_HEADEROPT, static_cast<long>(CURLHEADER_SEPARATE), "CURLOPT_HEADEROPT");
    if (options.failed() != nullptr) {
        made.status = status::unsupported;
        made.message = std::string("libcurl refused ") + options.failed() + ": " +
                       curl_easy_strerror(options.code());
        return made;
    }
    curl_headers headers(curl);
    bool appended = detail::append_authorization(headers, session);
    for (const secret &line : session.headers()) {
        appended = appended && detail::append_header(headers, line.reveal().data());
    }
    if (!appended) {
        made.status = status::internal;
        made.message = "there is no memory for the headers";
        curl_easy_setopt(curl, CURLOPT_HTTPHEADER, static_cast<curl_slist *>(nullptr));
        return made;
    }
    made.value.emplace(std::move(headers));
    return made;
}

#ifdef WANDB_LOGIN_HPP_EXCEPTIONS
/// `try_apply()` that throws a `login_error`.
inline curl_headers apply(const session &session, CURL *curl) {
    return detail::unwrap(try_apply(session, curl));
}
#endif

} // namespace with_exceptions or without_exceptions
} // namespace wandb

#endif
