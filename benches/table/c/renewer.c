/* renewer TIMES: gets the session of a renewer that has nothing to renew, and prints ns per
 * call: with an access token, whose end is compared with the clock. With -DCLOCKS it reads
 * both clocks instead. */
#include "clock.h"
#ifndef CLOCKS
#include <wandb_login.h>
#endif

int main(int argc, char **argv) {
  need(argc == 2, "usage");
  long times = atol(argv[1]);
#ifdef CLOCKS
  struct timespec seen;
  double start = now_ns();
  for (long i = 0; i < times; i++) {
    need(clock_gettime(CLOCK_MONOTONIC, &seen) == 0, "the monotonic clock");
    need(clock_gettime(CLOCK_REALTIME, &seen) == 0, "the clock");
  }
#else
  const char *text = "wandb-login-session 1\nbase_url https://api.wandb.ai\n"
                     "source identity_token\naccess_token t\nexpires_at 4000000000\n"
                     "identity_token_file /nonexistent\n";
  wandb_login_session *session;
  wandb_login_renewer *renewer;
  need(wandb_login_session_import(text, &session) == WANDB_LOGIN_STATUS_OK, "a session");
  need(wandb_login_renewer_new(session, NULL, &renewer) == WANDB_LOGIN_STATUS_OK, "a renewer");
  wandb_login_session_free(session);
  double start = now_ns();
  for (long i = 0; i < times; i++) {
    need(wandb_login_renewer_get(renewer, &session, NULL, 0) == WANDB_LOGIN_STATUS_OK, "get");
    need(wandb_login_session_authorization(session) != NULL, "authorization");
    wandb_login_session_free(session);
  }
#endif
  printf("%.1f\n", (now_ns() - start) / (double)times);
#ifndef CLOCKS
  wandb_login_renewer_free(renewer);
#endif
  return 0;
}
