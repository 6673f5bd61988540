# Ctrl-C while the library waits, and afterwards in Julia code. Runs in a new process, so
# that the signal does not affect other tests.
@testset "Ctrl-C" begin
    in_home() do home, env
        fifo = joinpath(home, "fifo")
        run(`mkfifo $fifo`)
        script = """
            using WandbLogin
            ccall(:jl_exit_on_sigint, Cvoid, (Cint,), 0)
            interrupt() = run(`sh -c "sleep 1; kill -INT \$(getpid())"`; wait = false)
            function interrupted(body)
                try
                    interrupt() # here, so that the signal cannot come before the try
                    body()
                    return "not interrupted"
                catch problem
                    return problem isa InterruptException ? "interrupted" : string(problem)
                end
            end
            quiet = (level, line) -> nothing
            waiting = Dict("HOME" => "$home", "WANDB_API_KEY_FILE" => "$fifo")
            login_once() = thrown = login(environment = waiting, log = quiet)
            known = Dict("HOME" => "$home", "WANDB_API_KEY" => "$(KEYS[1])")
            login(environment = known, log = quiet)
            println("login: ", interrupted(login_once))
            println("prompt: ", interrupted(() -> login(
                environment = Dict("HOME" => "$home"), log = quiet, prompt = _ -> sleep(20))))
            println("Julia: ", interrupted(() -> sleep(20)))
            println("then: ", login(environment = known, log = quiet).source)
            """
        command = `$(Base.julia_cmd()) --startup-file=no --project=$(Base.active_project()) -e $script`
        output = read(command, String)
        @test output == "login: interrupted\nprompt: interrupted\nJulia: interrupted\nthen: environment\n"
    end
end
