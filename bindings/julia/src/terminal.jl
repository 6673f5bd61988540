# Prompting on the terminal from Julia.
#
# Before Julia 1.12, a thread that waits in C blocks the garbage collection of all other
# threads, and so these threads. With several threads the package therefore prompts
# itself, because waiting in Julia does not block them. Otherwise the library prompts.

"Whether this package prompts instead of the library."
function julia_prompts()
    return VERSION < v"1.12" && Threads.nthreads() > 1 && stdin isa Base.TTY && stderr isa Base.TTY
end

function raw_mode(on::Bool)
    ccall(:jl_tty_set_mode, Int32, (Ptr{Cvoid}, Int32), stdin.handle, on)
end

"""
    WandbLogin.prompt_on_terminal(request::PromptRequest) -> Base.SecretBuffer

Prompts for the key on the terminal without echo.
"""
function prompt_on_terminal(request::PromptRequest)
    until = request.remaining === nothing ? Inf : time() + request.remaining
    request.problem === nothing || println(stderr, "wandb: ", request.problem)
    println(stderr, "wandb: You can find your API key in your browser here: ", request.authorize_url)
    print(stderr, "wandb: Paste an API key from your profile and hit enter: ")
    key = Base.SecretBuffer()
    raw_mode(true)
    try
        while true
            byte = next_byte(until)
            byte in (UInt8('\r'), UInt8('\n')) && break
            byte == 0x03 && throw(InterruptException())
            byte == 0x04 && return nothing
            if byte in (0x08, 0x7f)
                key.size = max(key.size - 1, 0)
                seekend(key)
            elseif byte == 0x15 # Ctrl-U
                key.size = 0
                seekend(key)
            else
                write(key, byte)
            end
        end
    catch
        Base.shred!(key)
        rethrow()
    finally
        raw_mode(false)
        println(stderr)
    end
    return key
end

"Waits for the next byte from the terminal; other tasks and threads continue."
function next_byte(until)
    Base.start_reading(stdin)
    while bytesavailable(stdin) == 0
        isopen(stdin) || throw(EOFError())
        time() < until || error("the prompt timed out")
        sleep(0.02)
    end
    return read(stdin, UInt8)
end
