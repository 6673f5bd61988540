# Julia functions that the C library calls.
#
# C is given a number in place of a pointer to the call's record: the record is
# looked up in a table, so that nothing of Julia's heap is held by C. A Julia
# exception must not cross C: it is kept in the record, the library is told to stop,
# and the exception is thrown again after the library has returned.

"What a prompt function is told."
struct PromptRequest
    "Address of the server that the key is for."
    server::String
    "Where that address came from, such as `WANDB_BASE_URL`."
    server_source::String
    "Web page where the user makes a key."
    authorize_url::String
    "Web page where the user makes an account first."
    signup_url::String
    "Whether `:offline` is allowed as an answer."
    may_offline::Bool
    "Whether `:anonymous` is allowed as an answer."
    may_anonymous::Bool
    "1 for the first time, then counted up."
    attempt::Int
    "Seconds until the time limit; `nothing`: without limit."
    remaining::Union{Float64,Nothing}
    "What was wrong with the answer before, or `nothing`."
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

"One call of the library: the caller's functions, and what one of them threw."
mutable struct Call
    prompt::Any
    log::Any
    backend::Any
    cancel::Any
    thrown::Union{Some,Nothing}
end

const CALLS = Dict{UInt,Call}()
const LAST_TOKEN = Ref(UInt(0))
const CALLS_LOCK = ReentrantLock()

"Gives the call a number while `body` runs."
function with_token(body, call::Call)
    token = lock(CALLS_LOCK) do
        LAST_TOKEN[] += 1
        CALLS[LAST_TOKEN[]] = call
        LAST_TOKEN[]
    end
    try
        return body(Ptr{Cvoid}(token))
    finally
        lock(() -> delete!(CALLS, token), CALLS_LOCK)
    end
end

"""
Runs a callback for the call of that number; `failed` is the answer where it throws.
Ctrl-C is let through here and only here: never into frames that are not Julia's.
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
            0x00 in key && throw(ArgumentError("the key holds a NUL"))
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

# Asked at least every 100 ms: here Ctrl-C, and an exception of another callback,
# end the call.
function on_cancel(data::Ptr{Cvoid})
    return guarded(data, Int32(1)) do call
        over = call.thrown !== nothing || call.cancel !== nothing && call.cancel()::Bool
        return Int32(over)
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
