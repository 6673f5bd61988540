@testset "sessions" begin
    in_home() do home, env
        session = login(api_key = KEYS[1], environment = env, log = quiet)

        # Printing a session shows no secrets.
        for shown in (repr(session), string(session), sprint(dump, session),
                      sprint(show, MIME"text/plain"(), session), repr([session]))
            @test !occursin(KEYS[1], shown) && !occursin(session.authorization, shown)
        end
        @test repr(session) == "Session(https://api.wandb.ai, source = :explicit)"
        @test all(name -> getproperty(session, name) !== missing, propertynames(session))
        @test thrown(() -> session.password) isa ArgumentError
        @test occursin("https://api.wandb.ai", session.display)

        environ = session.environ
        @test environ["WANDB_API_KEY"] == KEYS[1]
        @test environ["WANDB_BASE_URL"] == "https://api.wandb.ai"
        child = merge(env, environ)
        @test login(environment = child, log = quiet).api_key == KEYS[1]

        text = export_session(session)
        @test text isa Vector{UInt8} && occursin(KEYS[1], String(copy(text)))
        copied = import_session(text)
        @test all(getproperty(copied, name) == getproperty(session, name) for name in propertynames(session))
        @test import_session(String(text)).api_key == KEYS[1]
        @test thrown(() -> import_session("something else")).status === :argument
        @test thrown(() -> import_session("a\0b")) isa ArgumentError

        put(netrc(KEYS[2]), home, ".netrc")
        sessions = Session[]
        fresh = refresh(session, environment = env, log = quiet, backend = s -> push!(sessions, s))
        @test fresh.api_key == KEYS[2] && session.api_key == KEYS[1]
        @test length(sessions) == 1

        close(session)
        close(session)
        @test !isopen(session) && repr(session) == "Session(closed)"
        @test thrown(() -> session.api_key) isa ArgumentError
        @test thrown(() -> export_session(session)) isa ArgumentError
        @test thrown(() -> login(session = session, environment = env)) isa ArgumentError
        @test thrown(() -> refresh(session, environment = env)) isa ArgumentError
        @test copied.api_key == KEYS[1]
    end
end

@testset "the way to the server" begin
    in_home() do home, env
        known = merge(env, Dict("WANDB_API_KEY" => KEYS[1]))
        session = login(environment = known, log = quiet)
        @test session.ca_file === session.ca_dir === session.proxy === nothing
        @test !session.tls_unchecked && isempty(session.headers)

        session = login(log = quiet, environment = merge(known, Dict(
            "SSL_CERT_FILE" => joinpath(home, "ca.pem"), "SSL_CERT_DIR" => joinpath(home, "cas"),
            "HTTPS_PROXY" => "http://me:secret@127.0.0.1:3128", "WANDB_USERNAME" => "zoe",
            "WANDB_X_EXTRA_HTTP_HEADERS" => "{\"X-Gateway\": \"a: b\", \"X-Empty\": \"\"}")))
        @test session.ca_file == joinpath(home, "ca.pem") && session.ca_dir == joinpath(home, "cas")
        @test session.proxy == "http://me:secret@127.0.0.1:3128"
        headers = session.headers
        @test headers isa Vector{Pair{String,String}}
        @test ("X-Gateway" => "a: b") in headers && ("X-Wandb-Username" => "zoe") in headers
        @test ("X-Empty" => "") in headers
        @test !occursin("secret", repr(session))
        @test login(log = quiet, environment = merge(known, Dict(
            "WANDB_INSECURE_DISABLE_SSL" => "true"))).tls_unchecked
    end
end
