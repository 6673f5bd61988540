/* A panic in the library returns a status, and the process continues. Needs a library
 * with the `panic-test` feature. */
#include "check.h"

wandb_login_status wandb_login_test_panic(const wandb_login_options *options);

int main(void) {
  for (int i = 0; i < 3; i++) {
    wandb_login_options options = defaults();
    STATUS(wandb_login_test_panic(&options), WANDB_LOGIN_STATUS_ERR_INTERNAL);
    CHECK(strstr(why, "internal error in libwandb_login") != NULL);
    CHECK(wandb_login_test_panic(NULL) == WANDB_LOGIN_STATUS_ERR_INTERNAL);

    options.api_key = KEY_1;
    options.flags |= WANDB_LOGIN_NO_SAVE;
    wandb_login_session *session = NULL;
    STATUS(wandb_login(&options, &session), WANDB_LOGIN_STATUS_OK);
    CHECK(same(wandb_login_session_api_key(session), KEY_1));
    wandb_login_session_free(session);
  }
  return 0;
}
