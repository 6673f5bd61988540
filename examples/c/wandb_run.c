/* Logs the metrics of a training to Weights & Biases; wandb_run.h is the reference.
 * SPDX-License-Identifier: MIT
 *
 * What is sent is a part of what wandb-core, the uploader of the Python SDK, sends:
 *
 *   POST /graphql             UpsertBucket, which makes the project and the run
 *   POST .../file_stream      history lines, at the offset where they belong
 *   POST .../file_stream {}   every 30 s without other requests: still alive
 *   POST .../file_stream      with "complete" and the exit code, as the last one */
#define _POSIX_C_SOURCE 200809L
#include "wandb_run.h"

#include <math.h>
#include <pthread.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <curl/curl.h>

#define USER_AGENT "wandb-run-example/1"
#define UPLOAD_INTERVAL 15.0  /* seconds; W&B asks for no less */
#define HEARTBEAT 30.0        /* seconds without a request after which {} is sent */
#define REQUEST_LIMIT 180L    /* seconds for one request */
#define FIRST_WAIT 2.0        /* seconds before the first retry; then twice as long */
#define LONGEST_WAIT 60.0
#define DELAY_LIMIT 8.5       /* seconds; libcurl notices the end within another one */
#define LOGIN_LIMIT_MS 5000   /* for the exchange of an identity token */
#define BATCH 4000000         /* bytes of history in one request; W&B takes 10 MB */
#define LONGEST_QUEUE 64000000
#define LONGEST_ANSWER 1000000
#define SILENT "the server does not answer"

/* --- Text that grows ------------------------------------------------------- */

typedef struct {
    char *data; /* ends with a NUL; NULL if it is empty */
    size_t length, capacity;
    int failed; /* memory is exhausted: some text is missing */
} text;

static void append_bytes(text *to, const char *bytes, size_t length) {
    if (to->length + length + 1 > to->capacity) {
        size_t capacity = 2 * to->capacity + length + 256;
        char *data = realloc(to->data, capacity);
        if (data == NULL) {
            to->failed = 1;
            return;
        }
        to->data = data;
        to->capacity = capacity;
    }
    memcpy(to->data + to->length, bytes, length);
    to->length += length;
    to->data[to->length] = '\0';
}

static void append(text *to, const char *string) { append_bytes(to, string, strlen(string)); }

static void append_count(text *to, size_t count) {
    char digits[32];
    snprintf(digits, sizeof digits, "%zu", count);
    append(to, digits);
}

static void clear(text *old) {
    free(old->data);
    *old = (text){0};
}

/* Overwrites a secret; the compiler cannot leave it out. */
static void wipe(char *secret) {
    for (volatile char *byte = secret; byte != NULL && *byte != '\0'; byte++) *byte = '\0';
}

/* --- JSON ------------------------------------------------------------------ */

/* Appends bytes as they stand in a JSON string, without the quotes. */
static void append_escaped(text *to, const char *bytes, size_t length) {
    for (size_t i = 0; i < length; i++) {
        unsigned char byte = (unsigned char)bytes[i];
        char escape[8];
        if (byte == '"' || byte == '\\') snprintf(escape, sizeof escape, "\\%c", byte);
        else if (byte < 0x20) snprintf(escape, sizeof escape, "\\u%04x", byte);
        else {
            append_bytes(to, bytes + i, 1);
            continue;
        }
        append(to, escape);
    }
}

static void append_string(text *to, const char *string) {
    append(to, "\"");
    append_escaped(to, string, strlen(string));
    append(to, "\"");
}

/* Appends a number with all its digits. W&B writes NaN and infinities as bare words. */
static void append_number(text *to, double value) {
    char digits[40];
    if (isnan(value)) append(to, "NaN");
    else if (isinf(value)) append(to, value > 0 ? "Infinity" : "-Infinity");
    else {
        snprintf(digits, sizeof digits, "%.15g", value);
        if (strtod(digits, NULL) != value) snprintf(digits, sizeof digits, "%.17g", value);
        for (char *at = digits; *at != '\0';) {
            size_t plain = strspn(at, "0123456789+-e");
            append_bytes(to, at, plain);
            at += plain;
            if (*at != '\0') append(to, "."); /* the locale may have a comma here */
            at += strcspn(at, "0123456789+-e");
        }
    }
}

static const char *skip_space(const char *at) { return at + strspn(at, " \t\r\n"); }

/* Returns the end of the string that begins at a quote. */
static const char *skip_string(const char *at) {
    for (at++; *at != '\0' && *at != '"'; at++)
        if (*at == '\\' && at[1] != '\0') at++;
    return *at == '"' ? at + 1 : at;
}

