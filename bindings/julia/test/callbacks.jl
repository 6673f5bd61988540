@testset "callbacks" begin
    in_home() do home, env
        requests = PromptRequest[]
        lines = Tuple{Symbol,String}[]
        sessions = Session[]
        session = login(
            environment = merge(env, Dict("WANDB_BASE_URL" => "https://wandb.example.com")),
            referrer = "julia",
            prompt_timeout = 60,
            prompt = function (request)
                push!(requests, request)
                return request.attempt == 1 ? "schlüssel" : Base.SecretBuffer(KEYS[1])
            end,
            log = (level, line) -> push!(lines, (level, line)),
            backend = session -> push!(sessions, session),
        )
        @test session.api_key == KEYS[1]
        @test length(requests) == 2
        first, second = requests
        @test first.server == "https://wandb.example.com"
        @test first.server_source == "WANDB_BASE_URL"
        @test occursin("ref=julia", first.authorize_url)
        @test first.may_offline && !first.may_anonymous
        @test 0 < first.remaining <= 60
        @test first.problem === nothing && first.attempt == 1
        @test second.problem isa String && second.attempt == 2
        @test !isempty(lines) && all(level in (:info, :warn) for (level, _) in lines)
        @test !any(occursin(KEYS[1], line) for (_, line) in lines)
        # The session is valid after the call.
        @test length(sessions) == 1 && sessions[1].api_key == KEYS[1]

        ask(answer; options...) =
            login(; environment = env, log = quiet, no_save = true, prompt = _ -> answer, options...)
        @test ask(:offline) === nothing
        @test thrown(() -> ask(nothing)).status === :prompt
        @test thrown(() -> ask(:offline, force = true)).status === :prompt
        @test thrown(() -> ask(:anonymous)).status === :prompt
        @test thrown(() -> ask("zu kurz")).status === :credentials # after five attempts
        @test thrown(() -> ask("a\0b")) isa ArgumentError
        @test thrown(() -> ask("1"^70_000)) isa ArgumentError
        @test ask("  " * KEYS[2] * "\n").api_key == KEYS[2]
        @test ask("1"^65_000).api_key == "1"^65_000
    end
end

struct Oops <: Exception end

@testset "exceptions of callbacks" begin
    in_home() do home, env
        variable = merge(env, Dict("WANDB_API_KEY" => KEYS[1]))
        @test thrown(() -> login(environment = env, log = quiet, prompt = _ -> throw(Oops()))) isa Oops
        @test thrown(() -> login(environment = variable, log = (_, _) -> throw(Oops()))) isa Oops
        @test thrown(() -> login(environment = variable, log = quiet, backend = _ -> throw(Oops()))) isa Oops
        @test thrown(() -> login(environment = env, log = quiet, prompt = _ -> :nonsense)) isa Exception
        @test thrown(() -> login(environment = env, log = quiet, prompt = _ -> 7)) isa MethodError
        # A pipe without a writer, so that the call waits until it is cancelled.
        fifo = joinpath(home, "fifo")
        run(`mkfifo $fifo`)
        waiting = merge(env, Dict("WANDB_API_KEY_FILE" => fifo))
        @test thrown(() -> login(environment = waiting, log = quiet, cancel = () -> throw(Oops()))) isa Oops
        @test thrown(() -> login(environment = waiting, log = quiet, cancel = () -> true)).status === :cancelled
        polls = Ref(0)
        slow = () -> (polls[] += 1) > 3
        @test thrown(() -> login(environment = waiting, log = quiet, cancel = slow)).status === :cancelled
        @test polls[] == 4
    end
    @test isempty(WandbLogin.CALLS)
end
