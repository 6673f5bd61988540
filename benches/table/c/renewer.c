/* renewer TIMES [THREADS]: each thread gets the session of one renewer that has nothing to
 * renew: it has an access token, whose end is compared with the clock. Prints the elapsed ns
 * divided by the calls of all threads. With -DCLOCKS a call reads both clocks instead, and
 * with -DMUTEX it locks and unlocks one mutex. */
#include "clock.h"
#include <pthread.h>
#if defined CLOCKS
static void prepare(void) {
}

static void call(void) {
  struct timespec seen;
  need(clock_gettime(CLOCK_MONOTONIC, &seen) == 0, "the monotonic clock");
  need(clock_gettime(CLOCK_REALTIME, &seen) == 0, "the clock");
}

static void finish(void) {
}
#elif defined MUTEX
static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;

static void prepare(void) {
}

static void call(void) {
  need(pthread_mutex_lock(&mutex) == 0, "lock");
  need(pthread_mutex_unlock(&mutex) == 0, "unlock");
}

static void finish(void) {
}
#else
#include <wandb_login.h>
static wandb_login_renewer *renewer;

static void prepare(void) {
  const char *text = "wandb-login-session 1\nbase_url https://api.wandb.ai\n"
                     "source identity_token\naccess_token t\nexpires_at 4000000000\n"
                     "identity_token_file /nonexistent\n";
  wandb_login_session *session;
  need(wandb_login_session_import(text, &session) == WANDB_LOGIN_STATUS_OK, "a session");
  need(wandb_login_renewer_new(session, NULL, &renewer) == WANDB_LOGIN_STATUS_OK, "a renewer");
  wandb_login_session_free(session);
}

static void call(void) {
  wandb_login_session *session;
  need(wandb_login_renewer_get(renewer, &session, NULL, 0) == WANDB_LOGIN_STATUS_OK, "get");
  need(wandb_login_session_authorization(session) != NULL, "authorization");
  wandb_login_session_free(session);
}

static void finish(void) {
  wandb_login_renewer_free(renewer);
}
#endif

enum { MOST_THREADS = 1024 };
static pthread_t threads[MOST_THREADS];
static pthread_barrier_t barrier;
static long times;

static void *call_often(void *unused) {
  pthread_barrier_wait(&barrier);
  for (long i = 0; i < times; i++)
    call();
  return unused;
}

int main(int argc, char **argv) {
  need(argc == 2 || argc == 3, "usage");
  times = atol(argv[1]);
  int count = argc == 3 ? atoi(argv[2]) : 1;
  need(count > 0 && count <= MOST_THREADS, "the number of threads");
  need(pthread_barrier_init(&barrier, NULL, (unsigned)count) == 0, "a barrier");
  prepare();
  /* The program's own thread is one of them: with one thread no other is started. */
  for (int i = 1; i < count; i++)
    need(pthread_create(&threads[i], NULL, call_often, NULL) == 0, "a thread");
  double start = now_ns();
  call_often(NULL);
  for (int i = 1; i < count; i++)
    need(pthread_join(threads[i], NULL) == 0, "join");
  printf("%.1f\n", (now_ns() - start) / ((double)times * count));
  finish();
  return 0;
}
