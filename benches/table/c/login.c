/* login [times N] [verify] [key KEY] [host NUMBER]: a process that logs in, once if N is not
 * given. Without the library (-DNOTHING) it is the process alone. */
#include "clock.h"
#include <string.h>
#ifndef NOTHING
#include <wandb_login.h>
#endif

int main(int argc, char **argv) {
#ifdef NOTHING
  (void)argv;
  need(argc > 0, "usage");
#else
  long times = 1;
  char host[64];
  wandb_login_options options = WANDB_LOGIN_OPTIONS_INIT;
  options.flags = WANDB_LOGIN_SILENT | WANDB_LOGIN_NO_PROMPT;
  for (int i = 1; i < argc; i++) {
    if (strcmp(argv[i], "times") == 0 && i + 1 < argc) {
      times = atol(argv[++i]);
    } else if (strcmp(argv[i], "verify") == 0) {
      options.flags |= WANDB_LOGIN_VERIFY;
    } else if (strcmp(argv[i], "key") == 0 && i + 1 < argc) {
      options.api_key = argv[++i];
    } else if (strcmp(argv[i], "host") == 0 && i + 1 < argc) {
      snprintf(host, sizeof host, "https://host-%s.example", argv[++i]);
      options.host = host;
    } else {
      need(0, "usage");
    }
  }
  char why[512];
  options.error_buf = why;
  options.error_buf_size = sizeof why;
  for (long i = 0; i < times; i++) {
    wandb_login_session *session;
    need(wandb_login(&options, &session) == WANDB_LOGIN_STATUS_OK, why);
    need(!options.api_key || wandb_login_session_saved(session), "the key is stored");
    wandb_login_session_free(session);
  }
#endif
  return 0;
}
