/* member [export | import]: a process of a job. It logs in and verifies; with `export` it then
 * prints the session, and with `import` it reads one from standard input instead. Prints what
 * start.c reads. */
#include "../../table/c/clock.h"
#include <string.h>
#include <wandb_login.h>

static char text[1 << 16];

static wandb_login_session *log_in(void) {
  wandb_login_options options = WANDB_LOGIN_OPTIONS_INIT;
  wandb_login_session *session;
  char why[512];
  options.flags = WANDB_LOGIN_SILENT | WANDB_LOGIN_NO_PROMPT | WANDB_LOGIN_VERIFY;
  options.error_buf = why;
  options.error_buf_size = sizeof why;
  need(wandb_login(&options, &session) == WANDB_LOGIN_STATUS_OK, why);
  return session;
}

int main(int argc, char **argv) {
  const char *role = argc > 1 ? argv[1] : "";
  wandb_login_session *session;
  size_t length = 0;
  if (strcmp(role, "import") == 0)
    length = fread(text, 1, sizeof text - 1, stdin);
  double start = now_ns();
  if (strcmp(role, "import") == 0)
    need(wandb_login_session_import(text, &session) == WANDB_LOGIN_STATUS_OK, "import");
  else
    session = log_in();
  double end = now_ns();
  need(wandb_login_session_authorization(session) != NULL, "a credential");
  if (strcmp(role, "export") == 0) {
    char *exported;
    need(wandb_login_session_export(session, &exported) == WANDB_LOGIN_STATUS_OK, "export");
    fputs(exported, stdout);
    wandb_login_string_free(exported);
  } else {
    printf("%.0f %.0f %zu\n", end, end - start, length);
  }
  wandb_login_session_free(session);
  return 0;
}
