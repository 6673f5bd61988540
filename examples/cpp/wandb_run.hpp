// Logs the metrics of a training to Weights & Biases: wandb_run.h with a destructor.
// SPDX-License-Identifier: MIT
//
// Copy wandb_run.hpp, wandb_run.h and wandb_run.c into your program.
//
//     wandb::run run;
//     run.log({{"loss", loss}, {"learning_rate", rate}});
//
// wandb_run.h says what each option means and what happens if W&B fails.
#ifndef WANDB_RUN_HPP
#define WANDB_RUN_HPP

#include <exception>
#include <initializer_list>
#include <utility>

#include "wandb_run.h"

namespace wandb {

using metric = wandb_metric;
using run_options = wandb_run_options;

/// A run. Its end finishes it: with 1 if an exception leaves the scope, otherwise with 0.
class run {
public:
    /// Logs in and starts a run. It is empty if W&B is offline or the login fails; then
    /// the functions do nothing.
    explicit run(const run_options &options = {}) noexcept : run_(wandb_run_start(&options)) {}

    run(run &&other) noexcept : run_(std::exchange(other.run_, nullptr)), exceptions_(other.exceptions_) {}
    run &operator=(run &&) = delete;
    ~run() { finish(std::uncaught_exceptions() > exceptions_ ? 1 : 0); }

    /// Logs the metrics of the next step. Any thread may call it.
    void log(std::initializer_list<metric> metrics) noexcept {
        wandb_run_log(run_, metrics.begin(), metrics.size());
    }

    /// Whether the user has pressed Stop on the page of the run.
    bool stopped() const noexcept { return wandb_run_stopped(run_) != 0; }

    /// Sends what is left and the exit code. Takes at most 10 seconds.
    void finish(int exit_code) noexcept { wandb_run_finish(std::exchange(run_, nullptr), exit_code); }

    explicit operator bool() const noexcept { return run_ != nullptr; }

private:
    wandb_run *run_;
    int exceptions_ = std::uncaught_exceptions();
};

} // namespace wandb

#endif
