# Servers that repeat the key or try to control the terminal, and damaged sessions.
using Sockets: Sockets, @ip_str

"Calls `body` with the URL of a server that gives every request the same answer."
function answering(body, status, text)
    port, server = Sockets.listenany(ip"127.0.0.1", 20000)
    task = @async while true
        client = try
            Sockets.accept(server)
        catch
            break # closed
        end
        @async try
            size = 0
            while (line = readline(client)) != ""
                name, value = split(line * ":", ':'; limit = 2)
                lowercase(name) == "content-length" && (size = parse(Int, strip(value, [' ', ':'])))
            end
            read(client, size)
            write(client, "HTTP/1.1 $status Answer\r\nLocation: https://other.example/$(KEYS[1])\r\n",
                "X-Key: $(KEYS[1])\r\nConnection: close\r\nContent-Length: $(sizeof(text))\r\n\r\n", text)
        catch
            # The client is gone.
        finally
            close(client)
        end
    end
    try
        body("http://127.0.0.1:$port")
    finally
        close(server)
        wait(task)
    end
end

is_plain(text) = isvalid(text) && !any(iscntrl, text) && !occursin(KEYS[1], text)

@testset "hostile servers" begin
    evil = "x\\u001b[2J\\u0000\\r\\nwandb: done\\u009b\\u202e "
    user = """{"id": "x", "username": "$evil", "email": "$evil", "entity": "$evil", "teams": {"edges": [{"node": {"name": "$evil"}}]}}"""
    for text in (
            """{"data": {"viewer": $user}}""",
            """{"errors": [{"message": "$evil$(KEYS[1])"}]}""",
            "\xff\xfe\0$(KEYS[1])\e[2J",
            repeat("{\"data\":", 120) * repeat("}", 120),
            repeat("[", 100_000),
            """{"data": {"viewer": {"username": "$(KEYS[1])", "email": "\\ud800"}}}""",
        ),
        status in (200, 302, 401, 500)
        lines = String[]
        in_home() do home, env
            answering(status, text) do url
                session = try
                    login(; environment = env, log = (level, line) -> push!(lines, line),
                        api_key = KEYS[1], host = url, verify = true, http_timeout = 0.5)
                catch problem
                    problem
                end
                if session isa LoginError
                    @test is_plain(session.text)
                else
                    shown = (session.username, session.email, session.entity, session.teams...)
                    @test all(is_plain, filter(text -> text !== nothing, collect(Any, shown)))
                    close(session)
                end
            end
        end
        @test all(is_plain, lines)
    end
end

@testset "damaged sessions" begin
    in_home() do home, env
        session = login(; environment = merge(env, Dict("WANDB_API_KEY" => KEYS[1])), log = quiet)
        exported = export_session(session)
        bytes = Vector{UInt8}(exported)
        for at in eachindex(bytes), byte in (bytes[at] ⊻ 0x01, UInt8('\e'), 0xff)
            damaged = copy(bytes)
            damaged[at] = byte
            result = try
                import_session(String(damaged))
            catch problem
                problem
            end
            # A change that is not noticed changes nothing.
            @test result isa LoginError ? is_plain(result.text) :
                (result.base_url, result.authorization) == (session.base_url, session.authorization)
        end
    end
end
