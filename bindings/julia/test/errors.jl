@testset "errors" begin
    in_home() do home, env
        fails(; options...) = thrown(() -> login(; environment = env, log = quiet, options...))

        problem = fails(no_prompt = true)
        @test problem isa LoginError && problem.status === :not_configured && problem.code == 2
        @test occursin("No API key configured", problem.text)
        @test !occursin("notebook", problem.text)
        @test sprint(showerror, problem) == problem.text

        # Without a terminal the error names the keyword for notebooks, unless it is given.
        silent(; options...) = fails(; silent = true, options...)
        @test occursin("In a notebook, pass `prompt`, a function", silent().text)
        @test occursin("In a notebook", silent(relogin = true).text)
        ranks = merge(env, Dict("RANK" => "1", "WORLD_SIZE" => "2"))
        @test !occursin("notebook", silent(prompt = _ -> "", environment = ranks).text)
        problem = thrown(() -> prompt_api_key(environment = env, silent = true, log = quiet))
        @test occursin("In a notebook", problem.text)

        @test fails(host = "wandb.example.com").status === :argument
        @test fails(host = "https://größe.example").status === :argument
        @test fails(host = "https://wandb.example.com", cloud = true).status === :argument
        @test fails(api_key = KEYS[1][2:end]).status === :credentials
        @test occursin("has 39", fails(api_key = KEYS[1][2:end]).text)

        netrc_file = put(netrc("kurz"), home, ".netrc")
        problem = fails()
        @test problem.status === :credentials
        @test occursin(netrc_file, problem.text) && !occursin("kurz", problem.text)

        put(netrc(KEYS[1]), home, ".netrc")
        chmod(netrc_file, 0o400)
        problem = thrown(() -> forget(environment = env, log = quiet))
        @test problem.status === :store
        @test read(netrc_file, String) == netrc(KEYS[1])
    end
end

@testset "wrong keywords" begin
    @test thrown(() -> login(api_key = "a\0b")) isa ArgumentError
    @test !occursin("a\0b", sprint(showerror, thrown(() -> login(api_key = "a\0b"))))
    @test thrown(() -> login(key = "a")) isa ArgumentError
    @test thrown(() -> login(anonymous = :maybe)) isa ArgumentError
    @test thrown(() -> login(prompt_timeout = -1)) isa ArgumentError
    @test thrown(() -> login(http_timeout = Inf)) isa ArgumentError
    @test thrown(() -> login(relogin = 1)) isa TypeError
    @test thrown(() -> prompt_api_key(api_key = KEYS[1])).status === :argument
    @test thrown(() -> prompt_api_key(no_prompt = true)).status === :argument
    @test isempty(WandbLogin.CALLS)
end
