/* One login for all processes of an MPI job; wandb_login_mpi.h is the reference.
 * Valid as C99 and as C++. */
#ifndef _POSIX_C_SOURCE
#define _POSIX_C_SOURCE 200809L /* nanosleep */
#endif
#define OMPI_SKIP_MPICXX 1 /* only MPI's C functions are needed in C++ */
#define MPICH_SKIP_MPICXX 1

#include "wandb_login_mpi.h"

#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

/* The smallest and the largest size of the options that the library accepts. */
#define OLDEST_OPTIONS \
    (offsetof(wandb_login_options, error_buf_size) + sizeof(size_t))
#define LARGEST_OPTIONS 4096

/* Text is broadcast in parts of this size, so that a rank without memory for the
 * whole text can still take part in every broadcast. */
#define PART 4096

/* What rank 0 sends to the others: a status, and the exported session if the status
 * is OK, or else the error message. */
typedef struct {
    wandb_login_status status;
    char *text; /* `length` bytes and a NUL; wiped before it is freed */
    size_t length;
} outcome;

/* Overwrites memory with zeros; the compiler cannot optimize it away. */
static void wipe(void *memory, size_t size) {
    volatile unsigned char *bytes = (volatile unsigned char *)memory;
    while (size-- > 0) *bytes++ = 0;
}

static void outcome_free(outcome *result) {
    if (result->text != NULL) wipe(result->text, result->length);
    free(result->text);
    result->text = NULL;
}

/* Allocates room for a text. If memory is exhausted, `text` is NULL. */
static void outcome_reserve(outcome *result, size_t length) {
    result->length = length;
    result->text = (char *)calloc(length + 1, 1);
}

static void outcome_set(outcome *result, wandb_login_status status, const char *text) {
    result->status = status;
    outcome_reserve(result, strlen(text));
    if (result->text != NULL) memcpy(result->text, text, result->length);
    else result->length = 0;
}

/* Writes a message to the caller's buffer, truncated at a character boundary. */
static void write_error(const wandb_login_options *own, const char *text) {
    size_t length = strlen(text);
    if (own->error_buf == NULL || own->error_buf_size == 0) return;
    if (length >= own->error_buf_size) {
        length = own->error_buf_size - 1;
        while (length > 0 && ((unsigned char)text[length] & 0xC0) == 0x80) length--;
    }
    memcpy(own->error_buf, text, length);
    own->error_buf[length] = '\0';
}

/* --- Rank 0 logs in ------------------------------------------------------- */

/* A time limit for the whole login; the library polls it while it waits. */
typedef struct {
    const wandb_login_options *options;
    double deadline; /* on the clock of MPI_Wtime(); 0: none */
    int expired;
} time_limit;

static int32_t should_cancel(void *data) {
    time_limit *limit = (time_limit *)data;
    const wandb_login_options *options = limit->options;
    if (options->cancel_fn != NULL && options->cancel_fn(options->cancel_user_data) != 0)
        return 1;
    limit->expired = limit->deadline > 0 && MPI_Wtime() > limit->deadline;
    return limit->expired;
}

