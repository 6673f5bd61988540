/* Logs in on all ranks and renews. Each rank prints what it got. */
#include <stdio.h>
#include <string.h>

#include <wandb_login_mpi.h>

static void count(void *lines, int32_t level, const char *line) {
    (void)level;
    (void)line;
    ++*(int *)lines;
}

int main(int argc, char **argv) {
    int rank, lines = 0;
    char error[512], text[512];
    wandb_login_options options = WANDB_LOGIN_OPTIONS_INIT;
    wandb_login_session *session = NULL, *before;
    wandb_login_renewer *renewer = NULL;
    wandb_login_status status, without;

    MPI_Init(&argc, &argv);
    MPI_Comm_rank(MPI_COMM_WORLD, &rank);
    options.log_fn = count;
    options.log_user_data = &lines;
    options.error_buf = error;
    options.error_buf_size = sizeof error;
    if (wandb_login_mpi(MPI_COMM_WORLD, &options, &session) != WANDB_LOGIN_STATUS_OK) {
        fprintf(stderr, "%s\n", error);
        MPI_Finalize();
        return 1;
    }
    if (rank == 0) wandb_login_renewer_new(session, &options, &renewer);
    before = session;
    status = wandb_login_mpi_renew(MPI_COMM_WORLD, renewer, &session, text, sizeof text);
    without = wandb_login_mpi_renew(MPI_COMM_WORLD, NULL, &session, error, sizeof error);
    printf("rank %d: logged %d, renewed %d [%s], without a renewer %d [%s], %s session, ", rank,
           lines > 0, (int)status, text, (int)without, error, session == before ? "same" : "new");
    status = wandb_login_mpi_renew(MPI_COMM_WORLD, renewer, NULL, error, sizeof error);
    printf("without a session %d [%s]\n", (int)status, error);
    wandb_login_renewer_free(renewer);
    wandb_login_session_free(session);
    MPI_Finalize();
    return 0;
}
