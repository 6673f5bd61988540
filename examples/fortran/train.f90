! Fits a line to noisy points by stochastic gradient descent, and logs loss and learning
! rate to W&B.
!
!     train [EPOCHS [INTERVAL [RATE]]]
!
! INTERVAL: seconds between two uploads (15); RATE: the learning rate (0.1). The project
! is that of WANDB_PROJECT, which wandb_run.c reads.
program train
    use wandb_run
    implicit none
    interface
        integer(c_int) function usleep(microseconds) bind(c)
            import :: c_int
            integer(c_int), value :: microseconds
        end function
    end interface
    integer, parameter :: points = 256
    character(kind=c_char, len=5), target :: loss_name = "loss" // c_null_char
    character(kind=c_char, len=14), target :: rate_name = "learning_rate" // c_null_char
    character(kind=c_char, len=80), target :: config
    type(wandb_run_options) :: options
    type(c_ptr) :: run
    integer :: epochs, done, i
    integer(c_int) :: exit_code, ignored
    real(c_double) :: slope = 0, offset = 0, rate, loss, x, y, error, random(2)

    epochs = nint(argument(1, 100.0_c_double))
    options%interval = argument(2, 0.0_c_double)
    write (config, "(a, es13.4e3, a)") '{"learning_rate":{"value":', argument(3, 0.1_c_double), "}}"
    config = trim(config) // c_null_char
    options%config = c_loc(config)

    run = wandb_run_start(options)
    do done = 0, epochs - 1
        if (wandb_run_stopped(run) /= 0) exit
        rate = argument(3, 0.1_c_double) / (1 + 0.1_c_double * done)
        loss = 0
        do i = 1, points ! of y = 3 x - 2, with noise
            call random_number(random)
            x = 2 * random(1) - 1
            y = 3 * x - 2 + 0.2_c_double * (random(2) - 0.5_c_double)
            error = slope * x + offset - y
            slope = slope - rate * error * x
            offset = offset - rate * error
            loss = loss + error**2 / points
        end do
        call wandb_run_log(run, [wandb_metric(c_loc(loss_name), loss), &
                                 wandb_metric(c_loc(rate_name), rate)], 2_c_size_t)
        print "(a, i0, a, es13.6)", "epoch ", done, ": loss ", loss
        ignored = usleep(100000) ! a larger model is slower
    end do
    exit_code = merge(0, 1, done == epochs) ! 1: the user has stopped it
    call wandb_run_finish(run, exit_code)
    if (exit_code /= 0) stop 1

contains

    ! Returns an argument of the command as a number.
    real(c_double) function argument(position, default)
        integer, intent(in) :: position
        real(c_double), intent(in) :: default
        character(len=32) :: text
        argument = default
        if (command_argument_count() < position) return
        call get_command_argument(position, text)
        read (text, *) argument
    end function
end program
