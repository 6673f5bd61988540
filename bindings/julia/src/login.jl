# What users call.

"A session from a function that gives one, or `nothing` where W&B is offline."
function new_session(body; options...)
    handle = Ref{Ptr{Cvoid}}(C_NULL)
    try
        run_with_options(; options...) do pointer
            body(pointer, handle)
        end
    catch
        # A callback threw after the session was made.
        handle[] == C_NULL || close(Session(handle[]))
        rethrow()
    end
    return handle[] == C_NULL ? nothing : Session(handle[])
end

"""
    login(; keywords...) -> Union{Session, Nothing}

Log in to Weights & Biases: with `api_key`, else with the first key that is found in
`session`, the environment, the settings files and netrc, else with one that a human
is asked for. Returns `nothing` where W&B is offline or disabled (`WANDB_MODE`), or
the user chose so: train without it. Throws a [`LoginError`](@ref) where there is no key.

No network is used unless `verify`, `anonymous` or an identity token needs it.

| keyword | |
|:--|:--|
| `api_key` | the key, as a `String` or a `Base.SecretBuffer` |
| `host` | the server's address; it is remembered, as the Python SDK does |
| `cloud` | use `https://api.wandb.ai`, whatever is configured |
| `relogin` | ask although a key is configured |
| `force` | offer neither a new account nor offline mode |
| `verify` | check the key with the server before it is stored |
| `anonymous` | `:never` (default), `:allow` or `:must` |
| `silent`, `no_prompt`, `no_save` | say nothing, ask nobody, write nothing |
| `sdk_order` | look into netrc before the settings files, as newer SDKs do |
| `all_ranks` | prompt and write on every rank of a job, not on rank 0 alone |
| `referrer` | who sends the user to the web page where keys are made |
| `prompt_timeout`, `http_timeout` | seconds; `prompt_timeout = Inf`: without limit |
| `prompt` | a function that asks in place of the terminal; see below |
| `log` | `(level::Symbol, line::String) -> …` in place of standard error |
| `backend` | `(session::Session) -> …`, called after success |
| `cancel` | `() -> Bool`, asked while the call waits; `true` ends it |
| `session` | a session whose key is used again |
| `environment` | default `ENV`, so `withenv` works; any dictionary |
| `directory` | default `pwd()` |

`prompt` is called with a [`PromptRequest`](@ref) and returns the key (a `String` or a
`Base.SecretBuffer`, which is wiped after use), `:offline`, `:anonymous`, `:terminal`, or `nothing` to give up. In a
notebook: `login(prompt = request -> Base.getpass("Key from \$(request.authorize_url)"))`.
What a function throws comes out of `login`.
"""
function login(; options...)
    return new_session(; options...) do pointer, handle
        f = symbol(:wandb_login)
        @blocking $f(pointer::Ptr{COptions}, handle::Ref{Ptr{Cvoid}})::Int32
    end
end

"""
    prompt_api_key(; keywords...) -> Union{Session, Nothing}

Ask for a key without looking for one first, then check and store it. Keywords as for
[`login`](@ref), without `api_key` and `no_prompt`.
"""
function prompt_api_key(; options...)
    return new_session(; options...) do pointer, handle
        f = symbol(:wandb_prompt_api_key)
        @blocking $f(pointer::Ptr{COptions}, handle::Ref{Ptr{Cvoid}})::Int32
    end
end

"""
    check(; keywords...)

Throw the [`LoginError`](@ref) that `login(no_prompt = true)` would end with, if it would.
No network, no prompt, nothing written.
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

Whether [`check`](@ref) finds a credential.
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

Log out: remove what is stored for the server. The log says what still logs in.
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

Which key a login would use and why; keys are masked. `format` is `:text` or `:json`.
"""
function explain(; format::Symbol = :text, options...)
    haskey(FORMATS, format) || throw(ArgumentError("format is :$format; it is :text or :json"))
    number = getproperty(FORMATS, format)
    report = Ref{Ptr{UInt8}}(C_NULL)
    run_with_options(; options...) do pointer
        f = symbol(:wandb_login_explain)
        @blocking $f(pointer::Ptr{COptions}, number::Int32, report::Ref{Ptr{UInt8}})::Int32
    end
    return String(taken(report[]))
end

"The bytes of a text that the library gave, which is wiped."
function taken(pointer::Ptr{UInt8})
    size = ccall(:strlen, Csize_t, (Ptr{UInt8},), pointer)
    bytes = Vector{UInt8}(undef, size)
    GC.@preserve bytes unsafe_copyto!(Base.pointer(bytes), pointer, size)
    ccall(symbol(:wandb_login_string_free), Cvoid, (Ptr{UInt8},), pointer)
    return bytes
end

"""
    refresh(session; keywords...) -> Session

Log in again as the session did, without asking: a new access token, or the key found
anew. For long trainings, before `session.expires_at`.
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

The session as text that [`import_session`](@ref) reads in another process of the same
job, over MPI, a socket or a file. A secret: `fill!(text, 0)` when it is sent.
"""
function export_session(session::Session)
    exported = Ref{Ptr{UInt8}}(C_NULL)
    status = with_handle(session) do handle
        f = symbol(:wandb_login_session_export)
        ccall(f, Int32, (Ptr{Cvoid}, Ref{Ptr{UInt8}}), handle, exported)
    end
    checked(status)
    return taken(exported[])
end

"""
    import_session(text) -> Session

The session that [`export_session`](@ref) wrote.
"""
import_session(text::AbstractString) = import_session(secret_bytes(text))

function import_session(text::AbstractVector{UInt8})
    0x00 in text && throw(ArgumentError("an exported session holds no NUL"))
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
