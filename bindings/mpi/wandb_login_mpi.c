/* One login for all processes of an MPI job; the header says how it is used.
 * Valid as C99 and as C++. */
#ifndef _POSIX_C_SOURCE
#define _POSIX_C_SOURCE 200809L /* nanosleep */
#endif
#define OMPI_SKIP_MPICXX 1 /* MPI's C functions are all that is needed in C++ */
#define MPICH_SKIP_MPICXX 1

#include "wandb_login_mpi.h"

#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

/* The size of the first version's options, and the most that the library takes. */
#define OLDEST_OPTIONS \
    (offsetof(wandb_login_options, error_buf_size) + sizeof(size_t))
#define LARGEST_OPTIONS 4096

/* Text is received in parts of this size: a rank without memory for the whole
 * still takes its part in every broadcast. */
#define PART 4096

/* What rank 0 tells the others: a status, and a text: the exported session if
 * the status is OK, else the sentence that says what was wrong. */
typedef struct {
    wandb_login_status status;
    char *text; /* `length` bytes and a NUL; wiped before it is freed */
    size_t length;
} outcome;

/* Fills memory with zeros in a way that the optimiser keeps. */
static void wipe(void *memory, size_t size) {
    volatile unsigned char *bytes = (volatile unsigned char *)memory;
    while (size-- > 0) *bytes++ = 0;
}

static void outcome_free(outcome *told) {
    if (told->text != NULL) wipe(told->text, told->length);
    free(told->text);
    told->text = NULL;
}

/* Room for a text; where there is no memory, `text` stays NULL. */
static void outcome_reserve(outcome *told, size_t length) {
    told->length = length;
    told->text = (char *)calloc(length + 1, 1);
}

static void outcome_set(outcome *told, wandb_login_status status, const char *text) {
    told->status = status;
    outcome_reserve(told, strlen(text));
    if (told->text != NULL) memcpy(told->text, text, told->length);
    else told->length = 0;
}

/* Writes as much of a sentence as fits into the caller's buffer, cut at a
 * character's border. */
