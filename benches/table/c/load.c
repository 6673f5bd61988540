/* load LIBRARY: loads a shared library, and prints the ns that it took and by
 * how many KiB the process's memory grew. */
#include "clock.h"
#include <dlfcn.h>
#include <string.h>

static double resident_kib(void) {
  char line[256];
  double kib = 0;
  FILE *status = fopen("/proc/self/status", "r");
  need(status != NULL, "/proc/self/status");
  while (fgets(line, sizeof line, status))
    if (strncmp(line, "VmRSS:", 6) == 0)
      kib = atof(line + 6);
  fclose(status);
  return kib;
}

int main(int argc, char **argv) {
  need(argc == 2, "usage");
  double before = resident_kib();
  double start = now_ns();
  void *library = dlopen(argv[1], RTLD_NOW | RTLD_LOCAL);
  double ns = now_ns() - start;
  need(library != NULL, dlerror());
  printf("%.1f %.0f\n", ns, resident_kib() - before);
  return 0;
}
