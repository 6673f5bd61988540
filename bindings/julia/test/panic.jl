# A bug inside the library is an exception, and Julia lives on. Needs a library with
# the `panic-test` feature, which the repository's tests build.
@testset "a bug in the library" begin
    path = get(ENV, "WANDB_LOGIN_TEST_PANIC_LIBRARY", "")
    isempty(path) && @info "no bug was met: WANDB_LOGIN_TEST_PANIC_LIBRARY is not set"
    script = """
        using WandbLogin
        quiet = (level, line) -> nothing
        nobody = Dict("HOME" => "/nowhere")
        known = merge(nobody, Dict("WANDB_API_KEY" => "$(KEYS[1])"))
        with_a_bug(options) = ccall(
            WandbLogin.symbol(:wandb_login_test_panic), Int32, (Ptr{WandbLogin.COptions},), options)
        function status(body)
            try
                body()
            catch problem
                return problem isa LoginError ? problem.status : problem
            end
        end
        function hit_and_live_on()
            hit = status(() -> WandbLogin.run_with_options(with_a_bug; environment = known, log = quiet))
            garbage = [string(j) for j in 1:1000]
            lent = Ref("")
            session = login(environment = known, log = quiet, backend = s -> lent[] = s.api_key)
            return hit === :internal && session.api_key == lent[] == "$(KEYS[1])" && length(garbage) == 1000
        end
        println(with_a_bug(C_NULL))
        println(hit_and_live_on())
        good = Threads.Atomic{Int}(0)
        Threads.@threads for i in 1:64
            hit_and_live_on() && Threads.atomic_add!(good, 1)
        end
        GC.gc()
        println(good[])
        # This library also has no HTTP, which is another kind of error.
        println(status(() -> login(environment = known, log = quiet, verify = true)))
        """
    if !isempty(path)
        code, said = in_new_julia(script, "WANDB_LOGIN_LIBRARY" => path)
        @test code == 0
        answers = ("-99", "true", "64", "unsupported")
        @test [line for line in split(said, '\n') if line in answers] == [answers...]
    end
end