static void tell(const wandb_login_options *own, const char *text) {
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

/* A limit for the whole login, polled where the library waits. */
typedef struct {
    const wandb_login_options *options;
    double deadline; /* on the clock of MPI_Wtime(); 0: none */
    int passed;
} limit;

static int32_t is_over(void *data) {
    limit *given = (limit *)data;
    const wandb_login_options *options = given->options;
    if (options->cancel_fn != NULL && options->cancel_fn(options->cancel_user_data) != 0)
        return 1;
    given->passed = given->deadline > 0 && MPI_Wtime() > given->deadline;
    return given->passed;
}

/* Logs in with the caller's options, but for what the job decides. */
static wandb_login_status log_in(const wandb_login_options *options,
                                 const wandb_login_options *own, char *error,
                                 size_t error_size, wandb_login_session **session) {
    /* A copy that keeps the tail of a struct that is newer than this file. */
    union {
        wandb_login_options options;
        unsigned char bytes[LARGEST_OPTIONS];
    } call;
    size_t size = sizeof(wandb_login_options);
    wandb_login_status status;
    limit given = {own, 0, 0};

    memset(&call, 0, sizeof call);
    if (options != NULL) {
        size = options->struct_size;
        if (size < OLDEST_OPTIONS || size > LARGEST_OPTIONS)
            return wandb_login(options, session); /* which says what is wrong */
        memcpy(&call, options, size);
    }
    call.options.struct_size = size;
    call.options.flags |= WANDB_LOGIN_ALL_RANKS;
    if (call.options.prompt_timeout_ms == 0)
        given.deadline = MPI_Wtime() + WANDB_LOGIN_MPI_TIMEOUT_MS / 1e3;
    if (call.options.prompt_timeout_ms == UINT32_MAX)
        call.options.prompt_timeout_ms = WANDB_LOGIN_MPI_TIMEOUT_MS;
    call.options.cancel_fn = is_over;
    call.options.cancel_user_data = &given;
    call.options.backend_fn = NULL; /* called when all ranks have a session */
    call.options.error_buf = error;
    call.options.error_buf_size = error_size;
    status = wandb_login(&call.options, session);
    if (status == WANDB_LOGIN_STATUS_ERR_CANCELLED && given.passed) {
        status = WANDB_LOGIN_STATUS_ERR_PROMPT;
        snprintf(error, error_size, "Rank 0 was not logged in within %g seconds.",
                 WANDB_LOGIN_MPI_TIMEOUT_MS / 1e3);
    }
    return status;
}

/* Whether the library that is loaded serves this header: the same ABI, no older. */
static int library_fits(void) {
    uint32_t header = WANDB_LOGIN_VERSION_NUMBER, library = wandb_login_version_number();
    return library / 10000 == header / 10000 && library / 100 >= header / 100;
}

/* From the caller's options to what the other ranks are told. */
static void decide(const wandb_login_options *options, const wandb_login_options *own,
                   outcome *told, wandb_login_session **session) {
    char error[1024] = "";
    char *text = NULL;
    wandb_login_status status;
    if (!library_fits()) {
        snprintf(error, sizeof error,
                 "wandb_login_mpi.c was compiled against wandb_login " WANDB_LOGIN_VERSION
                 ", but libwandb_login %s is loaded",
                 wandb_login_version());
        outcome_set(told, WANDB_LOGIN_STATUS_ERR_UNSUPPORTED, error);
        return;
    }
    status = log_in(options, own, error, sizeof error, session);
    if (status == WANDB_LOGIN_STATUS_OK) {
        status = wandb_login_session_export(*session, &text);
        if (status == WANDB_LOGIN_STATUS_OK) {
            outcome_set(told, status, text);
            wandb_login_string_free(text);
            if (told->text != NULL) return;
            status = WANDB_LOGIN_STATUS_ERR_INTERNAL;
            snprintf(error, sizeof error, "Rank 0 is out of memory.");
        }
    }
    outcome_set(told, status, error[0] != '\0' ? error : wandb_login_status_string(status));
}

/* --- The outcome travels -------------------------------------------------- */

/* Waits asleep: the processors belong to rank 0's login, to other jobs, or to
 * nobody. */
static int wait_for(MPI_Request *request) {
    struct timespec nap = {0, 100000};
    for (;;) {
        int done = 0;
        int code = MPI_Test(request, &done, MPI_STATUS_IGNORE);
        if (code != MPI_SUCCESS || done) return code;
        nanosleep(&nap, NULL);
        if (nap.tv_nsec < 10000000) nap.tv_nsec *= 2;
    }
}

static int broadcast(void *buffer, int count, MPI_Datatype type, MPI_Comm comm) {
    MPI_Request request;
    int code = MPI_Ibcast(buffer, count, type, 0, comm, &request);
    return code == MPI_SUCCESS ? wait_for(&request) : code;
}

/* Status and length first, then the text: no rank waits for what will not come. */
static int share(outcome *told, int rank, MPI_Comm comm) {
    int32_t head[2];
    char part[PART];
    size_t done = 0;
    int code;
    head[0] = told->status;
    head[1] = (int32_t)told->length;
    code = broadcast(head, 2, MPI_INT32_T, comm);
    if (code != MPI_SUCCESS) return code;
    if (rank != 0) {
        told->status = head[0];
        outcome_reserve(told, (size_t)head[1]);
    }
    while (code == MPI_SUCCESS && done < told->length) {
        size_t size = told->length - done < PART ? told->length - done : PART;
        char *place = told->text != NULL ? told->text + done : part;
        code = broadcast(place, (int)size, MPI_CHAR, comm);
        done += size;
    }
    wipe(part, sizeof part);
    return code;
}

/* Whether every rank has its session: `worst` is the first rank that has none,
 * or the number of ranks. */
static int agree(int taken, int rank, int ranks, MPI_Comm comm, int *worst) {
    MPI_Request request;
    int mine = taken ? ranks : rank;
    int code = MPI_Iallreduce(&mine, worst, 1, MPI_INT, MPI_MIN, comm, &request);
    return code == MPI_SUCCESS ? wait_for(&request) : code;
}

/* The login over a communicator of our own. Returns MPI's code; the outcome is in
 * `told`. */
static int login_over(MPI_Comm comm, const wandb_login_options *options,
                      const wandb_login_options *own, outcome *told,
                      wandb_login_session **session) {
    int rank, ranks, code, worst, taken;
    char sentence[128];
    MPI_Comm_rank(comm, &rank);
    MPI_Comm_size(comm, &ranks);
    if (rank == 0) decide(options, own, told, session);
    code = share(told, rank, comm);
    if (code != MPI_SUCCESS || told->status != WANDB_LOGIN_STATUS_OK) return code;

    taken = told->text != NULL;
    if (rank != 0 && taken)
        taken = library_fits() &&
                wandb_login_session_import(told->text, session) == WANDB_LOGIN_STATUS_OK;
    code = agree(taken, rank, ranks, comm, &worst);
    if (code == MPI_SUCCESS && worst < ranks) {
        snprintf(sentence, sizeof sentence,
                 "Rank %d could not take over the session of rank 0; is libwandb_login "
                 "the same on all nodes?",
                 worst);
        outcome_free(told);
        outcome_set(told, WANDB_LOGIN_STATUS_ERR_INTERNAL, sentence);
    } else if (code == MPI_SUCCESS) {
        if (rank != 0 && own->log_fn != NULL) /* rank 0 has logged its login */
            own->log_fn(own->log_user_data, WANDB_LOGIN_LOG_INFO,
                        wandb_login_session_display(*session));
        if (own->backend_fn != NULL) own->backend_fn(own->backend_user_data, *session);
    }
    return code;
}

/* --- The call ------------------------------------------------------------- */

/* Duplicates the communicator, asleep, so that a rank 0 that comes late is not
 * waited for at full speed. */
static int duplicate(MPI_Comm comm, MPI_Comm *copy) {
    MPI_Request request;
    int code = MPI_Comm_idup(comm, copy, &request);
    if (code == MPI_SUCCESS) code = wait_for(&request);
    if (code == MPI_SUCCESS) code = MPI_Comm_set_errhandler(*copy, MPI_ERRORS_RETURN);
    return code;
}

/* What makes the call impossible before MPI is used, or NULL. */
static const char *misuse(MPI_Comm comm) {
    int begun = 0, ended = 0, inter = 0;
    MPI_Initialized(&begun);
    MPI_Finalized(&ended);
    if (!begun || ended) return "MPI is not running: call MPI_Init first";
    if (comm == MPI_COMM_NULL) return "comm must not be MPI_COMM_NULL";
    MPI_Comm_test_inter(comm, &inter);
    return inter ? "comm must not be an intercommunicator" : NULL;
}

wandb_login_status wandb_login_mpi(MPI_Comm comm, const wandb_login_options *options,
                                   wandb_login_session **session) {
    wandb_login_options own = WANDB_LOGIN_OPTIONS_INIT; /* what is this rank's own */
    wandb_login_session *made = NULL;
    outcome told = {WANDB_LOGIN_STATUS_ERR_NETWORK, NULL, 0};
    const char *problem = misuse(comm);
    MPI_Comm copy = MPI_COMM_NULL;
    int code;

    if (options != NULL && options->struct_size >= OLDEST_OPTIONS)
        memcpy(&own, options, OLDEST_OPTIONS);
    if (session != NULL) *session = NULL;
    tell(&own, "");
    if (problem != NULL) {
        tell(&own, problem);
        return WANDB_LOGIN_STATUS_ERR_ARGUMENT;
    }

    code = duplicate(comm, &copy);
    if (code == MPI_SUCCESS) code = login_over(copy, options, &own, &told, &made);
    if (code != MPI_SUCCESS) {
        char words[MPI_MAX_ERROR_STRING + 1] = "";
        int length = 0;
        MPI_Error_string(code, words, &length);
        outcome_free(&told);
        outcome_set(&told, WANDB_LOGIN_STATUS_ERR_NETWORK, words);
    }
    if (copy != MPI_COMM_NULL) MPI_Comm_free(&copy);

    if (told.status != WANDB_LOGIN_STATUS_OK) {
        const char *text = told.text;
        tell(&own, text != NULL ? text : wandb_login_status_string(told.status));
        wandb_login_session_free(made);
        made = NULL;
    }
    outcome_free(&told);
    if (session != NULL) *session = made;
    else wandb_login_session_free(made);
    return told.status;
}
