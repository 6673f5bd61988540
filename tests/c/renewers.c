/* Threads get a session from one renewer and read it, while another thread reports keys as
 * refused and puts the next key into netrc; then all ask at once for a token that has
 * ended. Arguments: the number of rounds, of threads, and optionally the URL of a server
 * that exchanges identity tokens. */
#define _POSIX_C_SOURCE 200809L
#include "check.h"

#include <pthread.h>
#include <time.h>

static wandb_login_renewer *renewer;
static int over;

static wandb_login_session *get(void) {
  char sentence[256];
  wandb_login_session *session = NULL;
  if (wandb_login_renewer_get(renewer, &session, sentence, sizeof sentence) !=
      WANDB_LOGIN_STATUS_OK)
    fail(__FILE__, __LINE__, sentence);
  return session;
}

/* Everything that a session says belongs to one login. */
static void read_session(const wandb_login_session *session) {
  const char *key = wandb_login_session_api_key(session);
  const char *entry = wandb_login_session_environ(session)[0];
  CHECK(strncmp(entry, "WANDB_API_KEY=", 14) == 0 && same(entry + 14, key));
  CHECK(same(wandb_login_session_proxy(session), "http://u:p@proxy.example:1"));
  CHECK(same(wandb_login_session_ca_file(session), "/ca.pem"));
  CHECK(same(wandb_login_session_headers(session)[0], "X-Wandb-Username: ada"));
  CHECK(wandb_login_session_expires_at(session) == -1);
}

static void *read_sessions(void *unused) {
  const struct timespec pause = {0, 1000000};
  wandb_login_session *before = get();
  while (!__atomic_load_n(&over, __ATOMIC_ACQUIRE)) {
    wandb_login_session *now = get();
    read_session(now);
    /* A session that is no longer current: the report has no effect. */
    if (!same(wandb_login_session_api_key(before), wandb_login_session_api_key(now)))
      CHECK(wandb_login_renewer_refused(renewer, before) == WANDB_LOGIN_STATUS_OK);
    wandb_login_session_free(before);
    before = now;
    nanosleep(&pause, NULL); /* so that the other threads have their turn */
  }
  wandb_login_session_free(before);
  wandb_login_renewer_free(renewer);
  return unused;
}

static void write_key(int number) {
  char text[128];
  snprintf(text, sizeof text, "machine api.wandb.ai login user password %040d\n", number);
  write_file("netrc.new", text);
  CHECK(rename("netrc.new", ".netrc") == 0);
}

static void start(pthread_t *threads, int count, void *(*body)(void *)) {
  for (int i = 0; i < count; i++) {
    CHECK(wandb_login_renewer_retain(renewer) == renewer);
    CHECK(pthread_create(&threads[i], NULL, body, NULL) == 0);
  }
}

static void join_all(pthread_t *threads, int count) {
  for (int i = 0; i < count; i++)
    CHECK(pthread_join(threads[i], NULL) == 0);
  wandb_login_renewer_free(renewer);
}

static void make_renewer(wandb_login_session *session) {
  wandb_login_options options = defaults();
  STATUS(wandb_login_renewer_new(session, &options, &renewer), WANDB_LOGIN_STATUS_OK);
  wandb_login_session_free(session);
}

static void keys_that_are_refused(pthread_t *threads, int count, int rounds) {
  CHECK(setenv("HTTPS_PROXY", "http://u:p@proxy.example:1", 1) == 0);
  CHECK(setenv("SSL_CERT_FILE", "/ca.pem", 1) == 0);
  CHECK(setenv("WANDB_USERNAME", "ada", 1) == 0);
  write_key(0);
  wandb_login_options options = defaults();
  wandb_login_session *session = NULL;
  STATUS(wandb_login(&options, &session), WANDB_LOGIN_STATUS_OK);
  make_renewer(session);
  start(threads, count, read_sessions);
  for (int number = 1; number <= 10 * rounds; number++) {
    char key[64];
    snprintf(key, sizeof key, "%040d", number);
    write_key(number);
    session = get();
    CHECK(wandb_login_renewer_refused(renewer, session) == WANDB_LOGIN_STATUS_OK);
    wandb_login_session_free(session);
    session = get();
    CHECK(same(wandb_login_session_api_key(session), key));
    wandb_login_session_free(session);
  }
  __atomic_store_n(&over, 1, __ATOMIC_RELEASE);
  join_all(threads, count);
}

static void *read_token(void *unused) {
  wandb_login_session *session = get();
  CHECK(same(wandb_login_session_authorization(session), "Bearer fresh"));
  CHECK(wandb_login_session_expires_at(session) > 1);
  wandb_login_session_free(session);
  wandb_login_renewer_free(renewer);
  return unused;
}

static void a_token_that_has_ended(pthread_t *threads, int count, const char *server) {
  char text[512];
  write_file("token", "aaaa.bbbb.cccc\n");
  remove(".config/wandb/credentials.json");
  snprintf(text, sizeof text,
           "wandb-login-session 1\nbase_url %s\nsource identity_token\naccess_token ended\n"
           "expires_at 1\nidentity_token_file %s/token\n",
           server, getenv("HOME"));
  wandb_login_session *session = NULL;
  CHECK(wandb_login_session_import(text, &session) == WANDB_LOGIN_STATUS_OK);
  make_renewer(session);
  start(threads, count, read_token);
  join_all(threads, count);
}

int main(int argc, char **argv) {
  CHECK(argc >= 3);
  int rounds = atoi(argv[1]), count = atoi(argv[2]);
  pthread_t threads[64];
  CHECK(count <= 64);
  keys_that_are_refused(threads, count, rounds);
  for (int i = 0; argc > 3 && i < rounds; i++)
    a_token_that_has_ended(threads, count, argv[3]);
  return 0;
}
