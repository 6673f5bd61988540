# Where the shared library may be.

"The file in which `set_library!` stores the path."
preference_file() = joinpath(first(DEPOT_PATH), "config", "WandbLogin.library")

"A function that returns the path or name of the library, and the place that names it."
const Candidate = Tuple{Function,String}

"""
The candidates, in order. A path that the user names is the only one: if it is wrong, the
call fails and does not use another library.
"""
function candidates()::Vector{Candidate}
    variable = get(ENV, "WANDB_LOGIN_LIBRARY", "")
    isempty(variable) || return [(() -> variable, "WANDB_LOGIN_LIBRARY")]
    file = preference_file()
    isfile(file) && return [(() -> String(strip(read(file, String))), file)]
    found = Candidate[(() -> name, "the system's search path") for name in file_names()]
    toml = Artifacts.find_artifacts_toml(@__DIR__)
    toml === nothing || pushfirst!(found, (() -> artifact_library(toml), toml))
    return found
end

"The names of the library on a system; the first one contains the ABI number, if any does."
function file_names(kernel::Symbol = Sys.KERNEL)
    abi = PACKAGE_VERSION.major
    Sys.iswindows(kernel) && return ["wandb_login.dll"]
    Sys.isapple(kernel) && return ["libwandb_login.$abi.dylib", "libwandb_login.dylib"]
    return ["libwandb_login.so.$abi", "libwandb_login.so"]
end

const PACKAGE_UUID = Base.UUID("5f0c1b4e-6a1c-4f0e-9d8e-2b7a3c5d9e41")

"""
The path of the library in the artifact for this system, which Pkg downloads if it is not
installed. Releases of the package have an Artifacts.toml, source trees have none.
"""
function artifact_library(toml)
    name = "libwandb_login"
    hash = Artifacts.artifact_hash(name, toml; pkg_uuid = PACKAGE_UUID)
    hash === nothing && error("$toml has no library for this system, $(Sys.MACHINE)")
    folder = Artifacts.ensure_artifact_installed(name, toml; pkg_uuid = PACKAGE_UUID)
    return joinpath(folder, Sys.iswindows() ? "bin" : "lib", first(file_names()))
end
