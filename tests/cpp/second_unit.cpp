// The header once more, in another translation unit of the same program.
#include <string>

#include <wandb_login.hpp>

std::string name_of_library();

std::string name_of_library() {
    wandb::options options;
    options.environment = {"HOME=/nonexistent"};
    options.no_prompt = true;
    // Functions that are not inline would now be defined twice.
    (void)wandb::is_apikey_configured(options);
    return wandb_login_version();
}
