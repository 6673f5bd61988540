# Prompting on the terminal from Julia.
#
# Before Julia 1.12, a thread that waits in C blocks the garbage collection of all other
# threads, and so these threads. With several threads the package therefore prompts
# itself, because waiting in Julia does not block them. Otherwise the library prompts.
# Both take the same keys and fail with the same errors.

"Whether this package prompts instead of the library."
function julia_prompts()
    return VERSION < v"1.12" && Threads.nthreads() > 1 && stdin isa Base.TTY && stderr isa Base.TTY
end

function raw_mode(on::Bool)
    ccall(:jl_tty_set_mode, Int32, (Ptr{Cvoid}, Int32), stdin.handle, on)
end

"The error of a prompt that ends without an answer, as from the prompt of the library."
prompt_failed(sentence) = LoginError(:prompt, PROMPT_FAILED, sentence)

"The line being typed, without the escape sequences of arrow keys and pasted text."
mutable struct Line
    key::Base.SecretBuffer
    "Position in an escape sequence: `:outside`, `:begun`, `:parameters` or `:last`."
    escape::Symbol
    "Whether Ctrl-D was the last key."
    ending::Bool
end

Line() = Line(Base.SecretBuffer(), :outside, false)

"Removes all bytes of the key after the first `size`."
function truncate!(key::Base.SecretBuffer, size)
    key.size = size
    return seekend(key)
end

function erase_character!(key::Base.SecretBuffer)
    size = key.size
    # The bytes that continue a UTF-8 character.
    while size > 0 && key.data[size] & 0xc0 == 0x80
        size -= 1
    end
    return truncate!(key, max(size - 1, 0))
end

function erase_word!(key::Base.SecretBuffer)
    size = key.size
    blank(byte) = byte in (UInt8(' '), UInt8('\t'))
    while size > 0 && blank(key.data[size])
        size -= 1
    end
    while size > 0 && !blank(key.data[size])
        size -= 1
    end
    return truncate!(key, size)
end

"""
Whether the byte belongs to an escape sequence. The marks around pasted text
(`ESC [ 200 ~` and `ESC [ 201 ~`) are such sequences. A control character ends a sequence.
"""
function in_escape!(line::Line, byte::UInt8)
    inside = line.escape !== :outside && byte >= 0x20 || byte == 0x1b
    line.escape = if byte == 0x1b
        :begun
    elseif !inside
        :outside
    elseif line.escape === :begun
        byte == UInt8('[') ? :parameters : byte == UInt8('O') ? :last : :outside
    elseif line.escape === :parameters
        byte == UInt8('[') ? :last : byte < 0x40 ? :parameters : :outside
    else
        :outside
    end
    return inside
end

"The effect of a byte on the line: `:edited`, `:enter`, `:interrupt`, `:suspend` or `:eof`."
function press!(line::Line, byte::UInt8)
    was_ending, line.ending = line.ending, false
    byte in (0x03, 0x1c) && return :interrupt # Ctrl-C, Ctrl-\
    byte == 0x1a && return :suspend # Ctrl-Z
    in_escape!(line, byte) && return :edited
    byte in (UInt8('\r'), UInt8('\n')) && return :enter
    if byte == 0x04 # Ctrl-D; after some text the second one ends the line
        line.key.size == 0 && return :eof
        was_ending && return :enter
        line.ending = true
    elseif byte in (0x08, 0x7f)
        erase_character!(line.key)
    elseif byte == 0x15 # Ctrl-U
        truncate!(line.key, 0)
    elseif byte == 0x17 # Ctrl-W
        erase_word!(line.key)
    elseif byte >= 0x20 || byte == UInt8('\t')
        write(line.key, byte)
    end
    return :edited
end

"One line of the prompt. Control characters in it would control the terminal."
say(line) = print(stderr, "wandb: $(replace(line, r"[[:cntrl:]]" => "\ufffd"))\n")

"""
    WandbLogin.prompt_on_terminal(request::PromptRequest) -> Base.SecretBuffer

Names the server and prompts for the key on the terminal without echo. Ctrl-C, the end of
the input and the time limit are a [`LoginError`](@ref) with the status `:prompt`, as from
the prompt of the library.
"""
function prompt_on_terminal(request::PromptRequest)
    until = request.remaining === nothing ? Inf : time() + request.remaining
    request.problem === nothing || say("ERROR Invalid API key: $(request.problem)")
    say("The API key is for $(request.server) (server from $(request.server_source)).")
    say("Create a new API key at: $(request.authorize_url)")
    line = Line()
    raw_mode(true)
    try
        read_line!(line, until)
    catch
        Base.shred!(line.key)
        rethrow()
    finally
        raw_mode(false)
        println(stderr)
    end
    say("Received $(line.key.size) $(line.key.size == 1 ? "character" : "characters").")
    return line.key
end

"Reads keys until the line is complete and not empty."
function read_line!(line::Line, until)
    question = "wandb: Paste your API key and hit enter: "
    print(stderr, question)
    while true
        effect = press!(line, next_byte(until))
        effect === :interrupt && throw(prompt_failed("The prompt was interrupted."))
        effect === :eof && throw(prompt_failed("End of input before a key was entered."))
        effect === :suspend && suspend()
        effect === :enter && line.key.size > 0 && return
        effect in (:suspend, :enter) && print(stderr, "\r\n", question)
    end
end

"Stops the process as Ctrl-Z does outside of a prompt, and returns when it continues."
function suspend()
    Sys.iswindows() && return
    raw_mode(false)
    ccall(:raise, Cint, (Cint,), Sys.islinux() ? 20 : 18) # SIGTSTP
    raw_mode(true)
end

"Waits for the next byte from the terminal; other tasks and threads continue."
function next_byte(until)
    Base.start_reading(stdin)
    while bytesavailable(stdin) == 0
        isopen(stdin) || throw(prompt_failed("The terminal was closed during the prompt."))
        time() < until || throw(prompt_failed("W&B disabled due to login timeout."))
        sleep(0.02)
    end
    return read(stdin, UInt8)
end
