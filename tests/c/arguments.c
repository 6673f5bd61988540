/* Invalid arguments return a status and a message, and do not crash. */
#include "check.h"
#include "layout.h"

static void initialiser_and_function_agree(void) {
  wandb_login_options by_macro = WANDB_LOGIN_OPTIONS_INIT;
  wandb_login_options by_call;
  memset(&by_call, 0xaa, sizeof by_call);
  wandb_login_options_init(&by_call, sizeof by_call);
  CHECK(by_call.struct_size == sizeof by_call);
  CHECK(memcmp(&by_macro, &by_call, sizeof by_call) == 0);
  wandb_login_options_init(NULL, sizeof by_call);
}

static void init_touches_what_it_was_told(void) {
  static const size_t sizes[] = {0, 1, 7, 8, 9, 151, 152, 153, 4096, 5000};
  for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
    size_t size = sizes[i];
    char *bytes = repeat('x', size + 8);
    wandb_login_options_init((wandb_login_options *)(void *)bytes, size);
    size_t told = 0;
    memcpy(&told, bytes, sizeof told);
    CHECK(size < sizeof told ? bytes[0] == 'x' : told == size);
    for (size_t at = sizeof told; at < size; at++)
      CHECK(bytes[at] == 0);
    for (size_t at = size; at < size + 8; at++)
      CHECK(bytes[at] == 'x');
    free(bytes);
  }
}

static void struct_size_decides_what_is_read(void) {
  static const size_t bad[] = {0, 1, 8, 151, 4097, (size_t)-1};
  for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
    wandb_login_options options = defaults();
    options.struct_size = bad[i];
    CHECK(wandb_login_check(&options) == WANDB_LOGIN_STATUS_ERR_ARGUMENT);
    CHECK(!wandb_is_apikey_configured(&options));
    wandb_login_session *session = (wandb_login_session *)(void *)why;
    CHECK(wandb_login(&options, &session) == WANDB_LOGIN_STATUS_ERR_ARGUMENT);
    CHECK(session == NULL);
  }
  /* Options of a newer header are valid if the unknown members are zero. */
  static const size_t newer[] = {153, 160, 4096};
  for (size_t i = 0; i < sizeof newer / sizeof *newer; i++) {
    char *bytes = repeat('\0', newer[i]);
    wandb_login_options options = defaults();
    options.struct_size = newer[i];
    options.api_key = KEY_1;
    memcpy(bytes, &options, sizeof options);
    const wandb_login_options *given = (const wandb_login_options *)(void *)bytes;
    STATUS(wandb_login_check(given), WANDB_LOGIN_STATUS_OK);
    bytes[newer[i] - 1] = 1;
    STATUS(wandb_login_check(given), WANDB_LOGIN_STATUS_ERR_ARGUMENT);
    CHECK(strstr(why, "update the library") != NULL);
    free(bytes);
  }
}

static void unknown_numbers(void) {
  for (unsigned bit = 10; bit < 32; bit++) {
    wandb_login_options options = defaults();
    options.flags |= UINT32_C(1) << bit;
    STATUS(wandb_login_check(&options), WANDB_LOGIN_STATUS_ERR_ARGUMENT);
    CHECK(strstr(why, "flags") != NULL);
  }
  static const int32_t numbers[] = {-1, 3, INT32_MAX, INT32_MIN};
  for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++) {
    wandb_login_options options = defaults();
    options.anonymous = numbers[i];
    STATUS(wandb_login(&options, NULL), WANDB_LOGIN_STATUS_ERR_ARGUMENT);
    CHECK(strstr(why, "anonymous") != NULL);

    options = defaults();
    char *report = why;
    STATUS(wandb_login_explain(&options, numbers[i], &report),
           WANDB_LOGIN_STATUS_ERR_ARGUMENT);
    CHECK(report == NULL);
  }
}

static void options_that_exclude_each_other(void) {
  wandb_login_options options = defaults();
  options.host = "https://wandb.example.com";
  options.flags |= WANDB_LOGIN_CLOUD;
  STATUS(wandb_login(&options, NULL), WANDB_LOGIN_STATUS_ERR_ARGUMENT);

  options = defaults();
  STATUS(wandb_prompt_api_key(&options, NULL), WANDB_LOGIN_STATUS_ERR_ARGUMENT);

  options = defaults();
  options.flags = WANDB_LOGIN_SILENT;
  options.api_key = KEY_1;
  STATUS(wandb_prompt_api_key(&options, NULL), WANDB_LOGIN_STATUS_ERR_ARGUMENT);

  options = defaults();
  options.host = "ftp://wandb.example.com";
  STATUS(wandb_login(&options, NULL), WANDB_LOGIN_STATUS_ERR_ARGUMENT);
}

