module example.invalid/train

go 1.24

require libwandb-login.invalid/wandb v0.2.0

replace libwandb-login.invalid/wandb => ../../bindings/go
