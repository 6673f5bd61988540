/* Runs the cases named by the arguments and prints the result of each: one line if it
 * is the same on all ranks. Each rank has its own home directory, HOMES/CASE/RANK, as
 * on nodes without a shared file system.
 */
#define _POSIX_C_SOURCE 200809L
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <wandb_login_mpi.h>

#define LINE 1024
#define KEY "4444444444444444444444444444444444444444"

static int rank, ranks;
static const char *current = "";

/* --- Replaced functions of MPI and of the library --------------------------- */

static long bytes_broadcast;

int MPI_Ibcast(void *buffer, int count, MPI_Datatype type, int root, MPI_Comm comm,
               MPI_Request *request) {
    int size;
    if (strcmp(current, "broken") == 0) return MPI_ERR_OTHER;
    MPI_Type_size(type, &size);
    bytes_broadcast += (long)count * size;
    return PMPI_Ibcast(buffer, count, type, root, comm, request);
}

/* Replaces the function of the library: one node has an older version. */
wandb_login_status __real_wandb_login_session_import(const char *, wandb_login_session **);
wandb_login_status __wrap_wandb_login_session_import(const char *text,
                                                     wandb_login_session **session) {
    if (strcmp(current, "stranger") == 0 && rank == ranks - 1) {
        *session = NULL;
        return WANDB_LOGIN_STATUS_ERR_ARGUMENT;
    }
    return __real_wandb_login_session_import(text, session);
}

/* --- Callbacks --------------------------------------------------------------- */

static int sessions_seen, lines_logged;

static void on_session(void *data, wandb_login_session *session) {
    (void)data;
    sessions_seen += session != NULL;
}

static void on_line(void *data, int32_t level, const char *line) {
    (void)data;
    (void)level;
    if (strstr(line, "44444444") != NULL) abort(); /* a key in a log */
    lines_logged += 1;
}

static int32_t slow_human(void *data, const wandb_login_prompt_request *request,
                          char *key, size_t size) {
    struct timespec while_typing = {1, 0};
    (void)data;
    (void)request;
    nanosleep(&while_typing, NULL);
    snprintf(key, size, "%s", KEY);
    return WANDB_LOGIN_PROMPT_KEY;
}

static int32_t at_once(void *data) {
    (void)data;
    return 1;
}

/* --- One login --------------------------------------------------------------- */

/* A hash of a key, to compare it without printing it. */
static unsigned long hash(const char *text) {
    unsigned long sum = 2166136261UL;
    while (text != NULL && *text != '\0')
        sum = ((sum ^ (unsigned char)*text++) * 16777619UL) & 0xFFFFFFFFUL;
    return sum;
}

static const char *or_none(const char *text) { return text != NULL ? text : "-"; }

static void run(MPI_Comm comm, char *line) {
    wandb_login_options options = WANDB_LOGIN_OPTIONS_INIT;
    wandb_login_session *session = NULL;
    wandb_login_status status;
    char error[512] = "not blanked";
    sessions_seen = lines_logged = 0;
    options.error_buf = error;
    options.error_buf_size = sizeof error;
    options.backend_fn = on_session;
    options.log_fn = on_line;
    if (strcmp(current, "explicit") == 0 && rank == 0) options.api_key = KEY;
    if (strcmp(current, "prompt") == 0 && rank == 0) options.prompt_fn = slow_human;
    if (strcmp(current, "host") == 0) options.host = rank == 0 ? "höst" : "other";
    if (strcmp(current, "cancel") == 0) options.cancel_fn = at_once;
    if (strcmp(current, "struct") == 0) options.struct_size = 1;
    /* "WANDB_MODE is 'ö": the buffer ends in the middle of the ö. */
    if (strcmp(current, "cut") == 0) options.error_buf_size = 17;

    status = wandb_login_mpi(comm, &options, &session);

    snprintf(line, LINE, "%d [%s] %s %s %d %s %08lx %08lx environ %08lx backend %d",
             (int)status, error, or_none(wandb_login_session_base_url(session)),
             or_none(wandb_login_session_source_name(session)),
             (int)wandb_login_session_source(session),
             wandb_login_session_saved(session) ? "saved" : "unsaved",
             hash(wandb_login_session_api_key(session)),
             hash(wandb_login_session_authorization(session)),
             session ? hash(wandb_login_session_environ(session)[0]) : 0, sessions_seen);
    if ((session != NULL) != (status == WANDB_LOGIN_STATUS_OK)) strcat(line, " handle");
    if (lines_logged > 0 && rank != 0 && strcmp(current, "split") != 0)
        strcat(line, " logged by another rank");
    if (wandb_login_session_proxy(session) != NULL) {
        size_t used = strlen(line);
        snprintf(line + used, LINE - used, " by %s, %s, %s", wandb_login_session_proxy(session),
                 wandb_login_session_ca_file(session), wandb_login_session_headers(session)[0]);
    }
    wandb_login_session_free(session);
}

