/* Logs in with the key that is configured, and prints it for the test. */
#include <stdio.h>
#include <string.h>
#include <wandb_login.h>

int main(void) {
  if (wandb_login_version_number() != WANDB_LOGIN_VERSION_NUMBER) {
    fprintf(stderr, "the library is version %s, the header %s\n", wandb_login_version(),
            WANDB_LOGIN_VERSION);
    return 1;
  }
  char why[512];
  wandb_login_options options = WANDB_LOGIN_OPTIONS_INIT;
  options.error_buf = why;
  options.error_buf_size = sizeof why;
  wandb_login_session *session;
  if (wandb_login(&options, &session) != WANDB_LOGIN_STATUS_OK) {
    fprintf(stderr, "%s\n", why);
    return 1;
  }
  puts(wandb_login_session_api_key(session));
  wandb_login_session_free(session);
  return 0;
}
