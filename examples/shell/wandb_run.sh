# Logs the metrics of a shell script to Weights & Biases, where they become curves.
# SPDX-License-Identifier: MIT
#
# Needs a POSIX shell, curl, awk and wandb-login. Source it:
#
#     . ./wandb_run.sh
#     wandb_run_start
#     wandb_run_log loss 0.5 learning_rate 0.1
#     wandb_run_finish 0
#
# A background process sends the metrics, so logging never waits. W&B cannot end or delay
# a training: if it fails, one line on standard error says so. A server that does not
# answer costs at most 10 seconds, at the end.
#
# It reads WANDB_PROJECT, WANDB_ENTITY, WANDB_RUN_ID and WANDB_MODE, and the variables that
# name a proxy, CA certificates and extra headers, but no settings file. The credential is
# never an argument of a program: other users can see those.

_wandb_run_agent=wandb-run-example/1
_wandb_run_folder= # empty: there is no run
_wandb_run_limit=8 # seconds that wandb_run_finish waits

_wandb_run_say() {
    printf 'wandb_run: %s\n' "$*" | LC_ALL=C tr -d '\000-\011\013-\037\177' >&2
}

# wandb_run_start [CONFIG [INTERVAL]]: starts a run. CONFIG is a JSON object of objects,
# {"rate":{"value":0.1}}; INTERVAL is the number of seconds between two uploads (15).
wandb_run_start() {
    _wandb_run_folder=
    _wandb_run_config=${1:-"{}"}
    _wandb_run_interval=${2:-15}
    _wandb_run_project=${WANDB_PROJECT:-uncategorized}
    case ${WANDB_MODE:-online} in
    offline | dryrun | disabled)
        _wandb_run_say "W&B is offline: nothing is sent"
        return 0
        ;;
    esac
    _wandb_run_check project "$_wandb_run_project" '/\#?%:' || return 0
    _wandb_run_check "run id" "${WANDB_RUN_ID:-x}" ":;,#?/'" || return 0
    _wandb_run_folder=$(umask 077 && mktemp -d) || {
        _wandb_run_say "no temporary directory can be made; the training goes on without W&B"
        return 0
    }
    : >"$_wandb_run_folder/lines"
    _wandb_run_began=$(date +%s)
    _wandb_run_send &
    _wandb_run_sender=$!
}

# wandb_run_log NAME VALUE [NAME VALUE]...: logs the metrics of the next step.
wandb_run_log() {
    [ -n "$_wandb_run_folder" ] || return 0
    set -- "$(date +%s)" "$@"
    _wandb_run_line="\"_runtime\":$(($1 - _wandb_run_began)),\"_timestamp\":$1"
    shift
    while [ $# -ge 2 ]; do
        # The form of a number in JSON, with a decimal point in every locale.
        _wandb_run_number=$(LC_ALL=C && export LC_ALL && printf '%.15g' "${2:-none}" 2>/dev/null) ||
            _wandb_run_number=
        case $_wandb_run_number in
        *[Nn][Aa][Nn]*) _wandb_run_number=NaN ;;
        -[Ii]*) _wandb_run_number=-Infinity ;;
        [Ii]*) _wandb_run_number=Infinity ;;
        esac
        case $_wandb_run_number in
        '') _wandb_run_odd "$1 is not a number and is left out: $2" ;;
        *[Nn]*) _wandb_run_odd "$1 is not a finite number; W&B gets it as it is" ;;
        esac
        [ -z "$_wandb_run_number" ] ||
            _wandb_run_line="$_wandb_run_line,\"$(_wandb_run_escape "$1")\":$_wandb_run_number"
        shift 2
    done
    printf '%s}\n' "$_wandb_run_line" >>"$_wandb_run_folder/lines"
}

# Returns whether the user has pressed Stop on the page of the run.
wandb_run_stopped() {
    [ -n "$_wandb_run_folder" ] && [ -e "$_wandb_run_folder/stopped" ]
}

