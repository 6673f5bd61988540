/* rank FOLDER NAME=VALUE...: a rank of an MPI job, in this working directory and environment.
 * Rank 0 logs in and verifies. It prints what start.c reads of a job: the moment when the last
 * rank has its session, the longest call of a rank, and the bytes that rank 0 broadcasts. */
#include "../../table/c/clock.h"
#include <wandb_login_mpi.h>

static double bytes_broadcast;

/* Replaces the function of MPI. */
int MPI_Ibcast(void *buffer, int count, MPI_Datatype type, int root, MPI_Comm comm,
               MPI_Request *request) {
  int size;
  MPI_Type_size(type, &size);
  bytes_broadcast += (double)count * size;
  return PMPI_Ibcast(buffer, count, type, root, comm, request);
}

int main(int argc, char **argv) {
  wandb_login_options options = WANDB_LOGIN_OPTIONS_INIT;
  wandb_login_session *session;
  char why[512];
  int rank;
  MPI_Init(NULL, NULL);
  MPI_Comm_rank(MPI_COMM_WORLD, &rank);
  need(argc > 1, "usage");
  options.flags = WANDB_LOGIN_SILENT | WANDB_LOGIN_NO_PROMPT | WANDB_LOGIN_VERIFY;
  options.working_directory = argv[1];
  options.environment = (const char *const *)argv + 2;
  options.error_buf = why;
  options.error_buf_size = sizeof why;

  MPI_Barrier(MPI_COMM_WORLD);
  double start = now_ns();
  need(wandb_login_mpi(MPI_COMM_WORLD, &options, &session) == WANDB_LOGIN_STATUS_OK, why);
  double end = now_ns(), own = end - start, last, longest;
  need(wandb_login_session_authorization(session) != NULL, "a credential");
  wandb_login_session_free(session);
  MPI_Reduce(&end, &last, 1, MPI_DOUBLE, MPI_MAX, 0, MPI_COMM_WORLD);
  MPI_Reduce(&own, &longest, 1, MPI_DOUBLE, MPI_MAX, 0, MPI_COMM_WORLD);
  if (rank == 0)
    printf("%.0f %.0f %.0f\n", last, longest, bytes_broadcast);
  MPI_Finalize();
  return 0;
}
