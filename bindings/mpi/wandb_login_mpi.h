/*
 * One login for all processes of an MPI job.
 *
 * Compile wandb_login_mpi.c with the job's own MPI, beside your program:
 *
 *     mpicc train.c wandb_login_mpi.c $(pkg-config --cflags --libs wandb_login)
 *
 * Rank 0 logs in and the others receive the outcome over the communicator, so
 * only rank 0 needs the key: the nodes share no home, and nobody copies files.
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
 * How long rank 0 may take where its options set no `prompt_timeout_ms`, in
 * milliseconds: a whole job does not wait for a human who went home. Another value
 * may be given when wandb_login_mpi.c is compiled.
 */
#ifndef WANDB_LOGIN_MPI_TIMEOUT_MS
#define WANDB_LOGIN_MPI_TIMEOUT_MS 600000
#endif

/*
 * Logs in on rank 0 of `comm` and gives every rank the outcome: the same status,
 * and on success a session with the same server, key, source, user and expiry,
 * else the same sentence in its own `error_buf`. Collective: every rank of `comm`
 * calls it. No rank returns before rank 0 has its outcome; meanwhile they sleep.
 *
 * comm      An intracommunicator. It is duplicated for the length of the call, so
 *           that neither its messages nor its error handler are touched.
 * options   As for wandb_login(), or NULL. What to do is up to rank 0: its options
 *           say which key, which server, which flags, whom to ask and what cancels.
 *           WANDB_LOGIN_ALL_RANKS is set for it, since `comm` says who it is and a
 *           stale RANK variable shall not. Without `prompt_timeout_ms` (0, or
 *           UINT32_MAX) it has WANDB_LOGIN_MPI_TIMEOUT_MS, or less where the
 *           settings say so. Of the other ranks' options these count, each for its
 *           own rank: `error_buf`, `log_fn` (one line, on success) and `backend_fn`.
 *           The pointers may differ.
 * session   Receives a session, which the caller owns and gives back with
 *           wandb_login_session_free(), if and only if the status is
 *           WANDB_LOGIN_STATUS_OK; else NULL. May be NULL, on any rank.
 *
 * Returns what wandb_login() returned on rank 0. Beyond that, the same on every
 * rank: WANDB_LOGIN_STATUS_ERR_INTERNAL if a rank could not take the session over
 * (it is out of memory, or its node has another version of the library). And on
 * the ranks that see it: WANDB_LOGIN_STATUS_ERR_ARGUMENT if MPI is not running or
 * `comm` is NULL or an intercommunicator; WANDB_LOGIN_STATUS_ERR_NETWORK if MPI
 * itself failed and the error handler of `comm` returns, with MPI's own words.
 *
 * Ranks other than 0 read no credential and write no file. What travels is 8
 * bytes, then the session or the sentence (some hundred bytes), then one pair of
 * integers to agree. Buffers that held the session are wiped; MPI's own are out of
 * reach. Call it from a thread that may call MPI.
 */
wandb_login_status wandb_login_mpi(MPI_Comm comm,
                                   const wandb_login_options *options,
                                   wandb_login_session **session);

#ifdef __cplusplus
}
#endif

#endif