# wandb_run_finish CODE: sends what is left and the exit code of the training.
wandb_run_finish() {
    [ -n "$_wandb_run_folder" ] || return 0
    printf '%s\n' "$1" >"$_wandb_run_folder/new" && mv "$_wandb_run_folder/new" "$_wandb_run_folder/end"
    _wandb_run_until=$(($(date +%s) + _wandb_run_limit))
    while kill -0 "$_wandb_run_sender" 2>/dev/null && [ "$(date +%s)" -lt "$_wandb_run_until" ]; do
        sleep 1
    done
    if kill "$_wandb_run_sender" 2>/dev/null; then
        _wandb_run_say "the run is not complete:" \
            "$(cat "$_wandb_run_folder/trouble" 2>/dev/null || echo "the server does not answer")"
        sleep 1
        kill -9 "$_wandb_run_sender" 2>/dev/null || : # it may wait for wandb-login
    fi
    wait "$_wandb_run_sender" 2>/dev/null || :
    rm -rf "$_wandb_run_folder"
    _wandb_run_folder=
}

# --- What the functions above use ------------------------------------------------------

# Prints a line the first time only.
_wandb_run_odd() {
    [ -e "$_wandb_run_folder/odd" ] || _wandb_run_say "$1"
    : >"$_wandb_run_folder/odd"
}

# Prints text as it stands in a JSON string, without the quotes.
_wandb_run_escape() {
    printf '%s' "$1" | LC_ALL=C tr -d '\000-\037' | sed 's/[\\"]/\\&/g'
}

# _wandb_run_check WHAT NAME CHARACTERS: returns whether W&B allows a name; says why not.
_wandb_run_check() {
    _wandb_run_bad=$(printf '%s' "$2" | awk -v "set=$(printf '%s' "$3" | sed 's/\\/\\\\/g')" '
        { for (i = 1; i <= length($0); i++) if (index(set, substr($0, i, 1))) { print substr($0, i, 1); exit } }')
    _wandb_run_length=$(printf '%s' "$2" | LC_ALL=C tr -d '\200-\277' | wc -c)
    case "$2" in
    ' '* | *' ')
        _wandb_run_say "the $1 \"$2\" begins or ends with a space; the training goes on without W&B"
        return 1
        ;;
    esac
    if [ -n "$_wandb_run_bad" ]; then
        _wandb_run_say "the $1 \"$2\" contains \"$_wandb_run_bad\", which W&B does not allow ($3);" \
            "the training goes on without W&B"
    elif [ "$_wandb_run_length" -gt 128 ]; then
        _wandb_run_say "the $1 has $((_wandb_run_length)) characters, and W&B allows 128;" \
            "the training goes on without W&B"
    else
        return 0
    fi
    return 1
}

# Prints each string, number and word of a JSON text as PATH=VALUE, one a line.
_wandb_run_json() {
    awk '
    function hex(digits,    i, value) {
        for (i = 1; i <= 4; i++)
            value = value * 16 + index("0123456789abcdef", tolower(substr(digits, i, 1))) - 1
        return value
    }
    function utf8(code) {
        if (code < 128) return sprintf("%c", code)
        if (code < 2048) return byte(192 + int(code / 64)) byte(128 + code % 64)
        if (code < 65536) return byte(224 + int(code / 4096)) byte(128 + int(code / 64) % 64) byte(128 + code % 64)
        return byte(240 + int(code / 262144)) byte(128 + int(code / 4096) % 64) byte(128 + int(code / 64) % 64) byte(128 + code % 64)
    }
    function byte(code) { return sprintf("%c", code) }
    # The string that begins at a quote; `at` moves behind it.
    function string(    value, c, code, low) {
        for (at++; at <= length(text); at++) {
            c = substr(text, at, 1)
            if (c == "\"") break
            if (c != "\\") { value = value c; continue }
            c = substr(text, ++at, 1)
            if (c == "u") {
                code = hex(substr(text, at + 1, 4)); at += 4
                if (code >= 55296 && code < 56320 && substr(text, at + 1, 2) == "\\u") {
                    low = hex(substr(text, at + 3, 4)); at += 6
                    code = 65536 + (code - 55296) * 1024 + low - 56320
                }
                value = value utf8(code)
            } else if (index("bfnrt", c)) value = value " "
            else value = value c
        }
        at++
        return value
    }
    { text = text $0 " " }
    END {
        for (at = 1; at <= length(text);) {
            c = substr(text, at, 1)
            if (c == "{" || c == "[") { depth++; name[depth] = "0"; at++ }
            else if (c == "}" || c == "]") { depth--; at++ }
            else if (index(" \t\r,:", c)) at++
            else {
                if (c == "\"") value = string()
                else { match(substr(text, at), /^[^ \t\r,:{}"\]]+/); value = substr(text, at, RLENGTH); at += RLENGTH }
                rest = substr(text, at)
                if (c == "\"" && rest ~ /^[ \t\r]*:/) { name[depth] = value; continue }
                path = ""
                for (i = 1; i <= depth; i++) path = path (i > 1 ? "." : "") name[i]
                print path "=" value
            }
        }
    }' | LC_ALL=C tr -d '\000-\011\013-\037\177'
}

# Prints a value of an answer: _wandb_run_value PATH.
_wandb_run_value() {
    _wandb_run_json <"$_wandb_run_folder/answer" | sed -n "s/^$1=//p" | sed -n 1p
}

# Prints the message of an answer that reports an error.
_wandb_run_message() {
    _wandb_run_json <"$_wandb_run_folder/answer" | sed -n -e 's/^errors\.0\.message=//p' -e 's/^error=//p' | sed -n 1p
}

# Prints a name as a part of a path.
_wandb_run_part() {
    printf '%s' "$1" | od -An -v -tx1 | tr ' ' '\n' | while read -r byte; do
        case $byte in
        '') ;;
        2d | 2e | 3[0-9] | 4[1-9a-f] | 5[0-9af] | 6[1-9a-f] | 7[0-9ae])
            printf "\\$(printf %o "0x$byte")"
            ;;
        *) printf '%%%s' "$byte" | tr a-f A-F ;;
        esac
    done
}