/* Returns the end of a value. */
static const char *skip_value(const char *at) {
    int depth = 0;
    do {
        at += strspn(at, " \t\r\n,:");
        if (*at == '\0') return at;
        if (*at == '"') at = skip_string(at);
        else if (*at == '{' || *at == '[') depth++, at++;
        else if (*at == '}' || *at == ']') depth--, at++;
        else at += strcspn(at, " \t\r\n,:{}[]\"");
    } while (depth > 0);
    return at;
}

/* Returns the value of a member of an object, or NULL. */
static const char *member(const char *object, const char *name) {
    size_t length = strlen(name);
    if (object == NULL || *(object = skip_space(object)) != '{') return NULL;
    for (const char *at = skip_space(object + 1); *at == '"';) {
        const char *end = skip_string(at);
        int found = (size_t)(end - at) == length + 2 && memcmp(at + 1, name, length) == 0;
        at = skip_space(end);
        if (*at != ':') return NULL;
        at = skip_space(at + 1);
        if (found) return at;
        at = skip_space(skip_value(at));
        if (*at == ',') at = skip_space(at + 1);
    }
    return NULL;
}

/* Appends a character as UTF-8. */
static void append_character(text *to, unsigned long code) {
    char bytes[4];
    size_t length = code < 0x80 ? 1 : code < 0x800 ? 2 : code < 0x10000 ? 3 : 4;
    static const unsigned char lead[] = {0, 0, 0xC0, 0xE0, 0xF0};
    for (size_t i = length; i-- > 1; code >>= 6) bytes[i] = (char)(0x80 | (code & 0x3F));
    bytes[0] = (char)(lead[length] | code);
    append_bytes(to, bytes, length);
}

/* Reads four hexadecimal digits; returns -1 if they are none. */
static long hex4(const char *at) {
    char digits[5] = "";
    if (strspn(at, "0123456789abcdefABCDEF") < 4) return -1;
    memcpy(digits, at, 4);
    return strtol(digits, NULL, 16);
}

/* Returns a copy of a JSON string, or NULL if the value is none. */
static char *copy_string(const char *at) {
    text copy = {0};
    if (at == NULL || *at != '"') return NULL;
    append(&copy, "");
    for (at++; *at != '\0' && *at != '"'; at++) {
        static const char names[] = "bfnrt", meanings[] = "\b\f\n\r\t";
        const char *name;
        long code, low;
        if (*at != '\\') {
            append_bytes(&copy, at, 1);
            continue;
        }
        at++;
        if (*at == '\0') break;
        if (*at == 'u' && (code = hex4(at + 1)) >= 0) {
            at += 4;
            if (code >= 0xD800 && code < 0xDC00 && at[1] == '\\' && at[2] == 'u' &&
                (low = hex4(at + 3)) >= 0xDC00 && low < 0xE000) {
                code = 0x10000 + ((code - 0xD800) << 10) + (low - 0xDC00);
                at += 6;
            }
            if ((code >= 0xD800 && code < 0xE000) || code == 0) code = 0xFFFD;
            append_character(&copy, (unsigned long)code);
        } else if ((name = strchr(names, *at)) != NULL)
            append_bytes(&copy, &meanings[name - names], 1);
        else append_bytes(&copy, at, 1);
    }
    return copy.data;
}

/* --- The run --------------------------------------------------------------- */

struct wandb_run {
    /* Constant from the start on. */
    char *id, *project, *entity, *config; /* entity may be NULL */
    double interval, started, delay_limit;
    wandb_login_renewer *renewer;
    pthread_t sender;

    /* Shared by all threads, under the lock. */
    pthread_mutex_t lock;
    pthread_cond_t changed;
    text queue;    /* history lines without their beginning, each with a line end */
    size_t queued; /* lines in the queue */
    size_t logged; /* lines in all */
    int not_finite, dropped; /* said already */
    int stopped, finishing, exit_code;
    int ended; /* the sender has: lines are dropped from now on */
    double deadline; /* of wandb_run_finish(); 0: it was not called */

    /* Of the sender. */
    CURL *curl;
    char *base_url, *path; /* path: of the file stream */
    size_t offset;         /* history lines that the server has accepted */
    char trouble[512];     /* the last problem that was printed; "": none */
};

/* Seconds on a clock that never jumps. */
static double now(void) {
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (double)time.tv_sec + (double)time.tv_nsec / 1e9;
}

/* Prints one line on standard error. Text of a server cannot control the terminal. */
static void say(const char *format, ...) {
    char line[1024];
    va_list values;
    va_start(values, format);
    vsnprintf(line, sizeof line, format, values);
    va_end(values);
    for (char *at = line; *at != '\0'; at++)
        if ((unsigned char)*at < 0x20 || *at == 0x7F) *at = ' ';
    fprintf(stderr, "wandb_run: %s\n", line);
}

