/* Tests of the four callbacks: their arguments, and the effect of each result. */
#include "check.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

/* A prompt with a list of answers. */
struct script {
  struct {
    int32_t answer;
    const char *key;
  } steps[8];
  uint32_t asked;
  int may_offline, may_anonymous, had_problem;
};

static int32_t prompt(void *user_data, const wandb_login_prompt_request *request,
                      char *key_buf, size_t key_buf_size) {
  struct script *script = (struct script *)user_data;
  CHECK(request->struct_size == sizeof *request);
  CHECK(strncmp(request->server, "https://", 8) == 0);
  CHECK(request->server_source[0] != '\0');
  CHECK(strstr(request->authorize_url, "/authorize") != NULL);
  CHECK(strncmp(request->signup_url, "https://", 8) == 0);
  CHECK(request->attempt == script->asked + 1);
  CHECK((request->problem == NULL) == (request->attempt == 1));
  CHECK(key_buf_size >= 65537);
  for (size_t i = 0; i < key_buf_size; i++)
    CHECK(key_buf[i] == '\0');
  script->may_offline = request->may_offline;
  script->may_anonymous = request->may_anonymous;
  script->had_problem |= request->problem != NULL;
  const char *key = script->steps[script->asked].key;
  if (key != NULL)
    memcpy(key_buf, key, strlen(key) + 1);
  else
    memset(key_buf, 'k', key_buf_size); /* without a NUL */
  return script->steps[script->asked++].answer;
}

static wandb_login_options asking(struct script *script) {
  wandb_login_options options = defaults();
  options.flags = WANDB_LOGIN_SILENT | WANDB_LOGIN_NO_SAVE;
  options.prompt_fn = prompt;
  options.prompt_user_data = script;
  return options;
}

static void a_key(void) {
  struct script script = {.steps = {{WANDB_LOGIN_PROMPT_KEY, KEY_1}}};
  wandb_login_options options = asking(&script);
  options.referrer = "notebook & more";
  wandb_login_session *session = NULL;
  STATUS(wandb_login(&options, &session), WANDB_LOGIN_STATUS_OK);
  CHECK(script.asked == 1 && script.may_offline && !script.may_anonymous);
  CHECK(wandb_login_session_source(session) == WANDB_LOGIN_SOURCE_PROMPT);
  CHECK(same(wandb_login_session_api_key(session), KEY_1));
  wandb_login_session_free(session);
}

static void the_longest_key(void) {
  char *key = repeat('k', 65536);
  struct script script = {.steps = {{WANDB_LOGIN_PROMPT_KEY, key}}};
  wandb_login_options options = asking(&script);
  wandb_login_session *session = NULL;
  STATUS(wandb_prompt_api_key(&options, &session), WANDB_LOGIN_STATUS_OK);
  CHECK(same(wandb_login_session_api_key(session), key));
  wandb_login_session_free(session);
  free(key);
}

static void a_bad_key_then_a_good_one(void) {
  struct script script = {.steps = {{WANDB_LOGIN_PROMPT_KEY, "short"},
                                    {WANDB_LOGIN_PROMPT_KEY, ""},
                                    {WANDB_LOGIN_PROMPT_KEY, NULL},
                                    {WANDB_LOGIN_PROMPT_KEY, "\xff"},
                                    {WANDB_LOGIN_PROMPT_KEY, KEY_2}}};
  wandb_login_options options = asking(&script);
  wandb_login_session *session = NULL;
  STATUS(wandb_login(&options, &session), WANDB_LOGIN_STATUS_OK);
  CHECK(script.asked == 5 && script.had_problem);
  CHECK(same(wandb_login_session_api_key(session), KEY_2));
  wandb_login_session_free(session);
}

static void five_bad_keys_are_enough(void) {
  struct script script = {.steps = {{WANDB_LOGIN_PROMPT_KEY, "a"},
                                    {WANDB_LOGIN_PROMPT_KEY, "b"},
                                    {WANDB_LOGIN_PROMPT_KEY, "c"},
                                    {WANDB_LOGIN_PROMPT_KEY, "d"},
                                    {WANDB_LOGIN_PROMPT_KEY, "too_short_a_key"}}};
  wandb_login_options options = asking(&script);
  wandb_login_session *session = (wandb_login_session *)(void *)why;
  STATUS(wandb_login(&options, &session), WANDB_LOGIN_STATUS_ERR_CREDENTIALS);
  CHECK(script.asked == 5 && session == NULL);
  CHECK(strstr(why, "has 15") != NULL && strstr(why, "too_short_a_key") == NULL);
}