# --- The background process ------------------------------------------------------------

# Returns whether the training has ended.
_wandb_run_ended() { [ -e "$_wandb_run_folder/end" ]; }

# Waits; the end of the training cuts it short, except where the server asks for the wait.
_wandb_run_pause() {
    _wandb_run_ended && _wandb_run_was_ended=1
    _wandb_run_then=$(($(date +%s) + $1 + 1)) # the clock has whole seconds only
    while [ "$(date +%s)" -lt "$_wandb_run_then" ]; do
        sleep 1
        if [ -z "$2" ] && [ -z "$_wandb_run_was_ended" ] && _wandb_run_ended; then
            _wandb_run_wait=1
            return
        fi
    done
}

# Notes a problem, and prints it unless it is the one before.
_wandb_run_trouble() {
    [ "$1" = "$(cat "$_wandb_run_folder/trouble" 2>/dev/null)" ] || _wandb_run_say "$1; the request is sent again"
    printf '%s\n' "$1" >"$_wandb_run_folder/trouble"
}

# Sends the file `body` once. Sets _wandb_run_status to the HTTP status, or to 000.
_wandb_run_once() {
    printf '%s\n' "$_wandb_run_header" "$_wandb_run_extra" | curl -q --silent --show-error --path-as-is --max-time 180 \
        --header @- --header 'Content-Type: application/json' --header 'Accept:' \
        --header 'Expect:' --user-agent "$_wandb_run_agent" \
        --data-binary "@$_wandb_run_folder/body" --output "$_wandb_run_folder/answer" \
        --dump-header "$_wandb_run_folder/headers" --write-out '%{http_code}' \
        "$_wandb_run_base$1" >"$_wandb_run_folder/status" 2>"$_wandb_run_folder/problem" &
    _wandb_run_curl=$!
    wait "$_wandb_run_curl"
    _wandb_run_curl=
    _wandb_run_status=$(cat "$_wandb_run_folder/status")
}

# Gets the credential that is good now. Returns 1 after a failure that may pass, and 3 if
# the server refused it.
_wandb_run_log_in() {
    # The first command caches an access token for all processes; the second one reads it.
    wandb-login --no-prompt 2>"$_wandb_run_folder/problem" &&
        _wandb_run_header=$(wandb-login header 2>"$_wandb_run_folder/problem")
    case $? in
    0) return 0 ;;
    3) return 3 ;;
    *) return 1 ;;
    esac
}

# The reason why wandb-login or curl failed.
_wandb_run_reason() {
    sed -n -e 's/^wandb: ERROR //' -e 's/^curl: ([0-9]*) //' -e '$p' "$_wandb_run_folder/problem"
}