/* Waits for a change or a moment. The caller holds the lock. */
static void wait_until(wandb_run *run, double moment) {
    struct timespec time;
    time.tv_sec = (time_t)moment;
    time.tv_nsec = (long)((moment - (double)time.tv_sec) * 1e9);
    pthread_cond_timedwait(&run->changed, &run->lock, &time);
}

/* Returns whether wandb_run_finish() waits no longer. */
static int is_late(wandb_run *run) {
    pthread_mutex_lock(&run->lock);
    int late = run->deadline > 0 && now() >= run->deadline;
    pthread_mutex_unlock(&run->lock);
    return late;
}

static int32_t cancel_renewal(void *run) { return is_late(run); }

static int cancel_request(void *run, curl_off_t a, curl_off_t b, curl_off_t c, curl_off_t d) {
    (void)a, (void)b, (void)c, (void)d;
    return is_late(run);
}

/* --- One request ----------------------------------------------------------- */

typedef enum { ACCEPTED, RETRY, RETRY_AT_ONCE, REFUSED } verdict;

/* An answer, and what it means. */
typedef struct {
    text body;
    curl_off_t retry_after; /* seconds; 0: the server did not say */
    char problem[512];
} answer;

static size_t on_body(char *bytes, size_t size, size_t count, void *data) {
    text *body = data;
    if (body->length + size * count > LONGEST_ANSWER) return 0; /* libcurl then fails */
    append_bytes(body, bytes, size * count);
    return size * count;
}

/* Returns a copy of the message in an answer that reports an error, or NULL. */
static char *copy_message(const char *json) {
    const char *errors = member(json, "errors");
    const char *first = errors != NULL && *errors == '[' ? skip_space(errors + 1) : NULL;
    char *message = copy_string(member(first, "message"));
    return message != NULL ? message : copy_string(member(json, "error"));
}

/* Says what an HTTP status means for a request. wandb-core gives the same ones up. */
static verdict judge(wandb_run *run, long status, answer *result) {
    int makes_run = run->path == NULL;
    if (status / 100 == 2) return ACCEPTED;
    char *message = copy_message(result->body.data);
    snprintf(result->problem, sizeof result->problem, "the server answered HTTP %ld%s%s",
             status, message != NULL ? ": " : "", message != NULL ? message : "");
    free(message);
    if (status == 429 || (status >= 500 && status != 501) || (status == 409 && makes_run))
        return RETRY;
    return status == 401 ? RETRY_AT_ONCE : REFUSED;
}

/* Says what an error of libcurl means. */
static verdict judge_failure(CURLcode code, const char *detail, answer *result) {
    if (code == CURLE_ABORTED_BY_CALLBACK || code == CURLE_OPERATION_TIMEDOUT)
        detail = SILENT;
    snprintf(result->problem, sizeof result->problem, "%s",
             detail[0] != '\0' ? detail : curl_easy_strerror(code));
    switch (code) {
    case CURLE_PEER_FAILED_VERIFICATION:
    case CURLE_SSL_CACERT_BADFILE:
    case CURLE_UNSUPPORTED_PROTOCOL:
    case CURLE_URL_MALFORMAT: return REFUSED;
    default: return RETRY;
    }
}

static struct curl_slist *add_header(struct curl_slist *headers, const char *header) {
    struct curl_slist *longer = header != NULL ? curl_slist_append(headers, header) : NULL;
    return longer != NULL ? longer : headers;
}

/* Adds a header of the session. libcurl leaves a header without a value out unless it
 * ends with a semicolon. */
static struct curl_slist *add_session_header(struct curl_slist *headers, const char *header) {
    text changed = {0};
    append(&changed, header);
    char *colon = changed.data != NULL ? strchr(changed.data, ':') : NULL;
    if (colon != NULL && colon[1 + strspn(colon + 1, " \t")] == '\0') strcpy(colon, ";");
    headers = add_header(headers, changed.data);
    wipe(changed.data);
    clear(&changed);
    return headers;
}

/* The headers of a request; some are secrets. */
static struct curl_slist *make_headers(const wandb_login_session *session) {
    struct curl_slist *headers = NULL;
    const char *const *more = wandb_login_session_headers(session);
    while (more != NULL && *more != NULL) headers = add_session_header(headers, *more++);
    text authorization = {0};
    append(&authorization, "Authorization: ");
    append(&authorization, wandb_login_session_authorization(session));
    headers = add_header(headers, authorization.data);
    headers = add_header(headers, "Content-Type: application/json");
    headers = add_header(headers, "Accept:"); /* libcurl adds these two by itself */
    headers = add_header(headers, "Expect:");
    wipe(authorization.data);
    clear(&authorization);
    return headers;
}

static void free_headers(struct curl_slist *headers) {
    for (struct curl_slist *header = headers; header != NULL; header = header->next)
        wipe(header->data);
    curl_slist_free_all(headers);
}

