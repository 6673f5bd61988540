/* Logs in with a key of its own environment: no file is read or written, and nothing sent. */
#include <stdio.h>
#include <wandb_login.h>

int main(void) {
  static const char *const environment[] = {
      "WANDB_API_KEY=0123456789012345678901234567890123456789", NULL};
  char why[512];
  wandb_login_options options = WANDB_LOGIN_OPTIONS_INIT;
  options.environment = environment;
  options.error_buf = why;
  options.error_buf_size = sizeof why;

  wandb_login_session *session;
  if (wandb_login(&options, &session) != WANDB_LOGIN_STATUS_OK) {
    fprintf(stderr, "%s\n", why);
    return 1;
  }
  printf("libwandb_login %s: %s\n", wandb_login_version(), wandb_login_session_display(session));
  wandb_login_session_free(session);
  return 0;
}
