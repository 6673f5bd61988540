#include <stdio.h>

#include <wandb_login_mpi.h>

int main(int argc, char **argv) {
    wandb_login_session *session = NULL;
    MPI_Init(&argc, &argv);
    wandb_login_status status = wandb_login_mpi(MPI_COMM_WORLD, NULL, &session);
    if (status == WANDB_LOGIN_STATUS_OK) {
        printf("%s\n", wandb_login_session_base_url(session));
    }
    wandb_login_session_free(session);
    MPI_Finalize();
    return (int)status;
}
