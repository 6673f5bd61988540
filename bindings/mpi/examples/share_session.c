/* One login for several processes over any channel: pipes here, but also NCCL, gRPC,
 * a queue or a file. wandb_login_session_export() writes the session in one process,
 * and wandb_login_session_import() reads it in another.
 *
 *     cc share_session.c $(pkg-config --cflags --libs wandb_login)
 */
#define _POSIX_C_SOURCE 200809L
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <wandb_login.h>

#define WORKERS 3
#define MAX_LENGTH (1 << 20) /* of an exported session */

/* The header of a message. The session or the error message follows. It is also sent
 * if the login failed, so that the workers do not wait. */
typedef struct {
    int32_t status;
    uint32_t length;
} message;

static int send_all(int channel, const void *data, size_t size) {
    const char *bytes = data;
    while (size > 0) {
        ssize_t sent = write(channel, bytes, size);
        if (sent <= 0) return -1;
        bytes += sent;
        size -= (size_t)sent;
    }
    return 0;
}

static int receive_all(int channel, void *data, size_t size) {
    char *bytes = data;
    while (size > 0) {
        ssize_t got = read(channel, bytes, size);
        if (got <= 0) return -1;
        bytes += got;
        size -= (size_t)got;
    }
    return 0;
}

static void wipe(volatile char *bytes, size_t size) {
    while (size-- > 0) *bytes++ = 0;
}

/* A worker: receives the session, or the error of the login. */
static int work(int number, int channel) {
    message head;
    if (receive_all(channel, &head, sizeof head) != 0 || head.length > MAX_LENGTH) return 1;
    char *text = calloc(head.length + 1, 1);
    if (text == NULL || receive_all(channel, text, head.length) != 0) return 1;

    wandb_login_session *session = NULL;
    int32_t status = head.status;
    if (status == WANDB_LOGIN_STATUS_OK) {
        status = wandb_login_session_import(text, &session);
        wipe(text, head.length);
    }
    if (session != NULL)
        printf("worker %d: %s\n", number, wandb_login_session_display(session));
    else
        printf("worker %d: %d: %s\n", number, (int)status, text);
    free(text);
    wandb_login_session_free(session);
    return status == WANDB_LOGIN_STATUS_OK ? 0 : 1;
}

int main(void) {
    int channels[WORKERS];
    for (int i = 0; i < WORKERS; i++) {
        int ends[2];
        if (pipe(ends) != 0) return 1;
        pid_t child = fork();
        if (child < 0) return 1;
        if (child == 0) {
            close(ends[1]);
            int code = work(i + 1, ends[0]);
            fflush(stdout);
            _exit(code);
        }
        close(ends[0]);
        channels[i] = ends[1];
    }

    /* The first process logs in and exports its session. */
    char problem[512] = "";
    wandb_login_options options = WANDB_LOGIN_OPTIONS_INIT;
    options.flags = WANDB_LOGIN_ALL_RANKS; /* do not look at RANK */
    options.prompt_timeout_ms = 300000;    /* the workers wait */
    options.error_buf = problem;
    options.error_buf_size = sizeof problem;
    wandb_login_session *session = NULL;
    char *exported = NULL;
    message head = {wandb_login(&options, &session), 0};
    if (head.status == WANDB_LOGIN_STATUS_OK)
        head.status = wandb_login_session_export(session, &exported);
    const char *text = exported != NULL ? exported : problem;
    head.length = (uint32_t)strlen(text);

    for (int i = 0; i < WORKERS; i++) {
        if (send_all(channels[i], &head, sizeof head) == 0)
            send_all(channels[i], text, head.length);
        close(channels[i]);
    }
    wandb_login_string_free(exported); /* wipes it */
    wandb_login_session_free(session);

    int failed = 0, code;
    while (wait(&code) > 0) failed |= code;
    return failed != 0;
}
