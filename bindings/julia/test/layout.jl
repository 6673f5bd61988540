# Compares the structs with the output of tests/julia/layout.c, which prints the layout
# of the C header: lines of `struct member offset`.
@testset "layout" begin
    structs = Dict(
        "wandb_login_options" => WandbLogin.COptions,
        "wandb_login_prompt_request" => WandbLogin.CRequest,
    )
    for (name, type) in structs
        @test fieldoffset(type, 1) == 0 && fieldname(type, 1) === :struct_size
    end
    printed = get(ENV, "WANDB_LOGIN_TEST_LAYOUT", "")
    isempty(printed) && @info "not tested: WANDB_LOGIN_TEST_LAYOUT is not set"
    seen = Dict(name => 0 for name in keys(structs))
    for line in (isempty(printed) ? () : eachline(printed))
        name, member, number = split(line)
        type = structs[name]
        if member == "sizeof"
            @test sizeof(type) == parse(Int, number)
        else
            seen[name] += 1
            @test fieldname(type, seen[name]) === Symbol(member)
            @test fieldoffset(type, seen[name]) == parse(Int, number)
        end
    end
    if !isempty(printed)
        @test all(seen[name] == fieldcount(type) for (name, type) in structs)
    end
end
