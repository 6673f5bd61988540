# Julia functions that the C library calls.
#
# The user data in C is the number of an entry in the table `CALLS`, so that C holds no
# pointer to the Julia heap. A Julia exception must not pass through C: it is stored in
# the entry, the call is cancelled, and the exception is thrown when the library has
# returned.

"The argument of a prompt function."
struct PromptRequest
    "URL of the server that the key is for."
    server::String
    "Where that URL is configured, such as `WANDB_BASE_URL`."
    server_source::String
    "Web page where the user gets an API key."
    authorize_url::String
    "Web page where a new user creates an account."
    signup_url::String
    "Whether `:offline` is allowed."
    may_offline::Bool
    "Whether `:anonymous` is allowed."
    may_anonymous::Bool
    "Number of this attempt, counted from 1."
    attempt::Int
    "Seconds until the prompt times out; `nothing`: no limit."
    remaining::Union{Float64,Nothing}
    "Why the previous answer was not accepted, or `nothing`."
    problem::Union{String,Nothing}
end

function PromptRequest(c::CRequest)
    return PromptRequest(
        unsafe_string(c.server),
        unsafe_string(c.server_source),
        unsafe_string(c.authorize_url),
        unsafe_string(c.signup_url),
        c.may_offline != 0,
        c.may_anonymous != 0,
        c.attempt,
        c.remaining_ms == typemax(UInt32) ? nothing : c.remaining_ms / 1000,
        text(c.problem),
    )
end

"One call of the library: its callbacks, and the exception that one of them threw."
mutable struct Call
    prompt::Any
    log::Any
    backend::Any
    cancel::Any
    thrown::Union{Some,Nothing}
    "When other tasks of this thread last had time to run."
    paused_at::Float64
end

Call(; prompt = nothing, log = nothing, backend = nothing, cancel = nothing) =
    Call(prompt, log, backend, cancel, nothing, time())

"Throws the exception that a callback threw."
function rethrow_thrown(call::Call)
    thrown, call.thrown = call.thrown, nothing
    thrown === nothing || throw(something(thrown))
    return nothing
end

const CALLS = Dict{UInt,Call}()
const LAST_TOKEN = Ref(UInt(0))
const CALLS_LOCK = ReentrantLock()

"Enters the call in `CALLS` and returns its number."
function register(call::Call)
    return lock(CALLS_LOCK) do
        LAST_TOKEN[] += 1
        CALLS[LAST_TOKEN[]] = call
        Ptr{Cvoid}(LAST_TOKEN[])
    end
end

unregister(token::Ptr{Cvoid}) = lock(() -> delete!(CALLS, UInt(token)), CALLS_LOCK)

"Calls `body` with the number of the call in `CALLS`."
function with_token(body, call::Call)
    token = register(call)
    try
        return body(token)
    finally
        unregister(token)
    end
end

"""
Runs a callback of the call with that number and returns `failed` if it throws. Only
callbacks receive Ctrl-C, so that it never unwinds C frames.
"""
function guarded(body, data::Ptr{Cvoid}, failed)
    call = lock(() -> CALLS[UInt(data)], CALLS_LOCK)
    try
        return reenable_sigint(() -> body(call))
    catch problem
        call.thrown === nothing && (call.thrown = Some(problem))
        return failed
    end
end

"The bytes of a key."
secret_bytes(key::AbstractString) = Vector{UInt8}(codeunits(String(key)))
secret_bytes(key::Base.SecretBuffer) = key.data[1:key.size]

function on_prompt(data::Ptr{Cvoid}, request::Ptr{CRequest}, buffer::Ptr{UInt8}, size::Csize_t)
    return guarded(data, PROMPT_GIVE_UP) do call
        answer = call.prompt(PromptRequest(unsafe_load(request)))
        answer === nothing && return PROMPT_GIVE_UP
        answer isa Symbol && return getproperty(PROMPT_ANSWERS, answer)
        key = secret_bytes(answer)
        try
            length(key) < size || throw(ArgumentError("the key is longer than $(size - 1) bytes"))
            0x00 in key && throw(ArgumentError("the key contains a NUL"))
            GC.@preserve key unsafe_copyto!(buffer, pointer(key), length(key))
            unsafe_store!(buffer, 0x00, length(key) + 1)
        finally
            Base.securezero!(key)
            answer isa Base.SecretBuffer && Base.shred!(answer)
        end
        return PROMPT_KEY
    end
end

function on_log(data::Ptr{Cvoid}, level::Int32, line::Ptr{UInt8})
    return guarded(data, nothing) do call
        call.log(get(LOG_LEVELS, level, :info), unsafe_string(line))
        return nothing
    end
end

function on_backend(data::Ptr{Cvoid}, session::Ptr{Cvoid})
    return guarded(data, nothing) do call
        call.backend(retained(session))
        return nothing
    end
end

"""
Lets other tasks of this thread run. A call that takes long gives them 20 ms of every 70 ms,
in which the event loop also serves their timers and sockets.
"""
function let_other_tasks_run(call::Call)
    if time() - call.paused_at < 0.05
        yield()
    else
        sleep(0.02)
        call.paused_at = time()
    end
end

# Called at least every 100 ms while the library waits. Ctrl-C, or an exception of another
# callback, cancels the call here.
function on_cancel(data::Ptr{Cvoid})
    return guarded(data, Int32(1)) do call
        let_other_tasks_run(call)
        cancelled = call.thrown !== nothing || call.cancel !== nothing && call.cancel()::Bool
        return Int32(cancelled)
    end
end

const ON_PROMPT = Ref{Ptr{Cvoid}}(C_NULL)
const ON_LOG = Ref{Ptr{Cvoid}}(C_NULL)
const ON_BACKEND = Ref{Ptr{Cvoid}}(C_NULL)
const ON_CANCEL = Ref{Ptr{Cvoid}}(C_NULL)

function init_callbacks()
    ON_PROMPT[] = @cfunction(
        on_prompt, Int32, (Ptr{Cvoid}, Ptr{CRequest}, Ptr{UInt8}, Csize_t)
    )
    ON_LOG[] = @cfunction(on_log, Cvoid, (Ptr{Cvoid}, Int32, Ptr{UInt8}))
    ON_BACKEND[] = @cfunction(on_backend, Cvoid, (Ptr{Cvoid}, Ptr{Cvoid}))
    ON_CANCEL[] = @cfunction(on_cancel, Int32, (Ptr{Cvoid},))
    return nothing
end
