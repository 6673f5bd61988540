// Tests of the functions that throw. The arguments are an empty directory and the URLs
// of eight servers: one that accepts the key, one that rejects it, one that redirects,
// one that does not respond, a proxy that refuses, one with an untrusted certificate,
// one that exchanges identity tokens, and one that repeats the key.
#include <fcntl.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <sstream>
#include <thread>
#include <type_traits>

#include <wandb_login.hpp>

#include "check.hpp"

// In other translation units, the second one compiled without exceptions.
std::string name_of_library();
int without_exceptions();

namespace {

const std::string key_1(40, '1'), key_2(40, '2');
std::filesystem::path base;

/// Options for a separate home directory, with these variables.
wandb::options at_home(const std::string &name, std::vector<std::string> variables = {}) {
    const auto home = base / name;
    std::filesystem::create_directories(home);
    variables.push_back("HOME=" + home.string());
    wandb::options options;
    options.environment = std::move(variables);
    options.working_directory = home.string();
    options.log = [](wandb::log_level, std::string_view) {};
    options.http_timeout = std::chrono::minutes(2); // valgrind is slow
    return options;
}

std::string write(const std::string &path, const std::string &text) {
    const auto full = base / path;
    std::filesystem::create_directories(full.parent_path());
    std::ofstream(full) << text;
    return full.string();
}

/// Returns the exception that a function throws.
template <class Error, class Function> std::string thrown(Function &&function) {
    try {
        function();
    } catch (const Error &error) {
        return error.what();
    }
    CHECK(!"an exception of this type");
    return "";
}

bool holds(std::string_view text, std::string_view part) {
    return text.find(part) != std::string_view::npos;
}

void sources() {
    auto options = at_home("sources");
    options.no_prompt = true;

    options.environment->push_back("WANDB_API_KEY=" + key_1);
    const auto environment = wandb::login(options);
    CHECK(environment && environment->source() == wandb::source::environment);
    CHECK(environment->source_name() == "WANDB_API_KEY");
    CHECK(environment->api_key()->reveal() == key_1);
    CHECK(environment->authorization().reveal().substr(0, 6) == "Basic ");
    CHECK(environment->base_url() == "https://api.wandb.ai");
    CHECK(environment->app_url().substr(0, 8) == "https://");
    CHECK(holds(environment->display(), "configured for https://api.wandb.ai"));
    CHECK(!holds(environment->display(), key_1));
    CHECK(!environment->username() && !environment->email() && !environment->entity());
    CHECK(environment->teams().empty() && !environment->verified());
    CHECK(!environment->expires_at());
    CHECK(environment->child_environment().front().reveal() == "WANDB_API_KEY=" + key_1);
    options.environment->pop_back();

    options.session = &*environment;
    CHECK(wandb::login(options)->source() == wandb::source::session);
    options.session = nullptr;

    options.api_key = wandb::secret(key_2);
    const auto explicit_key = wandb::login(options);
    CHECK(explicit_key->source() == wandb::source::explicit_key);
    CHECK(!explicit_key->source_name() && explicit_key->saved());
    options.api_key.reset();

    const auto netrc = wandb::login(options);
    CHECK(netrc->source() == wandb::source::netrc && netrc->api_key()->reveal() == key_2);
    CHECK(netrc->source_name() == (base / "sources/.netrc").string());
    CHECK(wandb::is_apikey_configured(options));
    wandb::check(options);
    CHECK(holds(wandb::explain(wandb::report::json, options), "\"netrc\""));
    CHECK(!holds(wandb::explain(wandb::report::text, options), key_2));

    const auto settings = write("sources/wandb/settings", "[default]\napi_key = " + key_1 + "\n");
    const auto from_settings = wandb::login(options);
    CHECK(from_settings->source() == wandb::source::settings);
    CHECK(from_settings->source_name() == settings);
    options.sdk_order = true;
    CHECK(wandb::login(options)->source() == wandb::source::netrc);

    options.environment->push_back("WANDB_API_KEY_FILE=" + write("sources/key", key_1 + "\n"));
    CHECK(wandb::login(options)->source() == wandb::source::key_file);
    options.environment->pop_back();

    auto on_port = at_home("bare_host");
    on_port.api_key = wandb::secret(key_1);
    on_port.host = "https://wandb.corp.example:8443";
    on_port.bare_host = true;
    CHECK(wandb::login(on_port)->saved());
    on_port.api_key.reset();
    on_port.host = "https://wandb.corp.example";
    CHECK(wandb::login(on_port)->source_name() == (base / "bare_host/.netrc").string());

    std::filesystem::remove(settings);
    wandb::forget(options);
    CHECK(!wandb::is_apikey_configured(options));
}

void callbacks() {
    auto options = at_home("callbacks");
    std::vector<unsigned> attempts;
    std::vector<std::string> lines;
    std::optional<wandb::session> kept;
    options.prompt = [&](const wandb::prompt_request &asked) {
        attempts.push_back(asked.attempt);
        CHECK(asked.server == "https://api.wandb.ai");
        CHECK(!asked.server_source.empty() && !asked.signup_url.empty());
        CHECK(holds(asked.authorize_url, "/authorize"));
        CHECK(asked.problem.has_value() == (asked.attempt > 1));
        return wandb::prompt_answer::key(wandb::secret(asked.attempt == 1 ? "short" : key_1));
    };
    options.log = [&](wandb::log_level, std::string_view line) { lines.emplace_back(line); };
    options.backend = [&](const wandb::session &session) { kept.emplace(session.share()); };
    const auto session = wandb::login(options);
    CHECK(session->source() == wandb::source::prompt && session->saved());
    CHECK((attempts == std::vector<unsigned>{1, 2}));
    CHECK(!lines.empty());
    for (const auto &line : lines) {
        CHECK(!holds(line, key_1));
    }
    CHECK(kept->api_key()->reveal() == key_1);

    options.prompt = [](const wandb::prompt_request &asked) {
        CHECK(asked.may_offline && !asked.may_anonymous);
        return wandb::prompt_answer::offline();
    };
    CHECK(!wandb::prompt_api_key(options)); // empty: the user chose offline mode
}

void exceptions_of_callbacks() {
    struct mine {
        int number;
    };
    auto options = at_home("thrown");
    const auto number = [&] {
        try {
            wandb::login(options);
        } catch (const mine &thrown) {
            return thrown.number;
        }
        return 0;
    };
    options.prompt = [](const wandb::prompt_request &) -> wandb::prompt_answer { throw mine{1}; };
    CHECK(number() == 1);
    const auto tried = wandb::try_login(options); // does not throw it
    CHECK(tried.status == wandb::status::prompt && tried.thrown && !tried.value);
    options.prompt = nullptr;

    options.api_key = wandb::secret(key_1);
    options.backend = [](const wandb::session &) { throw mine{2}; };
    CHECK(number() == 2);
    options.backend = nullptr;
    options.log = [](wandb::log_level, std::string_view) { throw mine{3}; };
    CHECK(number() == 3);

    // An exception of `cancel` ends a wait for a pipe without a writer.
    const auto pipe = (base / "thrown/pipe").string();
    CHECK(std::system(("mkfifo '" + pipe + "'").c_str()) == 0);
    options = at_home("thrown", {"WANDB_API_KEY_FILE=" + pipe});
    options.cancel = []() -> bool { throw mine{4}; };
    CHECK(number() == 4);
    options.cancel = [] { return true; };
    thrown<wandb::cancelled_error>([&] { wandb::login(options); });
}

template <wandb::status Status> void one_kind() {
    wandb::outcome failed;
    failed.status = Status;
    failed.message = "a sentence";
    try {
        wandb::detail::raise(failed);
    } catch (const wandb::error_of<Status> &error) {
        CHECK(error.status() == Status && error.what() == failed.message);
    }
}

void errors() {
    using wandb::status;
    auto options = at_home("errors");
    options.no_prompt = true;
    thrown<wandb::not_configured_error>([&] { wandb::login(options); });

    options.environment->push_back("WANDB_MODE=offline");
    CHECK(!wandb::login(options));
    CHECK(wandb::try_login(options).status == status::offline);
    options.environment->pop_back();

    options.host = "ftp://example.com";
    CHECK(holds(thrown<wandb::argument_error>([&] { wandb::login(options); }), "http"));
    options.host = std::string("https://a\0b", 11);
    CHECK(holds(thrown<wandb::argument_error>([&] { wandb::login(options); }), "NUL"));
    options.host.clear();

    options.api_key = wandb::secret(key_1 + std::string(1, '\0') + key_1);
    thrown<wandb::argument_error>([&] { wandb::login(options); });
    options.api_key.reset();

    options.environment->push_back("WANDB_API_KEY=kürzer");
    const auto text = thrown<wandb::credentials_error>([&] { wandb::login(options); });
    CHECK(holds(text, "WANDB_API_KEY") && !holds(text, "rzer"));
    options.environment->pop_back();
    options.no_prompt = false;

    for (const auto &answer : {wandb::prompt_answer::give_up(),
                               wandb::prompt_answer::key(wandb::secret(std::string(70000, 'x'))),
                               wandb::prompt_answer::key(wandb::secret(std::string(40, '\0')))}) {
        options.prompt = [&](const wandb::prompt_request &) { return answer; };
        thrown<wandb::prompt_error>([&] { wandb::login(options); });
    }

    // The key cannot be removed: the netrc file is read-only.
    write("errors/.netrc", "machine api.wandb.ai login user password " + key_1 + "\n");
    std::filesystem::permissions(base / "errors/.netrc", std::filesystem::perms::owner_read);
    thrown<wandb::store_error>([&] { wandb::forget(options); });

    one_kind<status::offline>(), one_kind<status::not_configured>(), one_kind<status::argument>();
    one_kind<status::credentials>(), one_kind<status::rejected>(), one_kind<status::network>();
    one_kind<status::prompt>(), one_kind<status::store>(), one_kind<status::tls>();
    one_kind<status::timeout>(), one_kind<status::proxy>(), one_kind<status::server>();
    one_kind<status::cancelled>(), one_kind<status::unsupported>(), one_kind<status::internal>();
    CHECK(std::string(to_string(status::ok)) == "success");
    // An unknown status of a later version is also an error.
    wandb::outcome later;
    later.status = static_cast<status>(-50);
    thrown<wandb::login_error>([&] { wandb::detail::raise(later); });
}

void text_beyond_ascii() {
    const auto file = write("Zürich-東京/schlüssel", key_2);
    auto options = at_home("Zürich-東京", {"WANDB_API_KEY_FILE=" + file});
    std::string seen;
    options.log = [&](wandb::log_level, std::string_view line) { seen += line; };
    const auto session = wandb::login(options);
    CHECK(holds(*session->source_name(), "Zürich-東京/schlüssel"));
    CHECK(holds(seen, "Zürich-東京"));
}

void moved_from() {
    auto first = wandb::login(at_home("moved", {"WANDB_API_KEY=" + key_1}));
    wandb::session second(std::move(*first));
    CHECK(second && !*first);
    CHECK(!first->api_key() && first->authorization().empty() && first->base_url().empty());
    CHECK(first->source() == wandb::source::none && !first->source_name() && !first->expires_at());
    CHECK(first->teams().empty() && first->child_environment().empty() && !first->saved());
    CHECK(!first->share());
    CHECK(first->try_export().status == wandb::status::argument);
    CHECK(holds(thrown<wandb::argument_error>([&] { first->refresh({}); }), "session"));
    wandb::options options;
    options.session = &*first;
    CHECK(holds(thrown<wandb::argument_error>([&] { wandb::login(options); }), "moved"));

    *first = std::move(second);
    CHECK(*first && !second && first->api_key()->reveal() == key_1);
    auto &same = *first;
    *first = std::move(same);
    CHECK(*first);
}

void secrets() {
    static_assert(!std::is_convertible_v<wandb::secret, std::string>);
    static_assert(!std::is_convertible_v<wandb::secret, std::string_view>);
    static_assert(!std::is_constructible_v<std::string, wandb::secret>);
    static_assert(!std::is_convertible_v<std::string, wandb::secret>);
    static_assert(!std::is_copy_constructible_v<wandb::session>);
    static_assert(std::is_nothrow_move_constructible_v<wandb::session>);

    // A secret of a session is valid after the session is destroyed.
    wandb::secret key;
    {
        const auto session = wandb::login(at_home("secrets", {"WANDB_API_KEY=" + key_1}));
        key = *session->api_key();
    }
    CHECK(key.reveal() == key_1);
    CHECK(wandb::secret().empty() && wandb::secret("").reveal().data()[0] == '\0');
}

void other_processes() {
    const auto options = at_home("export", {"WANDB_API_KEY=" + key_1});
    const auto session = wandb::login(options);
    const auto text = session->export_text();
    const auto same = wandb::session::import_text(text);
    CHECK(same.api_key()->reveal() == key_1 && same.base_url() == session->base_url());
    CHECK(same.source() == session->source());
    thrown<wandb::argument_error>([] { wandb::session::import_text(wandb::secret("nonsense")); });
    const auto fresh = session->refresh(options);
    CHECK(fresh.api_key()->reveal() == key_1);
}

/// One line without control characters and without the key.
bool is_plain(std::string_view text) {
    return !holds(text, key_1) && text.find_first_of(std::string("\0\r\n\x1b\x7f", 5)) == text.npos;
}

void damaged_sessions() {
    const auto session = wandb::login(at_home("damaged", {"WANDB_API_KEY=" + key_1}));
    const auto text = session->export_text();
    const std::string whole(text.reveal());
    for (std::size_t i = 0; i < whole.size(); ++i) {
        auto changed = whole;
        changed[i] = static_cast<char>(changed[i] ^ (i % 2 == 0 ? 1 : -128));
        const auto imported = wandb::session::try_import(wandb::secret(changed));
        CHECK(imported ? imported.value->export_text().reveal() == whole : is_plain(imported.message));
    }
}

void closed_standard_input() {
    const int saved = dup(0);
    close(0);
    auto options = at_home("closed");
    options.api_key = wandb::secret(key_1);
    CHECK(wandb::login(options)->saved());
    CHECK(fcntl(0, F_GETFD) == -1);
    CHECK(dup2(saved, 0) == 0 && close(saved) == 0);
}

/// A server whose answers repeat the key and control the terminal.
void hostile_server(const std::string &server) {
    auto options = at_home("hostile", {"WANDB_API_KEY=" + key_1});
    options.log = [](wandb::log_level, std::string_view line) { CHECK(is_plain(line)); };
    options.verify = true;
    options.no_save = true;
    options.host = server;
    for (int i = 0; i < 5; ++i) {
        const auto outcome = wandb::try_login(options);
        CHECK(is_plain(outcome.message));
        if (outcome) {
            CHECK(is_plain(outcome->display()) && is_plain(*outcome->username()));
        }
    }
}

void threads() {
    const auto shared = wandb::login(at_home("threads", {"WANDB_API_KEY=" + key_1}));
    std::vector<std::thread> running;
    for (int i = 0; i < 16; ++i) {
        running.emplace_back([&, i] {
            auto options = at_home("thread" + std::to_string(i));
            const std::string key = std::to_string(100 + i) + std::string(40, 'x');
            options.api_key = wandb::secret(key);
            CHECK(wandb::login(options)->saved());
            options.api_key.reset();
            CHECK(wandb::login(options)->api_key()->reveal() == key);
            CHECK(shared->share().api_key()->reveal() == key_1);
        });
    }
    for (auto &thread : running) {
        thread.join();
    }
}

void verified(char **servers) {
    auto options = at_home("verified", {"WANDB_API_KEY=" + key_1});
    options.verify = true;
    options.host = servers[0];
    options.no_save = true;
    const auto session = wandb::login(options);
    CHECK(session->verified() && session->base_url() == servers[0]);
    CHECK(session->username() == "usr" && session->email() == "e@x" && session->entity() == "ent");
    CHECK((session->teams() == std::vector<std::string_view>{"ent", "team2"}));
    CHECK(holds(session->display(), "Currently logged in as: usr"));

    const auto fails = [&] { wandb::login(options); };
    options.host = servers[1];
    thrown<wandb::rejected_error>(fails);
    options.host = servers[2];
    thrown<wandb::server_error>(fails);
    options.host = servers[3];
    options.http_timeout = std::chrono::milliseconds(200);
    thrown<wandb::timeout_error>(fails);
    options.http_timeout.reset();
    options.host = servers[5];
    thrown<wandb::tls_error>(fails);
    options.host = "http://127.0.0.1:1"; // no server
    thrown<wandb::network_error>(fails);
    options.host = "http://wandb.example";
    options.environment->push_back("WANDB_HTTP_PROXY=" + std::string(servers[4]));
    thrown<wandb::proxy_error>(fails);
}

void identity_token(const std::string &server) {
    const auto file = write("identity/token", "aaaa.bbbb.cccc\n");
    const auto options =
        at_home("identity", {"WANDB_BASE_URL=" + server, "WANDB_IDENTITY_TOKEN_FILE=" + file});
    const auto session = wandb::login(options);
    CHECK(session->source() == wandb::source::identity_token && session->source_name() == file);
    CHECK(!session->api_key());
    CHECK(session->authorization().reveal() == "Bearer token-of-the-server");
    const auto left = *session->expires_at() - std::chrono::system_clock::now();
    CHECK(left > std::chrono::minutes(0) && left <= std::chrono::hours(1));
}

void the_way() {
    auto options = at_home("way", {"WANDB_API_KEY=" + key_1});
    const auto direct = wandb::login(options);
    CHECK(!direct->ca_file() && !direct->ca_dir() && !direct->tls_unchecked());
    CHECK(!direct->proxy() && direct->headers().empty());
    for (const char *variable : {"HTTPS_PROXY=u:p@h:1", "SSL_CERT_FILE=ca.pem", "SSL_CERT_DIR=/d",
                                 "WANDB_INSECURE_DISABLE_SSL=1", "WANDB_USERNAME=ada"}) {
        options.environment->push_back(variable);
    }
    const auto session = wandb::login(options);
    CHECK(session->ca_file() == (base / "way/ca.pem").string() && session->ca_dir() == "/d");
    CHECK(session->tls_unchecked() && session->proxy()->reveal() == "http://u:p@h:1");
    CHECK(session->headers().size() == 1);
    CHECK(session->headers()[0].reveal() == "X-Wandb-Username: ada");
}

void renewals(const std::string &server) {
    const auto file = write("renewals/token", "aaaa.bbbb.cccc\n");
    auto options = at_home("renewals");
    int renewed = 0;
    options.backend = [&](const wandb::session &session) { renewed += session ? 1 : 0; };
    const auto ended = wandb::session::import_text(wandb::secret(
        "wandb-login-session 1\nbase_url " + server + "\nsource identity_token\n" +
        "access_token old\nexpires_at 1\nidentity_token_file " + file + "\n"));
    std::optional<wandb::renewer> first(std::in_place, ended, options);
    const wandb::renewer keeper = *first;
    first.reset();
    CHECK(keeper.get().authorization().reveal() == "Bearer token-of-the-server");
    CHECK(renewed == 1);
    CHECK(keeper.get().authorization().reveal() == "Bearer token-of-the-server");
    CHECK(renewed == 1);
    keeper.refused(ended); // no longer current
    CHECK(keeper.try_get() && renewed == 1);

    // What a callback throws comes out of the call that ran it.
    options.backend = [](const wandb::session &) { throw 5; };
    const wandb::renewer throws(ended, options);
    try {
        throws.get();
        CHECK(!"an exception");
    } catch (int number) {
        CHECK(number == 5);
    }
    CHECK(throws.get().authorization().reveal() == "Bearer token-of-the-server");

    // A key that is refused is looked up again; the last one stays refused.
    auto netrc = at_home("refused");
    const auto entry = [&](const std::string &key) {
        write("refused/.netrc", "machine api.wandb.ai login user password " + key + "\n");
    };
    entry(key_1);
    const wandb::renewer keys(*wandb::login(netrc), netrc);
    entry(key_2);
    keys.refused(keys.get());
    CHECK(keys.get().api_key()->reveal() == key_2);
    keys.refused(keys.get());
    CHECK(keys.try_get().status == wandb::status::rejected);
    thrown<wandb::rejected_error>([&] { keys.get(); });

    netrc.host = "https://a";
    netrc.working_directory = std::string("a\0b", 3);
    thrown<wandb::argument_error>([&] { wandb::renewer(ended, netrc); });
    auto moved = keys;
    const auto target = std::move(moved);
    CHECK(moved.try_get().status == wandb::status::argument); // NOLINT: after the move
    CHECK(target.try_get().status == wandb::status::rejected);
}

/// Repeats the calls, so that a leak adds up.
void many_times() {
    auto options = at_home("many", {"WANDB_API_KEY=" + key_1});
    for (int i = 0; i < 100; ++i) {
        auto session = wandb::login(options);
        const auto text = session->export_text();
        const auto again = wandb::session::import_text(text);
        CHECK(again.child_environment().size() == session->child_environment().size());
        CHECK(!wandb::explain(wandb::report::json, options).empty());
        options.host = "nonsense";
        CHECK(!wandb::try_login(options));
        options.host.clear();
    }
}

} // namespace

int main(int argc, char **argv) {
    CHECK(argc == 10);
    base = argv[1];
    CHECK(name_of_library() == wandb_login_version());
    CHECK(without_exceptions() == 0);
    sources();
    callbacks();
    exceptions_of_callbacks();
    errors();
    text_beyond_ascii();
    moved_from();
    secrets();
    other_processes();
    damaged_sessions();
    closed_standard_input();
    threads();
    verified(argv + 2);
    identity_token(argv[8]);
    hostile_server(argv[9]);
    the_way();
    renewals(argv[8]);
    many_times();
    std::puts("all C++ tests passed");
}
