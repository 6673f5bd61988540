/* Calls every function on a thread with a stack of 64 KiB, with input that nests almost
 * as deeply as the library accepts, and deeper:
 *
 *     small_stack HTTP_URL HTTPS_URL CA_FILE DEEPER_URL
 *
 * The first two servers answer every request with a viewer, an access token and a member
 * of many levels, the third with more levels than the library accepts. */
#include "check.h"

#include <pthread.h>
#include <sys/stat.h>

enum { STACK = 64 * 1024, ACCEPTED = 60, REFUSED = 120 };

static const char *http_url, *https_url, *deeper_url;
static char home[4096], ca_file[4096], token_file[4096];
static char extra_headers[2 * REFUSED + 64], base_url[512];

static int32_t answer(void *user_data, const wandb_login_prompt_request *request, char *key,
                      size_t size) {
  (void)user_data;
  CHECK(request->server != NULL && size > strlen(KEY_2));
  strcpy(key, KEY_2);
  return WANDB_LOGIN_PROMPT_KEY;
}

static int32_t use_terminal(void *user_data, const wandb_login_prompt_request *request, char *key,
                            size_t size) {
  (void)user_data, (void)request, (void)key, (void)size;
  return WANDB_LOGIN_PROMPT_TERMINAL;
}

static void note(void *user_data, int32_t level, const char *line) {
  *(int *)user_data += level > 0 && line != NULL;
}

static void take(void *user_data, wandb_login_session *session) {
  *(int *)user_data += wandb_login_session_display(session) != NULL;
}

static int32_t never(void *user_data) {
  (void)user_data;
  return 0;
}

/* Calls every getter. */
static void read_all(const wandb_login_session *session) {
  CHECK(wandb_login_session_base_url(session) != NULL);
  CHECK(wandb_login_session_app_url(session) != NULL);
  CHECK(wandb_login_session_authorization(session) != NULL);
  CHECK(wandb_login_session_display(session) != NULL);
  CHECK(wandb_login_session_environ(session)[0] != NULL);
  CHECK(wandb_login_session_teams(session) != NULL);
  CHECK(wandb_login_session_source(session) != WANDB_LOGIN_SOURCE_NONE);
  (void)wandb_login_session_api_key(session);
  (void)wandb_login_session_username(session);
  (void)wandb_login_session_email(session);
  (void)wandb_login_session_entity(session);
  (void)wandb_login_session_verified(session);
  (void)wandb_login_session_source_name(session);
  (void)wandb_login_session_saved(session);
  (void)wandb_login_session_expires_at(session);
  (void)wandb_login_session_ca_file(session);
  (void)wandb_login_session_ca_dir(session);
  (void)wandb_login_session_tls_unchecked(session);
  (void)wandb_login_session_proxy(session);
  CHECK(wandb_login_session_headers(session) != NULL);
}

/* A session's text and back. */
static void pass_on(const wandb_login_session *session) {
  wandb_login_session *again = NULL;
  char *text = NULL;
  CHECK(wandb_login_session_export(session, &text) == WANDB_LOGIN_STATUS_OK);
  CHECK(wandb_login_session_import(text, &again) == WANDB_LOGIN_STATUS_OK);
  wandb_login_string_free(text);
  read_all(again);
  CHECK(wandb_login_session_retain(again) == again);
  wandb_login_session_free(again);
  wandb_login_session_free(again);
}

static void log_in(wandb_login_options options, const char *url) {
  wandb_login_session *session = NULL, *again = NULL;
  char *report = NULL;
  int called = 0;
  options.host = url;
  options.api_key = KEY_1;
  options.flags = WANDB_LOGIN_NO_PROMPT | WANDB_LOGIN_VERIFY;
  options.backend_fn = take;
  options.backend_user_data = &called;
  STATUS(wandb_login(&options, &session), WANDB_LOGIN_STATUS_OK);
  CHECK(called == 1 && wandb_login_session_saved(session));
  CHECK(same(wandb_login_session_username(session), "usr"));
  read_all(session);
  pass_on(session);

  options.api_key = NULL;
  STATUS(wandb_login_session_refresh(session, &options, &again), WANDB_LOGIN_STATUS_OK);
  wandb_login_session_free(again);
  wandb_login_session_free(session);
  STATUS(wandb_login_check(&options), WANDB_LOGIN_STATUS_OK);
  CHECK(wandb_is_apikey_configured(&options));
  for (int32_t format = WANDB_LOGIN_REPORT_TEXT; format <= WANDB_LOGIN_REPORT_JSON; format++) {
    STATUS(wandb_login_explain(&options, format, &report), WANDB_LOGIN_STATUS_OK);
    wandb_login_string_free(report);
  }
  options.flags = WANDB_LOGIN_VERIFY;
  options.prompt_fn = answer;
  STATUS(wandb_prompt_api_key(&options, &session), WANDB_LOGIN_STATUS_OK);
  wandb_login_session_free(session);
  STATUS(wandb_login_forget(&options), WANDB_LOGIN_STATUS_OK);
  options.prompt_fn = use_terminal;
  CHECK(wandb_prompt_api_key(&options, &session) != WANDB_LOGIN_STATUS_OK);

  options.flags = WANDB_LOGIN_NO_PROMPT;
  options.anonymous = 2;
  CHECK(wandb_login(&options, &session) == WANDB_LOGIN_STATUS_ERR_SERVER);
}

