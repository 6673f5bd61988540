// Trains a logistic regression by stochastic gradient descent and sends its loss to
// the W&B server.
#include <cmath>
#include <cstdio>
#include <random>
#include <stdexcept>
#include <string>

#include <curl/curl.h>
#include <wandb_login.hpp>

/// Sends one line of metrics. By default curl does not follow redirects, so the key is
/// sent only to the server of the session.
static void post(const wandb::session &session, const std::string &json) {
    const std::string url = std::string(session.base_url()) + "/metrics";
    std::string authorization = "Authorization: ";
    authorization += session.authorization().reveal();

    CURL *curl = curl_easy_init();
    curl_slist *headers = curl_slist_append(nullptr, authorization.c_str());
    headers = curl_slist_append(headers, "Content-Type: application/json");
    curl_easy_setopt(curl, CURLOPT_URL, url.c_str());
    curl_easy_setopt(curl, CURLOPT_HTTPHEADER, headers);
    curl_easy_setopt(curl, CURLOPT_POSTFIELDS, json.c_str());
    curl_easy_setopt(curl, CURLOPT_FAILONERROR, 1L);
    curl_easy_setopt(curl, CURLOPT_TIMEOUT, 10L);
    const CURLcode code = curl_easy_perform(curl);
    curl_slist_free_all(headers);
    curl_easy_cleanup(curl);
    if (code != CURLE_OK) {
        throw std::runtime_error(curl_easy_strerror(code));
    }
}

int main() try {
    const auto session = wandb::login(); // empty if W&B is offline

    // Points in the plane; those above the line y = 2x - 0.5 are class 1.
    std::mt19937 random(1);
    std::uniform_real_distribution<double> uniform(-1, 1);
    double w[3] = {0, 0, 0};
    for (int epoch = 1; epoch <= 5; ++epoch) {
        double loss = 0;
        constexpr int points = 2000;
        for (int i = 0; i < points; ++i) {
            const double x[3] = {uniform(random), uniform(random), 1};
            const double label = x[1] > 2 * x[0] - 0.5 ? 1 : 0;
            const double p = 1 / (1 + std::exp(-(w[0] * x[0] + w[1] * x[1] + w[2] * x[2])));
            loss -= std::log(label > 0 ? p : 1 - p) / points;
            for (int k = 0; k < 3; ++k) {
                w[k] -= 0.1 * (p - label) * x[k];
            }
        }
        std::printf("epoch %d: loss %.4f\n", epoch, loss);
        if (session) {
            post(*session, "{\"epoch\": " + std::to_string(epoch) + ", \"loss\": " + std::to_string(loss) + "}");
        }
    }
    return 0;
} catch (const std::exception &error) {
    std::fprintf(stderr, "train: %s\n", error.what());
    return 1;
}
