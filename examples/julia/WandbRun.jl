"""
Logs the metrics of a training to Weights & Biases, where they become curves. Copy this file
into your program; it needs the package WandbLogin and the program `curl`.

    include("WandbRun.jl")
    wandb = WandbRun.start()
    for step in 1:steps
        loss = train_one_step()
        WandbRun.log!(wandb, "loss" => loss)
    end
    WandbRun.finish!(wandb, 0)

A task of its own sends the metrics, so logging never waits for the server. The task runs when
the training calls `log!` or waits for something; Julia compiles it in the first `log!`. W&B cannot end or delay a training: if the login fails or the
server is gone, the functions say so in one line on standard error and the training goes on.
A server that does not answer costs at most 10 seconds in all, at the end.

What is sent is a part of what wandb-core, the uploader of the Python SDK, sends:

    POST /graphql             UpsertBucket, which makes the project and the run
    POST .../file_stream      history lines, at the offset where they belong
    POST .../file_stream {}   every 30 s without other requests: still alive
    POST .../file_stream      with "complete" and the exit code, as the last one

SPDX-License-Identifier: MIT
"""
module WandbRun

using Random, WandbLogin

const UPLOAD_INTERVAL = 15.0 # seconds; W&B asks for no less
const HEARTBEAT = 30.0 # seconds without a request after which {} is sent
const REQUEST_LIMIT = 180 # seconds for one request
const FIRST_WAIT = 2.0 # seconds before the first retry; then twice as long
const LONGEST_WAIT = 60.0
const DELAY_LIMIT = 9.0 # seconds for which the training waits, in all; the end takes a little more
const LOGIN_LIMIT = 5.0 # seconds for the exchange of an identity token
const BATCH = 4_000_000 # bytes of history in one request; W&B takes 10 MB
const LONGEST_QUEUE = 64_000_000 # bytes

"Seconds on a clock that never jumps."
now() = time_ns() / 1e9

"A run that is being logged. `nothing` in its place is a run that is not logged."
mutable struct Run
    id::String
    project::String
    entity::Union{String,Nothing}
    config::String
    interval::Float64
    started::Float64
    "Seconds for which `finish!` may wait."
    delay::Float64
    session::Session
    authorization::Authorization
    "A private folder for the bodies of requests and the CA certificates."
    folder::String
    "Guards what follows; notified when something changes."
    changed::Threads.Condition
    "History lines without their beginning."
    queue::Vector{String}
    queued_bytes::Int
    logged::Int
    exit_code::Union{Int,Nothing}
    "When `finish!` waits no longer."
    deadline::Float64
    stopped::Bool
    closed::Bool
    said::Set{Symbol}
    curl::Union{Base.Process,Nothing}
    "Path of the file stream; empty before the run is made."
    stream::String
    "History lines that the server has accepted."
    offset::Int
    "The last problem that was printed."
    trouble::String
    sender::Task
    Run() = new()
end

"Prints one line on standard error. Text of a server cannot control the terminal."
say(line) = print(stderr, "wandb_run: $(replace(line, r"[[:cntrl:]]" => ' '))\n")

"Prints a line of one kind once."
function say_once(run, kind, line)
    kind in run.said && return
    push!(run.said, kind)
    say(line)
end

# --- JSON ---------------------------------------------------------------------------------

json(text::AbstractString) = string('"', replace(text, r"[\"\\\x00-\x1f]" => escaped), '"')
escaped(text) = text in ("\"", "\\") ? "\\$text" : "\\u" * string(Int(text[1]); base = 16, pad = 4)
json(value::Union{Bool,Integer}) = string(value)
json(::Nothing) = "null"
json(values::AbstractVector) = string('[', join(json.(values), ','), ']')
json(members::Tuple{Vararg{Pair}}) =
    string('{', join((string(json(name), ':', json(value)) for (name, value) in members), ','), '}')

"A number with all its digits. W&B writes NaN and infinities as bare words."
function json(value::AbstractFloat)
    isnan(value) && return "NaN"
    isinf(value) && return value > 0 ? "Infinity" : "-Infinity"
    return string(Float64(value))
end

const TOKEN = r"\"(?:[^\"\\]++|\\.)*+\"|[{}\[\]:,]|[^\s{}\[\]:,\"]++"s

"The value of a JSON text, with objects as `Dict`; `nothing` if it is none."
function read_json(text)
    tokens = Iterators.Stateful(token.match for token in eachmatch(TOKEN, text))
    try
        return read_value(tokens)
    catch
        return nothing
    end