/* An access token, from the server and from a cache with other members. */
static void exchange(wandb_login_options options, const char *url) {
  char file[4200], server[600];
  snprintf(file, sizeof file, "WANDB_IDENTITY_TOKEN_FILE=%s", token_file);
  snprintf(server, sizeof server, "WANDB_BASE_URL=%s", url);
  const char *const environment[] = {home, ca_file, file, server, NULL};
  wandb_login_session *session = NULL;
  wandb_login_renewer *renewer = NULL;
  options.environment = environment;
  options.flags = WANDB_LOGIN_NO_PROMPT | WANDB_LOGIN_VERIFY;
  STATUS(wandb_login(&options, &session), WANDB_LOGIN_STATUS_OK);
  CHECK(wandb_login_session_expires_at(session) > 0);
  pass_on(session);
  CHECK(wandb_login_renewer_new(session, &options, &renewer) == WANDB_LOGIN_STATUS_OK);
  CHECK(wandb_login_renewer_refused(renewer, session) == WANDB_LOGIN_STATUS_OK);
  wandb_login_session_free(session);
  CHECK(wandb_login_renewer_retain(renewer) == renewer);
  for (int i = 0; i < 2; i++)
    if (wandb_login_renewer_get(renewer, &session, why, sizeof why) == WANDB_LOGIN_STATUS_OK)
      wandb_login_session_free(session);
  wandb_login_renewer_free(renewer);
  wandb_login_renewer_free(renewer);
  STATUS(wandb_login_forget(&options), WANDB_LOGIN_STATUS_OK);
}

/* Input that is refused because it nests too deeply. */
static void refuse(wandb_login_options options, const char *nested) {
  const char *const environment[] = {home, extra_headers, base_url, NULL};
  wandb_login_session *session = NULL;
  options.api_key = KEY_1;
  options.flags = WANDB_LOGIN_NO_PROMPT | WANDB_LOGIN_VERIFY;
  options.host = deeper_url;
  for (int i = 0; i < 2; i++)
    CHECK(wandb_login(&options, &session) == WANDB_LOGIN_STATUS_ERR_SERVER);
  CHECK(wandb_login_session_import(nested, &session) != WANDB_LOGIN_STATUS_OK);
  options.environment = environment;
  CHECK(wandb_login(&options, &session) != WANDB_LOGIN_STATUS_OK);
}

static void *work(void *nested) {
  int lines = 0;
  const char *const environment[] = {home, ca_file, NULL};
  wandb_login_options options;
  wandb_login_options_init(&options, sizeof options);
  options.environment = environment;
  options.working_directory = "/";
  options.log_fn = note;
  options.log_user_data = &lines;
  options.cancel_fn = never;
  options.error_buf = why;
  options.error_buf_size = sizeof why;
  log_in(options, http_url);
  log_in(options, https_url);
  exchange(options, http_url);
  exchange(options, https_url);
  refuse(options, (const char *)nested);
  CHECK(lines > 0);
  CHECK(wandb_login_status_string(0) != NULL && wandb_login_version() != NULL);
  CHECK(wandb_login_version_number() == WANDB_LOGIN_VERSION_NUMBER);
  return NULL;
}

/* `levels` arrays, one in the other, from malloc. */
static char *nest(size_t levels) {
  char *open = repeat('[', levels), *close = repeat(']', levels), *nested = join(open, close);
  free(open);
  free(close);
  return nested;
}

/* A text in a file below HOME, with `%s` in its place. */
static void put(const char *name, const char *format, const char *text) {
  size_t size = strlen(format) + strlen(text) + 1;
  char path[4200], *all = repeat('\0', size);
  snprintf(path, sizeof path, "%s/%s", getenv("HOME"), name);
  snprintf(all, size, format, text);
  write_file(path, all);
  free(all);
}

static void prepare(char **argument, const char *nested) {
  char path[4200];
  http_url = argument[1];
  https_url = argument[2];
  deeper_url = argument[4];
  snprintf(home, sizeof home, "HOME=%s", getenv("HOME"));
  snprintf(ca_file, sizeof ca_file, "SSL_CERT_FILE=%s", argument[3]);
  snprintf(token_file, sizeof token_file, "%s/token", getenv("HOME"));
  snprintf(extra_headers, sizeof extra_headers, "WANDB_X_EXTRA_HTTP_HEADERS={\"a\": %s}", nested);
  snprintf(base_url, sizeof base_url, "WANDB_BASE_URL=%s", http_url);
  umask(077);
  for (int i = 0; i < 2; i++) {
    snprintf(path, sizeof path, "%s%s", getenv("HOME"), i ? "/.config/wandb" : "/.config");
    CHECK(mkdir(path, 0700) == 0);
  }
  put("token", "%s", "a.b.c");
  char *accepted = nest(ACCEPTED);
  put(".config/wandb/credentials.json", "{\"credentials\": {\"https://other.example\": %s}}",
      accepted);
  free(accepted);
  put(".config/wandb/settings",
      "[default]\na = %s\nb = %%(a)s\nc = %%(b)s\nd = %%(c)s\ne = %%(d)s\nf = %%(e)s\n"
      "g = %%(f)s\nh = %%(g)s\nentity = %%(h)s\n",
      "team");
  put(".netrc", "# not netrc for Python\nmachine \"other.example\" login user bogus password %s\n",
      "\"a\\\"b");
}

int main(int arguments, char **argument) {
  CHECK(arguments == 5);
  char *nested = nest(REFUSED);
  prepare(argument, nested);
  pthread_attr_t attributes;
  pthread_t thread;
  CHECK(pthread_attr_init(&attributes) == 0);
  CHECK(pthread_attr_setstacksize(&attributes, STACK) == 0);
  CHECK(pthread_create(&thread, &attributes, work, nested) == 0);
  CHECK(pthread_join(thread, NULL) == 0);
  CHECK(pthread_attr_destroy(&attributes) == 0);
  free(nested);
  return 0;
}
