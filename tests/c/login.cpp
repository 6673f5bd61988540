// The C header in C++: the initializer, lambdas as callbacks, ownership with
// unique_ptr, and the layout.
#include "check.h"
#include "layout.h"

#include <memory>
#include <string>
#include <type_traits>
#include <vector>

struct Free {
  void operator()(wandb_login_session *session) const { wandb_login_session_free(session); }
  void operator()(char *text) const { wandb_login_string_free(text); }
};
using Session = std::unique_ptr<wandb_login_session, Free>;
using Text = std::unique_ptr<char, Free>;

static_assert(std::is_standard_layout<wandb_login_options>::value, "a plain struct");
static_assert(std::is_same<wandb_login_status, int32_t>::value, "a plain number");

int main() {
  std::vector<std::string> lines;
  Session kept;

  wandb_login_options options = WANDB_LOGIN_OPTIONS_INIT;
  options.flags = WANDB_LOGIN_NO_SAVE | WANDB_LOGIN_RELOGIN;
  options.error_buf = why;
  options.error_buf_size = sizeof why;
  options.prompt_fn = [](void *, const wandb_login_prompt_request *request, char *key_buf,
                         size_t key_buf_size) -> int32_t {
    CHECK(request->attempt == 1 && key_buf_size > sizeof KEY_1);
    std::string(KEY_1).copy(key_buf, key_buf_size);
    return WANDB_LOGIN_PROMPT_KEY;
  };
  options.log_user_data = &lines;
  options.log_fn = [](void *user_data, int32_t, const char *line) {
    static_cast<std::vector<std::string> *>(user_data)->push_back(line);
  };
  options.backend_user_data = &kept;
  options.backend_fn = [](void *user_data, wandb_login_session *session) {
    static_cast<Session *>(user_data)->reset(wandb_login_session_retain(session));
  };
  options.cancel_fn = [](void *) -> int32_t { return 0; };

  wandb_login_session *raw = nullptr;
  STATUS(wandb_login(&options, &raw), WANDB_LOGIN_STATUS_OK);
  Session session(raw);
  CHECK(kept.get() == raw && !lines.empty());
  CHECK(std::string(wandb_login_session_api_key(session.get())) == KEY_1);

  char *text = nullptr;
  CHECK(wandb_login_session_export(session.get(), &text) == WANDB_LOGIN_STATUS_OK);
  Text exported(text);
  CHECK(wandb_login_session_import(exported.get(), &raw) == WANDB_LOGIN_STATUS_OK);
  Session imported(raw);
  CHECK(std::string(wandb_login_session_base_url(imported.get())) == "https://api.wandb.ai");

  wandb_login_options plain = defaults();
  plain.session = imported.get();
  STATUS(wandb_login_check(&plain), WANDB_LOGIN_STATUS_OK);
  CHECK(wandb_is_apikey_configured(&plain));
  STATUS(wandb_login_explain(&plain, WANDB_LOGIN_REPORT_JSON, &text), WANDB_LOGIN_STATUS_OK);
  Text report(text);
  CHECK(std::string(report.get()).find(KEY_1) == std::string::npos);
  return 0;
}
