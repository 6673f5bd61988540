/* launch COUNT PROGRAM ARGUMENT...: starts as many processes at once, waits for
 * them all, and prints the ns from start to end and the largest peak memory in
 * KiB. Of several, each gets its number, counted from 0, as one more argument.
 *
 * It is small, because a child's peak is never under that of its parent. */
#include "clock.h"
#include <fcntl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

int main(int argc, char **argv) {
  need(argc > 2, "usage");
  int count = atoi(argv[1]);
  char number[16];
  char **words = calloc((size_t)argc, sizeof *words);
  need(words != NULL, "memory");
  for (int i = 2; i < argc; i++)
    words[i - 2] = argv[i];
  if (count > 1)
    words[argc - 2] = number;
  double start = now_ns();
  for (int i = 0; i < count; i++) {
    pid_t child = fork();
    need(child >= 0, "fork");
    if (child == 0) {
      snprintf(number, sizeof number, "%d", i);
      int nowhere = open("/dev/null", O_RDWR);
      dup2(nowhere, STDIN_FILENO);
      dup2(nowhere, STDOUT_FILENO);
      execv(words[0], words);
      _exit(127);
    }
  }
  long peak = 0;
  for (int i = 0; i < count; i++) {
    int status;
    struct rusage usage;
    need(wait4(-1, &status, 0, &usage) > 0, "wait");
    need(WIFEXITED(status) && WEXITSTATUS(status) == 0, argv[2]);
    if (usage.ru_maxrss > peak)
      peak = usage.ru_maxrss;
  }
  printf("%.1f %ld\n", now_ns() - start, peak);
  free(words);
  return 0;
}
