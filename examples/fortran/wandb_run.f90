! Logs the metrics of a training to Weights & Biases: wandb_run.h in Fortran.
! SPDX-License-Identifier: MIT
!
! wandb_run.h says what each function does. A string ends with c_null_char.
module wandb_run
    use, intrinsic :: iso_c_binding
    implicit none

    type, bind(c) :: wandb_run_options
        type(c_ptr) :: project = c_null_ptr, entity = c_null_ptr
        type(c_ptr) :: id = c_null_ptr, config = c_null_ptr
        real(c_double) :: interval = 0
        type(c_ptr) :: renewer = c_null_ptr
    end type

    type, bind(c) :: wandb_metric
        type(c_ptr) :: name
        real(c_double) :: value
    end type

    interface
        type(c_ptr) function wandb_run_start(options) bind(c)
            import :: c_ptr, wandb_run_options
            type(wandb_run_options), intent(in) :: options
        end function

        subroutine wandb_run_log(run, metrics, count) bind(c)
            import :: c_ptr, c_size_t, wandb_metric
            type(c_ptr), value :: run
            type(wandb_metric), intent(in) :: metrics(*)
            integer(c_size_t), value :: count
        end subroutine

        integer(c_int) function wandb_run_stopped(run) bind(c)
            import :: c_int, c_ptr
            type(c_ptr), value :: run
        end function

        subroutine wandb_run_finish(run, exit_code) bind(c)
            import :: c_int, c_ptr
            type(c_ptr), value :: run
            integer(c_int), value :: exit_code
        end subroutine
    end interface
end module
