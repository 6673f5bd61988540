#include <stdio.h>
#include <wandb_login.h>

int main(void) {
  char why[512];
  wandb_login_options options = WANDB_LOGIN_OPTIONS_INIT;
  options.error_buf = why;
  options.error_buf_size = sizeof why;

  /* Finds the key where the Python SDK would, or asks for it. */
  wandb_login_session *session;
  wandb_login_status status = wandb_login(&options, &session);
  if (status == WANDB_LOGIN_STATUS_OFFLINE)
    return 0; /* train without W&B */
  if (status != WANDB_LOGIN_STATUS_OK) {
    fprintf(stderr, "%s: %s\n", wandb_login_status_string(status), why);
    return 1;
  }

  /* For your HTTP client: the server, and the header that logs in there. The
   * header is a secret: hand it on, do not print it. */
  const char *server = wandb_login_session_base_url(session);
  const char *authorization = wandb_login_session_authorization(session);
  printf("POST %s/graphql with %zu bytes of Authorization\n", server,
         authorization ? sizeof "Authorization: " : 0);

  wandb_login_session_free(session);
  return 0;
}
