#include <stdio.h>
#include <wandb_login.h>

/* Stands for your HTTP client. The authorization is a secret: never print it. */
static void post(const char *server, const char *authorization) {
  printf("POST %s/graphql, Authorization: %.5s ...\n", server, authorization);
}

int main(void) {
  char why[512];
  wandb_login_options options = WANDB_LOGIN_OPTIONS_INIT;
  options.error_buf = why;
  options.error_buf_size = sizeof why;

  /* Finds the key where the Python SDK finds it, or asks for one. */
  wandb_login_session *session;
  wandb_login_status status = wandb_login(&options, &session);
  if (status != WANDB_LOGIN_STATUS_OK) {
    fprintf(stderr, "wandb_login: %s\n", why);
    return status > 0 ? 0 : 1; /* offline or not configured: train without W&B */
  }

  post(wandb_login_session_base_url(session), wandb_login_session_authorization(session));
  wandb_login_session_free(session);
  return 0;
}
