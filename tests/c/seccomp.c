/* For LD_PRELOAD: once the program is loaded, a system call fails each time, by a
 * seccomp filter.
 *
 *   SECCOMP_CALL=N    the number of the call
 *   SECCOMP_ERROR=N   the error */
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>

static uint32_t number(const char *name) {
  const char *text = getenv(name);
  if (text == NULL)
    abort();
  return (uint32_t)strtoul(text, NULL, 10);
}

__attribute__((constructor)) static void start(void) {
  uint32_t refused = SECCOMP_RET_ERRNO | (number("SECCOMP_ERROR") & SECCOMP_RET_DATA);
  struct sock_filter code[] = {
      BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
      BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, number("SECCOMP_CALL"), 0, 1),
      BPF_STMT(BPF_RET | BPF_K, refused),
      BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
  };
  struct sock_fprog program = {.len = sizeof code / sizeof *code, .filter = code};
  if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0 ||
      prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) != 0) {
    perror("a seccomp filter");
    _Exit(97);
  }
}
