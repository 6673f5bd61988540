/* Two or more copies of the library in one process: the program's own, which is static,
 * and shared ones, which the arguments name. All log in at once, to one netrc. */
#include "check.h"

#include <dlfcn.h>
#include <pthread.h>

enum { COPIES = 4, LOGINS = 16 };

/* The functions of one copy. */
typedef struct {
  int number;
  __typeof__(&wandb_login) login;
  __typeof__(&wandb_login_explain) explain;
  __typeof__(&wandb_login_string_free) string_free;
  __typeof__(&wandb_login_session_api_key) api_key;
  __typeof__(&wandb_login_session_saved) saved;
  __typeof__(&wandb_login_session_export) export_session;
  __typeof__(&wandb_login_session_import) import_session;
  __typeof__(&wandb_login_session_free) free_session;
  __typeof__(&wandb_login_renewer_new) renewer_new;
  __typeof__(&wandb_login_renewer_get) renewer_get;
  __typeof__(&wandb_login_renewer_free) renewer_free;
} copy;

static copy copies[COPIES];
static char keys[COPIES][48];

/* A pointer to a function from `dlsym`, as POSIX recommends. */
#define LOAD(member, name) (*(void **)&made.member = dlsym(library, name))

static copy load(const char *path, int number, int own_namespace) {
  copy made = {.number = number};
  void *library = own_namespace ? dlmopen(LM_ID_NEWLM, path, RTLD_NOW) : dlopen(path, RTLD_NOW);
  if (library == NULL)
    fprintf(stderr, "%s\n", dlerror());
  CHECK(library != NULL);
  LOAD(login, "wandb_login");
  LOAD(explain, "wandb_login_explain");
  LOAD(string_free, "wandb_login_string_free");
  LOAD(api_key, "wandb_login_session_api_key");
  LOAD(saved, "wandb_login_session_saved");
  LOAD(export_session, "wandb_login_session_export");
  LOAD(import_session, "wandb_login_session_import");
  LOAD(free_session, "wandb_login_session_free");
  LOAD(renewer_new, "wandb_login_renewer_new");
  LOAD(renewer_get, "wandb_login_renewer_get");
  LOAD(renewer_free, "wandb_login_renewer_free");
  CHECK(made.login != NULL && made.renewer_free != NULL && made.login != wandb_login);
  return made;
}

static int32_t type_key(void *user_data, const wandb_login_prompt_request *request, char *buffer,
                        size_t size) {
  CHECK(request->attempt == 1);
  snprintf(buffer, size, "%s", (const char *)user_data);
  return WANDB_LOGIN_PROMPT_KEY;
}

/* A login at the prompt of one copy, another copy's session of it, and a renewer. */
static void log_in(const copy *own, const copy *other, int number) {
  char host[64], key[96], sentence[256];
  snprintf(host, sizeof host, "https://server-%d-%d.example", own->number, number);
  snprintf(key, sizeof key, "%s%04d", keys[own->number], number);
  wandb_login_options options = WANDB_LOGIN_OPTIONS_INIT;
  options.flags = WANDB_LOGIN_RELOGIN | WANDB_LOGIN_SILENT;
  options.host = host;
  options.prompt_fn = type_key;
  options.prompt_user_data = key;
  options.error_buf = sentence;
  options.error_buf_size = sizeof sentence;
  wandb_login_session *session = NULL, *theirs = NULL, *current = NULL;
  if (own->login(&options, &session) != WANDB_LOGIN_STATUS_OK)
    fprintf(stderr, "%s\n", sentence);
  CHECK(same(own->api_key(session), key) && own->saved(session));
  char *text = NULL;
  CHECK(own->export_session(session, &text) == WANDB_LOGIN_STATUS_OK);
  CHECK(other->import_session(text, &theirs) == WANDB_LOGIN_STATUS_OK);
  CHECK(same(other->api_key(theirs), key));
  own->string_free(text);
  options.prompt_fn = NULL;
  options.flags = WANDB_LOGIN_NO_PROMPT | WANDB_LOGIN_SILENT;
  wandb_login_renewer *renewer = NULL;
  CHECK(other->renewer_new(theirs, &options, &renewer) == WANDB_LOGIN_STATUS_OK);
  CHECK(other->renewer_get(renewer, &current, sentence, sizeof sentence) == WANDB_LOGIN_STATUS_OK);
  CHECK(same(other->api_key(current), key));
  other->free_session(current);
  other->renewer_free(renewer);
  other->free_session(theirs);
  own->free_session(session);
}

static void *work(void *shared) {
  const copy *own = (const copy *)shared;
  for (int i = 0; i < LOGINS; i++)
    log_in(own, &copies[(own->number + 1) % COPIES], i);
  return NULL;
}

int main(int argc, char **argv) {
  CHECK(argc == COPIES);
  copies[0] = (copy){0,
                     wandb_login,
                     wandb_login_explain,
                     wandb_login_string_free,
                     wandb_login_session_api_key,
                     wandb_login_session_saved,
                     wandb_login_session_export,
                     wandb_login_session_import,
                     wandb_login_session_free,
                     wandb_login_renewer_new,
                     wandb_login_renewer_get,
                     wandb_login_renewer_free};
  for (int i = 1; i < COPIES; i++)
    copies[i] = load(argv[i], i, i == COPIES - 1);
  pthread_t threads[COPIES];
  for (int i = 0; i < COPIES; i++) {
    snprintf(keys[i], sizeof keys[i], "key%d%032d", i, i);
    CHECK(pthread_create(&threads[i], NULL, work, &copies[i]) == 0);
  }
  for (int i = 0; i < COPIES; i++)
    CHECK(pthread_join(threads[i], NULL) == 0);
  char *netrc = read_file(".netrc");
  CHECK(netrc != NULL);
  for (int i = 0; i < COPIES; i++)
    for (int j = 0; j < LOGINS; j++) {
      char entry[256];
      snprintf(entry, sizeof entry, "machine server-%d-%d.example\n  login user\n  password %s%04d\n",
               i, j, keys[i], j);
      CHECK(strstr(netrc, entry) != NULL);
    }
  free(netrc);
  /* Each copy still works when another one has used its own. */
  for (int i = 0; i < COPIES; i++) {
    char *report = NULL;
    CHECK(copies[i].explain(NULL, 0, &report) == WANDB_LOGIN_STATUS_OK);
    CHECK(strstr(report, ".netrc") != NULL);
    copies[i].string_free(report);
  }
  return 0;
}
