#include <stdio.h>
#include <wandb_login.h>

/* Stands for your HTTP client. The authorization is a secret: never print it. */
static void post(const char *server, const char *authorization, double loss) {
  printf("POST %s/graphql, Authorization: %.5s ..., loss %.2f\n", server, authorization, loss);
}

int main(void) {
  char why[512];
  wandb_login_options options = WANDB_LOGIN_OPTIONS_INIT;
  options.error_buf = why;
  options.error_buf_size = sizeof why;

  /* Finds the key where the Python SDK finds it, or asks for one. */
  wandb_login_session *session;
  wandb_login_status status = wandb_login(&options, &session);
  if (status != WANDB_LOGIN_STATUS_OK) fprintf(stderr, "wandb_login: %s\n", why);
  if (status < 0) return 1; /* an error */

  /* The training. It runs without W&B too: offline or without a key, session is NULL. */
  for (int epoch = 1; epoch <= 2; epoch++) {
    double loss = 1.0 / epoch;
    printf("epoch %d: loss %.2f\n", epoch, loss);
    if (session) {
      post(wandb_login_session_base_url(session), wandb_login_session_authorization(session), loss);
    }
  }
  wandb_login_session_free(session);
  return 0;
}
