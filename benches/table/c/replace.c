/* replace TIMES FOLDER BYTES: the floor of a store. Writes a new file, flushes
 * it, renames it over the old one and flushes the folder; prints ns per round. */
#include "clock.h"
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

int main(int argc, char **argv) {
  need(argc == 4, "usage");
  long times = atol(argv[1]);
  size_t size = (size_t)atol(argv[3]);
  need(chdir(argv[2]) == 0, argv[2]);
  char *text = malloc(size);
  need(text != NULL, "memory");
  memset(text, 'x', size);
  double start = now_ns();
  for (long i = 0; i < times; i++) {
    int file = open("floor.new", O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    need(file >= 0, "open");
    need(write(file, text, size) == (ssize_t)size, "write");
    need(fsync(file) == 0, "fsync");
    close(file);
    need(rename("floor.new", "floor") == 0, "rename");
    int folder = open(".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    need(folder >= 0 && fsync(folder) == 0, "fsync of the folder");
    close(folder);
  }
  printf("%.1f\n", (now_ns() - start) / (double)times);
  free(text);
  return 0;
}
