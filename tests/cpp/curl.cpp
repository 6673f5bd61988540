// Sends a request to the server of a session with libcurl, by wandb_login_curl.hpp. The
// arguments are groups of variables, each ended by `--`; one handle serves all groups. For
// each one line is printed: the result of curl, and the HTTP status.
#include <wandb_login_curl.hpp>

#include "check.hpp"

namespace {

wandb::session log_in(const std::vector<std::string> &variables) {
    wandb::options options;
    options.environment = variables;
    options.no_prompt = true;
    options.working_directory = "/";
    options.log = [](wandb::log_level, std::string_view) {};
    auto session = wandb::login(options);
    CHECK(session);
    return std::move(*session);
}

std::size_t ignore(char *, std::size_t size, std::size_t count, void *) { return size * count; }

void send(CURL *curl, const wandb::session &session) {
    auto headers = wandb::apply(session, curl);
    auto moved = std::move(headers);
    CHECK(moved.append("Content-Type: application/json") && moved.get() != nullptr);
    const std::string url = std::string(session.base_url()) + "/graphql";
    curl_easy_setopt(curl, CURLOPT_URL, url.c_str());
    curl_easy_setopt(curl, CURLOPT_POSTFIELDS, "{}");
    curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, ignore);
    curl_easy_setopt(curl, CURLOPT_TIMEOUT, 20L);
    curl_easy_setopt(curl, CURLOPT_FRESH_CONNECT, 1L);
    const CURLcode code = curl_easy_perform(curl);
    long status = 0;
    curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &status);
    std::printf("%d %ld\n", static_cast<int>(code), status);
    std::fflush(stdout);
}

} // namespace

int main(int argc, char **argv) {
    CURL *const curl = curl_easy_init();
    // Options of another use of the handle. None of them may be left.
    curl_easy_setopt(curl, CURLOPT_PROXY, "http://127.0.0.1:1");
    curl_easy_setopt(curl, CURLOPT_PROXYUSERPWD, "stranger:password");
    curl_easy_setopt(curl, CURLOPT_NOPROXY, "*");
    curl_easy_setopt(curl, CURLOPT_FOLLOWLOCATION, 1L);
    curl_easy_setopt(curl, CURLOPT_SSL_VERIFYPEER, 0L);
    curl_easy_setopt(curl, CURLOPT_CAINFO, "/nonexistent");
    std::vector<std::string> variables;
    for (int i = 1; i < argc; ++i) {
        if (std::string_view(argv[i]) != "--") {
            variables.emplace_back(argv[i]);
            continue;
        }
        send(curl, log_in(variables));
        variables.clear();
    }
    curl_easy_cleanup(curl);

    CHECK(!wandb::try_apply(log_in({"WANDB_API_KEY=" + std::string(40, '1')}), nullptr));
    return 0;
}
