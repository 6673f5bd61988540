/* Trains a linear model on all ranks of an MPI job. Rank 0 logs the loss and the learning
 * rate to W&B.
 *
 *     mpirun -np 4 ./train [EPOCHS [INTERVAL [RATE]]]
 *
 * INTERVAL: seconds between two uploads (15); RATE: the learning rate (0.1). The project
 * is that of WANDB_PROJECT, which wandb_run.c reads. */
#define _POSIX_C_SOURCE 200809L
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include <wandb_login_mpi.h>

#include "wandb_run.h"

#define SAMPLES 256 /* on each rank */

/* Each rank has its own samples of y = 3 x - 2 with noise. */
static void load(double *x, double *y, int rank) {
    srand((unsigned)rank + 1);
    for (int i = 0; i < SAMPLES; i++) {
        x[i] = 2.0 * rand() / RAND_MAX - 1.0;
        y[i] = 3.0 * x[i] - 2.0 + 0.1 * (2.0 * rand() / RAND_MAX - 1.0);
    }
}

/* One step of gradient descent over the samples of all ranks. Returns the mean loss. */
static double epoch(const double *x, const double *y, double *slope, double *offset, double rate) {
    int ranks;
    double sums[3] = {0.0, 0.0, 0.0}; /* two gradients and the loss */
    MPI_Comm_size(MPI_COMM_WORLD, &ranks);
    for (int i = 0; i < SAMPLES; i++) {
        double error = *slope * x[i] + *offset - y[i];
        sums[0] += 2.0 * error * x[i];
        sums[1] += 2.0 * error;
        sums[2] += error * error;
    }
    MPI_Allreduce(MPI_IN_PLACE, sums, 3, MPI_DOUBLE, MPI_SUM, MPI_COMM_WORLD);
    *slope -= rate * sums[0] / SAMPLES / ranks;
    *offset -= rate * sums[1] / SAMPLES / ranks;
    return sums[2] / SAMPLES / ranks;
}

/* Trains. Returns the exit code of the job, the same on all ranks. */
static int train(int rank, int epochs, double first_rate, wandb_run *run,
                 wandb_login_renewer *renewer, wandb_login_session **session) {
    double x[SAMPLES], y[SAMPLES], slope = 0.0, offset = 0.0;
    char problem[512];
    int renews = *session != NULL, stopped = 0, done = 0;
    load(x, y, rank);
    while (done < epochs && !stopped) {
        double rate = first_rate / (1.0 + 0.02 * done);
        double loss = epoch(x, y, &slope, &offset, rate);
        if (rank == 0) {
            wandb_run_log(run, (wandb_metric[]){{"loss", loss}, {"learning_rate", rate}}, 2);
            printf("epoch %d: loss %g\n", done, loss);
            stopped = wandb_run_stopped(run);
        }
        MPI_Bcast(&stopped, 1, MPI_INT, 0, MPI_COMM_WORLD);
        /* All ranks meet here anyway, and then hold a credential that is good. After a
         * failure they do not ask again: the training must not wait for W&B. */
        if (renews && wandb_login_mpi_renew(MPI_COMM_WORLD, renewer, session, problem,
                                            sizeof problem) != WANDB_LOGIN_STATUS_OK) {
            if (rank == 0) fprintf(stderr, "train: %s\n", problem);
            renews = 0;
        }
        nanosleep(&(struct timespec){0, 100000000}, NULL); /* a larger model is slower */
        done++;
    }
    return done == epochs ? 0 : 1; /* 1: the user has stopped it */
}

int main(int argc, char **argv) {
    int rank, ranks;
    MPI_Init(&argc, &argv);
    MPI_Comm_rank(MPI_COMM_WORLD, &rank);
    MPI_Comm_size(MPI_COMM_WORLD, &ranks);
    int epochs = argc > 1 ? atoi(argv[1]) : 100;
    double first_rate = argc > 3 ? atof(argv[3]) : 0.1;

    /* Rank 0 logs in; all ranks get the session. */
    char problem[512];
    wandb_login_options options = WANDB_LOGIN_OPTIONS_INIT;
    options.http_timeout_ms = 5000;
    options.error_buf = problem;
    options.error_buf_size = sizeof problem;
    wandb_login_session *session = NULL;
    wandb_login_status status = wandb_login_mpi(MPI_COMM_WORLD, &options, &session);
    if (status != WANDB_LOGIN_STATUS_OK && rank == 0)
        fprintf(stderr, "train: %s; the training goes on without W&B\n", problem);

    /* One renewer for the job, of which the run is the second owner. */
    wandb_login_renewer *renewer = NULL;
    wandb_run *run = NULL;
    if (rank == 0 && session != NULL) {
        char config[64];
        wandb_run_options run_options = {0};
        snprintf(config, sizeof config, "{\"learning_rate\":{\"value\":%g}}", first_rate);
        wandb_login_renewer_new(session, &options, &renewer);
        run_options.config = config;
        run_options.interval = argc > 2 ? atof(argv[2]) : 0.0;
        run_options.renewer = renewer;
        run = wandb_run_start(&run_options);
    }
    int exit_code = train(rank, epochs, first_rate, run, renewer, &session);
    if (session != NULL)
        printf("rank %d of %d: credential until %lld\n", rank, ranks,
               (long long)wandb_login_session_expires_at(session));
    wandb_run_finish(run, exit_code);
    wandb_login_renewer_free(renewer);
    wandb_login_session_free(session);
    MPI_Finalize();
    return exit_code;
}
