/* After a million calls of a renewer that has nothing to renew the process has as many bytes
 * on the heap and no more resident pages than after a thousand. A seccomp filter ends the
 * process at any system call between the two; only the clock may be one. */
#include "check.h"

#include <fcntl.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <malloc.h>
#include <stddef.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

enum { FEW = 1000, MANY = 1000000 };

struct memory {
  size_t heap;
  long resident; /* pages */
};

static int statm;

static struct memory in_use(void) {
  char text[128] = "";
  struct memory now = {mallinfo2().uordblks, 0};
  long size;
  CHECK(pread(statm, text, sizeof text - 1, 0) > 0);
  CHECK(sscanf(text, "%ld %ld", &size, &now.resident) == 2);
  return now;
}

static void call(wandb_login_renewer *renewer, int times) {
  for (int i = 0; i < times; i++) {
    wandb_login_session *session;
    CHECK(wandb_login_renewer_get(renewer, &session, NULL, 0) == WANDB_LOGIN_STATUS_OK);
    CHECK(same(wandb_login_session_authorization(session), "Bearer t"));
    wandb_login_session_free(session);
  }
}

/* Allows what measures, prints and ends; any other call ends the process by SIGSYS. */
static void forbid_system_calls(void) {
  static const unsigned allowed[] = {SYS_clock_gettime, SYS_pread64, SYS_write, SYS_exit_group};
  enum { COUNT = sizeof allowed / sizeof *allowed };
  struct sock_filter code[2 * COUNT + 2] = {
      BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr))};
  for (int i = 0; i < COUNT; i++) {
    code[2 * i + 1] = (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, allowed[i], 0, 1);
    code[2 * i + 2] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW);
  }
  code[2 * COUNT + 1] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_KILL_PROCESS);
  struct sock_fprog program = {.len = 2 * COUNT + 2, .filter = code};
  CHECK(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0);
  CHECK(prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) == 0);
}

int main(void) {
  const char *text = "wandb-login-session 1\nbase_url https://api.wandb.ai\n"
                     "source identity_token\naccess_token t\nexpires_at 4000000000\n"
                     "identity_token_file /nonexistent\n";
  wandb_login_session *session;
  wandb_login_renewer *renewer;
  CHECK(wandb_login_session_import(text, &session) == WANDB_LOGIN_STATUS_OK);
  CHECK(wandb_login_renewer_new(session, NULL, &renewer) == WANDB_LOGIN_STATUS_OK);
  wandb_login_session_free(session);
  statm = open("/proc/self/statm", O_RDONLY | O_CLOEXEC);
  CHECK(statm >= 0);
  in_use(); /* the functions that measure need their pages, too */
  call(renewer, FEW);
  forbid_system_calls();
  struct memory before = in_use();
  call(renewer, MANY - FEW);
  struct memory after = in_use();
  CHECK(after.heap == before.heap);
  CHECK(after.resident <= before.resident);
  _exit(0); /* freeing would take system calls */
}
