/* check TIMES: asks whether a key is configured, and prints ns per call. */
#include "clock.h"
#include <wandb_login.h>

int main(int argc, char **argv) {
  need(argc == 2, "usage");
  long times = atol(argv[1]);
  double start = now_ns();
  for (long i = 0; i < times; i++)
    need(wandb_is_apikey_configured(NULL), "a key is configured");
  printf("%.1f\n", (now_ns() - start) / (double)times);
  return 0;
}
