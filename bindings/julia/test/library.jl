"Runs a script in a new Julia with a separate depot and without WANDB_LOGIN_LIBRARY."
function in_new_depot(home, script, variables...)
    depot = join([joinpath(home, "depot"), DEPOT_PATH...], Sys.iswindows() ? ';' : ':')
    return in_new_julia(
        script, "WANDB_LOGIN_LIBRARY" => nothing, "JULIA_DEPOT_PATH" => depot, variables...,
    )
end

"""
A path stored in the depot. It has to replace a library that Julia has already found by its
name, as in a system with a library in LD_LIBRARY_PATH.
"""
function test_set_library()
    library = get(ENV, "WANDB_LOGIN_LIBRARY", "")
    isempty(library) && return
    set = "WandbLogin.set_library!($(repr(library)));"
    path = "using Libdl; println(\"loaded \", Libdl.dlpath(WandbLogin.HANDLE[]));"
    in_home() do home, env
        put("not a library", home, "lib", "other")
        for name in ("libwandb_login.so.0", "libwandb_login.0.dylib")
            cp(library, joinpath(home, "lib", name))
        end
        by_name = "LD_LIBRARY_PATH" => joinpath(home, "lib")
        named = "loaded $(joinpath(home, "lib"))"

        # After the first call the setting is stored, and the session keeps its library.
        script = "using WandbLogin; is_apikey_configured(); $set is_apikey_configured(); $path"
        code, said = in_new_depot(home, script, by_name)
        @test code == 0 && occursin(named, said)
        @test occursin("set_library! applies after a restart of Julia", said)

        # The next session uses it. `nothing` returns to the library with the name.
        script = "using WandbLogin; $path WandbLogin.set_library!(nothing); is_apikey_configured(); $path"
        code, said = in_new_depot(home, script, by_name)
        @test code == 0 && occursin(Regex("loaded \\Q$library\\E\n.*\\Q$named\\E", "s"), said)

        for search_path in (by_name, "LD_LIBRARY_PATH" => joinpath(home, "nowhere"))
            code, said = in_new_depot(home, "using WandbLogin; $set is_apikey_configured(); $path", search_path)
            @test code == 0 && occursin("loaded $library", said)
            rm(joinpath(home, "depot", "config"); recursive = true)
        end

        # A file that is not the library is not stored.
        other = repr(joinpath(home, "lib", "other"))
        script = "using WandbLogin; try WandbLogin.set_library!($other) catch e; showerror(stdout, e) end; $path"
        code, said = in_new_depot(home, script, by_name)
        @test code == 0 && occursin("other (from set_library!): ", said) && occursin(named, said)
        @test !isfile(joinpath(home, "depot", "config", "WandbLogin.library"))

        # The variable overrides it.
        script = "using WandbLogin; $set try is_apikey_configured() catch e; showerror(stdout, e) end"
        code, said = in_new_depot(home, script, by_name, "WANDB_LOGIN_LIBRARY" => "/nowhere/x.so")
        @test code == 0 && occursin("WANDB_LOGIN_LIBRARY overrides set_library!", said)
        @test length(findall("/nowhere/x.so (from WANDB_LOGIN_LIBRARY)", said)) == 2
    end
end

@testset "the names of the library on each system" begin
    names = [WandbLogin.file_names(kernel) for kernel in (:Linux, :Darwin, :NT)]
    @test first.(names) == ["libwandb_login.so.0", "libwandb_login.0.dylib", "wandb_login.dll"]
    @test last.(names) == ["libwandb_login.so", "libwandb_login.dylib", "wandb_login.dll"]
end

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

    test_set_library()
end
