# What a login leaves in the caller's hand.

"""
A login that succeeded. Its properties:

| property | |
|:--|:--|
| `api_key` | the key, a secret; `nothing` for an identity token |
| `authorization` | the value of an HTTP `Authorization` header, a secret: for `base_url` only |
| `base_url`, `app_url` | addresses of the server and of its web pages |
| `username`, `email`, `entity` | `nothing` unless verified; `entity` is the default team |
| `teams` | names of teams |
| `verified`, `saved` | whether the server knows the key; whether it is stored on disk |
| `source`, `source_name` | such as `:environment` and `"WANDB_API_KEY"` |
| `expires_at` | Unix time, or `nothing` |
| `display` | one line for a human, never a secret |
| `environ` | variables that log a child process in: `run(addenv(cmd, session.environ))`; a secret |

Any thread may read it. Its secrets are wiped when it is closed (`close(session)`) or
collected; the strings that properties return are copies of the caller's own.
Printing a session shows no secret.
"""
mutable struct Session
    handle::Ptr{Cvoid}

    function Session(handle::Ptr{Cvoid})
        session = new(handle)
        finalizer(close, session)
        return session
    end
end

function Base.close(session::Session)
    handle = getfield(session, :handle)
    setfield!(session, :handle, C_NULL)
    handle == C_NULL || ccall(symbol(:wandb_login_session_free), Cvoid, (Ptr{Cvoid},), handle)
    return nothing
end

Base.isopen(session::Session) = getfield(session, :handle) != C_NULL

"Another owner of a session that C lends us."
function retained(handle::Ptr{Cvoid})
    return Session(ccall(symbol(:wandb_login_session_retain), Ptr{Cvoid}, (Ptr{Cvoid},), handle))
end

"Calls `body` with the handle, which stays alive meanwhile."
function with_handle(body, session::Session)
    GC.@preserve session begin
        handle = getfield(session, :handle)
        handle == C_NULL && throw(ArgumentError("the session is closed"))
        return body(handle)
    end
end

text(pointer::Ptr{UInt8}) = pointer == C_NULL ? nothing : unsafe_string(pointer)

"The texts of a NULL-terminated array."
function texts(array::Ptr{Ptr{UInt8}})
    found = String[]
    array == C_NULL && return found
    while true
        pointer = unsafe_load(array, length(found) + 1)
        pointer == C_NULL && return found
        push!(found, unsafe_string(pointer))
    end
end

"A getter of the C session."
getter(name) = symbol(Symbol(:wandb_login_session_, name))

get_text(session, name) = with_handle(session) do handle
    text(ccall(getter(name), Ptr{UInt8}, (Ptr{Cvoid},), handle))
end

get_texts(session, name) = with_handle(session) do handle
    texts(ccall(getter(name), Ptr{Ptr{UInt8}}, (Ptr{Cvoid},), handle))
end

get_bool(session, name) = with_handle(session) do handle
    ccall(getter(name), Bool, (Ptr{Cvoid},), handle)
end

const TEXTS = (
    :api_key,
    :authorization,
    :base_url,
    :app_url,
    :username,
    :email,
    :entity,
    :source_name,
    :display,
)

const PROPERTIES = (TEXTS..., :teams, :verified, :saved, :source, :expires_at, :environ)

Base.propertynames(::Session) = PROPERTIES

function Base.getproperty(session::Session, name::Symbol)
    name in TEXTS && return get_text(session, name)
    name === :teams && return get_texts(session, name)
    name in (:verified, :saved) && return get_bool(session, name)
    if name === :source
        number = with_handle(session) do handle
            ccall(getter(name), Int32, (Ptr{Cvoid},), handle)
        end
        return get(SOURCE_NAMES, number, :unknown)
    elseif name === :expires_at
        seconds = with_handle(session) do handle
            ccall(getter(name), Int64, (Ptr{Cvoid},), handle)
        end
        return seconds < 0 ? nothing : seconds
    elseif name === :environ
        entries = split.(get_texts(session, name), '='; limit = 2)
        return Dict{String,String}(name => value for (name, value) in entries)
    end
    throw(ArgumentError("a Session has no property $name"))
end

function Base.show(io::IO, session::Session)
    isopen(session) || return print(io, "Session(closed)")
    print(io, "Session(", session.base_url, ", source = :", session.source)
    session.username === nothing || print(io, ", username = ", session.username)
    print(io, ')')
end
