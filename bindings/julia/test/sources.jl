# A login from each source, from the last to the first in the lookup order.
@testset "sources" begin
    in_home() do home, env
        put(netrc(KEYS[1]), home, ".netrc")
        session = login(environment = env, log = quiet)
        @test session.source === :netrc
        @test session.source_name == joinpath(home, ".netrc")
        @test session.api_key == KEYS[1]
        @test session.base_url == "https://api.wandb.ai"
        @test session.saved && !session.verified
        @test session.expires_at === nothing && session.username === nothing
        @test isempty(session.teams)
        @test startswith(session.authorization, "Basic ")

        settings = "[default]\napi_key = $(KEYS[2])\nentity = größe\n"
        put(settings, home, ".config", "wandb", "settings")
        session = login(environment = env, log = quiet)
        @test session.source === :settings && session.api_key == KEYS[2]
        @test session.entity === nothing # not verified
        @test login(environment = env, log = quiet, sdk_order = true).source === :netrc

        file = put(KEYS[3] * "\n", home, "geheim-ä")
        key_file = merge(env, Dict("WANDB_API_KEY_FILE" => file))
        session = login(environment = key_file, log = quiet)
        @test session.source === :key_file && session.api_key == KEYS[3]
        @test session.source_name == file

        variable = merge(env, Dict("WANDB_API_KEY" => KEYS[4]))
        session = login(environment = variable, log = quiet)
        @test session.source === :environment && session.api_key == KEYS[4]
        @test session.source_name == "WANDB_API_KEY"

        again = login(environment = variable, log = quiet, session = login(api_key = KEYS[5],
            environment = env, no_save = true, log = quiet))
        @test again.source === :session && again.api_key == KEYS[5]

        session = login(api_key = KEYS[6], environment = variable, log = quiet)
        @test session.source === :explicit && session.api_key == KEYS[6] && session.saved
        @test occursin(KEYS[6], read(joinpath(home, ".netrc"), String))

        secret = Base.SecretBuffer(KEYS[7])
        session = login(api_key = secret, environment = env, no_save = true, log = quiet)
        @test session.api_key == KEYS[7] && !session.saved
        Base.shred!(secret)

        session = login(environment = env, log = quiet, relogin = true, prompt = _ -> KEYS[8])
        @test session.source === :prompt && session.api_key == KEYS[8]
        session = prompt_api_key(environment = env, log = quiet, prompt = _ -> KEYS[9])
        @test session.source === :prompt && session.api_key == KEYS[9]

        login(api_key = KEYS[6], host = "https://old.example:8443", environment = env, log = quiet,
            bare_host = true)
        @test occursin("machine old.example\n", read(joinpath(home, ".netrc"), String))
    end
end

@testset "ENV and pwd" begin
    in_home() do home, env
        names = [name for name in keys(ENV) if startswith(name, "WANDB_") && name != "WANDB_LOGIN_LIBRARY"]
        unset = Dict{String,Any}(name => nothing for name in names)
        withenv(unset..., "HOME" => home, "WANDB_API_KEY" => KEYS[1]) do
            @test login(log = quiet).api_key == KEYS[1]
            @test is_apikey_configured()
        end
        withenv(unset..., "HOME" => home) do
            @test !is_apikey_configured()
            # The workspace settings.
            put("[default]\napi_key = $(KEYS[2])\n", home, "projekt-ü", "wandb", "settings")
            @test cd(() -> login(log = quiet).api_key, joinpath(home, "projekt-ü")) == KEYS[2]
            @test login(log = quiet, directory = joinpath(home, "projekt-ü")).api_key == KEYS[2]
            @test !is_apikey_configured()
        end
    end
end

@testset "offline, check, explain, forget" begin
    in_home() do home, env
        offline = merge(env, Dict("WANDB_MODE" => "offline"))
        @test login(environment = offline, log = quiet) === nothing
        @test prompt_api_key(environment = offline, log = quiet) === nothing

        @test !is_apikey_configured(environment = env)
        login(api_key = KEYS[1], environment = env, log = quiet)
        @test is_apikey_configured(environment = env)
        @test check(environment = env) === nothing

        report = explain(environment = env)
        @test occursin(joinpath(home, ".netrc"), report) && !occursin(KEYS[1], report)
        json = explain(format = :json, environment = env)
        @test startswith(json, "{") && occursin("\"netrc\"", json) && !occursin(KEYS[1], json)
        @test thrown(() -> explain(format = :xml)) isa ArgumentError

        @test forget(environment = env, log = quiet) === nothing
        @test !is_apikey_configured(environment = env)
    end
end
