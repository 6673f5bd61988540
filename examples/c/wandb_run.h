/*
 * Logs the metrics of a training to Weights & Biases, where they become curves.
 * SPDX-License-Identifier: MIT
 *
 * Copy wandb_run.h and wandb_run.c into your program. They need libwandb_login,
 * libcurl and POSIX threads.
 *
 *     wandb_run *run = wandb_run_start(NULL);
 *     for (int step = 0; step < steps; step++) {
 *         double loss = train_one_step();
 *         wandb_run_log(run, (wandb_metric[]){{"loss", loss}, {"rate", rate}}, 2);
 *     }
 *     wandb_run_finish(run, 0);
 *
 *     cc train.c wandb_run.c $(pkg-config --cflags --libs wandb_login libcurl) -pthread
 *
 * A thread of its own sends the metrics, so logging never waits. W&B cannot end or
 * delay a training: if the login fails or the server is gone, the functions say so in
 * one line on standard error and the training goes on. A server that does not answer
 * costs at most 10 seconds in all, at the end.
 *
 * Lost connections, 429 and 5xx are retried, first after 2 seconds, then after twice
 * as long, up to 60. What the server refuses for good ends the run, not the training.
 */
#ifndef WANDB_RUN_H
#define WANDB_RUN_H

#include <stddef.h>

#include <wandb_login.h>

#ifdef __cplusplus
extern "C" {
#endif

/* A run that is being logged. Each function accepts NULL and then does nothing. */
typedef struct wandb_run wandb_run;

/* Set all members to zero first, then those that you need. The strings are UTF-8, and
 * are copied. */
typedef struct {
    /* The project. NULL: WANDB_PROJECT, else "uncategorized". At most 128 characters,
     * none of / \ # ? % : */
    const char *project;
    /* The user or team. NULL: WANDB_ENTITY, else the default of the key. */
    const char *entity;
    /* The id of the run. NULL: WANDB_RUN_ID, else eight random characters. A run that
     * exists is continued behind its last line. */
    const char *id;
    /* The configuration, a JSON object of JSON objects: {"rate":{"value":0.1}}.
     * NULL: none. */
    const char *config;
    /* Seconds between two uploads; W&B asks for 15 or more. 0: 15. */
    double interval;
    /* The credential. NULL: wandb_run_start() logs in. The run adds an owner. */
    wandb_login_renewer *renewer;
} wandb_run_options;

/* A value of a metric. The name may hold a slash, as in "train/loss", and must not
 * begin with an underscore. */
typedef struct {
    const char *name;
    double value;
} wandb_metric;

/* Logs in and starts a run. Waits for no server, except that the exchange of an
 * identity token takes up to 5 seconds. Prints the address of the run on standard
 * error as soon as the server has made it.
 *
 * options: may be NULL. Returns NULL if W&B is offline or the login fails. */
wandb_run *wandb_run_start(const wandb_run_options *options);

/* Logs the metrics of the next step; steps count from 0. Any thread may call it. NaN
 * and infinities are logged as such, with one line on standard error. */
void wandb_run_log(wandb_run *run, const wandb_metric *metrics, size_t count);

/* Returns whether the user has pressed Stop on the page of the run. */
int wandb_run_stopped(wandb_run *run);

/* Sends what is left and the exit code of the training (0: it succeeded), and frees
 * the run. Takes at most 10 seconds, less the time that the login took. Without this call
 * W&B takes the run for crashed. */
void wandb_run_finish(wandb_run *run, int exit_code);

#ifdef __cplusplus
}
#endif

#endif
