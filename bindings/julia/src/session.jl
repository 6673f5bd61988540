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
| `ca_file`, `ca_dir` | file and directories of CA certificates that replace the system's for this server, or `nothing`; several directories are separated as in `PATH` |
| `tls_unchecked` | whether the user disabled the verification of certificates |
| `proxy` | URL of the proxy for this server, or `nothing` for a direct connection; secret if it contains a password |
| `headers` | extra headers for this server without `Authorization`, as `name => value`; secret |
| `environ` | variables that log in a child process: `run(addenv(cmd, session.environ))`; secret |

Any thread may read it, also while another one closes it: a read then returns the value, or
throws that the session is closed. Its secrets are wiped when it is closed
(`close(session)`) or garbage-collected, or when the last call that uses it returns. The
strings of its properties are copies, which are not wiped. Printing a session shows no
secrets.
"""
mutable struct Session
    handle::Ptr{Cvoid}
    "Held while the handle is read or replaced; never while a task can switch."
    lock::Threads.SpinLock

    function Session(handle::Ptr{Cvoid})
        session = new(handle, Threads.SpinLock())
        finalizer(close, session)
        return session
    end
end

"Removes an owner of a handle."
free_handle(handle) = ccall(symbol(:wandb_login_session_free), Cvoid, (Ptr{Cvoid},), handle)

function Base.close(session::Session)
    handle = lock(getfield(session, :lock)) do
        open_handle = getfield(session, :handle)
        setfield!(session, :handle, C_NULL)
        open_handle
    end
    handle == C_NULL || free_handle(handle)
    return nothing
end

Base.isopen(session::Session) = getfield(session, :handle) != C_NULL

"Adds an owner to a handle."
function retain_handle(handle::Ptr{Cvoid})
    return ccall(symbol(:wandb_login_session_retain), Ptr{Cvoid}, (Ptr{Cvoid},), handle)
end

"A `Session` that is another owner of a borrowed handle."
retained(handle::Ptr{Cvoid}) = Session(retain_handle(handle))

"""
Calls `body` with the handle. The call is an owner of it, so that another thread may close
the session meanwhile. `closed` is called instead if the session is closed.
"""
function with_handle(body, session::Session; closed = session_is_closed)
    handle = lock(() -> retain_handle(getfield(session, :handle)), getfield(session, :lock))
    handle == C_NULL && return closed()
    try
        return body(handle)
    finally
        free_handle(handle)
    end
end

with_handle(body, ::Nothing) = body(C_NULL)

session_is_closed() = throw(ArgumentError("the session is closed"))

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

get_text(handle, name) = text(ccall(getter(name), Ptr{UInt8}, (Ptr{Cvoid},), handle))
get_texts(handle, name) = texts(ccall(getter(name), Ptr{Ptr{UInt8}}, (Ptr{Cvoid},), handle))
get_bool(handle, name) = ccall(getter(name), Bool, (Ptr{Cvoid},), handle)

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
    :ca_file,
    :ca_dir,
    :proxy,
)

const BOOLEANS = (:verified, :saved, :tls_unchecked)
const PROPERTIES = (TEXTS..., BOOLEANS..., :teams, :source, :expires_at, :headers, :environ)

Base.propertynames(::Session) = PROPERTIES

function Base.getproperty(session::Session, name::Symbol)
    name in PROPERTIES || throw(ArgumentError("a Session has no property $name"))
    return with_handle(handle -> read_property(handle, name), session)
end

function read_property(handle, name)
    name in TEXTS && return get_text(handle, name)
    name === :teams && return get_texts(handle, name)
    name in BOOLEANS && return get_bool(handle, name)
    if name === :source
        number = ccall(getter(name), Int32, (Ptr{Cvoid},), handle)
        return get(SOURCE_NAMES, number, :unknown)
    elseif name === :expires_at
        seconds = ccall(getter(name), Int64, (Ptr{Cvoid},), handle)
        return seconds < 0 ? nothing : seconds
    elseif name === :headers
        lines = split.(get_texts(handle, name), ": "; limit = 2)
        return [String(name) => String(value) for (name, value) in lines]
    end
    entries = split.(get_texts(handle, :environ), '='; limit = 2)
    return Dict{String,String}(name => value for (name, value) in entries)
end

function Base.show(io::IO, session::Session)
    shown = with_handle(session; closed = () -> "Session(closed)") do handle
        url, source = read_property(handle, :base_url), read_property(handle, :source)
        user = read_property(handle, :username)
        "Session($url, source = :$source$(user === nothing ? "" : ", username = $user"))"
    end
    print(io, shown)
end
