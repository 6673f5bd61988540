"""The files of libwandb_login. `python -m wandb_login --help` says where they are.

This package has no Python API. In Python, use `wandb.login()` of W&B's SDK."""
