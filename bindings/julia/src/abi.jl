# Constants and structs of the C header.

const Status = Int32
const OK = Status(0)
const OFFLINE = Status(1)
const PROMPT_FAILED = Status(-5)

const STATUS_NAMES = Dict{Status,Symbol}(
    0 => :ok,
    1 => :offline,
    2 => :not_configured,
    -1 => :argument,
    -2 => :credentials,
    -3 => :rejected,
    -4 => :network,
    -5 => :prompt,
    -6 => :store,
    -7 => :tls,
    -8 => :timeout,
    -9 => :proxy,
    -10 => :server,
    -11 => :cancelled,
    -12 => :unsupported,
    -99 => :internal,
)

const SOURCE_NAMES = Dict{Int32,Symbol}(
    0 => :none,
    1 => :explicit,
    2 => :session,
    3 => :environment,
    4 => :identity_token,
    5 => :key_file,
    6 => :settings,
    7 => :netrc,
    8 => :prompt,
    9 => :anonymous,
)

const FLAGS = (
    relogin = UInt32(1),
    force = UInt32(2),
    no_prompt = UInt32(4),
    verify = UInt32(8),
    no_save = UInt32(16),
    silent = UInt32(32),
    cloud = UInt32(64),
    sdk_order = UInt32(128),
    all_ranks = UInt32(256),
    bare_host = UInt32(512),
)

const ANONYMOUS = (never = Int32(0), allow = Int32(1), must = Int32(2))
const LOG_LEVELS = Dict{Int32,Symbol}(1 => :error, 2 => :warn, 3 => :info)
const FORMATS = (text = Int32(0), json = Int32(1))

const PROMPT_KEY = Int32(0)
const PROMPT_ANSWERS = (offline = Int32(1), terminal = Int32(2), anonymous = Int32(3))
const PROMPT_GIVE_UP = Int32(-1)

"`wandb_login_prompt_request`."
struct CRequest
    struct_size::Csize_t
    server::Ptr{UInt8}
    server_source::Ptr{UInt8}
    authorize_url::Ptr{UInt8}
    signup_url::Ptr{UInt8}
    may_offline::Int32
    may_anonymous::Int32
    attempt::UInt32
    remaining_ms::UInt32
    problem::Ptr{UInt8}
end

"`wandb_login_options`."
struct COptions
    struct_size::Csize_t
    api_key::Ptr{UInt8}
    host::Ptr{UInt8}
    referrer::Ptr{UInt8}
    flags::UInt32
    anonymous::Int32
    prompt_timeout_ms::UInt32
    http_timeout_ms::UInt32
    prompt_fn::Ptr{Cvoid}
    prompt_user_data::Ptr{Cvoid}
    log_fn::Ptr{Cvoid}
    log_user_data::Ptr{Cvoid}
    backend_fn::Ptr{Cvoid}
    backend_user_data::Ptr{Cvoid}
    cancel_fn::Ptr{Cvoid}
    cancel_user_data::Ptr{Cvoid}
    session::Ptr{Cvoid}
    environment::Ptr{Ptr{UInt8}}
    working_directory::Ptr{UInt8}
    error_buf::Ptr{UInt8}
    error_buf_size::Csize_t
end

# Do not load if the layout differs from that of the C header.
@assert Sys.WORD_SIZE != 64 || sizeof(COptions) == 152 && sizeof(CRequest) == 64
