module example.invalid/login

go 1.24

require libwandb-login.invalid/wandb v0.1.0

replace libwandb-login.invalid/wandb => ../../../../bindings/go
