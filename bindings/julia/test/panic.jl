# A panic in the library becomes an exception, and Julia continues. Needs a library with
# the `panic-test` feature, which tests/julia.rs builds.
@testset "a panic in the library" begin
    path = get(ENV, "WANDB_LOGIN_TEST_PANIC_LIBRARY", "")
    isempty(path) && @info "not tested: WANDB_LOGIN_TEST_PANIC_LIBRARY is not set"
    script = """
        using WandbLogin
        quiet = (level, line) -> nothing
        empty = Dict("HOME" => "/nowhere")
        known = merge(empty, Dict("WANDB_API_KEY" => "$(KEYS[1])"))
        panicking(options) = ccall(
            WandbLogin.symbol(:wandb_login_test_panic), Int32, (Ptr{WandbLogin.COptions},), options)
        function status(body)
            try
                body()
            catch problem
                return problem isa LoginError ? problem.status : problem
            end
        end
        function panic_and_continue()
            hit = status(() -> WandbLogin.run_with_options(panicking; environment = known, log = quiet))
            garbage = [string(j) for j in 1:1000]
            lent = Ref("")
            session = login(environment = known, log = quiet, backend = s -> lent[] = s.api_key)
            return hit === :internal && session.api_key == lent[] == "$(KEYS[1])" && length(garbage) == 1000
        end
        println(panicking(C_NULL))
        println(panic_and_continue())
        good = Threads.Atomic{Int}(0)
        Threads.@threads for i in 1:64
            panic_and_continue() && Threads.atomic_add!(good, 1)
        end
        GC.gc()
        println(good[])
        # This library is built without HTTP, which is another error.
        println(status(() -> login(environment = known, log = quiet, verify = true)))
        """
    if !isempty(path)
        code, said = in_new_julia(script, "WANDB_LOGIN_LIBRARY" => path)
        @test code == 0
        answers = ("-99", "true", "64", "unsupported")
        @test [line for line in split(said, '\n') if line in answers] == [answers...]
    end
end
