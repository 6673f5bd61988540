# A credential that stays valid: the renewer of the C library.

"""
    Authorization(session; keywords...)

The value of the HTTP header `Authorization`, valid for as long as the program runs: an
access token is renewed before it ends.

    authorization = Authorization(session)
    headers = ["Authorization" => authorization()]

`authorization()`, `string(authorization)` and interpolation return the value that is valid
now, so a client that converts header values with `string` also takes the object itself.
Make the header list for each request, and send it only to `session.base_url`. The value is
a secret; `show`, and so the REPL and logging, does not print it.

After a response 401 call [`refused!`](@ref), and send the request once more if the next
value can be had. For an API key the value is the same each time until it is refused.

The keywords are `environment`, `directory`, `log`, `backend`, `cancel`, `http_timeout`,
`silent` and `no_save` of [`login`](@ref); pass those of the login. A renewal never
prompts. If it fails, the old value is returned while it is valid, and then a
[`LoginError`](@ref) is thrown; `:rejected` if the server refused the credential and no
other one is configured.

Any task may call it. One task renews; the others get the old value while it is valid.
The keyword functions run in the task that renews; there, using it is an error.
`close(authorization)` wipes the credential; the garbage collector does so too. The session
may be closed meanwhile.
"""
mutable struct Authorization
    renewer::Ptr{Cvoid}
    call::Call
    token::Ptr{Cvoid}
    "Held by the task that is in the library. The others wait in Julia, not in C."
    renewal::ReentrantLock
    current::Session
    "Unix time until which `current` may be used; 0 after it was refused."
    usable_until::Float64

    function Authorization(
        session::Session; log = nothing, backend = nothing, cancel = nothing, options...
    )
        call = Call(log = log, backend = backend, cancel = cancel)
        token = register(call)
        renewer = try
            new_renewer(session, call, token; options...)
        catch
            unregister(token)
            rethrow()
        end
        current = with_handle(retained, session)
        made = new(renewer, call, token, ReentrantLock(), current, end_of(current))
        # A finalizer must not wait for a lock.
        return finalizer(unused -> (@async close(unused); nothing), made)
    end
end

end_of(session::Session) = something(session.expires_at, Inf)

function new_renewer(session, call, token; options...)
    renewer = Ref{Ptr{Cvoid}}(C_NULL)
    run_call(call, token; options...) do pointer
        f = symbol(:wandb_login_renewer_new)
        with_handle(session) do handle
            ccall(f, Int32, (Ptr{Cvoid}, Ptr{COptions}, Ref{Ptr{Cvoid}}), handle, pointer, renewer)
        end
    end
    return renewer[]
end

(authorization::Authorization)() = current_session(authorization).authorization

Base.string(authorization::Authorization) = authorization()
Base.print(io::IO, authorization::Authorization) = print(io, authorization())
Base.show(io::IO, ::Authorization) = print(io, "Authorization(…)")

"Throws in a keyword function, which runs during a call of the library."
function check_not_renewing(authorization)
    renewal = authorization.renewal
    if islocked(renewal) && renewal.locked_by === current_task()
        throw(ArgumentError("a function of the Authorization uses it during a renewal"))
    end
end

"The session that is valid now. Only one task at a time calls the library."
function current_session(authorization::Authorization)
    check_not_renewing(authorization)
    renewal = authorization.renewal
    if !trylock(renewal)
        current = authorization.current
        time() < authorization.usable_until && isopen(current) && return current
        lock(renewal)
    end
    try
        return renew!(authorization)
    finally
        unlock(renewal)
    end
end

function renew!(authorization::Authorization)
    authorization.renewer == C_NULL && throw(ArgumentError("the Authorization is closed"))
    renewer = authorization.renewer
    handle, problem = Ref{Ptr{Cvoid}}(C_NULL), zeros(UInt8, ERROR_SIZE)
    f = symbol(:wandb_login_renewer_get)
    status = in_library() do
        @blocking $f(
            renewer::Ptr{Cvoid},
            handle::Ref{Ptr{Cvoid}},
            problem::Ptr{UInt8},
            ERROR_SIZE::Csize_t,
        )::Int32
    end
    session = handle[] == C_NULL ? nothing : Session(handle[])
    rethrow_thrown(authorization.call)
    checked(status, problem)
    if getfield(session, :handle) != getfield(authorization.current, :handle)
        authorization.usable_until = end_of(session)
        authorization.current = session
    end
    return session
end

"""
    refused!(authorization, value = nothing)

Report that the server answered 401 to this value of the [`Authorization`](@ref); `nothing`
is the newest value. The next value is another credential. Pass the value where several
tasks send requests: a report about a value that was renewed meanwhile has no effect.
"""
function refused!(authorization::Authorization, value = nothing)
    check_not_renewing(authorization)
    lock(authorization.renewal) do
        authorization.renewer == C_NULL && throw(ArgumentError("the Authorization is closed"))
        current = authorization.current
        value === nothing || current.authorization == value || return nothing
        authorization.usable_until = 0
        f = symbol(:wandb_login_renewer_refused)
        status = with_handle(current) do handle
            ccall(f, Int32, (Ptr{Cvoid}, Ptr{Cvoid}), authorization.renewer, handle)
        end
        checked(status)
        return nothing
    end
end

function Base.close(authorization::Authorization)
    check_not_renewing(authorization)
    lock(authorization.renewal) do
        renewer = authorization.renewer
        renewer == C_NULL && return nothing
        authorization.renewer = C_NULL
        ccall(symbol(:wandb_login_renewer_free), Cvoid, (Ptr{Cvoid},), renewer)
        unregister(authorization.token)
        close(authorization.current)
        return nothing
    end
end

Base.isopen(authorization::Authorization) = authorization.renewer != C_NULL
