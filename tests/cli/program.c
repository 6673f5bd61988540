/*
 * What a program written in C sees of the library:
 *
 *     program explain text|json [OPTION]...    prints the report
 *     program login [OPTION]...                logs in, prints the status
 *     program forget [OPTION]...               logs out, prints the status
 *
 * Options: --host URL, --key KEY, --session KEY (of a session for api.wandb.ai),
 * --order sdk, --one-rank, --anonymous.
 */
#include <stdio.h>
#include <string.h>

#ifdef _WIN32
#include <fcntl.h>
#include <io.h>
#endif

#include "wandb_login.h"

/* A session of this program alone. */
static wandb_login_session *session_of(const char *key)
{
    wandb_login_options options = WANDB_LOGIN_OPTIONS_INIT;
    wandb_login_session *session = NULL;

    options.api_key = key;
    options.flags = WANDB_LOGIN_NO_SAVE | WANDB_LOGIN_CLOUD | WANDB_LOGIN_SILENT;
    wandb_login(&options, &session);
    return session;
}

int main(int argc, char **argv)
{
    wandb_login_options options = WANDB_LOGIN_OPTIONS_INIT;
    wandb_login_session *earlier = NULL;
    char error[512] = "";
    wandb_login_status status;
    int i, first = 2, format = WANDB_LOGIN_REPORT_TEXT;

#ifdef _WIN32
    _setmode(_fileno(stdout), _O_BINARY); /* line ends as the library gives them */
#endif
    if (argc < 2)
        return 2;
    if (strcmp(argv[1], "explain") == 0) {
        if (argc < 3)
            return 2;
        if (strcmp(argv[2], "json") == 0)
            format = WANDB_LOGIN_REPORT_JSON;
        first = 3;
    }
    /* As the command line, unless told otherwise. */
    options.flags = WANDB_LOGIN_ALL_RANKS;
    for (i = first; i < argc; i++) {
        if (strcmp(argv[i], "--one-rank") == 0)
            options.flags &= ~(uint32_t)WANDB_LOGIN_ALL_RANKS;
        else if (strcmp(argv[i], "--anonymous") == 0)
            options.anonymous = WANDB_LOGIN_ANONYMOUS_MUST;
        else if (i + 1 == argc)
            return 2;
        else if (strcmp(argv[i], "--session") == 0)
            options.session = earlier = session_of(argv[++i]);
        else if (strcmp(argv[i], "--host") == 0)
            options.host = argv[++i];
        else if (strcmp(argv[i], "--key") == 0)
            options.api_key = argv[++i];
        else if (strcmp(argv[i], "--order") == 0)
            options.flags |= strcmp(argv[++i], "sdk") == 0 ? WANDB_LOGIN_SDK_ORDER : 0;
        else
            return 2;
    }
    options.error_buf = error;
    options.error_buf_size = sizeof error;

    if (strcmp(argv[1], "explain") == 0) {
        char *report = NULL;
        status = wandb_login_explain(&options, format, &report);
        if (report != NULL)
            fputs(report, stdout);
        wandb_login_string_free(report);
    } else if (strcmp(argv[1], "login") == 0) {
        wandb_login_session *session = NULL;
        status = wandb_login(&options, &session);
        printf("%d\n", (int)status);
        wandb_login_session_free(session);
    } else {
        status = wandb_login_forget(&options);
        printf("%d\n", (int)status);
    }
    wandb_login_session_free(earlier);
    if (status != WANDB_LOGIN_STATUS_OK)
        fprintf(stderr, "%s\n", error);
    return status == WANDB_LOGIN_STATUS_OK ? 0 : 1;
}
