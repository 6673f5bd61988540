// A panic in the library becomes an exception, and the program continues. Needs a
// library with the `panic-test` feature.
#include <thread>

#include <wandb_login.hpp>

#include "check.hpp"

extern "C" wandb_login_status wandb_login_test_panic(const wandb_login_options *options);

namespace {

const std::string key(40, '1');

/// Calls a function of the library that panics.
void call_panicking(const wandb::options &options) {
    wandb::outcome ended;
    wandb::detail::call(options).run(ended, wandb_login_test_panic);
    CHECK(static_cast<int>(ended.status) == -99);
    wandb::detail::check(ended);
}

void hit_and_live_on() {
    wandb::options options;
    options.environment.emplace({"WANDB_API_KEY=" + key});
    options.no_prompt = true;
    options.log = [](wandb::log_level, std::string_view) {};
    int lent = 0;
    options.backend = [&](const wandb::session &) { ++lent; };
    for (int i = 0; i < 3; ++i) {
        bool caught = false;
        try {
            call_panicking(options);
        } catch (const wandb::internal_error &error) {
            caught = error.status() == wandb::status::internal &&
                     std::string_view(error.what()).find("internal error in libwandb_login") != std::string_view::npos;
        }
        CHECK(caught && lent == i);
        const auto session = wandb::login(options);
        CHECK(session && session->api_key()->reveal() == key && lent == i + 1);
    }

    // This library is built without HTTP, which is another error.
    options.verify = true;
    bool caught = false;
    try {
        wandb::login(options);
    } catch (const wandb::unsupported_error &) {
        caught = true;
    }
    CHECK(caught);
}

} // namespace

int main() {
    std::vector<std::thread> others;
    for (int i = 0; i < 8; ++i) {
        others.emplace_back(hit_and_live_on);
    }
    hit_and_live_on();
    for (auto &other : others) {
        other.join();
    }
    std::puts("the program continues");
}
