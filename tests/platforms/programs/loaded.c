/* The functions that login.c calls, from a library that is loaded at run time: the one
 * that the variable LIBRARY names. */
#include <stdio.h>
#include <stdlib.h>

#include <wandb_login.h>

#ifdef _WIN32
#include <windows.h>
static void *function(const char *name) {
  static HMODULE library;
  if (library == NULL) {
    library = LoadLibraryA(getenv("LIBRARY"));
  }
  return library ? (void *)GetProcAddress(library, name) : NULL;
}
#else
#include <dlfcn.h>
static void *function(const char *name) {
  static void *library;
  if (library == NULL) {
    library = dlopen(getenv("LIBRARY"), RTLD_NOW | RTLD_LOCAL);
  }
  return library ? dlsym(library, name) : NULL;
}
#endif

static void *required(const char *name) {
  void *found = function(name);
  if (found == NULL) {
    fprintf(stderr, "%s is not in %s\n", name, getenv("LIBRARY"));
    exit(1);
  }
  return found;
}

wandb_login_status wandb_login(const wandb_login_options *options, wandb_login_session **session) {
  wandb_login_status (*call)(const wandb_login_options *, wandb_login_session **) =
      (wandb_login_status (*)(const wandb_login_options *, wandb_login_session **))required(
          "wandb_login");
  return call(options, session);
}

void wandb_login_session_free(wandb_login_session *session) {
  ((void (*)(wandb_login_session *))required("wandb_login_session_free"))(session);
}

uint32_t wandb_login_version_number(void) {
  return ((uint32_t(*)(void))required("wandb_login_version_number"))();
}

const char *wandb_login_version(void) {
  return ((const char *(*)(void))required("wandb_login_version"))();
}

static const char *getter(const char *name, const wandb_login_session *session) {
  return ((const char *(*)(const wandb_login_session *))required(name))(session);
}

const char *wandb_login_session_source_name(const wandb_login_session *session) {
  return getter("wandb_login_session_source_name", session);
}

const char *wandb_login_session_base_url(const wandb_login_session *session) {
  return getter("wandb_login_session_base_url", session);
}

const char *wandb_login_session_username(const wandb_login_session *session) {
  return getter("wandb_login_session_username", session);
}
