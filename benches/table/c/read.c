/* read TIMES WORD FILE...: the floor of a look-up. Opens, reads and closes each
 * file, finds the word in the last one, and prints ns per round. */
#include "clock.h"
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static int holds(const char *path, const char *word) {
  int file = open(path, O_RDONLY | O_CLOEXEC);
  need(file >= 0, path);
  struct stat status;
  need(fstat(file, &status) == 0, "fstat");
  size_t size = (size_t)status.st_size;
  char *text = malloc(size + 1);
  need(text != NULL, "memory");
  need(read(file, text, size + 1) == (ssize_t)size, "read");
  close(file);
  int found = memmem(text, size, word, strlen(word)) != NULL;
  free(text);
  return found;
}

int main(int argc, char **argv) {
  need(argc > 3, "usage");
  long times = atol(argv[1]);
  double start = now_ns();
  for (long i = 0; i < times; i++) {
    int found = 0;
    for (int file = 3; file < argc; file++)
      found = holds(argv[file], argv[2]);
    need(found, "the word is there");
  }
  printf("%.1f\n", (now_ns() - start) / (double)times);
  return 0;
}
