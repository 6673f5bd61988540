# Finding and loading the shared library.

"The version of this package and of the C header that it is written for."
const PACKAGE_VERSION = let project = joinpath(@__DIR__, "..", "Project.toml")
    include_dependency(project)
    VersionNumber(match(r"^version = \"(.*)\"$"m, read(project, String)).captures[1])
end

"A version as a number, as in the C header."
version_number(v::VersionNumber) = UInt32(10_000 * v.major + 100 * v.minor + v.patch)

"The loaded library; `C_NULL` until the first use."
const HANDLE = Ref{Ptr{Cvoid}}(C_NULL)

"The file in which `set_library!` stores the path."
preference_file() = joinpath(first(DEPOT_PATH), "config", "WandbLogin.library")

"The paths to try, in order, each with the place that configures it."
function candidates()
    variable = get(ENV, "WANDB_LOGIN_LIBRARY", "")
    isempty(variable) || return [(variable, "WANDB_LOGIN_LIBRARY")]
    file = preference_file()
    isfile(file) && return [(strip(read(file, String)), file)]
    abi = PACKAGE_VERSION.major
    names = if Sys.iswindows()
        ["wandb_login"]
    elseif Sys.isapple()
        ["libwandb_login.$abi.dylib", "libwandb_login.dylib"]
    else
        ["libwandb_login.so.$abi", "libwandb_login.so"]
    end
    return [(name, "the system's search path") for name in names]
end

"""
Opens a library without Julia's default RTLD_DEEPBIND. With it, Rust's unwinder (libgcc_s)
would mix with the libunwind of Julia, and the process would abort when the library catches
a panic.
"""
open_library(path) = Libdl.dlopen(path, Libdl.RTLD_LAZY | Libdl.RTLD_LOCAL)

"Returns the library, which the first call loads and checks."
function library()
    HANDLE[] == C_NULL || return HANDLE[]
    reasons = String[]
    for (path, place) in candidates()
        handle = try
            open_library(path)
        catch problem
            push!(reasons, "$path (from $place): $(sprint(showerror, problem))")
            continue
        end
        check_version(handle, path, place)
        return HANDLE[] = handle
    end
    error(
        "cannot load libwandb_login. Set WANDB_LOGIN_LIBRARY to the path of the library, ",
        "or call WandbLogin.set_library!(path). Tried:\n",
        join(reasons, "\n"),
    )
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

Use this file as libwandb_login, now and in later sessions of this Julia depot. The
variable `WANDB_LOGIN_LIBRARY` overrides it. `nothing` removes the setting.
"""
function set_library!(path::Union{AbstractString,Nothing})
    HANDLE[] == C_NULL || error("libwandb_login is already loaded; restart Julia first.")
    if path === nothing
        rm(preference_file(); force = true)
    else
        full = abspath(path)
        handle = open_library(full)
        check_version(handle, full, "set_library!")
        mkpath(dirname(preference_file()))
        write(preference_file(), full)
        HANDLE[] = handle
    end
    return nothing
end

"A function of the library, by name."
symbol(name::Symbol) = Libdl.dlsym(library(), name)

"""
A call that may wait for the user, a lock or the server. In Julia 1.12 and later, other
threads can collect garbage during the call.
"""
macro blocking(call)
    option = VERSION >= v"1.12" ? (:(gc_safe = true),) : ()
    return esc(Expr(:macrocall, Symbol("@ccall"), __source__, option..., call))
end
