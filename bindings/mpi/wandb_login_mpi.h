/*
 * One login for all processes of an MPI job.
 *
 * Compile wandb_login_mpi.c with your program and your MPI:
 *
 *     mpicc train.c wandb_login_mpi.c $(pkg-config --cflags --libs wandb_login)
 *
 * Rank 0 logs in, and the other ranks receive the result over the communicator. Only
 * rank 0 needs the key: the nodes need no shared home directory.
 */
#ifndef WANDB_LOGIN_MPI_H
#define WANDB_LOGIN_MPI_H

#include <mpi.h>
#include <wandb_login.h>

#if WANDB_LOGIN_VERSION_NUMBER / 10000 != 0
#error "wandb_login_mpi.h and wandb_login.h are of different versions"
#endif

#ifdef __cplusplus
extern "C" {
#endif

/*
 * Time limit in milliseconds for the login of rank 0 if its options do not set
 * `prompt_timeout_ms`, so that a job does not wait for a user forever. To change it,
 * define it when compiling wandb_login_mpi.c.
 */
#ifndef WANDB_LOGIN_MPI_TIMEOUT_MS
#define WANDB_LOGIN_MPI_TIMEOUT_MS 600000
#endif

/*
 * Logs in on rank 0 of `comm` and returns the result on every rank: the same status,
 * and on success a session with the same server, key, source, user and expiry, or
 * else the same message in the rank's own `error_buf`. The call is collective: every
 * rank of `comm` must call it. No rank returns before rank 0 has its result; the
 * other ranks sleep until then.
 *
 * comm      An intracommunicator. The call duplicates it, and so does not interfere
 *           with its messages or change its error handler.
 * options   The options of wandb_login(), or NULL. The options of rank 0 control the
 *           login: key, server, flags, prompt, cancellation. WANDB_LOGIN_ALL_RANKS is
 *           set on rank 0, because `comm` defines the rank and variables such as RANK
 *           may be stale. If `prompt_timeout_ms` is 0 or UINT32_MAX, the limit is
 *           WANDB_LOGIN_MPI_TIMEOUT_MS, or that of the settings if it is shorter. On
 *           the other ranks only `error_buf` and `backend_fn` are used; each rank may
 *           pass its own. Only rank 0 logs: a job has one line about its login.
 * session   Receives the session if the status is WANDB_LOGIN_STATUS_OK, otherwise
 *           NULL. The caller frees it with wandb_login_session_free(). May be NULL on
 *           any rank.
 *
 * Returns the status of wandb_login() on rank 0, or:
 * - WANDB_LOGIN_STATUS_ERR_INTERNAL, on every rank, if a rank cannot import the
 *   session: it is out of memory, or its node has another version of the library.
 * - WANDB_LOGIN_STATUS_ERR_ARGUMENT, on the ranks where it occurs, if MPI is not
 *   running, or `comm` is MPI_COMM_NULL or an intercommunicator.
 * - WANDB_LOGIN_STATUS_ERR_NETWORK, on the ranks where it occurs, if an MPI function
 *   fails and the error handler of `comm` returns. The message is that of MPI.
 *
 * The ranks other than 0 read no credentials and write no files. The call transfers 8
 * bytes, then the session or the message (some hundred bytes), then one integer per
 * rank to agree on the result. It wipes its buffers that held the session; those of
 * MPI cannot be wiped. Call it from a thread that may call MPI.
 */
wandb_login_status wandb_login_mpi(MPI_Comm comm,
                                   const wandb_login_options *options,
                                   wandb_login_session **session);

/*
 * Renews the credential of a job: rank 0 asks its renewer, which exchanges a new access
 * token if the current one is near its end, and every rank receives the result. The call
 * is collective. A program calls it where all ranks meet anyway, for example once an
 * epoch. If there is nothing to renew, it transfers 8 bytes, and the sessions stay.
 *
 * comm      As for wandb_login_mpi().
 * renewer   On rank 0: made by wandb_login_renewer_new() from the session that
 *           wandb_login_mpi() returned. Ignored on the other ranks.
 * session   The session of this rank. If the credential is a new one, it is freed and
 *           replaced; pointers that its getters returned then are invalid. Must not be
 *           NULL. On rank 0 it must point to a session.
 * error_buf, error_buf_size
 *           Receive one sentence on any status but WANDB_LOGIN_STATUS_OK, else an empty
 *           string. May be NULL and 0.
 *
 * Returns the status of wandb_login_renewer_get() on rank 0, or an error of MPI, of the
 * import or of the arguments as wandb_login_mpi() does. After an error every rank keeps
 * its session. Rank 0 waits for the server at most as long as the options of the renewer
 * say, and the other ranks wait for rank 0. Since 0.2.
 */
wandb_login_status wandb_login_mpi_renew(MPI_Comm comm, wandb_login_renewer *renewer,
                                         wandb_login_session **session, char *error_buf,
                                         size_t error_buf_size);

#ifdef __cplusplus
}
#endif

#endif