end

function read_value(tokens)
    token = popfirst!(tokens)
    if token == "{"
        members = read_members(() -> read_value(tokens) => (popfirst!(tokens); read_value(tokens)), tokens, "}")
        return Dict{String,Any}(members)
    end
    token == "[" && return read_members(() -> read_value(tokens), tokens, "]")
    startswith(token, '"') && return replace(token[2:prevind(token, end)], ESCAPE => unescaped)
    token in ("true", "false") && return token == "true"
    return tryparse(Float64, token)
end

function read_members(read, tokens, last)
    members = []
    while peek(tokens) != last
        push!(members, read())
        peek(tokens) == "," && popfirst!(tokens)
    end
    popfirst!(tokens)
    return members
end

const ESCAPE = r"\\u[dD][89abAB]..\\u[dD][c-fC-F]..|\\u[0-9a-fA-F]{4}|\\."s

function unescaped(text)
    unit(at) = parse(UInt32, text[at:at+3]; base = 16)
    length(text) == 12 && return string(Char(0x10000 + ((unit(3) & 0x3ff) << 10) + (unit(9) & 0x3ff)))
    length(text) == 6 && return string(Char(unit(3)))
    return get(Dict("\\n" => "\n", "\\t" => "\t", "\\r" => "\r", "\\b" => "\b", "\\f" => "\f"), text, text[2:end])
end

"A member of a member of a JSON value; `nothing` if there is none."
member(value, names...) = foldl((object, name) -> object isa Dict ? get(object, name, nothing) : nothing, names; init = value)

# --- The functions for a training ---------------------------------------------------------

"The first that is not empty: a value, a variable, or the default."
function choose(given, variable, otherwise)
    values = (something(given, ""), get(ENV, variable, ""))
    found = findfirst(!isempty, values)
    return found === nothing ? otherwise : String(values[found])
end

"Throws for a name that W&B does not allow."
function checked(what, name, forbidden)
    bad = findfirst(in(forbidden), name)
    bad === nothing || throw(ArgumentError(
        "the $what \"$name\" contains \"$(name[bad])\", which W&B does not allow ($forbidden)"))
    length(name) <= 128 || throw(ArgumentError(
        "the $what has $(length(name)) characters, and W&B allows 128"))
    return name
end

"""
    start(; project, entity, id, config = Dict(), interval = 15) -> Union{Run, Nothing}

Log in and start a run. Waits for no server, except that the exchange of an identity token
takes up to 5 seconds. Prints the address of the run on standard error as soon as the server
has made it. Returns `nothing` if W&B is offline or the login fails. In a distributed job,
call it on rank 0 only.

| keyword | default |
|:--|:--|
| `project` | `WANDB_PROJECT`, else "uncategorized"; at most 128 characters, none of `/\\#?%:` |
| `entity` | the user or team: `WANDB_ENTITY`, else the default of the key |
| `id` | `WANDB_RUN_ID`, else random; a run that exists is continued behind its last line |
| `config` | numbers and strings that are shown beside the curves |
| `interval` | seconds between two uploads; W&B asks for 15 or more |
"""
function start(; project = nothing, entity = nothing, id = nothing, config = Dict(), interval = UPLOAD_INTERVAL)
    run = Run()
    run.started, run.interval = now(), interval > 0 ? interval : UPLOAD_INTERVAL
    try
        run.project = checked("project", choose(project, "WANDB_PROJECT", "uncategorized"), "/\\#?%:")
        random = randstring(RandomDevice(), ['a':'z'; '0':'9'], 8)
        run.id = checked("run id", choose(id, "WANDB_RUN_ID", random), ":;,#?/'")
        run.entity = choose(entity, "WANDB_ENTITY", nothing)
        run.config = json(Tuple(string(name) => ("value" => value,) for (name, value) in config))
        session = login(http_timeout = LOGIN_LIMIT)
        if session === nothing
            say("W&B is offline: nothing is sent")
            return nothing
        end
        run.session = session
        run.authorization =
            Authorization(session; http_timeout = LOGIN_LIMIT, cancel = () -> is_late(run))
        run.folder = mktempdir()
    catch problem
        problem isa InterruptException && rethrow()
        say("$(sentence(problem)); the training goes on without W&B")
        return nothing
    end
    waited = run.session.source === :identity_token ? now() - run.started : 0.0
    run.delay, run.deadline = DELAY_LIMIT - waited, Inf
    run.changed = Threads.Condition()
    run.queue, run.queued_bytes, run.logged, run.exit_code = String[], 0, 0, nothing
    run.stopped, run.closed, run.said = false, false, Set{Symbol}()
    run.curl, run.stream, run.offset, run.trouble = nothing, "", 0, ""
    run.sender = @async send(run)
    return run