# _wandb_run_deliver PATH: sends `body` until the server accepts it; the answer is in
# `answer`. Returns whether it did.
_wandb_run_deliver() {
    _wandb_run_wait=2
    _wandb_run_old=
    while :; do
        _wandb_run_after=
        _wandb_run_log_in
        case $? in
        0) _wandb_run_once "$1" ;;
        1) _wandb_run_status=login ;;
        3) _wandb_run_status=refused ;;
        esac
        _wandb_run_why="the server answered HTTP $_wandb_run_status"
        case $_wandb_run_status in
        2??)
            rm -f "$_wandb_run_folder/trouble"
            return 0
            ;;
        401) # once more with another credential, if there is one
            wandb-login token --min-ttl 31536000 >/dev/null 2>&1
            [ "$_wandb_run_header" != "$_wandb_run_old" ] && _wandb_run_old=$_wandb_run_header &&
                _wandb_run_log_in && [ "$_wandb_run_header" != "$_wandb_run_old" ] && continue
            ;;
        000 | login) _wandb_run_why=$(_wandb_run_reason) ;;
        *)
            set -- "$1" "$(_wandb_run_message)"
            _wandb_run_why=$_wandb_run_why${2:+": $2"}
            ;;
        esac
        case $_wandb_run_status:$1 in
        000:* | login:* | 429:* | 409:/graphql | 50[02-9]:* | 5[1-9]?:*) ;;
        *)
            [ "$_wandb_run_status" = refused ] && _wandb_run_why=$(_wandb_run_reason)
            _wandb_run_say "$_wandb_run_why; nothing more is sent, and the training goes on"
            return 1
            ;;
        esac
        case $_wandb_run_status in
        [1-9]??) _wandb_run_after=$(tr -d '\r' <"$_wandb_run_folder/headers" |
            awk 'tolower($1) == "retry-after:" && $2 ~ /^[0-9]+$/ { print $2 + 0; exit }') ;;
        esac
        _wandb_run_trouble "$_wandb_run_why"
        _wandb_run_pause "${_wandb_run_after:-$_wandb_run_wait}" "$_wandb_run_after"
        _wandb_run_wait=$((_wandb_run_wait < 30 ? 2 * _wandb_run_wait : 60))
    done
}

# Makes the run on the server.
_wandb_run_make() {
    _wandb_run_id=${WANDB_RUN_ID:-$(LC_ALL=C tr -dc a-z0-9 </dev/urandom | dd bs=1 count=8 2>/dev/null)}
    _wandb_run_entity=null
    [ -n "${WANDB_ENTITY-}" ] && _wandb_run_entity="\"$(_wandb_run_escape "$WANDB_ENTITY")\""
    printf '{"operationName":"UpsertBucket","query":"%s","variables":{"name":"%s","project":"%s","entity":%s,"config":"%s"}}' \
        'mutation UpsertBucket($name:String,$project:String,$entity:String,$config:JSONString){upsertBucket(input:{name:$name,modelName:$project,entityName:$entity,config:$config}){bucket{name project{name entity{name}} historyLineCount} inserted}}' \
        "$(_wandb_run_escape "$_wandb_run_id")" "$(_wandb_run_escape "$_wandb_run_project")" \
        "$_wandb_run_entity" "$(_wandb_run_escape "$_wandb_run_config")" >"$_wandb_run_folder/body"
    _wandb_run_deliver /graphql || return 1
    set -- "$(_wandb_run_value 'data\.upsertBucket\.bucket\.project\.entity\.name')" \
        "$(_wandb_run_value 'data\.upsertBucket\.bucket\.project\.name')" \
        "$(_wandb_run_value 'data\.upsertBucket\.bucket\.name')"
    if [ -z "$1" ] || [ -z "$2" ] || [ -z "$3" ]; then
        set -- "$(_wandb_run_message)"
        [ -n "$1" ] || set -- "its answer is not that of a W&B server"
        _wandb_run_say "the server made no run in the project \"$_wandb_run_project\": $1"
        return 1
    fi
    set -- "$(_wandb_run_part "$1")" "$(_wandb_run_part "$2")" "$(_wandb_run_part "$3")"
    _wandb_run_offset=0
    [ "$(_wandb_run_value 'data\.upsertBucket\.inserted')" = false ] &&
        _wandb_run_offset=$(_wandb_run_value 'data\.upsertBucket\.bucket\.historyLineCount')
    _wandb_run_first=$_wandb_run_offset # the step of the first line
    _wandb_run_path=/files/$1/$2/$3/file_stream
    _wandb_run_say "view the run at $_wandb_run_page/$1/$2/runs/$3"
}

