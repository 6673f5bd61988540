"""
Log in to Weights & Biases from Julia: find the API key where the Python SDK would,
ask for it where a human is, and store it where the SDK finds it again.

    using WandbLogin
    session = login()
    session.authorization   # for an HTTP Authorization header

See [`login`](@ref), and [`Session`](@ref) for what it returns.
"""
module WandbLogin

using Libdl: Libdl

export LoginError, PromptRequest, Session
export check, explain, export_session, forget, import_session
export is_apikey_configured, login, prompt_api_key, refresh

include("abi.jl")       # the numbers and structs of the C header
include("library.jl")   # finding and checking the shared library
include("session.jl")   # what a login leaves in the caller's hand
include("callbacks.jl") # Julia functions that C calls
include("terminal.jl")  # asking without stopping other threads
include("call.jl")      # from keywords to one call of the library
include("login.jl")     # what users call

function __init__()
    init_callbacks()
    # A message now; the error comes with the first call, so that `set_library!`
    # can still be reached.
    try
        library()
    catch problem
        @warn sprint(showerror, problem)
    end
end

end
