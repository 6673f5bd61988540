// Fits a logistic regression by stochastic gradient descent, and logs loss and learning
// rate to W&B.
//
//     train [EPOCHS [INTERVAL [RATE]]]
//
// INTERVAL: seconds between two uploads (15); RATE: the learning rate (0.1). The project
// is that of WANDB_PROJECT, which wandb_run.c reads.
#include <chrono>
#include <cmath>
#include <cstdio>
#include <random>
#include <string>
#include <thread>

#include "wandb_run.hpp"

/// Whether a point of the plane is above a line: the probability is 1 / (1 + exp(-w x)).
class model {
public:
    /// One pass over random points. Returns the mean loss.
    double epoch(double rate) {
        constexpr int points = 500;
        double loss = 0;
        for (int i = 0; i < points; ++i) {
            const double x[3] = {uniform_(random_), uniform_(random_), 1};
            const double label = x[1] > 2 * x[0] - 0.5 ? 1 : 0;
            const double z = weights_[0] * x[0] + weights_[1] * x[1] + weights_[2];
            const double p = 1 / (1 + std::exp(-z));
            loss += (std::log1p(std::exp(-std::abs(z))) + std::max(z, 0.0) - label * z) / points;
            for (int k = 0; k < 3; ++k) {
                weights_[k] -= rate * (p - label) * x[k];
            }
        }
        return loss;
    }

private:
    std::mt19937 random_{1};
    std::uniform_real_distribution<double> uniform_{-1, 1};
    double weights_[3] = {0, 0, 0};
};

int main(int argc, char **argv) {
    const int epochs = argc > 1 ? std::atoi(argv[1]) : 100;
    const double first_rate = argc > 3 ? std::atof(argv[3]) : 0.1;
    const std::string config = "{\"learning_rate\":{\"value\":" + std::to_string(first_rate) + "}}";
    wandb::run_options options{};
    options.config = config.c_str();
    options.interval = argc > 2 ? std::atof(argv[2]) : 0;

    wandb::run run(options);
    model model;
    int done = 0;
    while (done < epochs && !run.stopped()) {
        const double rate = first_rate / (1 + 0.1 * done);
        const double loss = model.epoch(rate);
        run.log({{"loss", loss}, {"learning_rate", rate}});
        std::printf("epoch %d: loss %g\n", done++, loss);
        std::this_thread::sleep_for(std::chrono::milliseconds(100)); // a larger model is slower
    }
    const int exit_code = done == epochs ? 0 : 1; // 1: the user has stopped it
    run.finish(exit_code);
    return exit_code;
}
