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

# One task reads a session while another one closes it: every value is right, or the
# session is closed.
@testset "a session that another thread closes" begin
    Threads.nthreads() > 1 || @info "the test of closed sessions is not set up: one thread"
    wrong, right = Threads.Atomic{Int}(0), Threads.Atomic{Int}(0)
    for i in 1:1000
        key = lpad(string(i), 40, 'k')
        session = import_session("wandb-login-session 1\nbase_url https://api.wandb.ai\n" *
            "app_url https://wandb.ai\nsource explicit\napi_key $key\n")
        reading = Threads.@spawn while true
            value = try
                session.api_key
            catch problem
                problem isa ArgumentError ? break : rethrow()
            end
            Threads.atomic_add!(value == key ? right : wrong, 1)
            shown = repr(session)
            shown in ("Session(closed)", "Session(https://api.wandb.ai, source = :explicit)") ||
                Threads.atomic_add!(wrong, 1)
            # With one thread, the default of Julia, the other task runs only now.
            Threads.nthreads() > 1 || yield()
        end
        closing = Threads.@spawn close(session)
        wait(reading)
        wait(closing)
    end
    @test wrong[] == 0 && right[] > 0
end

# A session that a call uses may be closed by a function of that call.
@testset "a session that is closed during a call" begin
    in_home() do home, env
        session = login(api_key = KEYS[1], environment = env, no_save = true, log = quiet)
        again = login(session = session, environment = env, log = (_, _) -> close(session))
        @test again.api_key == KEYS[1] && !isopen(session)
    end
end

# The call ends when another task has run five times, which a timer wakes each time.
@testset "other tasks run while the library waits" begin
    in_home() do home, env
        fifo = joinpath(home, "fifo")
        run(`mkfifo $fifo`)
        ticks, polls = Ref(0), Ref(0)
        ticking = @async while ticks[] < 5
            sleep(0.01)
            ticks[] += 1
        end
        waiting = merge(env, Dict("WANDB_API_KEY_FILE" => fifo))
        enough() = ticks[] == 5 || (polls[] += 1) == 500
        @test thrown(() -> login(environment = waiting, log = quiet, cancel = enough)).status === :cancelled
        @test ticks[] == 5
        wait(ticking)
    end
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
