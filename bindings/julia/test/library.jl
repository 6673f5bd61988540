@testset "finding the library" begin
    script = """
        using WandbLogin
        println(try WandbLogin.is_apikey_configured() catch e; sprint(showerror, e) end)
        """
    code, said = in_new_julia(script, "WANDB_LOGIN_LIBRARY" => "/nowhere/libwandb_login.so")
    @test code == 0 # `using` warns, the call throws
    @test length(findall("cannot load libwandb_login. Set WANDB_LOGIN_LIBRARY", said)) == 2
    @test occursin("/nowhere/libwandb_login.so (from WANDB_LOGIN_LIBRARY): ", said)

    libc = Sys.islinux() ? "libc.so.6" : "libc.dylib"
    _, said = in_new_julia(script, "WANDB_LOGIN_LIBRARY" => libc)
    @test occursin("$libc (from WANDB_LOGIN_LIBRARY) is not libwandb_login.", said)

    # Two libraries that only return a version, which tests/julia.rs builds.
    for (name, version) in ("OLD" => "0.0.9", "NEW" => "1.0.0")
        path = get(ENV, "WANDB_LOGIN_TEST_$(name)_LIBRARY", "")
        isempty(path) && continue
        _, said = in_new_julia(script, "WANDB_LOGIN_LIBRARY" => path)
        @test occursin("is libwandb_login $version; WandbLogin needs $(WandbLogin.PACKAGE_VERSION)", said)
    end

    # A path stored in the depot.
    library = get(ENV, "WANDB_LOGIN_LIBRARY", "")
    if !isempty(library)
        in_home() do home, env
            depot = "JULIA_DEPOT_PATH" => join([joinpath(home, "depot"), DEPOT_PATH...], ':')
            unset = "WANDB_LOGIN_LIBRARY" => nothing
            set = "using WandbLogin; WandbLogin.set_library!($(repr(library))); println(is_apikey_configured())"
            code, said = in_new_julia(set, unset, depot)
            @test code == 0
            get_path = "using WandbLogin; is_apikey_configured(); println(WandbLogin.candidates())"
            code, said = in_new_julia(get_path, unset, depot)
            @test code == 0 && occursin(library, said) && occursin("WandbLogin.library", said)
        end
    end
end
