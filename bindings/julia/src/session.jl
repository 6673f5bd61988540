# The result of a login.

"""
A successful login. Its properties:

| property | |
|:--|:--|
| `api_key` | the API key, a secret; `nothing` for an identity token |
| `authorization` | value of the HTTP header `Authorization`, a secret; send it only to `base_url` |
| `base_url`, `app_url` | URLs of the server and of its web pages |
| `username`, `email`, `entity` | `nothing` if not verified; `entity` is the default team |
| `teams` | names of teams |
| `verified`, `saved` | whether the server accepted the key; whether it is stored in a file |
| `source`, `source_name` | where the key came from, such as `:environment` and `"WANDB_API_KEY"` |
| `expires_at` | Unix time, or `nothing` |
| `display` | one line for a person, without secrets |
| `environ` | variables that log in a child process: `run(addenv(cmd, session.environ))`; secret |

Any thread may read it. Its secrets are wiped when it is closed (`close(session)`) or
garbage-collected. The strings of its properties are copies, which are not wiped. Printing
a session shows no secrets.
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

"A `Session` that is another owner of a borrowed handle."
function retained(handle::Ptr{Cvoid})
    return Session(ccall(symbol(:wandb_login_session_retain), Ptr{Cvoid}, (Ptr{Cvoid},), handle))
end

"Calls `body` with the handle and keeps it alive during the call."
function with_handle(body, session::Session)
    GC.@preserve session begin
        handle = getfield(session, :handle)
        handle == C_NULL && throw(ArgumentError("the session is closed"))
        return body(handle)
    end
end

text(pointer::Ptr{UInt8}) = pointer == C_NULL ? nothing : unsafe_string(pointer)

"The strings of a NULL-terminated array."
function texts(array::Ptr{Ptr{UInt8}})
    found = String[]
    array == C_NULL && return found
    while true
        pointer = unsafe_load(array, length(found) + 1)
        pointer == C_NULL && return found
        push!(found, unsafe_string(pointer))
    end
end

"The C getter with this name."
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
