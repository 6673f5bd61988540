# Logins that use a server. tests/julia.rs starts the servers and sets
# WANDB_LOGIN_TEST_SERVERS to words of `name=URL`.
@testset "servers" begin
    words = split(get(ENV, "WANDB_LOGIN_TEST_SERVERS", ""))
    isempty(words) && @info "not tested: WANDB_LOGIN_TEST_SERVERS is not set"
    servers = Dict{String,String}(split(word, '='; limit = 2) for word in words)
    isempty(words) || in_home() do home, env
        ask(name; options...) = login(; environment = env, log = quiet, api_key = KEYS[1],
            host = servers[name], verify = true, no_save = true, options...)

        session = ask("good")
        @test session.verified && session.base_url == servers["good"]
        @test session.username == "usr" && session.email == "e@x" && session.entity == "ent"
        @test session.teams == ["ent", "team2"]
        @test occursin("username = usr", repr(session))

        for name in ("rejected", "server", "tls")
            problem = thrown(() -> ask(name))
            @test problem isa LoginError && problem.status === Symbol(name)
            @test !occursin(KEYS[1], problem.text)
        end
        @test thrown(() -> ask("timeout", http_timeout = 0.2)).status === :timeout
        servers["unreachable"] = "http://127.0.0.1:1"
        @test thrown(() -> ask("unreachable")).status === :network
        servers["behind"] = "http://wandb.invalid"
        proxied = merge(env, Dict("HTTP_PROXY" => servers["proxy"]))
        @test thrown(() -> ask("behind", environment = proxied)).status === :proxy

        file = put("aaaa.bbbb.cccc\n", home, "token")
        identity = Dict("WANDB_BASE_URL" => servers["tokens"], "WANDB_IDENTITY_TOKEN_FILE" => file)
        session = login(environment = merge(env, identity), log = quiet)
        @test session.source === :identity_token && session.source_name == file
        @test session.api_key === nothing
        @test session.authorization == "Bearer token-of-the-server"
        @test 0 < session.expires_at - time() <= 3600
    end
end