/* Makes libcurl go the way of the login, and no other that its own variables name. */
static void set_route(CURL *curl, const wandb_login_session *session) {
    const char *file = wandb_login_session_ca_file(session);
    const char *folder = wandb_login_session_ca_dir(session);
    const char *proxy = wandb_login_session_proxy(session);
    long checked = !wandb_login_session_tls_unchecked(session);
    curl_easy_setopt(curl, CURLOPT_PROXY, proxy != NULL ? proxy : "");
    curl_easy_setopt(curl, CURLOPT_NOPROXY, "");
    curl_easy_setopt(curl, CURLOPT_SSL_VERIFYPEER, checked);
    curl_easy_setopt(curl, CURLOPT_SSL_VERIFYHOST, 2 * checked);
    curl_easy_setopt(curl, CURLOPT_PROXY_SSL_VERIFYPEER, checked);
    curl_easy_setopt(curl, CURLOPT_PROXY_SSL_VERIFYHOST, 2 * checked);
    if (file == NULL && folder == NULL) return; /* the system's certificates */
    curl_easy_setopt(curl, CURLOPT_CAINFO, file);
    curl_easy_setopt(curl, CURLOPT_CAPATH, folder);
    curl_easy_setopt(curl, CURLOPT_PROXY_CAINFO, file);
    curl_easy_setopt(curl, CURLOPT_PROXY_CAPATH, folder);
}

/* Sends a request once, with the credential of a session. */
static verdict send_as(wandb_run *run, const wandb_login_session *session, const char *path,
                       const text *body, answer *result) {
    CURL *curl = run->curl;
    char detail[CURL_ERROR_SIZE] = "";
    struct curl_slist *headers = make_headers(session);
    text url = {0};
    append(&url, run->base_url);
    append(&url, path);
    curl_easy_reset(curl); /* keeps the connection */
    curl_easy_setopt(curl, CURLOPT_URL, url.data); /* redirects are not followed */
    curl_easy_setopt(curl, CURLOPT_PATH_AS_IS, 1L); /* a name may be ".." */
    set_route(curl, session);
    curl_easy_setopt(curl, CURLOPT_HTTPHEADER, headers);
    curl_easy_setopt(curl, CURLOPT_USERAGENT, USER_AGENT);
    curl_easy_setopt(curl, CURLOPT_POSTFIELDS, body->data);
    curl_easy_setopt(curl, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)body->length);
    curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, on_body);
    curl_easy_setopt(curl, CURLOPT_WRITEDATA, &result->body);
    curl_easy_setopt(curl, CURLOPT_XFERINFOFUNCTION, cancel_request);
    curl_easy_setopt(curl, CURLOPT_XFERINFODATA, run);
    curl_easy_setopt(curl, CURLOPT_NOPROGRESS, 0L);
    curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(curl, CURLOPT_TIMEOUT, REQUEST_LIMIT);
    curl_easy_setopt(curl, CURLOPT_ERRORBUFFER, detail);
    CURLcode code = curl_easy_perform(curl);
    long status = 0;
    curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &status);
    curl_easy_getinfo(curl, CURLINFO_RETRY_AFTER, &result->retry_after);
    curl_easy_reset(curl); /* `detail` and `headers` end here */
    free_headers(headers);
    clear(&url);
    return code == CURLE_OK ? judge(run, status, result) : judge_failure(code, detail, result);
}

/* Sends a request once, with the credential that is good now. */
static verdict send_once(wandb_run *run, const char *path, const text *body, answer *result) {
    wandb_login_session *session = NULL;
    verdict meaning;
    clear(&result->body);
    result->retry_after = 0;
    wandb_login_status status = wandb_login_renewer_get(run->renewer, &session, result->problem,
                                                        sizeof result->problem);
    if (status == WANDB_LOGIN_STATUS_OK) {
        meaning = send_as(run, session, path, body, result);
        if (meaning == RETRY_AT_ONCE) wandb_login_renewer_refused(run->renewer, session);
    } else meaning = status == WANDB_LOGIN_STATUS_ERR_REJECTED ? REFUSED : RETRY;
    if (status == WANDB_LOGIN_STATUS_ERR_CANCELLED)
        snprintf(result->problem, sizeof result->problem, SILENT);
    wandb_login_session_free(session);
    return meaning;
}

/* Waits before a retry. The end of the training cuts a wait short that the server did
 * not ask for. Returns whether it did. */
static int pause_for(wandb_run *run, double seconds, int may_shorten) {
    double moment = now() + seconds;
    pthread_mutex_lock(&run->lock);
    int was_finishing = run->finishing;
    while (now() < moment && !(run->deadline > 0 && now() >= run->deadline) &&
           !(may_shorten && run->finishing && !was_finishing))
        wait_until(run, run->deadline > 0 && run->deadline < moment ? run->deadline : moment);
    int shortened = run->finishing && !was_finishing;
    pthread_mutex_unlock(&run->lock);
    return shortened;
}

