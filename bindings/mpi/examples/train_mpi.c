/* Logs in to W&B on all ranks of a job and trains a linear model.
 *
 *     mpicc train_mpi.c wandb_login_mpi.c $(pkg-config --cflags --libs wandb_login)
 *     mpirun -np 4 ./a.out
 */
#include <stdio.h>
#include <stdlib.h>

#include <wandb_login_mpi.h>

#define SAMPLES 256 /* on each rank */
#define STEPS 48

/* Each rank has its own samples of y = 3 x - 2 with noise. */
static void load(double *x, double *y, int rank) {
    srand((unsigned)rank + 1);
    for (int i = 0; i < SAMPLES; i++) {
        x[i] = 2.0 * rand() / RAND_MAX - 1.0;
        y[i] = 3.0 * x[i] - 2.0 + 0.1 * (2.0 * rand() / RAND_MAX - 1.0);
    }
}

int main(int argc, char **argv) {
    double x[SAMPLES], y[SAMPLES], slope = 0.0, offset = 0.0;
    int rank, ranks;
    MPI_Init(&argc, &argv);
    MPI_Comm_rank(MPI_COMM_WORLD, &rank);
    MPI_Comm_size(MPI_COMM_WORLD, &ranks);

    /* Rank 0 logs in; all ranks get the session. */
    char problem[512];
    wandb_login_options options = WANDB_LOGIN_OPTIONS_INIT;
    options.error_buf = problem;
    options.error_buf_size = sizeof problem;
    wandb_login_session *session = NULL;
    wandb_login_status status = wandb_login_mpi(MPI_COMM_WORLD, &options, &session);
    if (status < 0 || status == WANDB_LOGIN_STATUS_NOT_CONFIGURED) {
        if (rank == 0) fprintf(stderr, "%s\n", problem);
        MPI_Finalize(); /* all ranks have the same status */
        return 1;
    }
    if (rank == ranks - 1 && session != NULL)
        printf("rank %d of %d: %s\n", rank, ranks, wandb_login_session_display(session));

    load(x, y, rank);
    for (int step = 0; step <= STEPS; step++) {
        double sums[3] = {0.0, 0.0, 0.0}; /* two gradients and the loss */
        for (int i = 0; i < SAMPLES; i++) {
            double error = slope * x[i] + offset - y[i];
            sums[0] += 2.0 * error * x[i];
            sums[1] += 2.0 * error;
            sums[2] += error * error;
        }
        MPI_Allreduce(MPI_IN_PLACE, sums, 3, MPI_DOUBLE, MPI_SUM, MPI_COMM_WORLD);
        for (int i = 0; i < 3; i++) sums[i] /= (double)SAMPLES * ranks;
        if (rank == 0 && step % 12 == 0) printf("step %d loss %.6f\n", step, sums[2]);
        slope -= 0.2 * sums[0];
        offset -= 0.2 * sums[1];
    }
    if (rank == 0) printf("y = %.2f x + %.2f\n", slope, offset);

    wandb_login_session_free(session);
    MPI_Finalize();
    return 0;
}