end

sentence(problem) = problem isa ArgumentError ? problem.msg : sprint(showerror, problem)

"""
    log!(run, "loss" => loss, …)

Log the metrics of the next step; steps count from 0. Names may hold a slash, as "train/loss",
and must not begin with an underscore. NaN and infinities are logged as such, with one line on
standard error.
"""
function log!(run::Run, metrics::Pair{<:AbstractString,<:Real}...)
    line = "," * json((
        "_runtime" => now() - run.started,
        "_timestamp" => round(time(); digits = 6),
        (name => float(value) for (name, value) in metrics)...,
    ))[2:end]
    infinite = findfirst(metric -> !isfinite(metric.second), metrics)
    lock(run.changed) do
        step = run.logged
        run.logged += 1
        infinite === nothing || say_once(run, :not_finite,
            "$(metrics[infinite].first) is not a finite number in step $step; W&B gets it as it is")
        if run.closed
            # Nothing more is sent.
        elseif run.queued_bytes + sizeof(line) > LONGEST_QUEUE
            say_once(run, :full, "too much waits for the server: metrics from step $step on are lost")
        else
            push!(run.queue, line)
            run.queued_bytes += sizeof(line)
            notify(run.changed)
        end
    end
    yield() # The sender's turn.
    return nothing
end

log!(::Nothing, metrics...) = nothing

"Whether the user has pressed Stop on the page of the run."
stopped(run::Run) = run.stopped
stopped(::Nothing) = false

"""
    finish!(run, exit_code)

Send what is left and the exit code of the training (0: it succeeded). Takes at most 10
seconds, less the time that the login took.
"""
function finish!(run::Run, exit_code::Integer)
    timer = Timer(_ -> run.curl === nothing || kill(run.curl), max(run.delay, 0.001))
    lock(run.changed) do
        run.exit_code, run.deadline = exit_code, now() + run.delay
        notify(run.changed)
    end
    wait(run.sender)
    close(timer)
    close(run.authorization)
    close(run.session)
    rm(run.folder; recursive = true, force = true)
    return nothing
end

finish!(::Nothing, exit_code) = nothing

is_finishing(run) = run.exit_code !== nothing
is_late(run) = now() >= run.deadline

# --- The task of the sender ---------------------------------------------------------------

"Sends lines until the training ends, or a request is given up."
function send(run)
    try
        make_run(run) && send_history(run)
    catch problem
        say("$(sentence(problem)); nothing more is sent, and the training goes on")
    finally
        lock(run.changed) do
            run.closed = true
            empty!(run.queue)
        end
    end
end

function send_history(run)
    upload_at, heartbeat_at = now(), now() + HEARTBEAT
    while true
        lines, complete = wait_for_upload(run, upload_at, heartbeat_at)
        answer = deliver(run, run.stream, upload(run, lines, complete))
        (answer === nothing || complete) && return
        run.offset += length(lines)
        if member(read_json(answer), "stopped") === true
            run.stopped = true
            say_once(run, :stopped, "the user has stopped the run on its page")
        end
        heartbeat_at = now() + HEARTBEAT
        isempty(lines) || (upload_at = now() + run.interval)
    end
end

"Waits for a change or a moment. The caller holds the lock."
function wait_until(run, moment)
    timer = Timer(_ -> lock(() -> notify(run.changed), run.changed), max(moment - now(), 0.001))
    wait(run.changed)
    close(timer)
end

"The lines to send, none for a heartbeat, and whether they are the last ones."
function wait_for_upload(run, upload_at, heartbeat_at)
    lock(run.changed) do
        while true
            due = isempty(run.queue) ? heartbeat_at : min(upload_at, heartbeat_at)
            (is_finishing(run) || now() >= due) && break
            wait_until(run, due)
        end
        count, bytes = 0, 0
        may_upload = is_finishing(run) || now() >= upload_at
        while may_upload && count < length(run.queue) && bytes < BATCH
            bytes += sizeof(run.queue[count += 1])
        end
        run.queued_bytes -= bytes
        lines = splice!(run.queue, 1:count)
        return lines, is_finishing(run) && isempty(run.queue)
    end
end