/* Prints a problem, and not again as long as it is the same. */
static void say_trouble(wandb_run *run, const char *problem) {
    if (strcmp(run->trouble, problem) != 0) say("%s; the request is sent again", problem);
    snprintf(run->trouble, sizeof run->trouble, "%s", problem);
}

/* Sends a request until the server accepts it. Returns whether it did. */
static int deliver(wandb_run *run, const char *path, const text *body, answer *result) {
    double wait = FIRST_WAIT;
    int refusals = 0;
    for (;;) {
        verdict meaning = body->failed ? REFUSED : send_once(run, path, body, result);
        if (body->failed) snprintf(result->problem, sizeof result->problem, "out of memory");
        if (meaning == ACCEPTED) {
            if (run->trouble[0] != '\0') say("the server accepts requests again");
            run->trouble[0] = '\0';
            return 1;
        }
        if (meaning == REFUSED) {
            say("%s; nothing more is sent, and the training goes on", result->problem);
            return 0;
        }
        if (meaning == RETRY_AT_ONCE && refusals++ == 0) continue; /* with another credential */
        if (!is_late(run)) {
            say_trouble(run, result->problem);
            double asked = result->retry_after > 3600 ? 3600.0 : (double)result->retry_after;
            int shortened = pause_for(run, asked > 0 ? asked : wait, asked <= 0);
            wait = shortened ? FIRST_WAIT : wait < LONGEST_WAIT / 2 ? 2 * wait : LONGEST_WAIT;
        }
        if (is_late(run)) {
            say("the run is not complete: %s", result->problem);
            return 0;
        }
    }
}

/* --- What is sent ---------------------------------------------------------- */

static const char UPSERT_BUCKET[] =
    "mutation UpsertBucket($name:String,$project:String,$entity:String,$config:JSONString){"
    "upsertBucket(input:{name:$name,modelName:$project,entityName:$entity,config:$config}){"
    "bucket{name project{name entity{name}} historyLineCount} inserted}}";

static void write_upsert_bucket(const wandb_run *run, text *body) {
    append(body, "{\"operationName\":\"UpsertBucket\",\"query\":");
    append_string(body, UPSERT_BUCKET);
    append(body, ",\"variables\":{\"name\":");
    append_string(body, run->id);
    append(body, ",\"project\":");
    append_string(body, run->project);
    append(body, ",\"entity\":");
    if (run->entity != NULL) append_string(body, run->entity);
    else append(body, "null");
    append(body, ",\"config\":");
    append_string(body, run->config);
    append(body, "}}");
}

/* Appends a part of a path. */
static void append_part(text *to, CURL *curl, const char *before, const char *part) {
    char *escaped = curl_easy_escape(curl, part, 0);
    append(to, before);
    if (escaped != NULL) append(to, escaped);
    else to->failed = 1;
    curl_free(escaped);
}

/* Reads the answer to UpsertBucket: where the run is, and how long it is already.
 * Returns whether it is one. */
static int read_bucket(wandb_run *run, const char *json) {
    const char *upsert = member(member(json, "data"), "upsertBucket");
    const char *bucket = member(upsert, "bucket"), *project = member(bucket, "project");
    char *parts[] = {copy_string(member(member(project, "entity"), "name")),
                     copy_string(member(project, "name")), copy_string(member(bucket, "name"))};
    const char *count = member(bucket, "historyLineCount"), *inserted = member(upsert, "inserted");
    int complete = parts[0] != NULL && parts[1] != NULL && parts[2] != NULL;
    if (complete) {
        text path = {0}, page = {0};
        wandb_login_session *session = NULL;
        append_part(&path, run->curl, "/files/", parts[0]);
        append_part(&path, run->curl, "/", parts[1]);
        append_part(&path, run->curl, "/", parts[2]);
        append(&path, "/file_stream");
        append_part(&page, run->curl, "/", parts[0]);
        append_part(&page, run->curl, "/", parts[1]);
        append_part(&page, run->curl, "/runs/", parts[2]);
        run->path = path.data;
        if (inserted != NULL && *inserted == 'f' && count != NULL)
            run->offset = strtoul(count, NULL, 10);
        if (wandb_login_renewer_get(run->renewer, &session, NULL, 0) == WANDB_LOGIN_STATUS_OK)
            say("view the run at %s%s", wandb_login_session_app_url(session), page.data);
        wandb_login_session_free(session);
        clear(&page);
    }
    for (int i = 0; i < 3; i++) free(parts[i]);
    return complete;
}

