/* Fits a line to noisy points by stochastic gradient descent, and logs loss and
 * learning rate to W&B.
 *
 *     ./train [EPOCHS [INTERVAL [RATE]]]
 *
 * INTERVAL: seconds between two uploads (15); RATE: the learning rate (0.1). The
 * project is that of WANDB_PROJECT, which wandb_run.c reads. */
#define _POSIX_C_SOURCE 200809L
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "wandb_run.h"

#define POINTS 256

/* A random number between -1 and 1. */
static double uniform(void) { return 2.0 * rand() / RAND_MAX - 1.0; }

/* One pass over random points of y = 3 x - 2, with noise. Returns the mean loss. */
static double epoch(double *slope, double *offset, double rate) {
    double sum = 0.0;
    for (int i = 0; i < POINTS; i++) {
        double x = uniform(), y = 3.0 * x - 2.0 + 0.1 * uniform();
        double error = *slope * x + *offset - y;
        *slope -= rate * error * x;
        *offset -= rate * error;
        sum += error * error;
    }
    return sum / POINTS;
}

int main(int argc, char **argv) {
    int epochs = argc > 1 ? atoi(argv[1]) : 100;
    double slope = 0.0, offset = 0.0;
    double first_rate = argc > 3 ? atof(argv[3]) : 0.1;
    char config[64];
    wandb_run_options options = {0};
    snprintf(config, sizeof config, "{\"learning_rate\":{\"value\":%g}}", first_rate);
    options.config = config;
    options.interval = argc > 2 ? atof(argv[2]) : 0.0;

    wandb_run *run = wandb_run_start(&options);
    int done = 0;
    while (done < epochs && !wandb_run_stopped(run)) {
        double rate = first_rate / (1.0 + 0.1 * done);
        double loss = epoch(&slope, &offset, rate);
        wandb_run_log(run, (wandb_metric[]){{"loss", loss}, {"learning_rate", rate}}, 2);
        printf("epoch %d: loss %g\n", done++, loss);
        nanosleep(&(struct timespec){0, 100000000}, NULL); /* a larger model is slower */
    }
    printf("y = %.2f x + %.2f\n", slope, offset);
    int exit_code = done == epochs ? 0 : 1; /* 1: the user has stopped it */
    wandb_run_finish(run, exit_code);
    return exit_code;
}
