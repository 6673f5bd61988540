/* Loads, uses and unloads the library repeatedly: no mapping or open file remains. */
#include "check.h"

#include <dlfcn.h>

/* The number of lines in a file of /proc that contain a word; all lines for "". */
static int lines_with(const char *path, const char *word) {
  char line[4096];
  int found = 0;
  FILE *file = fopen(path, "r");
  CHECK(file != NULL);
  while (fgets(line, sizeof line, file) != NULL)
    found += strstr(line, word) != NULL;
  fclose(file);
  return found;
}

int main(int count, char **arguments) {
  CHECK(count > 1);
  int loads = count > 2 ? atoi(arguments[2]) : 20;
  for (int i = 0; i < loads; i++) {
    void *library = dlopen(arguments[1], RTLD_NOW | RTLD_LOCAL);
    CHECK(library != NULL);
    wandb_login_status (*login)(const wandb_login_options *, wandb_login_session **);
    void (*release)(wandb_login_session *);
    *(void **)&login = dlsym(library, "wandb_login");
    *(void **)&release = dlsym(library, "wandb_login_session_free");
    CHECK(login != NULL && release != NULL);
    wandb_login_options options = defaults();
    options.api_key = i % 2 ? KEY_1 : KEY_2;
    wandb_login_session *session = NULL;
    STATUS(login(&options, &session), WANDB_LOGIN_STATUS_OK);
    release(session);
    CHECK(dlclose(library) == 0);
    CHECK(lines_with("/proc/self/maps", "wandb_login.so") == 0);
    CHECK(lines_with("/proc/self/status", "Threads:\t1\n") == 1);
  }
  return 0;
}
