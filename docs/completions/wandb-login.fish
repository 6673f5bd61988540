# Print an optspec for argparse to handle cmd's options that are independent of any subcommand.
function __fish_wandb_login_global_optspecs
    string join \n host= order= cloud relogin verify no-verify anonymous= anonymously no-save bare-host no-prompt timeout= key-stdin rank-aware quiet h/help V/version
end

function __fish_wandb_login_needs_command
    # Figure out if the current invocation already has a command.
    set -l cmd (commandline -opc)
    set -e cmd[1]
    argparse -s (__fish_wandb_login_global_optspecs) -- $cmd 2>/dev/null
    or return
    if set -q argv[1]
        # Also print the command, so this can be used to figure out what it is.
        echo $argv[1]
        return 1
    end
    return 0
end

function __fish_wandb_login_using_subcommand
    set -l cmd (__fish_wandb_login_needs_command)
    test -z "$cmd"
    and return 1
    contains -- $cmd[1] $argv
end

complete -c wandb-login -n "__fish_wandb_login_needs_command" -l host -l base-url -d 'URL of the server' -r
complete -c wandb-login -n "__fish_wandb_login_needs_command" -l order -d 'Choose whether settings files or netrc are read first' -r -f -a "documented\t'Settings files before netrc, as W&B documents'
sdk\t'Netrc before settings files, as the Python SDK 0.30 and later'"
complete -c wandb-login -n "__fish_wandb_login_needs_command" -l anonymous -d 'Whether to log in without an account' -r -f -a "never\t'No'
allow\t'If the user chooses it in the prompt'
must\t'Yes, unless a key is configured'"
complete -c wandb-login -n "__fish_wandb_login_needs_command" -l timeout -d 'Time limit of the prompt' -r
complete -c wandb-login -n "__fish_wandb_login_needs_command" -l cloud -d 'Use W&B\'s public cloud, whatever is configured'
complete -c wandb-login -n "__fish_wandb_login_needs_command" -l relogin -d 'Prompt for a key although one is configured'
complete -c wandb-login -n "__fish_wandb_login_needs_command" -l verify -d 'Check the key with the server before storing it'
complete -c wandb-login -n "__fish_wandb_login_needs_command" -l no-verify -d 'Do not check the key with the server (the default)'
complete -c wandb-login -n "__fish_wandb_login_needs_command" -l anonymously -d 'The SDK\'s old form of `--anonymous must`'
complete -c wandb-login -n "__fish_wandb_login_needs_command" -l no-save -d 'Write no file'
complete -c wandb-login -n "__fish_wandb_login_needs_command" -l bare-host -d 'If the server has a port, also store the key for the host without it: the Python SDK 0.22 and older look there, but so do servers on other ports'
complete -c wandb-login -n "__fish_wandb_login_needs_command" -l no-prompt -d 'Do not prompt for a key'
complete -c wandb-login -n "__fish_wandb_login_needs_command" -l key-stdin -d 'Read the key from standard input'
complete -c wandb-login -n "__fish_wandb_login_needs_command" -l rank-aware -d 'In a distributed job, let only rank 0 prompt, verify and write'
complete -c wandb-login -n "__fish_wandb_login_needs_command" -l quiet -d 'Print no information lines'
complete -c wandb-login -n "__fish_wandb_login_needs_command" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c wandb-login -n "__fish_wandb_login_needs_command" -s V -l version -d 'Print version'
complete -c wandb-login -n "__fish_wandb_login_needs_command" -a "login" -d 'Log in, and store the key (the default command)'
complete -c wandb-login -n "__fish_wandb_login_needs_command" -a "status" -d 'Show which key is used, and why'
complete -c wandb-login -n "__fish_wandb_login_needs_command" -a "token" -d 'Print the API key or access token'
complete -c wandb-login -n "__fish_wandb_login_needs_command" -a "header" -d 'Print the Authorization header for the server'
complete -c wandb-login -n "__fish_wandb_login_needs_command" -a "env" -d 'Print environment variables that log a child process in'
complete -c wandb-login -n "__fish_wandb_login_needs_command" -a "logout" -d 'Remove the stored key'
complete -c wandb-login -n "__fish_wandb_login_needs_command" -a "completions" -d 'Print the completion script of a shell'
complete -c wandb-login -n "__fish_wandb_login_needs_command" -a "help" -d 'Print help: for a command, or for the environment variables and settings'
complete -c wandb-login -n "__fish_wandb_login_using_subcommand login" -l host -l base-url -d 'URL of the server' -r
complete -c wandb-login -n "__fish_wandb_login_using_subcommand login" -l order -d 'Choose whether settings files or netrc are read first' -r -f -a "documented\t'Settings files before netrc, as W&B documents'
sdk\t'Netrc before settings files, as the Python SDK 0.30 and later'"
complete -c wandb-login -n "__fish_wandb_login_using_subcommand login" -l anonymous -d 'Whether to log in without an account' -r -f -a "never\t'No'
allow\t'If the user chooses it in the prompt'
must\t'Yes, unless a key is configured'"
complete -c wandb-login -n "__fish_wandb_login_using_subcommand login" -l timeout -d 'Time limit of the prompt' -r
complete -c wandb-login -n "__fish_wandb_login_using_subcommand login" -l cloud -d 'Use W&B\'s public cloud, whatever is configured'
complete -c wandb-login -n "__fish_wandb_login_using_subcommand login" -l relogin -d 'Prompt for a key although one is configured'
complete -c wandb-login -n "__fish_wandb_login_using_subcommand login" -l verify -d 'Check the key with the server before storing it'
complete -c wandb-login -n "__fish_wandb_login_using_subcommand login" -l no-verify -d 'Do not check the key with the server (the default)'
complete -c wandb-login -n "__fish_wandb_login_using_subcommand login" -l anonymously -d 'The SDK\'s old form of `--anonymous must`'
complete -c wandb-login -n "__fish_wandb_login_using_subcommand login" -l no-save -d 'Write no file'
complete -c wandb-login -n "__fish_wandb_login_using_subcommand login" -l bare-host -d 'If the server has a port, also store the key for the host without it: the Python SDK 0.22 and older look there, but so do servers on other ports'
complete -c wandb-login -n "__fish_wandb_login_using_subcommand login" -l no-prompt -d 'Do not prompt for a key'
complete -c wandb-login -n "__fish_wandb_login_using_subcommand login" -l key-stdin -d 'Read the key from standard input'
complete -c wandb-login -n "__fish_wandb_login_using_subcommand login" -l rank-aware -d 'In a distributed job, let only rank 0 prompt, verify and write'
complete -c wandb-login -n "__fish_wandb_login_using_subcommand login" -l quiet -d 'Print no information lines'
complete -c wandb-login -n "__fish_wandb_login_using_subcommand login" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c wandb-login -n "__fish_wandb_login_using_subcommand status" -l host -l base-url -d 'URL of the server' -r
complete -c wandb-login -n "__fish_wandb_login_using_subcommand status" -l order -d 'Choose whether settings files or netrc are read first' -r -f -a "documented\t'Settings files before netrc, as W&B documents'
sdk\t'Netrc before settings files, as the Python SDK 0.30 and later'"
complete -c wandb-login -n "__fish_wandb_login_using_subcommand status" -l verify -d 'Ask the server whose key it is'
complete -c wandb-login -n "__fish_wandb_login_using_subcommand status" -l no-verify -d 'Do not ask the server (the default)'
complete -c wandb-login -n "__fish_wandb_login_using_subcommand status" -l json -d 'Print JSON'
complete -c wandb-login -n "__fish_wandb_login_using_subcommand status" -s v -l verbose -d 'List absent sources one by one, and show the codes of findings'
complete -c wandb-login -n "__fish_wandb_login_using_subcommand status" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c wandb-login -n "__fish_wandb_login_using_subcommand token" -l host -l base-url -d 'URL of the server' -r
complete -c wandb-login -n "__fish_wandb_login_using_subcommand token" -l order -d 'Choose whether settings files or netrc are read first' -r -f -a "documented\t'Settings files before netrc, as W&B documents'
sdk\t'Netrc before settings files, as the Python SDK 0.30 and later'"
complete -c wandb-login -n "__fish_wandb_login_using_subcommand token" -l min-ttl -d 'Renew an access token that expires sooner' -r
complete -c wandb-login -n "__fish_wandb_login_using_subcommand token" -l json -d 'Print JSON: authorization, scheme, credential, base_url, expires_at'
complete -c wandb-login -n "__fish_wandb_login_using_subcommand token" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c wandb-login -n "__fish_wandb_login_using_subcommand header" -l host -l base-url -d 'URL of the server' -r
complete -c wandb-login -n "__fish_wandb_login_using_subcommand header" -l order -d 'Choose whether settings files or netrc are read first' -r -f -a "documented\t'Settings files before netrc, as W&B documents'
sdk\t'Netrc before settings files, as the Python SDK 0.30 and later'"
complete -c wandb-login -n "__fish_wandb_login_using_subcommand header" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c wandb-login -n "__fish_wandb_login_using_subcommand env" -l host -l base-url -d 'URL of the server' -r
complete -c wandb-login -n "__fish_wandb_login_using_subcommand env" -l order -d 'Choose whether settings files or netrc are read first' -r -f -a "documented\t'Settings files before netrc, as W&B documents'
sdk\t'Netrc before settings files, as the Python SDK 0.30 and later'"
complete -c wandb-login -n "__fish_wandb_login_using_subcommand env" -l format -d 'Choose the syntax of the output' -r -f -a "shell\t'For POSIX shells'
plain\t'`NAME=value` lines'
powershell\t'For PowerShell'
fish\t'For fish'
github\t'For the following steps of a GitHub Actions job'"
complete -c wandb-login -n "__fish_wandb_login_using_subcommand env" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c wandb-login -n "__fish_wandb_login_using_subcommand logout" -l host -l base-url -d 'URL of the server' -r
complete -c wandb-login -n "__fish_wandb_login_using_subcommand logout" -l order -d 'Choose whether settings files or netrc are read first' -r -f -a "documented\t'Settings files before netrc, as W&B documents'
sdk\t'Netrc before settings files, as the Python SDK 0.30 and later'"
complete -c wandb-login -n "__fish_wandb_login_using_subcommand logout" -l all -d 'Remove what is stored for any server, also from a second netrc file'
complete -c wandb-login -n "__fish_wandb_login_using_subcommand logout" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c wandb-login -n "__fish_wandb_login_using_subcommand completions" -s h -l help -d 'Print help'
complete -c wandb-login -n "__fish_wandb_login_using_subcommand help" -s h -l help -d 'Print help'
