// Tests of the functions that exist with -fno-exceptions.
#include <wandb_login.hpp>

#include "check.hpp"

int without_exceptions();

int without_exceptions() {
    wandb::options options;
    const std::string home = "HOME=/nonexistent";
    options.environment = {home, "WANDB_API_KEY=" + std::string(40, '1')};
    options.log = [](wandb::log_level, std::string_view) {};
    const auto session = wandb::try_login(options);
    CHECK(session && session->source() == wandb::source::environment);
    CHECK(wandb::session::try_import(*session->try_export())->api_key()->reveal() ==
          session->api_key()->reveal());
    CHECK(session->try_refresh(options));
    const auto renewer = wandb::renewer::try_make(*session, options);
    CHECK(renewer && renewer->try_get()->api_key()->reveal() == session->api_key()->reveal());
    renewer->refused(*renewer->try_get());
    CHECK(renewer->try_get().status == wandb::status::rejected);

    options.environment = {home};
    options.no_prompt = true;
    const auto none = wandb::try_login(options);
    CHECK(none.status == wandb::status::not_configured && !none.message.empty() && !none.value);
    CHECK(!wandb::try_check(options) && !wandb::is_apikey_configured(options));
    CHECK(wandb::try_explain(wandb::report::text, options));
    return 0;
}

#ifdef ALONE
int main() { return without_exceptions(); }
#endif