/* Logs in with the caller's options, except for those that the job requires. */
static wandb_login_status log_in(const wandb_login_options *options,
                                 const wandb_login_options *own, char *error,
                                 size_t error_size, wandb_login_session **session) {
    /* A copy that includes the members of a struct newer than this file. */
    union {
        wandb_login_options options;
        unsigned char bytes[LARGEST_OPTIONS];
    } call;
    size_t size = sizeof(wandb_login_options);
    wandb_login_status status;
    time_limit limit = {own, 0, 0};

    memset(&call, 0, sizeof call);
    if (options != NULL) {
        size = options->struct_size;
        if (size < OLDEST_OPTIONS || size > LARGEST_OPTIONS)
            return wandb_login(options, session); /* which returns the error */
        memcpy(&call, options, size);
    }
    call.options.struct_size = size;
    call.options.flags |= WANDB_LOGIN_ALL_RANKS;
    if (call.options.prompt_timeout_ms == 0)
        limit.deadline = MPI_Wtime() + WANDB_LOGIN_MPI_TIMEOUT_MS / 1e3;
    if (call.options.prompt_timeout_ms == UINT32_MAX)
        call.options.prompt_timeout_ms = WANDB_LOGIN_MPI_TIMEOUT_MS;
    call.options.cancel_fn = should_cancel;
    call.options.cancel_user_data = &limit;
    call.options.backend_fn = NULL; /* called later, when all ranks have a session */
    call.options.error_buf = error;
    call.options.error_buf_size = error_size;
    status = wandb_login(&call.options, session);
    if (status == WANDB_LOGIN_STATUS_ERR_CANCELLED && limit.expired) {
        status = WANDB_LOGIN_STATUS_ERR_PROMPT;
        snprintf(error, error_size, "the login of rank 0 timed out after %g seconds",
                 WANDB_LOGIN_MPI_TIMEOUT_MS / 1e3);
    }
    return status;
}

/* Returns whether the loaded library has the major version of the header and is not
 * older. */
static int library_fits(void) {
    uint32_t header = WANDB_LOGIN_VERSION_NUMBER, library = wandb_login_version_number();
    return library / 10000 == header / 10000 && library / 100 >= header / 100;
}

/* Fills in the result for the other ranks: the session, or the error. */
static void export_session(wandb_login_status status, const wandb_login_session *session,
                           const char *error, outcome *result) {
    char *text = NULL;
    if (status == WANDB_LOGIN_STATUS_OK) status = wandb_login_session_export(session, &text);
    if (status == WANDB_LOGIN_STATUS_OK) {
        outcome_set(result, status, text);
        wandb_login_string_free(text);
        if (result->text != NULL) return;
        status = WANDB_LOGIN_STATUS_ERR_INTERNAL;
        error = "rank 0 is out of memory";
    }
    outcome_set(result, status, error[0] != '\0' ? error : wandb_login_status_string(status));
}

/* Logs in on rank 0 and fills in the result for the other ranks. */
static void log_in_and_export(const wandb_login_options *options,
                              const wandb_login_options *own, outcome *result,
                              wandb_login_session **session) {
    char error[1024] = "";
    wandb_login_status status;
    size_t length;
    if (!library_fits()) {
        snprintf(error, sizeof error,
                 "wandb_login_mpi.c was compiled against wandb_login " WANDB_LOGIN_VERSION
                 ", but libwandb_login %s is loaded",
                 wandb_login_version());
        outcome_set(result, WANDB_LOGIN_STATUS_ERR_UNSUPPORTED, error);
        return;
    }
    status = log_in(options, own, error, sizeof error, session);
    length = strlen(error);
    if (status == WANDB_LOGIN_STATUS_NOT_CONFIGURED && length > 0)
        snprintf(error + length, sizeof error - length,
                 "%s Only rank 0 looks for a key, in its own environment and home directory.",
                 error[length - 1] == '.' ? "" : ".");
    export_session(status, *session, error, result);
}

/* Asks the renewer on rank 0 and fills in the result for the other ranks: an empty
 * text if they have the credential already. */
static void renew_and_export(wandb_login_renewer *renewer, const wandb_login_session *held,
                             outcome *result, wandb_login_session **session) {
    char error[1024] = "";
    wandb_login_status status;
    if (renewer == NULL || held == NULL) {
        outcome_set(result, WANDB_LOGIN_STATUS_ERR_ARGUMENT,
                    "rank 0 must pass a session and its renewer");
        return;
    }
    status = wandb_login_renewer_get(renewer, session, error, sizeof error);
    if (status == WANDB_LOGIN_STATUS_OK &&
        strcmp(wandb_login_session_authorization(*session),
               wandb_login_session_authorization(held)) == 0)
        outcome_set(result, status, "");
    else export_session(status, *session, error, result);
}

/* --- All ranks get the result --------------------------------------------- */

