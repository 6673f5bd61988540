#include <iostream>

#include <wandb_login.hpp>

int main() try {
    const auto session = wandb::login();
    std::cout << session->source_name().value_or("nothing") << ' ' << session->base_url() << '\n';
} catch (const wandb::login_error &error) {
    std::cerr << error.what() << '\n';
    return 1;
}