static void text_is_utf8(void) {
  static const char *const bad[] = {"\xff", "\xc3", "https://\xe4.example", "\xed\xa0\x80"};
  for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
    wandb_login_options options = defaults();
    options.api_key = bad[i];
    STATUS(wandb_login(&options, NULL), WANDB_LOGIN_STATUS_ERR_ARGUMENT);
    CHECK(strstr(why, "api_key is not UTF-8") != NULL);
    options = defaults();
    options.host = bad[i];
    STATUS(wandb_login(&options, NULL), WANDB_LOGIN_STATUS_ERR_ARGUMENT);
    CHECK(strstr(why, "host is not UTF-8") != NULL);
    options = defaults();
    options.referrer = bad[i];
    STATUS(wandb_login(&options, NULL), WANDB_LOGIN_STATUS_ERR_ARGUMENT);
    CHECK(strstr(why, "referrer is not UTF-8") != NULL);
  }
  /* Paths and the environment may contain any bytes. */
  static const char *const environment[] = {"NAME=\xff", "\xff", "=", "", NULL};
  wandb_login_options options = defaults();
  options.environment = environment;
  options.working_directory = "/\xff";
  STATUS(wandb_login(&options, NULL), WANDB_LOGIN_STATUS_NOT_CONFIGURED);
}

static void empty_text_is_no_text(void) {
  static const char *const environment[] = {NULL};
  wandb_login_options options = defaults();
  options.api_key = options.host = options.referrer = options.working_directory = "";
  options.environment = environment;
  STATUS(wandb_login(&options, NULL), WANDB_LOGIN_STATUS_NOT_CONFIGURED);
}

static void keys_of_64_kib(void) {
  char *key = repeat('k', 65537);
  wandb_login_options options = defaults();
  options.api_key = key;
  options.flags |= WANDB_LOGIN_NO_SAVE;
  STATUS(wandb_login(&options, NULL), WANDB_LOGIN_STATUS_ERR_CREDENTIALS);
  CHECK(strstr(why, "kkk") == NULL);

  key[65536] = '\0';
  wandb_login_session *session = NULL;
  STATUS(wandb_login(&options, &session), WANDB_LOGIN_STATUS_OK);
  CHECK(same(wandb_login_session_api_key(session), key));
  char *text = NULL;
  CHECK(wandb_login_session_export(session, &text) == WANDB_LOGIN_STATUS_OK);
  wandb_login_session *other = NULL;
  CHECK(wandb_login_session_import(text, &other) == WANDB_LOGIN_STATUS_OK);
  CHECK(same(wandb_login_session_api_key(other), key));
  wandb_login_string_free(text);
  wandb_login_session_free(other);
  wandb_login_session_free(session);

  key[39] = '\0';
  STATUS(wandb_login(&options, NULL), WANDB_LOGIN_STATUS_ERR_CREDENTIALS);
  CHECK(strstr(why, "API key must have 40+ characters, has 39.") != NULL);
  free(key);
}

static void the_error_fits_its_buffer(void) {
  /* The path in the message has characters of two, three and four bytes. */
  static const char *const environment[] = {
      "WANDB_API_KEY_FILE=/\xc3\xa4\xe2\x82\xac\xf0\x9f\x94\x91\xc3\xa4/key", NULL};
  wandb_login_options options = defaults();
  options.environment = environment;
  STATUS(wandb_login(&options, NULL), WANDB_LOGIN_STATUS_ERR_CREDENTIALS);
  CHECK(strstr(why, "\xf0\x9f\x94\x91") != NULL);
  size_t length = strlen(why);
  for (size_t size = 0; size <= length + 2; size++) {
    char *small = repeat('x', size + 1);
    options.error_buf = small;
    options.error_buf_size = size;
    CHECK(wandb_login_check(&options) == WANDB_LOGIN_STATUS_ERR_CREDENTIALS);
    if (size == 0) {
      CHECK(small[0] == 'x');
    } else {
      size_t kept = strlen(small);
      CHECK(kept == length || (kept < size && size - 1 - kept < 4));
      CHECK(strncmp(small, why, kept) == 0);
      /* The message is truncated before a whole character. */
      CHECK(((unsigned char)why[kept] & 0xc0) != 0x80);
      CHECK(small[size] == 'x');
    }
    free(small);
  }
  options.error_buf = NULL;
  options.error_buf_size = 100;
  CHECK(wandb_login_check(&options) == WANDB_LOGIN_STATUS_ERR_CREDENTIALS);
}

