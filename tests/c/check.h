/* Shared by the test programs. Each runs with its own home and working directory, an
 * environment of only HOME and PATH, and without a terminal. */
#ifndef CHECK_H
#define CHECK_H

#ifndef _GNU_SOURCE
#define _GNU_SOURCE /* flock and setenv beside C99 */
#endif

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <wandb_login.h>

#define KEY_1 "1111111111111111111111111111111111111111"
#define KEY_2 "2222222222222222222222222222222222222222"

/* Exits with a message if the condition is false. */
#define CHECK(condition) ((condition) ? (void)0 : fail(__FILE__, __LINE__, #condition))

/* Checks the status of a call with `defaults()`, and that there is a message if the
 * status is not OK. */
#define STATUS(call, expected)                                     \
  do {                                                             \
    wandb_login_status status_ = (call);                           \
    if (status_ != (expected)) {                                   \
      fprintf(stderr, "%s is %d: %s\n", #call, (int)status_, why); \
      fail(__FILE__, __LINE__, #expected);                         \
    }                                                              \
    CHECK((why[0] == '\0') == (status_ == WANDB_LOGIN_STATUS_OK)); \
  } while (0)

/* The error buffer of `defaults()`. */
static char why[1024];

static inline void fail(const char *file, int line, const char *what) {
  fprintf(stderr, "%s:%d: check failed: %s\n", file, line, what);
  exit(1);
}

/* Options without prompt and log lines, and with an error buffer. */
static inline wandb_login_options defaults(void) {
  wandb_login_options options = WANDB_LOGIN_OPTIONS_INIT;
  options.flags = WANDB_LOGIN_NO_PROMPT | WANDB_LOGIN_SILENT;
  options.error_buf = why;
  options.error_buf_size = sizeof why;
  memset(why, 'x', sizeof why - 1);
  return options;
}

static inline int same(const char *a, const char *b) {
  return a != NULL && b != NULL && strcmp(a, b) == 0;
}

/* A string of `length` times `c`, from malloc. */
static inline char *repeat(char c, size_t length) {
  char *text = (char *)malloc(length + 1);
  CHECK(text != NULL);
  memset(text, c, length);
  text[length] = '\0';
  return text;
}

/* `first` and `second` in one string, from malloc. */
static inline char *join(const char *first, const char *second) {
  size_t size = strlen(first) + strlen(second) + 1;
  char *text = (char *)malloc(size);
  CHECK(text != NULL);
  snprintf(text, size, "%s%s", first, second);
  return text;
}

/* The content of a file, from malloc; NULL if it does not exist. */
static inline char *read_file(const char *path) {
  FILE *file = fopen(path, "rb");
  if (file == NULL)
    return NULL;
  char *text = repeat('\0', 100000);
  text[fread(text, 1, 100000, file)] = '\0';
  fclose(file);
  return text;
}

static inline void write_file(const char *path, const char *text) {
  FILE *file = fopen(path, "wb");
  CHECK(file != NULL);
  CHECK(fputs(text, file) >= 0);
  CHECK(fclose(file) == 0);
}

#endif