/* Waits without using the processor, unlike MPI_Wait. */
static int wait_for(MPI_Request *request) {
    struct timespec pause = {0, 100000};
    for (;;) {
        int done = 0;
        int code = MPI_Test(request, &done, MPI_STATUS_IGNORE);
        if (code != MPI_SUCCESS || done) return code;
        nanosleep(&pause, NULL);
        if (pause.tv_nsec < 10000000) pause.tv_nsec *= 2;
    }
}

static int broadcast(void *buffer, int count, MPI_Datatype type, MPI_Comm comm) {
    MPI_Request request;
    int code = MPI_Ibcast(buffer, count, type, 0, comm, &request);
    return code == MPI_SUCCESS ? wait_for(&request) : code;
}

/* Sends status and length, then the text, from rank 0 to all ranks. */
static int share(outcome *result, int rank, MPI_Comm comm) {
    int32_t head[2];
    char part[PART];
    size_t done = 0;
    int code;
    head[0] = result->status;
    head[1] = (int32_t)result->length;
    code = broadcast(head, 2, MPI_INT32_T, comm);
    if (code != MPI_SUCCESS) return code;
    if (rank != 0) {
        result->status = head[0];
        outcome_reserve(result, (size_t)head[1]);
    }
    while (code == MPI_SUCCESS && done < result->length) {
        size_t size = result->length - done < PART ? result->length - done : PART;
        char *part_start = result->text != NULL ? result->text + done : part;
        code = broadcast(part_start, (int)size, MPI_CHAR, comm);
        done += size;
    }
    wipe(part, sizeof part);
    return code;
}

/* Sets `first_failed` to the first rank that has no session, or to the number of
 * ranks if all have one. */
static int agree(int imported, int rank, int ranks, MPI_Comm comm, int *first_failed) {
    MPI_Request request;
    int mine = imported ? ranks : rank;
    int code = MPI_Iallreduce(&mine, first_failed, 1, MPI_INT, MPI_MIN, comm, &request);
    return code == MPI_SUCCESS ? wait_for(&request) : code;
}

/* Gives all ranks the session of rank 0, or the same error. Returns MPI's error code. */
static int distribute(MPI_Comm comm, int rank, outcome *result, wandb_login_session **session) {
    int ranks, code, first_failed, imported;
    char message[128];
    MPI_Comm_size(comm, &ranks);
    code = share(result, rank, comm);
    if (code != MPI_SUCCESS || result->status != WANDB_LOGIN_STATUS_OK) return code;
    if (result->text != NULL && result->length == 0) return code; /* nothing is new */

    imported = result->text != NULL;
    if (rank != 0 && imported)
        imported = library_fits() &&
                   wandb_login_session_import(result->text, session) == WANDB_LOGIN_STATUS_OK;
    code = agree(imported, rank, ranks, comm, &first_failed);
    if (code == MPI_SUCCESS && first_failed < ranks) {
        snprintf(message, sizeof message,
                 "rank %d cannot import the session of rank 0; install the same version "
                 "of libwandb_login on all nodes",
                 first_failed);
        outcome_free(result);
        outcome_set(result, WANDB_LOGIN_STATUS_ERR_INTERNAL, message);
    }
    return code;
}

/* --- The calls ------------------------------------------------------------ */

/* Duplicates the communicator without using the processor while it waits. */
static int duplicate(MPI_Comm comm, MPI_Comm *copy) {
    MPI_Request request;
    int code = MPI_Comm_idup(comm, copy, &request);
    if (code == MPI_SUCCESS) code = wait_for(&request);
    if (code == MPI_SUCCESS) code = MPI_Comm_set_errhandler(*copy, MPI_ERRORS_RETURN);
    return code;
}

/* Returns why the arguments are invalid, or NULL. */
static const char *argument_error(MPI_Comm comm) {
    int initialized = 0, finalized = 0, inter = 0;
    MPI_Initialized(&initialized);
    MPI_Finalized(&finalized);
    if (!initialized || finalized) return "MPI is not running: call MPI_Init first";
    if (comm == MPI_COMM_NULL) return "comm must not be MPI_COMM_NULL";
    MPI_Comm_test_inter(comm, &inter);
    return inter ? "comm must not be an intercommunicator" : NULL;
}

