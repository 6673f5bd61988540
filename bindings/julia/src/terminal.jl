# Asking on the terminal from Julia.
#
# The library asks on the terminal itself where nobody else needs this process
# meanwhile: on Julia 1.12 and later, or in one thread. Else other threads would
# wait for the human as soon as one of them wants to collect garbage, so Julia asks:
# its waiting lets them go on.

"Whether Julia has to ask, for the library not to stop other threads."
function julia_asks()
    return VERSION < v"1.12" && Threads.nthreads() > 1 && stdin isa Base.TTY && stderr isa Base.TTY
end

function raw_mode(on::Bool)
    ccall(:jl_tty_set_mode, Int32, (Ptr{Cvoid}, Int32), stdin.handle, on)
end

"""
    WandbLogin.ask(request::PromptRequest) -> Base.SecretBuffer

Asks for the key on Julia's own terminal, without showing it.
"""
function ask(request::PromptRequest)
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

"The next byte from the terminal; other tasks and threads run until it comes."
function next_byte(until)
    Base.start_reading(stdin)
    while bytesavailable(stdin) == 0
        isopen(stdin) || throw(EOFError())
        time() < until || error("the prompt timed out")
        sleep(0.02)
    end
    return read(stdin, UInt8)
end
