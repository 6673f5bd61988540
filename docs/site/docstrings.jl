# Prints the docstrings of the package's exported names as Markdown.
using WandbLogin

println(Base.Docs.doc(WandbLogin), "\n")
for name in sort(names(WandbLogin); by = string)
    name === :WandbLogin && continue
    println("## `", name, "`\n")
    println(Base.Docs.doc(Base.Docs.Binding(WandbLogin, name)), "\n")
end
