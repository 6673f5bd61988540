/* start COUNT [share] PROGRAM ARGUMENT...: a job of as many processes, which start at once.
 * Each is told its RANK and the WORLD_SIZE, and prints a line when it has its session: that
 * moment, how many ns it took itself, and how many bytes it was sent.
 *
 * With `share`, one process exports a session (`PROGRAM ARGUMENT... export`); the others then
 * start, and read it from standard input (`... import`).
 *
 * Prints the ns from the start of the job until the last process has its session, the largest
 * of their own times, and the sum of the bytes. */
#include "../../table/c/clock.h"
#include <fcntl.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

enum { LONGEST = 1 << 16 }; /* a session, which fits into a pipe */

static char **words; /* the command, with room for one more argument */
static char **role;

static pid_t start(int rank, int input, int output) {
  pid_t child = fork();
  need(child >= 0, "fork");
  if (child == 0) {
    char number[16];
    snprintf(number, sizeof number, "%d", rank);
    setenv("RANK", number, 1);
    dup2(input, STDIN_FILENO);
    dup2(output, STDOUT_FILENO);
    execvp(words[0], words);
    _exit(127);
  }
  return child;
}

static void wait_for(int count) {
  for (int i = 0; i < count; i++) {
    int status;
    need(wait(&status) > 0, "wait");
    need(WIFEXITED(status) && WEXITSTATUS(status) == 0, words[0]);
  }
}

/* A pipe whose ends no other program gets. */
static void make_pipe(int ends[2]) {
  need(pipe2(ends, O_CLOEXEC) == 0, "pipe");
}

/* The session that rank 0 exports. */
static size_t export_session(char *text, int nowhere) {
  int ends[2];
  size_t length = 0;
  ssize_t got;
  make_pipe(ends);
  *role = "export";
  start(0, nowhere, ends[1]);
  close(ends[1]);
  while ((got = read(ends[0], text + length, LONGEST - length)) > 0)
    length += (size_t)got;
  close(ends[0]);
  wait_for(1);
  need(length > 0 && length < LONGEST, "an exported session");
  return length;
}

static int with_text(const char *text, size_t length) {
  int ends[2];
  make_pipe(ends);
  need(write(ends[1], text, length) == (ssize_t)length, "write");
  close(ends[1]);
  return ends[0];
}

int main(int argc, char **argv) {
  static char text[LONGEST];
  need(argc > 2, "usage");
  int count = atoi(argv[1]), first = 0, results[2];
  int shares = strcmp(argv[2], "share") == 0;
  size_t length = 0;
  words = calloc((size_t)argc + 1, sizeof *words);
  need(words != NULL, "memory");
  memcpy(words, argv + 2 + shares, (size_t)(argc - 2 - shares) * sizeof *words);
  role = words + (argc - 2 - shares);
  setenv("WORLD_SIZE", argv[1], 1);
  int nowhere = open("/dev/null", O_RDWR | O_CLOEXEC);

  double begin = now_ns();
  if (shares) {
    length = export_session(text, nowhere);
    first = 1;
    *role = "import";
  }
  make_pipe(results);
  for (int rank = first; rank < count; rank++) {
    int input = shares ? with_text(text, length) : nowhere;
    start(rank, input, results[1]);
    if (shares)
      close(input);
  }
  close(results[1]);
  FILE *lines = fdopen(results[0], "r");
  double moment, own, bytes, last = begin, most = 0, sum = 0;
  int seen = first;
  for (; fscanf(lines, "%lf %lf %lf", &moment, &own, &bytes) == 3; seen++) {
    last = moment > last ? moment : last;
    most = own > most ? own : most;
    sum += bytes;
  }
  wait_for(count - first);
  need(seen == count, "a line of each process");
  printf("%.0f %.0f %.0f\n", last - begin, most, sum);
  return 0;
}
