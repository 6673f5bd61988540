module libwandb-login.invalid/wandb

go 1.24