/* An answer other than a key, and the status of the login. */
static void other_answer(int32_t answer, uint32_t flags, wandb_login_status expected) {
  struct script script = {.steps = {{answer, KEY_1}}};
  wandb_login_options options = asking(&script);
  options.flags |= flags;
  STATUS(wandb_login(&options, NULL), expected);
  CHECK(script.asked == 1);
  CHECK(script.may_offline == ((flags & WANDB_LOGIN_FORCE) == 0));
}

static void other_answers(void) {
  other_answer(WANDB_LOGIN_PROMPT_OFFLINE, 0, WANDB_LOGIN_STATUS_OFFLINE);
  other_answer(WANDB_LOGIN_PROMPT_OFFLINE, WANDB_LOGIN_FORCE,
               WANDB_LOGIN_STATUS_ERR_PROMPT);
  other_answer(WANDB_LOGIN_PROMPT_ANONYMOUS, 0, WANDB_LOGIN_STATUS_ERR_PROMPT);
  /* There is no terminal here. */
  other_answer(WANDB_LOGIN_PROMPT_TERMINAL, 0, WANDB_LOGIN_STATUS_NOT_CONFIGURED);
  other_answer(-1, 0, WANDB_LOGIN_STATUS_ERR_PROMPT);
  other_answer(INT32_MIN, 0, WANDB_LOGIN_STATUS_ERR_PROMPT);
  other_answer(77, 0, WANDB_LOGIN_STATUS_ERR_PROMPT);

  struct script script = {.steps = {{-1, KEY_1}}};
  wandb_login_options options = asking(&script);
  options.anonymous = WANDB_LOGIN_ANONYMOUS_ALLOW;
  options.prompt_timeout_ms = 60000;
  STATUS(wandb_login(&options, NULL), WANDB_LOGIN_STATUS_ERR_PROMPT);
  CHECK(script.may_anonymous);

  /* The prompt is not called if prompting is disabled. */
  script.asked = 0;
  options = asking(&script);
  options.flags |= WANDB_LOGIN_NO_PROMPT;
  STATUS(wandb_login(&options, NULL), WANDB_LOGIN_STATUS_NOT_CONFIGURED);
  CHECK(script.asked == 0);
}

static void log_line(void *user_data, int32_t level, const char *line) {
  CHECK(level >= WANDB_LOGIN_LOG_ERROR && level <= WANDB_LOGIN_LOG_INFO);
  CHECK(strchr(line, '\n') == NULL && strstr(line, KEY_1) == NULL);
  ++*(int *)user_data;
}

static void log_lines(void) {
  int lines = 0;
  wandb_login_options options = defaults(); /* silent: the callback still gets lines */
  options.api_key = KEY_1;
  options.flags |= WANDB_LOGIN_NO_SAVE;
  options.log_fn = log_line;
  options.log_user_data = &lines;
  STATUS(wandb_login(&options, NULL), WANDB_LOGIN_STATUS_OK);
  CHECK(lines > 0);
  lines = 0;
  options.api_key = "  " KEY_1 "  "; /* white space is logged */
  STATUS(wandb_login_check(&options), WANDB_LOGIN_STATUS_OK);
  CHECK(lines == 1);
  lines = 0;
  options.api_key = NULL;
  STATUS(wandb_login_forget(&options), WANDB_LOGIN_STATUS_OK);
  CHECK(lines > 0);
}

static void keep(void *user_data, wandb_login_session *session) {
  wandb_login_session **kept = (wandb_login_session **)user_data;
  CHECK(session != NULL && *kept == NULL);
  *kept = wandb_login_session_retain(session);
}

static void count(void *user_data, wandb_login_session *session) {
  CHECK(same(wandb_login_session_api_key(session), KEY_1));
  ++*(int *)user_data;
}

