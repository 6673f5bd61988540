/* store TIMES: logs in with one new key after the other, each of which goes to
 * netrc, and prints ns per login. */
#include "clock.h"
#include <unistd.h>
#include <wandb_login.h>

int main(int argc, char **argv) {
  need(argc == 2, "usage");
  long times = atol(argv[1]);
  char key[] = "1111111111111111111111111111111111111111";
  wandb_login_options options = WANDB_LOGIN_OPTIONS_INIT;
  options.flags = WANDB_LOGIN_SILENT;
  options.api_key = key;
  double start = now_ns();
  for (long i = 0; i < times; i++) {
    snprintf(key + 20, sizeof key - 20, "%020ld", 1000000L * getpid() + i);
    wandb_login_session *session;
    need(wandb_login(&options, &session) == WANDB_LOGIN_STATUS_OK, "login");
    need(wandb_login_session_saved(session), "the key is stored");
    wandb_login_session_free(session);
  }
  printf("%.1f\n", (now_ns() - start) / (double)times);
  return 0;
}
