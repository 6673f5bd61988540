# Finding and loading the shared library.

"The version of this package and of the C header that it is written for."
const PACKAGE_VERSION = let project = joinpath(@__DIR__, "..", "Project.toml")
    include_dependency(project)
    VersionNumber(match(r"^version = \"(.*)\"$"m, read(project, String)).captures[1])
end

"A version as a number, as in the C header."
version_number(v::VersionNumber) = UInt32(10_000 * v.major + 100 * v.minor + v.patch)

"The loaded library; `C_NULL` until it is found."
const HANDLE = Ref{Ptr{Cvoid}}(C_NULL)

"Whether a function of the library was called. Another library cannot replace it then."
const IN_USE = Ref(false)

"""
Opens a library without Julia's default RTLD_DEEPBIND. With it, Rust's unwinder (libgcc_s)
would mix with the libunwind of Julia, and the process would abort when the library catches
a panic.
"""
open_library(path) = Libdl.dlopen(path, Libdl.RTLD_LAZY | Libdl.RTLD_LOCAL)

"Returns the library, which the first call finds."
function library()
    HANDLE[] == C_NULL || return HANDLE[]
    reasons = String[]
    for (path, place) in candidates()
        try
            return HANDLE[] = open_checked(path(), place)
        catch problem
            push!(reasons, sprint(showerror, problem))
        end
    end
    error(
        "cannot load libwandb_login. Set WANDB_LOGIN_LIBRARY to the path of the library, ",
        "or call WandbLogin.set_library!(path). Tried:\n",
        join(reasons, "\n"),
    )
end

"Opens a library and checks its version."
function open_checked(path, place)
    handle = try
        open_library(path)
    catch problem
        error("$path (from $place): $(sprint(showerror, problem))")
    end
    try
        check_version(handle, path, place)
    catch
        Libdl.dlclose(handle)
        rethrow()
    end
    return handle
end

function check_version(handle, path, place)
    symbol = Libdl.dlsym(handle, :wandb_login_version_number; throw_error = false)
    symbol === nothing && error("$path (from $place) is not libwandb_login.")
    number = ccall(symbol, UInt32, ())
    found = VersionNumber(number ÷ 10_000, number ÷ 100 % 100, number % 100)
    if found.major != PACKAGE_VERSION.major || found < PACKAGE_VERSION
        error(
            "$path (from $place) is libwandb_login $found; WandbLogin needs ",
            "$PACKAGE_VERSION or a later $(PACKAGE_VERSION.major).x.",
        )
    end
end

"""
    WandbLogin.set_library!(path)

Use this file as libwandb_login, in this session and in later ones of this Julia depot.
`nothing` removes the setting. The variable `WANDB_LOGIN_LIBRARY` overrides it. If this
session has already called another library, it keeps that one until Julia is restarted.
"""
function set_library!(path::Union{AbstractString,Nothing})
    if path === nothing
        rm(preference_file(); force = true)
    else
        full = abspath(path)
        Libdl.dlclose(open_checked(full, "set_library!"))
        mkpath(dirname(preference_file()))
        write(preference_file(), full)
    end
    isempty(get(ENV, "WANDB_LOGIN_LIBRARY", "")) || @warn "WANDB_LOGIN_LIBRARY overrides set_library!."
    if IN_USE[]
        @info "libwandb_login is in use. set_library! applies after a restart of Julia."
    elseif HANDLE[] != C_NULL
        # The next call finds the library. The loader would return this one for its name.
        Libdl.dlclose(HANDLE[])
        HANDLE[] = C_NULL
    end
    return nothing
end

"A function of the library, by name. From now on the library stays loaded."
function symbol(name::Symbol)
    found = Libdl.dlsym(library(), name)
    IN_USE[] = true
    return found
end

"""
A call that may wait for the user, a lock or the server. In Julia 1.12 and later, other
threads can collect garbage during the call.
"""
macro blocking(call)
    option = VERSION >= v"1.12" ? (:(gc_safe = true),) : ()
    return esc(Expr(:macrocall, Symbol("@ccall"), __source__, option..., call))
end
