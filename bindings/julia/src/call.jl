# Calling the library with keyword options.

"""
    LoginError

`status` is a symbol: `:not_configured`, `:argument`, `:credentials`, `:rejected`,
`:network`, `:prompt`, `:store`, `:tls`, `:timeout`, `:proxy`, `:server`, `:cancelled`,
`:unsupported`, `:internal` or `:unknown`. `code` is the number in the C header. `text` is
one sentence without secrets.
"""
struct LoginError <: Exception
    status::Symbol
    code::Int32
    text::String
end

Base.showerror(io::IO, problem::LoginError) = print(io, problem.text)

"Size of the buffer for the sentence of an error."
const ERROR_SIZE = 1024

"Strings for C. They are wiped after the call, because some are secrets."
struct CStrings
    owned::Vector{Vector{UInt8}}
    environment::Vector{Ptr{UInt8}}
end

function pointer_to!(texts::CStrings, name, value)
    value === nothing && return Ptr{UInt8}(C_NULL)
    bytes = secret_bytes(value)
    owned = Vector{UInt8}(undef, length(bytes) + 1)
    copyto!(owned, bytes)
    owned[end] = 0x00
    push!(texts.owned, owned)
    has_nul = 0x00 in bytes
    Base.securezero!(bytes)
    has_nul && throw(ArgumentError("$name contains a NUL"))
    return pointer(owned)
end

function environment_block!(texts::CStrings, environment)
    for (name, value) in environment
        push!(texts.environment, pointer_to!(texts, name, "$name=$value"))
    end
    push!(texts.environment, C_NULL)
    return pointer(texts.environment)
end

wipe!(texts::CStrings) = foreach(Base.securezero!, texts.owned)

function milliseconds(name, seconds)
    seconds === nothing && return UInt32(0)
    seconds == Inf && name === :prompt_timeout && return typemax(UInt32)
    0 < seconds < 4e6 || throw(ArgumentError("$name is $seconds; it must be a positive number of seconds"))
    return max(UInt32(1), round(UInt32, 1000 * seconds))
end

"The flags of the C options from the keywords."
function flag_bits(; flags...)
    bits = UInt32(0)
    for (name, on) in flags
        on::Bool && (bits |= getproperty(FLAGS, name))
    end
    return bits
end

"""
Calls `body` with a pointer to the options and returns its status. If a callback threw
an exception, throws it. Throws a [`LoginError`](@ref) if the status is an error.
"""
function run_with_options(
    body; prompt = nothing, log = nothing, backend = nothing, cancel = nothing, options...
)
    # In silent mode the library decides whether to prompt.
    environment = get(options, :environment, ENV)
    silent = get(options, :silent, false) || !isempty(get(environment, "WANDB_SILENT", ""))
    if prompt === nothing && julia_prompts() && !silent
        prompt = prompt_on_terminal
    end
    call = Call(prompt = prompt, log = log, backend = backend, cancel = cancel)
    return with_token(token -> run_call(body, call, token; options...), call)
end

"[`run_with_options`](@ref) with callbacks that are registered under a token."
function run_call(
    body,
    call::Call,
    token::Ptr{Cvoid};
    api_key = nothing,
    host = nothing,
    referrer = nothing,
    anonymous::Symbol = :never,
    prompt_timeout = nothing,
    http_timeout = nothing,
    session::Union{Session,Nothing} = nothing,
    environment = ENV,
    directory = pwd(),
    flags...,
)
    haskey(ANONYMOUS, anonymous) ||
        throw(ArgumentError("anonymous is :$anonymous; it must be :never, :allow or :must"))
    for name in keys(flags)
        haskey(FLAGS, name) || throw(ArgumentError("unknown keyword $name"))
    end
    texts = CStrings([], [])
    problem = zeros(UInt8, ERROR_SIZE)
    function run_with_session(handle)
        options = Ref(
            COptions(
                sizeof(COptions),
                pointer_to!(texts, :api_key, api_key),
                pointer_to!(texts, :host, host),
                pointer_to!(texts, :referrer, referrer),
                flag_bits(; flags...),
                getproperty(ANONYMOUS, anonymous),
                milliseconds(:prompt_timeout, prompt_timeout),
                milliseconds(:http_timeout, http_timeout),
                call.prompt === nothing ? C_NULL : ON_PROMPT[],
                token,
                call.log === nothing ? C_NULL : ON_LOG[],
                token,
                call.backend === nothing ? C_NULL : ON_BACKEND[],
                token,
                ON_CANCEL[],
                token,
                handle,
                environment_block!(texts, environment),
                pointer_to!(texts, :directory, directory),
                pointer(problem),
                length(problem),
            ),
        )
        GC.@preserve texts problem options begin
            in_library(() -> body(Base.unsafe_convert(Ptr{COptions}, options)))
        end
    end
    status = try
        with_handle(run_with_session, session)
    finally
        wipe!(texts)
    end
    rethrow_thrown(call)
    return checked(status, problem)
end

"Calls the library: callbacks may switch tasks, and only they receive Ctrl-C."
in_library(body) = stay_on_thread(() -> disable_sigint(body))

"Runs `body` on this thread, even if a callback switches to other tasks."
function stay_on_thread(body)
    task = current_task()
    sticky = task.sticky
    task.sticky = true
    try
        return body()
    finally
        task.sticky = sticky
    end
end

function checked(status::Status, problem::Vector{UInt8} = UInt8[0])
    status in (OK, OFFLINE) && return status
    sentence = GC.@preserve problem unsafe_string(pointer(problem))
    if isempty(sentence)
        pointer_ = ccall(symbol(:wandb_login_status_string), Ptr{UInt8}, (Int32,), status)
        sentence = unsafe_string(pointer_)
    end
    throw(LoginError(get(STATUS_NAMES, status, :unknown), status, sentence))
end
