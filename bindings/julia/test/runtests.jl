# Run with `WANDB_LOGIN_LIBRARY` set: julia --project -e 'using Pkg; Pkg.test()'
# Some of the files: Pkg.test(test_args = ["threads"])
using Test
using WandbLogin

const KEYS = [string(digit)^40 for digit in 1:9]

"Calls `body` with a new home directory and an environment with only `HOME`."
function in_home(body)
    mktempdir() do folder
        folder = realpath(folder)
        body(folder, Dict("HOME" => folder))
    end
end

"Writes a file that only the user can read."
function put(text, path...)
    file = joinpath(path...)
    mkpath(dirname(file))
    write(file, text)
    chmod(file, 0o600)
    return file
end

netrc(key) = "machine api.wandb.ai\n  login user\n  password $key\n"

"Returns the exception that `body` throws."
function thrown(body)
    try
        body()
    catch problem
        return problem
    end
    return nothing
end

"Runs a script in a new Julia process; returns its exit code and output."
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
    for name in [
        "layout", "sources", "callbacks", "errors", "sessions", "threads",
        "authorization", "terminal", "signals", "library", "servers", "hostile", "panic",
    ]
        isempty(ARGS) || name in ARGS || continue
        include("$name.jl")
    end
end