/* Makes the run on the server. Returns whether it was made. */
static int make_run(wandb_run *run) {
    text body = {0};
    answer result = {0};
    write_upsert_bucket(run, &body);
    int made = deliver(run, "/graphql", &body, &result);
    if (made && !read_bucket(run, result.body.data)) {
        char *message = copy_message(result.body.data);
        say("the server made no run in the project \"%s\": %s", run->project,
            message != NULL ? message : "its answer is not that of a W&B server");
        free(message);
        made = 0;
    }
    clear(&result.body);
    clear(&body);
    return made;
}

/* What the sender does next. `lines` are history lines; their number is `count`. */
typedef struct {
    text lines;
    size_t count;
    int complete, exit_code;
} upload;

/* Moves lines from the queue to an upload. The caller holds the lock. */
static void take_lines(wandb_run *run, upload *next) {
    text *queue = &run->queue;
    size_t taken = 0;
    while (taken < queue->length && taken < BATCH) {
        const char *end = memchr(queue->data + taken, '\n', queue->length - taken);
        taken = (size_t)(end - queue->data) + 1;
        next->count++;
    }
    if (taken == 0) return;
    append_bytes(&next->lines, queue->data, taken);
    queue->length -= taken;
    memmove(queue->data, queue->data + taken, queue->length);
    run->queued -= next->count;
    if (queue->length == 0) clear(queue);
}

/* Waits for something to send: lines, the end, or, without lines, a heartbeat. */
static upload wait_for_upload(wandb_run *run, double upload_at, double heartbeat_at) {
    upload next = {0};
    pthread_mutex_lock(&run->lock);
    while (!run->finishing && now() < heartbeat_at && (run->queued == 0 || now() < upload_at))
        wait_until(run, run->queued > 0 && upload_at < heartbeat_at ? upload_at : heartbeat_at);
    if (run->finishing || now() >= upload_at) take_lines(run, &next);
    next.complete = run->finishing && run->queued == 0;
    next.exit_code = run->exit_code;
    pthread_mutex_unlock(&run->lock);
    return next;
}

/* Writes lines as strings of a JSON array; each gets its step. */
static void write_history(const wandb_run *run, const upload *next, text *body) {
    const char *line = next->lines.data, *last = line;
    append(body, "\"files\":{\"wandb-history.jsonl\":{\"offset\":");
    append_count(body, run->offset);
    append(body, ",\"content\":[");
    for (size_t i = 0; i < next->count; i++) {
        const char *end = strchr(line, '\n');
        append(body, i == 0 ? "\"{\\\"_step\\\":" : ",\"{\\\"_step\\\":");
        append_count(body, run->offset + i);
        append_escaped(body, line, (size_t)(end - line));
        append(body, "\"");
        last = line;
        line = end + 1;
    }
    /* The latest values are the summary of the run. */
    append(body, "]},\"wandb-summary.json\":{\"offset\":0,\"content\":[\"{\\\"_step\\\":");
    append_count(body, run->offset + next->count - 1);
    append_escaped(body, last, strcspn(last, "\n"));
    append(body, "\"]}}");
}

static void write_upload(const wandb_run *run, const upload *next, text *body) {
    append(body, "{");
    if (next->count > 0) write_history(run, next, body);
    if (next->complete) {
        char end[64];
        snprintf(end, sizeof end, "%s\"complete\":true,\"exitcode\":%d",
                 next->count > 0 ? "," : "", next->exit_code);
        append(body, end);
    }
    append(body, "}");
}

/* Notes that the user has pressed Stop. */
static void read_stopped(wandb_run *run, const char *json) {
    const char *stopped = member(json, "stopped");
    if (stopped == NULL || *stopped != 't') return;
    pthread_mutex_lock(&run->lock);
    int known = run->stopped;
    run->stopped = 1;
    pthread_mutex_unlock(&run->lock);
    if (!known) say("the user has stopped the run on its page");
}

/* Sends lines until the training ends, or a request is given up. */
static void send_history(wandb_run *run) {
    double upload_at = 0.0, heartbeat_at = now() + HEARTBEAT;
    int going_on = 1;
    while (going_on) {
        upload next = wait_for_upload(run, upload_at, heartbeat_at);
        text body = {0};
        answer result = {0};
        write_upload(run, &next, &body);
        body.failed |= next.lines.failed;
        going_on = deliver(run, run->path, &body, &result) && !next.complete;
        if (result.body.data != NULL) read_stopped(run, result.body.data);
        run->offset += next.count;
        heartbeat_at = now() + HEARTBEAT;
        if (next.count > 0) upload_at = now() + run->interval;
        clear(&result.body);
        clear(&body);
        clear(&next.lines);
    }
}

/* The sender's thread. */
static void *send_all(void *data) {
    wandb_run *run = data;
    if (make_run(run)) send_history(run);
    curl_easy_cleanup(run->curl); /* here, because it may write to a closed connection */
    run->curl = NULL;
    pthread_mutex_lock(&run->lock);
    run->ended = 1;
    clear(&run->queue);
    run->queued = 0;
    pthread_cond_broadcast(&run->changed);
    pthread_mutex_unlock(&run->lock);
    return NULL;
}

