# Run with `WANDB_LOGIN_LIBRARY` set: julia --project -e 'using Pkg; Pkg.test()'
using Test
using WandbLogin

const KEYS = [string(digit)^40 for digit in 1:9]

"A home of its own, and an environment that knows nothing else."
function in_home(body)
    mktempdir() do folder
        folder = realpath(folder)
        body(folder, Dict("HOME" => folder))
    end
end

"Writes a file for the user alone."
function put(text, path...)
    file = joinpath(path...)
    mkpath(dirname(file))
    write(file, text)
    chmod(file, 0o600)
    return file
end

netrc(key) = "machine api.wandb.ai\n  login user\n  password $key\n"

"What a call throws."
function thrown(body)
    try
        body()
    catch problem
        return problem
    end
    return nothing
end

"What a new Julia with other variables says."
function in_new_julia(script, variables...)
    out = Pipe()
    command = `$(Base.julia_cmd()) --startup-file=no --project=$(Base.active_project()) -e $script`
    process = withenv(variables...) do
        run(pipeline(ignorestatus(command); stdout = out, stderr = out); wait = false)
    end
    close(out.in)
    said = read(out, String)
    wait(process)
    return process.exitcode, said
end

quiet = (level, line) -> nothing

@testset "WandbLogin" begin
    include("layout.jl")
    include("sources.jl")
    include("callbacks.jl")
    include("errors.jl")
    include("sessions.jl")
    include("threads.jl")
    include("signals.jl")
    include("library.jl")
    include("servers.jl")
    include("panic.jl")
end
