# The public functions.

"Calls a C function that returns a session; `nothing` if W&B is offline."
function new_session(body; options...)
    handle = Ref{Ptr{Cvoid}}(C_NULL)
    try
        run_with_options(; options...) do pointer
            body(pointer, handle)
        end
    catch
        # A callback threw after the login succeeded.
        handle[] == C_NULL || close(Session(handle[]))
        rethrow()
    end
    return handle[] == C_NULL ? nothing : Session(handle[])
end

"Where there is no terminal, a function can prompt."
const PROMPT_HINT = " In a notebook, pass `prompt`, a function that asks for the key: see `?login`."

"[`new_session`](@ref) for a login that may prompt; the error names the keyword `prompt`."
function new_session_or_prompt(body; options...)
    try
        return new_session(body; options...)
    catch problem
        could_prompt = get(options, :prompt, nothing) === nothing && !get(options, :no_prompt, false)
        problem isa LoginError && problem.status === :not_configured && could_prompt || rethrow()
        throw(LoginError(problem.status, problem.code, problem.text * PROMPT_HINT))
    end
end

"""
    login(; keywords...) -> Union{Session, Nothing}

Log in to Weights & Biases with `api_key`, or with the first key found in `session`, the
environment, the settings files and netrc, or with a key from a prompt. Returns `nothing`
if W&B is offline or disabled (`WANDB_MODE`), or the user chose offline mode: train without
it. Throws a [`LoginError`](@ref) if there is no key.

The network is used only for `verify`, `anonymous` and identity tokens.

| keyword | |
|:--|:--|
| `api_key` | the key, as a `String` or a `Base.SecretBuffer` |
| `host` | URL of the server; it is saved, as the Python SDK does |
| `cloud` | use `https://api.wandb.ai` and ignore the configured server |
| `relogin` | prompt even if a key is configured |
| `force` | do not offer a new account and offline mode |
| `verify` | verify the key with the server before storing it |
| `anonymous` | `:never` (default), `:allow` or `:must` |
| `silent`, `no_prompt`, `no_save` | print no information; never prompt; write no file |
| `sdk_order` | read netrc before the settings files, as the Python SDK 0.30 and later do |
| `all_ranks` | prompt, write and verify on every rank of a job; the default is rank 0 only |
| `bare_host` | if the server has a port, also store the key for the host without it, for the Python SDK 0.22 and older |
| `referrer` | `ref=` in the URL of the web page where the user gets a key |
| `prompt_timeout`, `http_timeout` | seconds; `prompt_timeout = Inf`: no limit |
| `prompt` | a function that prompts instead of the terminal; see below |
| `log` | `(level::Symbol, line::String) -> …`, receives log lines instead of standard error |
| `backend` | `(session::Session) -> …`, receives the session after success |
| `cancel` | `() -> Bool`, called while the call waits; `true` cancels it |
| `session` | a session whose key is reused |
| `environment` | default `ENV`, so `withenv` works; any dictionary |
| `directory` | default `pwd()` |

`prompt` is called with a [`PromptRequest`](@ref) and returns the key (a `String`, or a
`Base.SecretBuffer`, which is wiped after use), `:offline`, `:anonymous` or `:terminal`;
`nothing` aborts the login. In a notebook:
`login(prompt = request -> Base.getpass("Key from \$(request.authorize_url)"))`.
If one of these functions throws, `login` throws the same exception.
"""
function login(; options...)
    return new_session_or_prompt(; options...) do pointer, handle
        f = symbol(:wandb_login)
        @blocking $f(pointer::Ptr{COptions}, handle::Ref{Ptr{Cvoid}})::Int32
    end
end

"""
    prompt_api_key(; keywords...) -> Union{Session, Nothing}

Prompt for a key without looking for a configured one, then verify and store it. The
keywords are those of [`login`](@ref) without `api_key` and `no_prompt`.
"""
function prompt_api_key(; options...)
    return new_session_or_prompt(; options...) do pointer, handle
        f = symbol(:wandb_prompt_api_key)
        @blocking $f(pointer::Ptr{COptions}, handle::Ref{Ptr{Cvoid}})::Int32
    end
