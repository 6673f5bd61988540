/* scan TIMES FILE: how fast memchr passes over a text. Reads the file, searches it for a byte
 * that it does not have, and prints ns per search. */
#include "clock.h"
#include <string.h>

int main(int argc, char **argv) {
  need(argc == 3, "usage");
  long times = atol(argv[1]);
  FILE *file = fopen(argv[2], "rb");
  need(file != NULL, argv[2]);
  need(fseek(file, 0, SEEK_END) == 0, "fseek");
  size_t size = (size_t)ftell(file);
  rewind(file);
  char *text = malloc(size);
  need(text != NULL, "memory");
  need(fread(text, 1, size, file) == size, "read");
  fclose(file);
  /* Called through a volatile pointer, so that no search is left out. */
  void *(*volatile search)(const void *, int, size_t) = memchr;
  double start = now_ns();
  for (long i = 0; i < times; i++)
    need(search(text, '\0', size) == NULL, "the byte is not there");
  printf("%.1f\n", (now_ns() - start) / (double)times);
  free(text);
  return 0;
}
