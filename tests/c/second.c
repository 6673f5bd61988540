/* Two Rust libraries in one program: each catches its own panics, in any order. */
#include "check.h"

wandb_login_status wandb_login_test_panic(const wandb_login_options *options);
int second_library_panics(void);

int main(void) {
  for (int i = 0; i < 3; i++) {
    wandb_login_options options = defaults();
    STATUS(wandb_login_test_panic(&options), WANDB_LOGIN_STATUS_ERR_INTERNAL);
    CHECK(second_library_panics());
    options.api_key = KEY_1;
    options.flags |= WANDB_LOGIN_NO_SAVE;
    STATUS(wandb_login(&options, NULL), WANDB_LOGIN_STATUS_OK);
  }
  return 0;
}