static void run_case(const char *homes, const char *name) {
    char path[512], line[LINE] = "", *all = NULL;
    clock_t before;
    double waited;
    current = name;
    snprintf(path, sizeof path, "%s/%s/%d", homes, name, rank);
    setenv("HOME", path, 1);
    if (strcmp(name, "offline") == 0) setenv("WANDB_MODE", "offline", 1);
    if (strcmp(name, "cut") == 0) setenv("WANDB_MODE", "öffline", 1);
    if (strcmp(name, "late") == 0 || strcmp(name, "cancel") == 0) {
        snprintf(path, sizeof path, "%s/fifo", homes); /* without a writer */
        setenv("WANDB_API_KEY_FILE", path, 1);
    }
    if (strcmp(name, "way") == 0) { /* other ranks would go another way */
        setenv("HTTPS_PROXY", rank == 0 ? "http://u:p@proxy.example" : "other.example:9", 1);
        setenv("SSL_CERT_FILE", rank == 0 ? "/ca.pem" : "/other.pem", 1);
        setenv("WANDB_USERNAME", rank == 0 ? "ada" : "other", 1);
        current = "explicit";
    }
    if (strcmp(name, "stale") == 0) { /* variables of another job */
        setenv("RANK", "3", 1);
        setenv("WORLD_SIZE", "8", 1);
        current = "explicit";
    }
    MPI_Barrier(MPI_COMM_WORLD);
    before = clock();
    bytes_broadcast = 0;
    if (strcmp(name, "split") == 0) { /* two communicators: rank 0 of each logs in */
        MPI_Comm half;
        MPI_Comm_split(MPI_COMM_WORLD, rank % 2, rank, &half);
        run(half, line);
        MPI_Comm_free(&half);
    } else {
        if (strcmp(name, "broken") == 0)
            MPI_Comm_set_errhandler(MPI_COMM_WORLD, MPI_ERRORS_RETURN);
        run(MPI_COMM_WORLD, line);
    }
    waited = (double)(clock() - before) / CLOCKS_PER_SEC;
    current = "";
    unsetenv("WANDB_MODE");
    unsetenv("WANDB_API_KEY_FILE");
    unsetenv("HTTPS_PROXY");
    unsetenv("SSL_CERT_FILE");
    unsetenv("WANDB_USERNAME");
    unsetenv("RANK");
    unsetenv("WORLD_SIZE");

    /* The prompt of rank 0 takes one second; a busy wait would use all of it. */
    if (strcmp(name, "prompt") == 0 && rank != 0 && waited > 0.5)
        snprintf(line, sizeof line, "rank %d was busy for %.3f s", rank, waited);
    if (rank == 0) all = calloc((size_t)ranks, LINE);
    MPI_Gather(line, LINE, MPI_CHAR, all, LINE, MPI_CHAR, 0, MPI_COMM_WORLD);
    if (rank != 0) return;
    for (int i = 1; i < ranks; i++)
        if (strcmp(all, all + (size_t)i * LINE) != 0)
            printf("%s: DIFFERENT on rank %d: %s\n", name, i, all + (size_t)i * LINE);
    printf("%s: %s (%ld bytes)\n", name, line, bytes_broadcast);
    fflush(stdout);
    free(all);
}

/* --- Calls that fail before any communication ---------------------------------- */

static void misuse(MPI_Comm comm, const char *what) {
    wandb_login_options options = WANDB_LOGIN_OPTIONS_INIT;
    wandb_login_session *session = (wandb_login_session *)&options;
    char error[128] = "";
    wandb_login_status status;
    options.error_buf = error;
    options.error_buf_size = sizeof error;
    status = wandb_login_mpi(comm, &options, &session);
    if (rank == 0)
        printf("%s: %d [%s]%s\n", what, (int)status, error, session ? " handle" : "");
}

static void intercommunicator(void) {
    MPI_Comm half, both;
    MPI_Comm_split(MPI_COMM_WORLD, rank % 2, rank, &half);
    MPI_Intercomm_create(half, 0, MPI_COMM_WORLD, 1 - rank % 2, 7, &both);
    misuse(both, "intercommunicator");
    MPI_Comm_free(&both);
    MPI_Comm_free(&half);
}

int main(int argc, char **argv) {
    if (argc < 2) return 2;
    if (strcmp(argv[1], "no-mpi") == 0) {
        misuse(MPI_COMM_WORLD, "before MPI_Init");
        return 0;
    }
    MPI_Init(&argc, &argv);
    MPI_Comm_rank(MPI_COMM_WORLD, &rank);
    MPI_Comm_size(MPI_COMM_WORLD, &ranks);
    for (int i = 2; i < argc; i++) run_case(argv[1], argv[i]);
    misuse(MPI_COMM_NULL, "MPI_COMM_NULL");
    if (ranks > 1) intercommunicator();
    /* Without a session argument and options. The last case has no key. */
    if (wandb_login_mpi(MPI_COMM_WORLD, NULL, NULL) != WANDB_LOGIN_STATUS_NOT_CONFIGURED)
        printf("defaults: rank %d got another status\n", rank);
    MPI_Finalize();
    misuse(MPI_COMM_WORLD, "after MPI_Finalize");
    return 0;
}
