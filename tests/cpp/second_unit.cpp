// Includes the header in a second translation unit of the same program.
#include <string>

#include <wandb_login.hpp>

std::string name_of_library();

std::string name_of_library() {
    wandb::options options;
    options.environment = {"HOME=/nonexistent"};
    options.no_prompt = true;
    // A function that is not inline would be defined twice.
    (void)wandb::is_apikey_configured(options);
    return wandb_login_version();
}