end

"""
    check(; keywords...)

Throw the [`LoginError`](@ref) that `login(no_prompt = true)` would throw, if any. Never
uses the network, prompts or writes.
"""
function check(; options...)
    run_with_options(; options...) do pointer
        f = symbol(:wandb_login_check)
        @blocking $f(pointer::Ptr{COptions})::Int32
    end
    return nothing
end

"""
    is_apikey_configured(; keywords...) -> Bool

Return whether [`check`](@ref) finds a credential.
"""
function is_apikey_configured(; options...)
    try
        check(; options...)
        return true
    catch problem
        problem isa LoginError || rethrow()
        return false
    end
end

"""
    forget(; keywords...)

Log out: remove what is stored for the server. The log names the sources that still have
a credential.
"""
function forget(; options...)
    run_with_options(; options...) do pointer
        f = symbol(:wandb_login_forget)
        @blocking $f(pointer::Ptr{COptions})::Int32
    end
    return nothing
end

"""
    explain(; format = :text, keywords...) -> String

Report which key a login would use and why. Keys are masked. `format` is `:text` or `:json`.
"""
function explain(; format::Symbol = :text, options...)
    haskey(FORMATS, format) || throw(ArgumentError("format is :$format; it must be :text or :json"))
    number = getproperty(FORMATS, format)
    report = Ref{Ptr{UInt8}}(C_NULL)
    run_with_options(; options...) do pointer
        f = symbol(:wandb_login_explain)
        @blocking $f(pointer::Ptr{COptions}, number::Int32, report::Ref{Ptr{UInt8}})::Int32
    end
    return String(take_string(report[]))
end

"Copies a string of the library and frees it."
function take_string(pointer::Ptr{UInt8})
    size = ccall(:strlen, Csize_t, (Ptr{UInt8},), pointer)
    bytes = Vector{UInt8}(undef, size)
    GC.@preserve bytes unsafe_copyto!(Base.pointer(bytes), pointer, size)
    ccall(symbol(:wandb_login_string_free), Cvoid, (Ptr{UInt8},), pointer)
    return bytes
end

"""
    refresh(session; keywords...) -> Session

Log in to the same server again without a prompt: get a new access token, or look up the
key again. For long trainings, call it before `session.expires_at`.
"""
function refresh(session::Session; options...)
    return new_session(; options...) do pointer, handle
        f = symbol(:wandb_login_session_refresh)
        with_handle(session) do old
            @blocking $f(
                old::Ptr{Cvoid}, pointer::Ptr{COptions}, handle::Ref{Ptr{Cvoid}}
            )::Int32
        end
    end
end

"""
    export_session(session) -> Vector{UInt8}

Return the session as text, which [`import_session`](@ref) reads in another process of the
same job. It is a secret: call `fill!(text, 0)` after use.
"""
function export_session(session::Session)
    exported = Ref{Ptr{UInt8}}(C_NULL)
    status = with_handle(session) do handle
        f = symbol(:wandb_login_session_export)
        ccall(f, Int32, (Ptr{Cvoid}, Ref{Ptr{UInt8}}), handle, exported)
    end
    checked(status)
    return take_string(exported[])
end

"""
    import_session(text) -> Session

Return the session that [`export_session`](@ref) wrote.
"""
import_session(text::AbstractString) = import_session(secret_bytes(text))

function import_session(text::AbstractVector{UInt8})
    0x00 in text && throw(ArgumentError("the exported session contains a NUL"))
    handle = Ref{Ptr{Cvoid}}(C_NULL)
    bytes = Vector{UInt8}(undef, length(text) + 1)
    copyto!(bytes, text)
    bytes[end] = 0x00
    status = try
        f = symbol(:wandb_login_session_import)
        ccall(f, Int32, (Ptr{UInt8}, Ref{Ptr{Cvoid}}), bytes, handle)
    finally
        Base.securezero!(bytes)
    end
    checked(status)
    return Session(handle[])
end