static void a_backend(void) {
  wandb_login_session *kept = NULL, *session = NULL;
  wandb_login_options options = defaults();
  options.api_key = KEY_1;
  options.flags |= WANDB_LOGIN_NO_SAVE;
  options.backend_fn = keep;
  options.backend_user_data = &kept;
  STATUS(wandb_login(&options, &session), WANDB_LOGIN_STATUS_OK);
  CHECK(kept == session);
  wandb_login_session_free(session);
  CHECK(same(wandb_login_session_api_key(kept), KEY_1));
  wandb_login_session_free(kept);
  /* Also if the caller passes NULL for the session. */
  kept = NULL;
  STATUS(wandb_login(&options, NULL), WANDB_LOGIN_STATUS_OK);
  CHECK(same(wandb_login_session_api_key(kept), KEY_1));
  wandb_login_session_free(kept);

  /* Also after a refresh and a prompt, but not after an error. */
  static const char *const environment[] = {"WANDB_API_KEY=" KEY_1, NULL};
  int called = 0;
  struct script script = {.steps = {{WANDB_LOGIN_PROMPT_KEY, KEY_1}, {-1, KEY_1}}};
  options = asking(&script);
  options.environment = environment;
  options.backend_fn = count;
  options.backend_user_data = &called;
  STATUS(wandb_prompt_api_key(&options, &session), WANDB_LOGIN_STATUS_OK);
  CHECK(called == 1);
  wandb_login_session *fresh = NULL;
  STATUS(wandb_login_session_refresh(session, &options, &fresh), WANDB_LOGIN_STATUS_OK);
  CHECK(called == 2);
  wandb_login_session_free(fresh);
  wandb_login_session_free(session);
  script.asked = 0;
  script.steps[0].answer = -1;
  STATUS(wandb_prompt_api_key(&options, NULL), WANDB_LOGIN_STATUS_ERR_PROMPT);
  CHECK(called == 2);
}

/* Cancels at the third call. */
static int32_t third_time(void *user_data) { return ++*(int *)user_data == 3; }

static int32_t at_once(void *user_data) {
  (void)user_data;
  return -1;
}

static void cancelled(void) {
  const char *home = getenv("HOME");
  CHECK(home != NULL);
  struct script script = {.steps = {{WANDB_LOGIN_PROMPT_KEY, KEY_1}}};
  wandb_login_options options = asking(&script);
  options.cancel_fn = at_once;
  STATUS(wandb_login(&options, NULL), WANDB_LOGIN_STATUS_ERR_CANCELLED);
  CHECK(script.asked == 0);

  /* Waiting for a pipe without a writer. */
  char *pipe = join(home, "/pipe"), *entry = join("WANDB_API_KEY_FILE=", pipe);
  const char *const environment[] = {entry, NULL};
  CHECK(mkfifo(pipe, 0600) == 0);
  int writer = open(pipe, O_RDWR);
  CHECK(writer >= 0);
  int polled = 0;
  options = defaults();
  options.environment = environment;
  options.cancel_fn = third_time;
  options.cancel_user_data = &polled;
  STATUS(wandb_login(&options, NULL), WANDB_LOGIN_STATUS_ERR_CANCELLED);
  CHECK(polled == 3);
  polled = 0;
  STATUS(wandb_login_check(&options), WANDB_LOGIN_STATUS_ERR_CANCELLED);
  CHECK(close(writer) == 0);
  free(entry);
  free(pipe);

  /* Waiting for a lock that another process holds. */
  char *netrc = join(home, "/.netrc");
  write_file(netrc, "# mine\n");
  CHECK(chmod(netrc, 0600) == 0);
  int held = open(netrc, O_RDWR);
  CHECK(held >= 0 && flock(held, LOCK_EX) == 0);
  polled = 0;
  options = defaults();
  options.api_key = KEY_1;
  options.cancel_fn = third_time;
  options.cancel_user_data = &polled;
  wandb_login_session *session = (wandb_login_session *)(void *)why;
  STATUS(wandb_login(&options, &session), WANDB_LOGIN_STATUS_ERR_CANCELLED);
  CHECK(session == NULL);
  options.api_key = NULL;
  polled = 0;
  STATUS(wandb_login_forget(&options), WANDB_LOGIN_STATUS_ERR_CANCELLED);
  CHECK(close(held) == 0);
  char *text = read_file(netrc);
  CHECK(same(text, "# mine\n"));
  free(text);
  free(netrc);
}

int main(void) {
  a_key();
  the_longest_key();
  a_bad_key_then_a_good_one();
  five_bad_keys_are_enough();
  other_answers();
  log_lines();
  a_backend();
  cancelled();
  return 0;
}
