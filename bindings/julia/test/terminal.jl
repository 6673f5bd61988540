# The line editing of the prompt: input, key, effect of the last byte.
@testset "keys at the prompt" begin
    cases = [
        ("abc\r", "abc", :enter),
        ("abc\n", "abc", :enter),
        ("abd\x7fc\r", "abc", :enter),
        ("abd\bc\r", "abc", :enter),
        ("\x7fa\r", "a", :enter),
        ("a€\x7fb\r", "ab", :enter),
        ("old\x15new\r", "new", :enter),
        ("one two  \x17three\r", "one three", :enter),
        ("abc\x03", "abc", :interrupt),
        ("\x1c", "", :interrupt),
        ("a\x1a", "a", :suspend),
        ("\x04", "", :eof),
        ("abc\x04", "abc", :edited),
        ("abc\x04\x04", "abc", :enter),
        ("abc\x04d\x04", "abcd", :edited),
        ("\e[200~key\e[201~\r", "key", :enter),
        ("a\e[Db\eOCc\e[1;5Dd\r", "abcd", :enter),
        ("a\e[[Ab\r", "ab", :enter),
        ("a\exb\r", "ab", :enter),
        ("a\e\r", "a", :enter),
        ("a\e[12\r", "a", :enter),
        ("a\e[12\x03", "a", :interrupt),
        ("a\e[1\x15b\r", "b", :enter),
        ("a\e\e[Ab\r", "ab", :enter),
        ("a\0\x01\fb\r", "ab", :enter),
        (" a\tb \r", " a\tb ", :enter),
    ]
    for (input, key, last) in cases
        line = WandbLogin.Line()
        effect = :edited
        for byte in codeunits(input)
            effect = WandbLogin.press!(line, byte)
            effect === :edited || break
        end
        @test (String(line.key.data[1:line.key.size]), effect) == (key, last)
        Base.shred!(line.key)
    end
end
