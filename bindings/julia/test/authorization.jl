using Sockets

"""
Calls `body` with the URL of a server that exchanges identity tokens for the access tokens
`token-1`, `token-2`, … of an hour, and with the number of exchanges. `before_answer` is
called with the number of each exchange.
"""
function with_token_server(body; before_answer = number -> nothing)
    server = listen(ip"127.0.0.1", 0)
    exchanges = Ref(0)
    @async while isopen(server)
        socket = try
            accept(server)
        catch
            break
        end
        @async begin
            readuntil(socket, "\r\n\r\n")
            number = exchanges[] += 1
            before_answer(number)
            answer = "{\"access_token\": \"token-$number\", \"expires_in\": 3600}"
            write(socket, "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: $(sizeof(answer))\r\n\r\n$answer")
            close(socket)
        end
    end
    try
        body("http://127.0.0.1:$(Int(getsockname(server)[2]))", exchanges)
    finally
        close(server)
    end
end

"The environment of a login at this server, and a session with its first token."
function identity_login(home, env, url)
    file = put("eyJh.eyJz.c2ln\n", home, "token")
    env = merge(env, Dict("WANDB_BASE_URL" => url, "WANDB_IDENTITY_TOKEN_FILE" => file))
    return env, login(environment = env, log = quiet)
end

"The session with a token that was issued an hour less `left` seconds ago."
function aged(session, left)
    now = floor(Int, time())
    # Without the checksum, the text may be changed.
    text = replace(String(export_session(session)), r"^checksum .*\n"m => "")
    text = replace(text, r"^expires_at .*$"m => "expires_at $(now + left)")
    return import_session(replace(text, r"^issued_at .*$"m => "issued_at $(now + left - 3600)"))
end

@testset "Authorization with an API key" begin
    in_home() do home, env
        variable = merge(env, Dict("WANDB_API_KEY" => KEYS[1]))
        session = login(environment = variable, log = quiet)
        value = session.authorization
        authorization = Authorization(session; environment = variable, log = quiet)
        close(session)
        @test authorization() == string(authorization) == value
        @test "Authorization: $authorization" == "Authorization: $value"
        for shown in (repr(authorization), sprint(show, MIME"text/plain"(), authorization),
                      repr(["Authorization" => authorization]), sprint(dump, authorization))
            @test !occursin(KEYS[1], shown) && !occursin(value, shown)
        end

        # A key that was refused is replaced by another configured one only.
        refused!(authorization)
        @test thrown(authorization).status === :rejected
        put(netrc(KEYS[2]), home, ".netrc")
        other = Authorization(import_session("wandb-login-session 1\nbase_url https://api.wandb.ai\n" *
            "app_url https://wandb.ai\nsource explicit\napi_key $(KEYS[1])\n"); environment = env, log = quiet)
        refused!(other, "Basic of another request")
        @test other() == value
        refused!(other, value)
        @test other() != value
        refused!(other, value) # a report about an old value
        @test startswith(other(), "Basic ")

        close(authorization)
        close(authorization)
        @test !isopen(authorization) && isopen(other)
        @test thrown(authorization) isa ArgumentError
        @test thrown(() -> refused!(authorization)) isa ArgumentError
        @test thrown(() -> Authorization(session)) isa ArgumentError # the session is closed
        close(other)
    end
    @test isempty(WandbLogin.CALLS)
end

@testset "Authorization with access tokens" begin
    in_home() do home, env
        # Tasks on all threads ask while one of them renews: one exchange, and the old token
        # until it is made.
        old = Threads.Atomic{Int}(0)
        wait_for_old(number) =
            while number == 2 && old[] == 0
                sleep(0.005)
            end
        with_token_server(before_answer = wait_for_old) do url, exchanges
            env, session = identity_login(home, env, url)
            renewed = String[]
            authorization = Authorization(aged(session, 200); environment = env, log = quiet,
                backend = fresh -> push!(renewed, fresh.authorization))
            wrong = Threads.Atomic{Int}(0)
            tasks = map(1:64) do _
                Threads.@spawn while true
                    value = authorization()
                    value == "Bearer token-2" && break
                    Threads.atomic_add!(value == "Bearer token-1" ? old : wrong, 1)
                    sleep(0.001)
                end
            end
            foreach(wait, tasks)
            @test wrong[] == 0 && old[] > 0
            @test exchanges[] == 2 && renewed == ["Bearer token-2"]
            close(authorization)
        end

        # A token that was refused, and one that has ended.
        with_token_server() do url, exchanges
            rm(joinpath(home, ".config"); recursive = true, force = true)
            env, session = identity_login(home, env, url)
            first = session.authorization
            authorization = Authorization(session; environment = env, log = quiet)
            @test authorization() == first && exchanges[] == 1
            refused!(authorization, first)
            @test authorization() == "Bearer token-2"
            refused!(authorization, first)
            @test authorization() == "Bearer token-2" && exchanges[] == 2
            close(authorization)

            ended = Authorization(aged(session, -5); environment = env, log = quiet)
            @test ended() == "Bearer token-2" && exchanges[] == 2 # from the cache
            close(ended)
        end

        # An exception of a function of the renewal; the next call tries again.
        with_token_server() do url, exchanges
            env, session = identity_login(home, env, url)
            failing = Ref(true)
            authorization = Authorization(session; environment = env, log = quiet,
                backend = _ -> failing[] && throw(Oops()))
            refused!(authorization)
            @test thrown(authorization) isa Oops
            failing[] = false
            refused!(authorization)
            @test startswith(authorization(), "Bearer token-")
            close(authorization)

            # A function of the renewal that uses the Authorization.
            for use in (close, refused!, string)
                used = Ref{Authorization}()
                used[] = Authorization(session; environment = env, log = quiet, backend = _ -> use(used[]))
                refused!(used[])
                @test thrown(used[]) isa ArgumentError && isopen(used[])
                close(used[])
            end
        end
    end
    @test isempty(WandbLogin.CALLS)
end
