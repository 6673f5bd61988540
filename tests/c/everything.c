/* Many threads call every function with one home directory. Meanwhile the process
 * forks, and the children log in. Arguments: rounds, threads. */
#include "check.h"

#include <pthread.h>
#include <sys/wait.h>
#include <unistd.h>

enum { MOST = 64 };

static int rounds, count;
static wandb_login_session *common;

static int32_t answer(void *user_data, const wandb_login_prompt_request *request, char *key,
                      size_t size) {
  (void)user_data;
  CHECK(request->server != NULL && size > strlen(KEY_2));
  strcpy(key, KEY_2);
  return WANDB_LOGIN_PROMPT_KEY;
}

static void take(void *user_data, wandb_login_session *session) {
  wandb_login_session **kept = (wandb_login_session **)user_data;
  wandb_login_session_free(*kept);
  *kept = wandb_login_session_retain(session);
}

static void note(void *user_data, int32_t level, const char *line) {
  *(int *)user_data += level > 0 && line != NULL;
}

static int32_t never(void *user_data) {
  (void)user_data;
  return 0;
}

static void read_all(const wandb_login_session *session) {
  CHECK(wandb_login_session_base_url(session) != NULL);
  CHECK(wandb_login_session_app_url(session) != NULL);
  CHECK(wandb_login_session_authorization(session) != NULL);
  CHECK(wandb_login_session_api_key(session) != NULL);
  CHECK(wandb_login_session_display(session) != NULL);
  CHECK(wandb_login_session_environ(session)[0] != NULL);
  CHECK(wandb_login_session_teams(session)[0] == NULL);
  CHECK(wandb_login_session_username(session) == NULL);
  CHECK(wandb_login_session_email(session) == NULL);
  CHECK(wandb_login_session_entity(session) == NULL);
  CHECK(!wandb_login_session_verified(session));
  CHECK(wandb_login_session_source(session) != WANDB_LOGIN_SOURCE_NONE);
  (void)wandb_login_session_source_name(session);
  (void)wandb_login_session_saved(session);
  CHECK(wandb_login_session_expires_at(session) == -1);
}

static void one_round(const char *home, int thread, int round) {
  char sentence[512], host[64];
  const char *const environment[] = {home, NULL};
  wandb_login_session *kept = NULL, *session = NULL, *again = NULL;
  int lines = 0;
  char *text = NULL;
  wandb_login_options options;
  wandb_login_options_init(&options, sizeof options);
  snprintf(host, sizeof host, "https://h%d.example", thread);
  options.flags = WANDB_LOGIN_NO_PROMPT;
  options.host = host;
  options.environment = environment;
  options.working_directory = "/";
  options.log_fn = note;
  options.log_user_data = &lines;
  options.cancel_fn = never;
  options.error_buf = sentence;
  options.error_buf_size = sizeof sentence;

  options.api_key = KEY_1;
  CHECK(wandb_login(&options, &session) == WANDB_LOGIN_STATUS_OK);
  CHECK(wandb_login_session_saved(session));
  read_all(session);
  wandb_login_session_free(session);

  options.api_key = NULL;
  CHECK(wandb_login_check(&options) == WANDB_LOGIN_STATUS_OK);
  CHECK(wandb_is_apikey_configured(&options));
  CHECK(wandb_login_explain(&options, round % 2, &text) == WANDB_LOGIN_STATUS_OK);
  wandb_login_string_free(text);

  options.flags = 0;
  options.prompt_fn = answer;
  options.backend_fn = take;
  options.backend_user_data = &kept;
  CHECK(wandb_prompt_api_key(&options, &session) == WANDB_LOGIN_STATUS_OK);
  CHECK(same(wandb_login_session_api_key(kept), KEY_2));
  CHECK(wandb_login_session_export(session, &text) == WANDB_LOGIN_STATUS_OK);
  CHECK(wandb_login_session_import(text, &again) == WANDB_LOGIN_STATUS_OK);
  wandb_login_string_free(text);
  read_all(again);
  wandb_login_session_free(again);
  CHECK(wandb_login_session_refresh(session, &options, &again) == WANDB_LOGIN_STATUS_OK);
  CHECK(same(wandb_login_session_api_key(again), KEY_2));
  wandb_login_session_free(again);
  wandb_login_session_free(session);
  if (round % 2) {
    CHECK(wandb_login_forget(&options) == WANDB_LOGIN_STATUS_OK);
    options.flags = WANDB_LOGIN_NO_PROMPT;
    CHECK(wandb_login_check(&options) == WANDB_LOGIN_STATUS_NOT_CONFIGURED);
  }
  CHECK(lines > 0);

  session = wandb_login_session_retain(common);
  read_all(session);
  wandb_login_session_free(session);
  wandb_login_session_free(kept);
  CHECK(wandb_login_status_string(round) != NULL);
  CHECK(wandb_login_version() != NULL);
  CHECK(wandb_login_version_number() == WANDB_LOGIN_VERSION_NUMBER);
}

static char home[4096];

static void *work(void *number) {
  int thread = (int)(size_t)number;
  for (int round = 0; round < rounds; round++)
    one_round(home, thread, round);
  return NULL;
}

int main(int arguments, char **argument) {
  CHECK(arguments == 3);
  rounds = atoi(argument[1]);
  count = atoi(argument[2]);
  CHECK(rounds > 0 && count > 0 && count <= MOST);
  snprintf(home, sizeof home, "HOME=%s", getenv("HOME"));
  wandb_login_options options = defaults();
  options.api_key = KEY_1;
  options.flags |= WANDB_LOGIN_NO_SAVE;
  STATUS(wandb_login(&options, &common), WANDB_LOGIN_STATUS_OK);
  pthread_t threads[MOST];
  for (int i = 0; i < count; i++)
    CHECK(pthread_create(&threads[i], NULL, work, (void *)(size_t)i) == 0);
  /* After fork() in a process with threads the library works in the child, because it
   * has no global state. */
#ifdef __SANITIZE_ADDRESS__ /* its allocator may be locked in the child */
  const int children = 0;
#else
  const int children = 4;
#endif
  for (int i = 0; i < children; i++) {
    pid_t child = fork();
    CHECK(child >= 0);
    if (child == 0) {
      one_round(home, MOST + i, 0);
      /* Not `_exit`: valgrind would report memory of other threads as leaks. */
      execl("/bin/true", "true", (char *)NULL);
      _exit(1);
    }
    int status = 1;
    CHECK(waitpid(child, &status, 0) == child);
    CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 0);
  }
  for (int i = 0; i < count; i++)
    CHECK(pthread_join(threads[i], NULL) == 0);
  wandb_login_session_free(common);
  return 0;
}
