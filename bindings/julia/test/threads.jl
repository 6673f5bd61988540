@testset "threads" begin
    in_home() do home, env
        # 64 logins at the same time, each with its own environment and callbacks, while
        # every thread allocates.
        wrong = Threads.Atomic{Int}(0)
        Threads.@threads for i in 1:64
            key = lpad(string(i), 40, 'k')
            own = merge(env, Dict("WANDB_API_KEY" => key))
            seen = Ref("")
            mine = login(environment = own, log = quiet, backend = s -> seen[] = s.api_key)
            garbage = [string(j) for j in 1:1000]
            length(garbage) == 1000 && mine.api_key == key && seen[] == key ||
                Threads.atomic_add!(wrong, 1)
        end
        @test wrong[] == 0

        # A prompt function that waits for another task.
        other = Ref(false)
        task = @async (other[] = true)
        session = login(environment = env, log = quiet, no_save = true,
                        prompt = _ -> (wait(task); KEYS[1]))
        @test session.api_key == KEYS[1] && other[]
    end
    @test isempty(WandbLogin.CALLS)
end

"The resident memory of this process in kilobytes."
function resident()
    line = first(filter(startswith("VmRSS"), readlines("/proc/self/status")))
    return parse(Int, split(line)[2])
end

@testset "no leaks" begin
    in_home() do home, env
        variable = merge(env, Dict("WANDB_API_KEY" => KEYS[1]))
        function rounds(count)
            for _ in 1:count
                session = login(environment = variable, log = quiet, backend = close)
                explain(environment = variable)
                import_session(export_session(session))
                thrown(() -> login(api_key = "kurz", environment = env, log = quiet))
            end
            GC.gc()
        end
        rounds(300)
        if Sys.islinux()
            before = resident()
            rounds(1500)
            @test resident() - before < 10_000
        end
        @test isempty(WandbLogin.CALLS)
    end
end
