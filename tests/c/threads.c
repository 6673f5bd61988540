/* Sixteen threads log in, prompt and explain at the same time; all read one session. */
#include "check.h"

#include <pthread.h>

static const char *const environment[] = {"WANDB_API_KEY=" KEY_1, "HOME=/nowhere", NULL};

static void *work(void *shared) {
  wandb_login_session *common = (wandb_login_session *)shared;
  char sentence[256];
  wandb_login_options options = WANDB_LOGIN_OPTIONS_INIT;
  options.flags = WANDB_LOGIN_NO_PROMPT | WANDB_LOGIN_SILENT | WANDB_LOGIN_NO_SAVE;
  options.environment = environment;
  options.working_directory = "/";
  options.error_buf = sentence;
  options.error_buf_size = sizeof sentence;
  for (int round = 0; round < 20; round++) {
    wandb_login_session *session = NULL;
    CHECK(wandb_login(&options, &session) == WANDB_LOGIN_STATUS_OK);
    CHECK(same(wandb_login_session_api_key(session), KEY_1));
    wandb_login_session_free(session);
    CHECK(wandb_is_apikey_configured(&options));
    char *report = NULL;
    CHECK(wandb_login_explain(&options, round % 2, &report) == WANDB_LOGIN_STATUS_OK);
    wandb_login_string_free(report);
    /* Each thread gets its own error. */
    char file[64];
    snprintf(file, sizeof file, "WANDB_API_KEY_FILE=/nowhere/%p", (void *)sentence);
    const char *const own[] = {file, NULL};
    options.environment = own;
    CHECK(wandb_login_check(&options) == WANDB_LOGIN_STATUS_ERR_CREDENTIALS);
    CHECK(strstr(sentence, strchr(file, '/')) != NULL);
    options.environment = environment;
    wandb_login_session *owned = wandb_login_session_retain(common);
    CHECK(same(wandb_login_session_environ(owned)[0], "WANDB_API_KEY=" KEY_2));
    CHECK(wandb_login_session_display(owned) != NULL);
    wandb_login_session_free(owned);
  }
  wandb_login_session_free(common);
  return NULL;
}

int main(void) {
  wandb_login_options options = defaults();
  options.api_key = KEY_2;
  options.flags |= WANDB_LOGIN_NO_SAVE;
  wandb_login_session *common = NULL;
  STATUS(wandb_login(&options, &common), WANDB_LOGIN_STATUS_OK);
  pthread_t threads[16];
  for (int i = 0; i < 16; i++)
    CHECK(pthread_create(&threads[i], NULL, work, wandb_login_session_retain(common)) == 0);
  wandb_login_session_free(common);
  for (int i = 0; i < 16; i++)
    CHECK(pthread_join(threads[i], NULL) == 0);
  return 0;
}
