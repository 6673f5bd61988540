// login URL [KEY]: as login.c, with the C++ package.
#include <iostream>

#ifdef _WIN32
#include <windows.h> // whose macros the header must stand
#endif

#include <wandb_login.hpp>

int main(int argc, char **argv) try {
    if (argc < 2 || argc > 3) {
        std::cerr << "usage: " << argv[0] << " URL [KEY]\n";
        return 2;
    }
    wandb::options options;
    options.host = argv[1];
    if (argc == 3) {
        options.api_key.emplace(argv[2]);
    }
    options.verify = true;
    options.no_prompt = true;
    const auto session = wandb::login(options);
    std::cout << session->source_name().value_or("-") << '|' << session->base_url() << '|'
              << session->username().value_or("-") << '\n';
} catch (const wandb::login_error &error) {
    std::cerr << error.what() << '\n';
    return error.status() == wandb::status::rejected ? 3 : 1;
}
