/* A program that prompts for a key:
 *
 *     prompt login|prompt [NAME=NUMBER|NAME=TEXT]...
 *
 * It writes the result to standard output, which is not the terminal, with the length of
 * the key instead of the key. It also reports changes of the signal handlers, the signal
 * mask and the file descriptors. */
#define _GNU_SOURCE
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <wandb_login.h>

struct script {
  const char *answers; /* one letter per call of the callback; the last repeats */
  int cancel_after;    /* number of polls before it cancels; 0: never */
  int polls;
};

/* K: $CALLBACK_KEY, B: a bad key, O: offline, T: the terminal, A: anonymous,
 * G: give up, U: no NUL at all */
static int32_t ask(void *user_data, const wandb_login_prompt_request *request, char *key_buf,
                   size_t key_buf_size) {
  struct script *script = (struct script *)user_data;
  char answer = *script->answers;
  if (script->answers[1] != '\0') script->answers++;
  printf("asked: attempt %u, offline %d, anonymous %d, %s from %s, %s, %s, %s, problem %s\n",
         (unsigned)request->attempt, (int)request->may_offline, (int)request->may_anonymous,
         request->server, request->server_source, request->authorize_url, request->signup_url,
         request->remaining_ms == UINT32_MAX ? "no limit" : "limited",
         request->problem != NULL ? request->problem : "none");
  if (request->struct_size < sizeof *request || key_buf_size < 65537) return -2;
  switch (answer) {
    case 'K':
      strcpy(key_buf, getenv("CALLBACK_KEY"));
      return WANDB_LOGIN_PROMPT_KEY;
    case 'B':
      strcpy(key_buf, "bad");
      return WANDB_LOGIN_PROMPT_KEY;
    case 'U':
      memset(key_buf, 'u', key_buf_size);
      return WANDB_LOGIN_PROMPT_KEY;
    case 'O':
      return WANDB_LOGIN_PROMPT_OFFLINE;
    case 'T':
      return WANDB_LOGIN_PROMPT_TERMINAL;
    case 'A':
      return WANDB_LOGIN_PROMPT_ANONYMOUS;
    default:
      return -1;
  }
}

static int32_t cancel(void *user_data) {
  struct script *script = (struct script *)user_data;
  return script->cancel_after != 0 && ++script->polls > script->cancel_after;
}

static void own_handler(int signal) { (void)signal; }

/* State of the process that the call must restore. */
struct state {
  struct sigaction actions[32];
  sigset_t mask;
  char open[256];
};

static void look(struct state *state) {
  memset(state, 0, sizeof *state);
  for (int signal = 1; signal < 32; signal++) sigaction(signal, NULL, &state->actions[signal]);
  pthread_sigmask(SIG_BLOCK, NULL, &state->mask);
  for (int fd = 0; fd < 256; fd++) state->open[fd] = fcntl(fd, F_GETFD) != -1;
}

static void compare(const struct state *before, const struct state *after) {
  for (int signal = 1; signal < 32; signal++) {
    const struct sigaction *a = &before->actions[signal], *b = &after->actions[signal];
    /* The C library adds SA_RESTORER. */
    if (a->sa_handler != b->sa_handler || ((a->sa_flags ^ b->sa_flags) & ~0x04000000) != 0)
      printf("changed: disposition of signal %d\n", signal);
    if (sigismember(&before->mask, signal) != sigismember(&after->mask, signal))
      printf("changed: mask of signal %d\n", signal);
  }
  if (memcmp(before->open, after->open, sizeof before->open) != 0)
    printf("changed: open descriptors\n");
}

int main(int argc, char **argv) {
  char why[2048];
  struct script script = {"G", 0, 0};
  wandb_login_options options = WANDB_LOGIN_OPTIONS_INIT;
  options.error_buf = why;
  options.error_buf_size = sizeof why;
  int use_callback = 0;
  for (int i = 2; i < argc; i++) {
    char *value = strchr(argv[i], '=');
    if (value == NULL) return 2;
    *value++ = '\0';
    if (strcmp(argv[i], "flags") == 0) {
      options.flags = (uint32_t)strtoul(value, NULL, 10);
    } else if (strcmp(argv[i], "anonymous") == 0) {
      options.anonymous = atoi(value);
    } else if (strcmp(argv[i], "timeout") == 0) {
      options.prompt_timeout_ms = (uint32_t)strtoul(value, NULL, 10);
    } else if (strcmp(argv[i], "referrer") == 0) {
      options.referrer = value;
    } else if (strcmp(argv[i], "api_key") == 0) {
      options.api_key = value;
    } else if (strcmp(argv[i], "callback") == 0) {
      script.answers = value;
      use_callback = 1;
    } else if (strcmp(argv[i], "cancel") == 0) {
      script.cancel_after = atoi(value);
    } else if (strcmp(argv[i], "handlers") == 0) {
      signal(SIGINT, own_handler);
      signal(SIGTERM, own_handler);
    } else {
      return 2;
    }
  }
  if (use_callback) {
    options.prompt_fn = ask;
    options.prompt_user_data = &script;
  }
  options.cancel_fn = cancel;
  options.cancel_user_data = &script;

  struct state before, after;
  look(&before);
  wandb_login_session *session = NULL;
  wandb_login_status status = strcmp(argv[1], "prompt") == 0
                                  ? wandb_prompt_api_key(&options, &session)
                                  : wandb_login(&options, &session);
  look(&after);
  compare(&before, &after);
  printf("status %d\n", (int)status);
  if (status != WANDB_LOGIN_STATUS_OK) {
    printf("why: %s\n", why);
  } else {
    const char *key = wandb_login_session_api_key(session);
    const char *user = wandb_login_session_username(session);
    printf("source %d, saved %d, key of %d characters, user %s\n",
           (int)wandb_login_session_source(session), (int)wandb_login_session_saved(session),
           key != NULL ? (int)strlen(key) : -1, user != NULL ? user : "unknown");
    if (getenv("CALLBACK_KEY") != NULL)
      printf("the key is %s\n", key != NULL && strcmp(key, getenv("CALLBACK_KEY")) == 0
                                    ? "the expected one"
                                    : "another one");
  }
  wandb_login_session_free(session);
  printf("lived on\n");
  return status == WANDB_LOGIN_STATUS_OK ? 0 : 1;
}