/* --- The functions of the header ------------------------------------------- */

static char *copy(const char *string) {
    size_t size = strlen(string) + 1;
    char *made = malloc(size);
    return made != NULL ? memcpy(made, string, size) : NULL;
}

/* Returns the first of a given value, a variable and a default, or NULL. */
static const char *choose(const char *given, const char *variable, const char *otherwise) {
    const char *value = given != NULL && *given != '\0' ? given : getenv(variable);
    return value != NULL && *value != '\0' ? value : otherwise;
}

/* Returns a copy of a name if it has no forbidden character; else prints why not. */
static char *checked(const char *what, const char *name, size_t longest, const char *forbidden) {
    size_t characters = 0, length = strlen(name), bad = strcspn(name, forbidden);
    for (size_t i = 0; i < length; i++) characters += ((unsigned char)name[i] & 0xC0) != 0x80;
    if (name[bad] != '\0')
        say("the %s \"%s\" contains \"%c\", which W&B does not allow (%s); the training goes on "
            "without W&B", what, name, name[bad], forbidden);
    else if (name[0] == ' ' || name[length - 1] == ' ')
        say("the %s \"%s\" begins or ends with a space; the training goes on without W&B", what,
            name);
    else if (characters > longest)
        say("the %s \"%.40s...\" has %zu characters, and W&B allows %zu; the training goes on "
            "without W&B", what, name, characters, longest);
    else return copy(name);
    return NULL;
}

/* Returns a new id: eight of a-z and 0-9. */
static char *random_id(void) {
    static const char letters[] = "abcdefghijklmnopqrstuvwxyz0123456789";
    unsigned char bytes[8];
    char id[sizeof bytes + 1] = "";
    FILE *random = fopen("/dev/urandom", "rb");
    size_t got = random != NULL ? fread(bytes, 1, sizeof bytes, random) : 0;
    if (random != NULL) fclose(random);
    if (got < sizeof bytes) {
        say("/dev/urandom cannot be read; set WANDB_RUN_ID; the training goes on without W&B");
        return NULL;
    }
    for (size_t i = 0; i < sizeof bytes; i++) id[i] = letters[bytes[i] % 36];
    return copy(id);
}

/* Logs in, and makes a renewer. Returns NULL if there is nothing to log to. */
static wandb_login_renewer *log_in(wandb_run *run) {
    wandb_login_options options = WANDB_LOGIN_OPTIONS_INIT;
    wandb_login_session *session = NULL;
    wandb_login_renewer *renewer = NULL;
    char problem[512] = "";
    options.http_timeout_ms = LOGIN_LIMIT_MS;
    options.error_buf = problem;
    options.error_buf_size = sizeof problem;
    wandb_login_status status = wandb_login(&options, &session);
    if (wandb_login_session_source(session) == WANDB_LOGIN_SOURCE_IDENTITY_TOKEN)
        run->delay_limit -= now() - run->started;
    options.cancel_fn = cancel_renewal;
    options.cancel_user_data = run;
    if (status == WANDB_LOGIN_STATUS_OK)
        status = wandb_login_renewer_new(session, &options, &renewer);
    if (status == WANDB_LOGIN_STATUS_OFFLINE) say("W&B is offline: nothing is sent");
    else if (status != WANDB_LOGIN_STATUS_OK)
        say("%s; the training goes on without W&B", problem);
    wandb_login_session_free(session);
    return renewer;
}

/* Frees a run; its sender has ended or was never started. */
static void free_run(wandb_run *run) {
    wandb_login_renewer_free(run->renewer);
    curl_easy_cleanup(run->curl);
    pthread_cond_destroy(&run->changed);
    pthread_mutex_destroy(&run->lock);
    clear(&run->queue);
    free(run->id);
    free(run->project);
    free(run->entity);
    free(run->config);
    free(run->base_url);
    free(run->path);
    free(run);
}

/* Fills in what a run is called. Returns whether all of it is allowed. */
static int name_run(wandb_run *run, const wandb_run_options *options) {
    const char *entity = choose(options->entity, "WANDB_ENTITY", NULL);
    const char *id = choose(options->id, "WANDB_RUN_ID", NULL);
    run->project = checked("project", choose(options->project, "WANDB_PROJECT", "uncategorized"),
                           128, "/\\#?%:");
    if (run->project == NULL) return 0;
    run->id = id != NULL ? checked("run id", id, 128, ":;,#?/'") : random_id();
    if (entity != NULL) run->entity = copy(entity);
    run->config = copy(options->config != NULL ? options->config : "{}");
    return run->id != NULL && run->config != NULL && (entity == NULL || run->entity != NULL);
}