"The body of a request with history lines, of the end, or of a heartbeat."
function upload(run, lines, complete)
    parts = String[]
    if !isempty(lines)
        history = ["{\"_step\":$(run.offset + i - 1)$line" for (i, line) in enumerate(lines)]
        push!(parts, "\"files\":" * json((
            "wandb-history.jsonl" => ("offset" => run.offset, "content" => history),
            "wandb-summary.json" => ("offset" => 0, "content" => history[end:end]), # the latest values
        )))
    end
    complete && push!(parts, "\"complete\":true,\"exitcode\":$(run.exit_code)")
    return "{$(join(parts, ','))}"
end

const UPSERT_BUCKET =
    "mutation UpsertBucket(\$name:String,\$project:String,\$entity:String,\$config:JSONString){" *
    "upsertBucket(input:{name:\$name,modelName:\$project,entityName:\$entity,config:\$config}){" *
    "bucket{name project{name entity{name}} historyLineCount} inserted}}"

"A part of a path."
path_part(text) = join(
    isascii(Char(byte)) && (isletter(Char(byte)) || isdigit(Char(byte)) || byte in b"-._~") ? Char(byte) :
    "%" * uppercase(string(byte; base = 16, pad = 2)) for byte in codeunits(text))

"Makes the run on the server, and returns whether it was made."
function make_run(run)
    variables = ("name" => run.id, "project" => run.project, "entity" => run.entity, "config" => run.config)
    answer = deliver(run, "/graphql",
        json(("operationName" => "UpsertBucket", "query" => UPSERT_BUCKET, "variables" => variables)))
    answer === nothing && return false
    answer = read_json(answer)
    upsert = member(answer, "data", "upsertBucket")
    bucket = member(upsert, "bucket")
    entity = member(bucket, "project", "entity", "name")
    project, name = member(bucket, "project", "name"), member(bucket, "name")
    if !all(isa.((entity, project, name), String))
        say("the server made no run in the project \"$(run.project)\": " *
            something(message(answer), "its answer is not that of a W&B server"))
        return false
    end
    if member(upsert, "inserted") === false
        run.offset = Int(something(member(bucket, "historyLineCount"), 0.0))
    end
    parts = path_part.((entity, project, name))
    run.stream = "/files/$(join(parts, '/'))/file_stream"
    say("view the run at $(run.session.app_url)/$(parts[1])/$(parts[2])/runs/$(parts[3])")
    return true
end

"Sends a request until the server accepts it. Returns the answer, or `nothing`."
function deliver(run, path, body)
    seconds, refusals = FIRST_WAIT, 0
    while true
        meaning, answer, retry_after, problem = post(run, path, body)
        if meaning === :accepted
            isempty(run.trouble) || say("the server accepts requests again")
            run.trouble = ""
            return answer
        elseif meaning === :refused
            say("$problem; nothing more is sent, and the training goes on")
            return nothing
        elseif is_late(run)
            return say_incomplete(run)
        elseif meaning === :unauthorized && (refusals += 1) == 1
            continue # with another credential
        end
        problem == run.trouble || say("$problem; the request is sent again")
        run.trouble = problem
        shortened = pause(run, retry_after > 0 ? retry_after : seconds, retry_after <= 0)
        is_late(run) && return say_incomplete(run)
        seconds = shortened ? FIRST_WAIT : min(2 * seconds, LONGEST_WAIT)
    end
end

"Says that `finish!` waits no longer, and what is missing."
function say_incomplete(run)
    problem = isempty(run.trouble) ? "the server does not answer" : run.trouble
    say("the run is not complete: $problem")
    return nothing
end

"""
Waits before a retry. `finish!` cuts a wait short, once, that the server did not ask for;
returns whether it did.
"""
function pause(run, seconds, may_shorten)
    moment = now() + seconds
    lock(run.changed) do
        was_finishing = is_finishing(run)
        while now() < moment && !is_late(run)
            may_shorten && is_finishing(run) && !was_finishing && return true
            wait_until(run, min(moment, run.deadline))
        end
        return false
    end
end

# --- One request --------------------------------------------------------------------------

