# Logs in to W&B, trains a small network to separate two spirals, and sends its losses to
# the server.
#
#     julia --project=bindings/julia bindings/julia/examples/train.jl
using Random, Sockets, WandbLogin

"The points of two spirals, and the spiral of each point."
function spirals(count)
    t = range(0.5, 3.0; length = count)
    arm(sign) = sign .* hcat(t .* cos.(2 .* t), t .* sin.(2 .* t))'
    return hcat(arm(1), arm(-1)), vcat(zeros(count), ones(count))'
end

"Trains one hidden layer by gradient descent and returns the loss of every 400th step."
function train(points, labels; hidden = 24, steps = 2000, rate = 0.5)
    random = MersenneTwister(1)
    weights, bias = randn(random, hidden, 2), randn(random, hidden)
    out, shift = randn(random, 1, hidden) / sqrt(hidden), 0.0
    losses = Float64[]
    for step in 0:steps
        active = tanh.(weights * points .+ bias)
        guess = 1 ./ (1 .+ exp.(-(out * active .+ shift)))
        loss = -sum(@. labels * log(guess) + (1 - labels) * log(1 - guess)) / length(labels)
        step % 400 == 0 && (push!(losses, loss); println("step $step loss $(round(loss; digits = 4))"))
        error = (guess .- labels) / length(labels)
        back = (out' * error) .* (1 .- active .^ 2)
        out -= rate * error * active'
        shift -= rate * sum(error)
        weights -= rate * back * points'
        bias -= rate * vec(sum(back; dims = 2))
    end
    return losses
end

"Sends the losses to the server of the session."
function report(session, losses)
    address = match(r"^http://([^:/]+):(\d+)$", session.base_url)
    address === nothing && return println("example: only plain HTTP servers are supported")
    body = "{\"losses\": $losses}"
    socket = connect(address[1], parse(Int, address[2]))
    write(
        socket,
        "POST /losses HTTP/1.1\r\nHost: $(address[1])\r\nConnection: close\r\n",
        "Authorization: $(session.authorization)\r\nContent-Type: application/json\r\n",
        "Content-Length: $(sizeof(body))\r\n\r\n$body",
    )
    println("reported: ", readline(socket))
    close(socket)
end

session = login()
losses = train(spirals(100)...)
session === nothing || report(session, losses)
