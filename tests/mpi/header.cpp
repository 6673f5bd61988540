// The header and the source also compile as C++.
#include <wandb_login_mpi.h>

int main(int argc, char **argv) {
    MPI_Init(&argc, &argv);
    wandb_login_options options = WANDB_LOGIN_OPTIONS_INIT;
    options.api_key = "4444444444444444444444444444444444444444";
    options.flags = WANDB_LOGIN_NO_SAVE | WANDB_LOGIN_SILENT;
    wandb_login_session *session = nullptr;
    wandb_login_status status = wandb_login_mpi(MPI_COMM_WORLD, &options, &session);
    wandb_login_session_free(session);
    MPI_Finalize();
    return status == WANDB_LOGIN_STATUS_OK ? 0 : 1;
}