"Sends a request once. Returns what the answer means, its text, Retry-After, and a problem."
function post(run, path, body)
    value = try
        run.authorization()
    catch problem
        problem isa LoginError || rethrow()
        return problem.status === :rejected ? :refused : :retry, "", 0, problem.text
    end
    code, output, problem = curl(run, path, body, value)
    if code != 0
        # An untrusted certificate, an unreadable CA file, an address that curl cannot use.
        return code in (1, 3, 60, 77) ? :refused : :retry, "", 0, problem
    end
    head, answer = split_answer(output)
    status = parse(Int, match(r"^HTTP/\S+ (\d+)", head)[1])
    asked = match(r"^retry-after: *(\d{1,9})\r?$"im, head)
    problem = "the server answered HTTP $status"
    detail = message(read_json(answer))
    detail === nothing || (problem *= ": $detail")
    status == 401 && refused!(run.authorization, value)
    retry_after = asked === nothing ? 0 : min(parse(Int, asked[1]), 3600)
    return judge(run, status), answer, retry_after, problem
end

"What the server says about an error, or `nothing`."
function message(answer)
    errors = member(answer, "errors")
    text = errors isa Vector && !isempty(errors) ? member(errors[1], "message") : member(answer, "error")
    return text isa String ? text : nothing
end

"What a status means. wandb-core gives up the same ones."
function judge(run, status)
    200 <= status < 300 && return :accepted
    status == 401 && return :unauthorized
    makes_run = isempty(run.stream)
    again = status == 429 || status >= 500 && status != 501 || status == 409 && makes_run
    return again ? :retry : :refused
end

"The head of the last answer and its body."
function split_answer(output)
    head, answer = split(output * "\r\n\r\n", "\r\n\r\n"; limit = 2)
    answer = chop(answer; tail = min(4, length(answer)))
    return occursin(r"^HTTP/\S+ 1\d\d", head) ? split_answer(answer) : (head, answer)
end

"A line of a configuration file of curl."
option(name, value) = "$name = \"$(replace(replace(value, '\\' => "\\\\"), '"' => "\\\""))\"\n"

"""
The configuration of a request. It has secrets, so curl reads it from its standard input.
Proxy and CA certificates are those of the login, not those of curl's own variables.
"""
function curl_config(run, path, body_file, value)
    session = run.session
    lines = ["silent\nshow-error\ninclude\nsuppress-connect-headers\ngloboff\n",
        option("url", session.base_url * path), # redirects are not followed
        option("max-time", string(REQUEST_LIMIT)), option("data-binary", "@$body_file"),
        option("user-agent", "wandb-run-example/1"), option("header", "Authorization: $value"),
        option("header", "Content-Type: application/json"),
        option("header", "Accept:"), option("header", "Expect:"), # curl adds these two by itself
        option("proxy", something(session.proxy, "")), option("noproxy", "")]
    for (name, text) in session.headers
        push!(lines, option("header", isempty(text) ? "$name;" : "$name: $text"))
    end
    session.tls_unchecked && push!(lines, "insecure\n")
    bundle = ca_bundle(run)
    bundle === nothing || push!(lines, option("cacert", bundle))
    return join(lines)
end

"One file with all CA certificates of the login; `nothing`: those of the system."
function ca_bundle(run)
    session = run.session
    session.ca_file === session.ca_dir === nothing && return nothing
    bundle = joinpath(run.folder, "ca.pem")
    isfile(bundle) && return bundle
    files = String[]
    session.ca_file === nothing || push!(files, session.ca_file)
    for folder in split(something(session.ca_dir, ""), Sys.iswindows() ? ';' : ':'; keepempty = false)
        isdir(folder) && append!(files, readdir(folder; join = true))
    end
    open(bundle, "w") do io
        foreach(file -> isfile(file) && println(io, read(file, String)), files)
    end
    return bundle
end

"Runs curl. Returns its exit code, its output, and the problem that it printed."
function curl(run, path, body, value)
    body_file, problem_file = joinpath(run.folder, "body"), joinpath(run.folder, "problem")
    write(body_file, body)
    config = curl_config(run, path, body_file, value)
    environment = filter(variable -> !(variable.first in ("CURL_CA_BUNDLE", "SSL_CERT_FILE", "SSL_CERT_DIR")), Dict(ENV))
    command = setenv(`curl --disable --config -`, environment)
    process = open(pipeline(command; stderr = problem_file), "r+")
    run.curl = process
    try
        is_late(run) && kill(process)
        write(process, config)
        close(process.in)
        output = read(process.out, String)
        wait(process)
        problem = replace(strip(read(problem_file, String)), r"^curl: \(\d+\) " => "")
        code = process.termsignal == 0 ? process.exitcode : -1
        return code, output, isempty(problem) ? "curl was ended" : problem
    catch problem
        problem isa Base.IOError || rethrow()
        return -1, "", "curl was ended" # it takes no input
    finally
        run.curl = nothing
    end
end

end
