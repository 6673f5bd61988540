"""
Log in to Weights & Biases from Julia: find the API key where the Python SDK finds it,
or prompt for it, and store it where the SDK finds it.

    using WandbLogin
    session = login()
    session.authorization   # for the HTTP header Authorization

    Authorization(session)  # the same, renewed for as long as the program runs

See [`login`](@ref), and [`Session`](@ref) for what it returns.
"""
module WandbLogin

using Libdl: Libdl
using Pkg: Artifacts # the stdlib Artifacts is only in Julia 1.6 and later

export Authorization, LoginError, PromptRequest, Session
export check, explain, export_session, forget, import_session
export is_apikey_configured, login, prompt_api_key, refresh, refused!

include("abi.jl")       # constants and structs of the C header
include("search.jl")    # where the shared library may be
include("library.jl")   # loading and checking it
include("session.jl")   # the result of a login
include("callbacks.jl") # Julia functions that C calls
include("terminal.jl")  # prompting without blocking other threads
include("call.jl")      # calling the library with keyword options
include("login.jl")     # the public functions
include("authorization.jl") # a credential that stays valid

function __init__()
    init_callbacks()
    # Only warn here, so that the user can call `set_library!`; the first call throws.
    try
        library()
    catch problem
        @warn sprint(showerror, problem)
    end
end

end
