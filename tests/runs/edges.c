/* Logs unusual names and numbers from several threads, in a locale that writes a decimal
 * comma. Linked with --wrap=snprintf and --wrap=strtod. */
#define _POSIX_C_SOURCE 200809L
#include <float.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "wandb_run.h"

#define THREADS 8
#define STEPS 100

/* --- A locale with a decimal comma ------------------------------------------- */

int __wrap_snprintf(char *buffer, size_t size, const char *format, ...) {
    va_list values;
    va_start(values, format);
    int length = vsnprintf(buffer, size, format, values);
    va_end(values);
    if (strncmp(format, "%.1", 3) == 0)
        for (char *at = buffer; *at != '\0'; at++)
            if (*at == '.') *at = ',';
    return length;
}

double __real_strtod(const char *text, char **end);
double __wrap_strtod(const char *text, char **end) {
    char copy[64] = "";
    strncpy(copy, text, sizeof copy - 1);
    char *comma = strchr(copy, ',');
    if (comma != NULL) *comma = '.';
    return __real_strtod(copy, end);
}

/* ----------------------------------------------------------------------------- */

static const wandb_metric metrics[] = {
    {"train/loss", 0.1},       {"a \"quoted\" \\ name", 1e21},  {"two\nlines\t\x01", -0.0},
    {"gr\xc3\xb6\xc3\x9f" "e", 5e-324}, {"largest", DBL_MAX}, {"third", 1.0 / 3.0},
    {"integer", 42.0},         {"negative", -1.5e-7},
};
#define METRICS (sizeof metrics / sizeof *metrics)

static void *log_steps(void *run) {
    for (int step = 0; step < STEPS; step++) {
        wandb_run_log(run, metrics, METRICS);
        (void)wandb_run_stopped(run);
    }
    return NULL;
}

int main(void) {
    pthread_t threads[THREADS];
    wandb_run_options options = {0};
    options.project = "from the program";
    options.entity = "a team";
    options.id = "edges";
    options.interval = 0.05;
    wandb_run *run = wandb_run_start(&options);
    if (run == NULL) return 2;
    for (int i = 0; i < THREADS; i++) pthread_create(&threads[i], NULL, log_steps, run);
    for (int i = 0; i < THREADS; i++) pthread_join(threads[i], NULL);
    wandb_run_finish(run, 7);

    /* Without a run every function does nothing. */
    wandb_run_log(NULL, metrics, METRICS);
    wandb_run_finish(NULL, 0);
    return wandb_run_stopped(NULL);
}