# Writes the next request: history lines COUNT from the offset on, and the end.
_wandb_run_write() {
    _wandb_run_skip=$((_wandb_run_offset - _wandb_run_first))
    awk -v "skip=$_wandb_run_skip" -v "count=$1" -v "offset=$_wandb_run_offset" -v "end=$2" '
        BEGIN { printf "{" }
        NR > skip && NR <= skip + count {
            gsub(/\\/, "\\\\\\\\"); gsub(/"/, "\\\"")
            if (NR == skip + 1) printf "\"files\":{\"wandb-history.jsonl\":{\"offset\":%d,\"content\":[", offset
            printf "%s\"{\\\"_step\\\":%d,%s\"", (NR > skip + 1 ? "," : ""), offset + NR - skip - 1, $0
        }
        END {
            if (count > 0) printf "]}}"
            if (end != "") printf "%s\"complete\":true,\"exitcode\":%d", (count > 0 ? "," : ""), end
            printf "}"
        }' "$_wandb_run_folder/lines" >"$_wandb_run_folder/body"
}

# Gives curl the proxy, the CA certificates and the extra headers of the login.
_wandb_run_route() {
    http_proxy=${WANDB_HTTP_PROXY:-${HTTP_PROXY:-${http_proxy-}}}
    https_proxy=${WANDB_HTTPS_PROXY:-${HTTPS_PROXY:-${https_proxy-}}}
    export http_proxy https_proxy
    if [ -z "${SSL_CERT_FILE-}${SSL_CERT_DIR-}" ] && [ -n "${REQUESTS_CA_BUNDLE-}" ]; then
        export CURL_CA_BUNDLE="$REQUESTS_CA_BUNDLE"
    fi
    _wandb_run_extra=$(printf '%s' "${WANDB_X_EXTRA_HTTP_HEADERS-}" | _wandb_run_json | sed 's/=/: /')
}

# The background process: makes the run, then sends its lines until the training ends.
_wandb_run_send() {
    set +eu # of the script
    _wandb_run_curl=
    trap '[ -z "$_wandb_run_curl" ] || kill "$_wandb_run_curl" 2>/dev/null; exit 1' TERM
    trap '' INT
    if ! _wandb_run_log_in; then
        _wandb_run_say "$(_wandb_run_reason); the training goes on without W&B"
        return
    fi
    _wandb_run_base=$(wandb-login env --format plain 2>/dev/null | sed -n 's/^WANDB_BASE_URL=//p')
    _wandb_run_route
    _wandb_run_page=${WANDB_APP_URL:-$(printf '%s' "$_wandb_run_base" | sed 's|^\(https*://\)api\.|\1|')}
    _wandb_run_make || return
    _wandb_run_next=0
    _wandb_run_last=$(date +%s)
    while :; do
        _wandb_run_end=
        _wandb_run_ended && _wandb_run_end=$(cat "$_wandb_run_folder/end")
        _wandb_run_now=$(date +%s)
        _wandb_run_count=$(($(wc -l <"$_wandb_run_folder/lines") - (_wandb_run_offset - _wandb_run_first)))
        [ -n "$_wandb_run_end" ] || [ "$_wandb_run_now" -ge "$_wandb_run_next" ] || _wandb_run_count=0
        if [ -z "$_wandb_run_end" ] && [ "$_wandb_run_count" -eq 0 ] &&
            [ $((_wandb_run_now - _wandb_run_last)) -lt 30 ]; then
            sleep 1
            continue
        fi
        _wandb_run_write "$_wandb_run_count" "$_wandb_run_end"
        _wandb_run_deliver "$_wandb_run_path" || return
        _wandb_run_offset=$((_wandb_run_offset + _wandb_run_count))
        [ -z "$_wandb_run_end" ] || return
        _wandb_run_last=$(date +%s)
        [ "$_wandb_run_count" -eq 0 ] || _wandb_run_next=$((_wandb_run_last + _wandb_run_interval))
        if [ "$(_wandb_run_value stopped)" = true ] && ! [ -e "$_wandb_run_folder/stopped" ]; then
            : >"$_wandb_run_folder/stopped"
            _wandb_run_say "the user has stopped the run on its page"
        fi
    done
}