/* Ends a call: releases the communicator, and turns an error of MPI into a result.
 * Writes the message of a failed call. */
static void end_call(int code, MPI_Comm *copy, outcome *result,
                     const wandb_login_options *own) {
    if (code != MPI_SUCCESS) {
        char message[MPI_MAX_ERROR_STRING + 1] = "";
        int length = 0;
        MPI_Error_string(code, message, &length);
        outcome_free(result);
        outcome_set(result, WANDB_LOGIN_STATUS_ERR_NETWORK, message);
    }
    if (*copy != MPI_COMM_NULL) MPI_Comm_free(copy);
    if (result->status != WANDB_LOGIN_STATUS_OK)
        write_error(own, result->text != NULL ? result->text
                                              : wandb_login_status_string(result->status));
}

wandb_login_status wandb_login_mpi(MPI_Comm comm, const wandb_login_options *options,
                                   wandb_login_session **session) {
    wandb_login_options own = WANDB_LOGIN_OPTIONS_INIT; /* of this rank */
    wandb_login_session *made = NULL;
    outcome result = {WANDB_LOGIN_STATUS_ERR_NETWORK, NULL, 0};
    const char *problem = argument_error(comm);
    MPI_Comm copy = MPI_COMM_NULL;
    int code, rank;

    if (options != NULL && options->struct_size >= OLDEST_OPTIONS)
        memcpy(&own, options, OLDEST_OPTIONS);
    if (session != NULL) *session = NULL;
    write_error(&own, "");
    if (problem != NULL) {
        write_error(&own, problem);
        return WANDB_LOGIN_STATUS_ERR_ARGUMENT;
    }

    MPI_Comm_rank(comm, &rank);
    code = duplicate(comm, &copy);
    if (code == MPI_SUCCESS) {
        if (rank == 0) log_in_and_export(options, &own, &result, &made);
        code = distribute(copy, rank, &result, &made);
    }
    end_call(code, &copy, &result, &own);
    if (result.status != WANDB_LOGIN_STATUS_OK) {
        wandb_login_session_free(made);
        made = NULL;
    } else if (own.backend_fn != NULL) own.backend_fn(own.backend_user_data, made);
    outcome_free(&result);
    if (session != NULL) *session = made;
    else wandb_login_session_free(made);
    return result.status;
}

wandb_login_status wandb_login_mpi_renew(MPI_Comm comm, wandb_login_renewer *renewer,
                                         wandb_login_session **session, char *error_buf,
                                         size_t error_buf_size) {
    wandb_login_options own = WANDB_LOGIN_OPTIONS_INIT; /* where the message goes */
    wandb_login_session *made = NULL;
    outcome result = {WANDB_LOGIN_STATUS_ERR_NETWORK, NULL, 0};
    const char *problem = argument_error(comm);
    MPI_Comm copy = MPI_COMM_NULL;
    int code, rank;

    own.error_buf = error_buf;
    own.error_buf_size = error_buf_size;
    write_error(&own, "");
    if (problem == NULL && session == NULL) problem = "session must not be NULL";
    if (problem != NULL) {
        write_error(&own, problem);
        return WANDB_LOGIN_STATUS_ERR_ARGUMENT;
    }
    MPI_Comm_rank(comm, &rank);
    code = duplicate(comm, &copy);
    if (code == MPI_SUCCESS) {
        if (rank == 0) renew_and_export(renewer, *session, &result, &made);
        code = distribute(copy, rank, &result, &made);
    }
    end_call(code, &copy, &result, &own);
    if (result.status == WANDB_LOGIN_STATUS_OK && result.length > 0) {
        wandb_login_session_free(*session);
        *session = made;
    } else wandb_login_session_free(made);
    outcome_free(&result);
    return result.status;
}
