# Fits a line to noisy points by stochastic gradient descent, and logs loss and learning
# rate to W&B.
#
#     julia --project=bindings/julia examples/julia/train.jl [EPOCHS [INTERVAL [RATE]]]
#
# INTERVAL: seconds between two uploads (15); RATE: the learning rate (0.1). The project is
# that of WANDB_PROJECT, which WandbRun.jl reads.
include("WandbRun.jl")

uniform() = 2 * rand() - 1

"One pass over random points of y = 3x - 2, with noise. Returns line and mean loss."
function epoch(slope, offset, rate; points = 256)
    sum = 0.0
    for _ in 1:points
        x = uniform()
        y = 3x - 2 + 0.1 * uniform()
        error = slope * x + offset - y
        slope -= rate * error * x
        offset -= rate * error
        sum += error^2
    end
    return slope, offset, sum / points
end

function train(wandb, epochs, first_rate)
    slope, offset, done = 0.0, 0.0, 0
    while done < epochs && !WandbRun.stopped(wandb)
        rate = first_rate / (1 + 0.1 * done)
        slope, offset, loss = epoch(slope, offset, rate)
        WandbRun.log!(wandb, "loss" => loss, "learning_rate" => rate)
        println("epoch $done: loss $loss")
        done += 1
        sleep(0.1) # a larger model is slower
    end
    println("y = $(round(slope; digits = 2)) x + $(round(offset; digits = 2))")
    return done == epochs ? 0 : 1 # 1: the user has stopped it
end

function main(epochs, interval, first_rate)
    wandb = WandbRun.start(interval = interval, config = Dict("learning_rate" => first_rate))
    exit_code = 1 # of a training that throws
    try
        exit_code = train(wandb, epochs, first_rate)
    finally
        WandbRun.finish!(wandb, exit_code)
    end
    return exit_code
end

argument(position, otherwise) = length(ARGS) < position ? otherwise : parse(Float64, ARGS[position])
exit(main(argument(1, 100), argument(2, 15.0), argument(3, 0.1)))
