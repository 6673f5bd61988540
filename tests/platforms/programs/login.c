/* login URL [KEY]: logs in, verified by the server, and prints what a test compares. */
#include <stdio.h>

#include <wandb_login.h>

static const char *or_none(const char *text) { return text ? text : "-"; }

int main(int argc, char **argv) {
  if (argc < 2 || argc > 3) {
    fprintf(stderr, "usage: %s URL [KEY]\n", argv[0]);
    return 2;
  }
  if (wandb_login_version_number() != WANDB_LOGIN_VERSION_NUMBER) {
    fprintf(stderr, "the library is version %s, the header %s\n", wandb_login_version(),
            WANDB_LOGIN_VERSION);
    return 1;
  }
  char why[512];
  wandb_login_options options = WANDB_LOGIN_OPTIONS_INIT;
  options.host = argv[1];
  options.api_key = argc == 3 ? argv[2] : NULL;
  options.flags = WANDB_LOGIN_VERIFY | WANDB_LOGIN_NO_PROMPT;
  options.error_buf = why;
  options.error_buf_size = sizeof why;

  wandb_login_session *session;
  wandb_login_status status = wandb_login(&options, &session);
  if (status != WANDB_LOGIN_STATUS_OK) {
    fprintf(stderr, "%s\n", why);
    return status == WANDB_LOGIN_STATUS_ERR_REJECTED ? 3 : 1;
  }
  printf("%s|%s|%s\n", or_none(wandb_login_session_source_name(session)),
         wandb_login_session_base_url(session), or_none(wandb_login_session_username(session)));
  wandb_login_session_free(session);
  return 0;
}