static void null_outputs_and_inputs(void) {
  wandb_login_options options = defaults();
  STATUS(wandb_login_explain(&options, WANDB_LOGIN_REPORT_TEXT, NULL),
         WANDB_LOGIN_STATUS_ERR_ARGUMENT);
  CHECK(wandb_login_explain(NULL, WANDB_LOGIN_REPORT_TEXT, NULL) ==
        WANDB_LOGIN_STATUS_ERR_ARGUMENT);

  wandb_login_session *session = (wandb_login_session *)(void *)why;
  STATUS(wandb_login_session_refresh(NULL, &options, &session),
         WANDB_LOGIN_STATUS_ERR_ARGUMENT);
  CHECK(session == NULL);
  char *text = why;
  CHECK(wandb_login_session_export(NULL, &text) == WANDB_LOGIN_STATUS_ERR_ARGUMENT);
  CHECK(text == NULL);
  CHECK(wandb_login_session_export(NULL, NULL) == WANDB_LOGIN_STATUS_ERR_ARGUMENT);
  session = (wandb_login_session *)(void *)why;
  CHECK(wandb_login_session_import(NULL, &session) == WANDB_LOGIN_STATUS_ERR_ARGUMENT);
  CHECK(session == NULL);
  CHECK(wandb_login_session_import("", NULL) == WANDB_LOGIN_STATUS_ERR_ARGUMENT);

  options = defaults();
  options.api_key = KEY_1;
  options.flags |= WANDB_LOGIN_NO_SAVE;
  STATUS(wandb_login(&options, &session), WANDB_LOGIN_STATUS_OK);
  STATUS(wandb_login_session_refresh(session, &options, NULL),
         WANDB_LOGIN_STATUS_ERR_ARGUMENT);
  CHECK(wandb_login_session_export(session, NULL) == WANDB_LOGIN_STATUS_ERR_ARGUMENT);
  wandb_login_session_free(session);

  wandb_login_string_free(NULL);
  wandb_login_session_free(NULL);
  CHECK(wandb_login_session_retain(NULL) == NULL);
}

static void null_session(void) {
  CHECK(wandb_login_session_api_key(NULL) == NULL);
  CHECK(wandb_login_session_authorization(NULL) == NULL);
  CHECK(wandb_login_session_base_url(NULL) == NULL);
  CHECK(wandb_login_session_app_url(NULL) == NULL);
  CHECK(wandb_login_session_username(NULL) == NULL);
  CHECK(wandb_login_session_email(NULL) == NULL);
  CHECK(wandb_login_session_entity(NULL) == NULL);
  CHECK(wandb_login_session_teams(NULL) == NULL);
  CHECK(!wandb_login_session_verified(NULL));
  CHECK(wandb_login_session_source(NULL) == WANDB_LOGIN_SOURCE_NONE);
  CHECK(wandb_login_session_source_name(NULL) == NULL);
  CHECK(!wandb_login_session_saved(NULL));
  CHECK(wandb_login_session_expires_at(NULL) == 0);
  CHECK(wandb_login_session_display(NULL) == NULL);
  CHECK(wandb_login_session_environ(NULL) == NULL);
}

static void texts_that_are_no_session(void) {
#define HEAD "wandb-login-session 1\n"
#define SERVER "base_url https://api.wandb.ai\n"
  char *huge = repeat('x', 2000000);
  const char *const garbage[] = {
      "", "x", "\n", "\xff\xfe", "wandb-login-session 1", HEAD, huge,
      "wandb-login-session 2\n" SERVER,
      HEAD SERVER "source explicit\n",
      HEAD SERVER "source explicit\napi_key short\n",
      HEAD SERVER "source elsewhere\napi_key " KEY_1 "\n",
      HEAD "base_url file:///etc\nsource explicit\napi_key " KEY_1 "\n",
      HEAD SERVER "source explicit\napi_key " KEY_1};
  for (size_t i = 0; i < sizeof garbage / sizeof *garbage; i++) {
    wandb_login_session *session = (wandb_login_session *)(void *)why;
    CHECK(wandb_login_session_import(garbage[i], &session) ==
          WANDB_LOGIN_STATUS_ERR_ARGUMENT);
    CHECK(session == NULL);
  }
  free(huge);
}

static void statuses_and_versions(void) {
  static const int32_t known[] = {0,  1,  2,  -1,  -2,  -3,  -4,  -5,
                                  -6, -7, -8, -9, -10, -11, -12, -99};
  for (size_t i = 0; i < sizeof known / sizeof *known; i++) {
    const char *text = wandb_login_status_string(known[i]);
    CHECK(text != NULL && !same(text, "unknown status"));
    for (size_t j = 0; j < i; j++)
      CHECK(!same(text, wandb_login_status_string(known[j])));
  }
  static const int32_t unknown[] = {3, -13, -98, INT32_MAX, INT32_MIN};
  for (size_t i = 0; i < sizeof unknown / sizeof *unknown; i++)
    CHECK(same(wandb_login_status_string(unknown[i]), "unknown status"));

  CHECK(same(wandb_login_version(), WANDB_LOGIN_VERSION));
  CHECK(wandb_login_version_number() == WANDB_LOGIN_VERSION_NUMBER);
  unsigned major = 0, minor = 0, patch = 0;
  CHECK(sscanf(WANDB_LOGIN_VERSION, "%u.%u.%u", &major, &minor, &patch) == 3);
  CHECK(major * 10000 + minor * 100 + patch == WANDB_LOGIN_VERSION_NUMBER);
}

int main(void) {
  initialiser_and_function_agree();
  init_touches_what_it_was_told();
  struct_size_decides_what_is_read();
  unknown_numbers();
  options_that_exclude_each_other();
  text_is_utf8();
  empty_text_is_no_text();
  keys_of_64_kib();
  the_error_fits_its_buffer();
  null_outputs_and_inputs();
  null_session();
  texts_that_are_no_session();
  statuses_and_versions();
  return 0;
}