/* Fills in the credential and the server. Returns whether there is one. */
static int connect_run(wandb_run *run, const wandb_run_options *options) {
    wandb_login_session *session = NULL;
    char problem[512] = "";
    run->renewer = options->renewer != NULL ? wandb_login_renewer_retain(options->renewer)
                                            : log_in(run);
    if (run->renewer == NULL) return 0;
    if (wandb_login_renewer_get(run->renewer, &session, problem, sizeof problem) !=
        WANDB_LOGIN_STATUS_OK) {
        say("%s; the training goes on without W&B", problem);
        return 0;
    }
    run->base_url = copy(wandb_login_session_base_url(session));
    wandb_login_session_free(session);
    curl_global_init(CURL_GLOBAL_DEFAULT);
    run->curl = curl_easy_init();
    return run->curl != NULL && run->base_url != NULL;
}

/* Starts the sender. It takes no signals: not those of the program, and no SIGPIPE, which
 * a broken connection may cause and which would end the training. */
static int start_sender(wandb_run *run) {
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    int started = pthread_create(&run->sender, NULL, send_all, run) == 0;
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (!started) say("no thread can be started; the training goes on without W&B");
    return started;
}

wandb_run *wandb_run_start(const wandb_run_options *options) {
    static const wandb_run_options defaults;
    wandb_run *run = calloc(1, sizeof *run);
    pthread_condattr_t monotonic;
    if (run == NULL) return NULL;
    if (options == NULL) options = &defaults;
    run->started = now();
    run->interval = options->interval > 0 ? options->interval : UPLOAD_INTERVAL;
    run->delay_limit = DELAY_LIMIT;
    pthread_mutex_init(&run->lock, NULL);
    pthread_condattr_init(&monotonic);
    pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    pthread_cond_init(&run->changed, &monotonic);
    pthread_condattr_destroy(&monotonic);
    if (name_run(run, options) && connect_run(run, options) && start_sender(run)) return run;
    free_run(run);
    return NULL;
}

void wandb_run_log(wandb_run *run, const wandb_metric *metrics, size_t count) {
    struct timespec date;
    text line = {0};
    const char *not_finite = NULL;
    if (run == NULL) return;
    clock_gettime(CLOCK_REALTIME, &date);
    append(&line, ",\"_runtime\":");
    append_number(&line, now() - run->started);
    append(&line, ",\"_timestamp\":");
    append_number(&line, (double)date.tv_sec + (double)(date.tv_nsec / 1000) / 1e6);
    for (size_t i = 0; i < count; i++) {
        append(&line, ",");
        append_string(&line, metrics[i].name != NULL ? metrics[i].name : "");
        append(&line, ":");
        append_number(&line, metrics[i].value);
        if (!isfinite(metrics[i].value)) not_finite = metrics[i].name;
    }
    append(&line, "}\n");

    pthread_mutex_lock(&run->lock);
    size_t step = run->logged++;
    int first = not_finite != NULL && !run->not_finite;
    int full = line.failed || run->queue.length + line.length > LONGEST_QUEUE;
    if (first) run->not_finite = 1;
    if (!run->ended && !full) {
        size_t before = run->queue.length;
        append_bytes(&run->queue, line.data, line.length);
        full = run->queue.length == before;
        if (!full && run->queued++ == 0) pthread_cond_broadcast(&run->changed);
    }
    int loses = full && !run->ended && !run->dropped;
    if (loses) run->dropped = 1;
    pthread_mutex_unlock(&run->lock);
    clear(&line);
    if (first) say("%s is not a finite number in step %zu; W&B gets it as it is", not_finite, step);
    if (loses) say("too much waits for the server: metrics from step %zu on are lost", step);
}

int wandb_run_stopped(wandb_run *run) {
    if (run == NULL) return 0;
    pthread_mutex_lock(&run->lock);
    int stopped = run->stopped;
    pthread_mutex_unlock(&run->lock);
    return stopped;
}

void wandb_run_finish(wandb_run *run, int exit_code) {
    if (run == NULL) return;
    pthread_mutex_lock(&run->lock);
    run->finishing = 1;
    run->exit_code = exit_code;
    run->deadline = now() + (run->delay_limit > 0 ? run->delay_limit : 0);
    pthread_cond_broadcast(&run->changed);
    while (!run->ended && now() < run->deadline + 1.0) wait_until(run, run->deadline + 1.0);
    int ended = run->ended;
    pthread_mutex_unlock(&run->lock);
    if (ended) {
        pthread_join(run->sender, NULL);
        free_run(run);
    } else {
        /* A name server that hangs cannot be interrupted. The run is not freed, because
         * its thread goes on. */
        say("the run is not complete: " SILENT);
        pthread_detach(run->sender);
    }
}
