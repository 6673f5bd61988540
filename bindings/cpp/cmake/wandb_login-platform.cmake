# What the files of libwandb_login are called on the system that CMake builds for.
#
# In:   wandb_login_VERSION, wandb_login_LIB_DIR, wandb_login_BIN_DIR
# Out:  wandb_login_PLATFORM_ERROR   why the system or the processor is not supported, else empty
#       wandb_login_PROCESSOR        the processor: x86_64, aarch64, or another name of CMake
#       wandb_login_SONAME           the name that a program records
#       wandb_login_SHARED           the shared library
#       wandb_login_LINKS            its links, each to the one before it, the first to the library
#       wandb_login_IMPORTS          Windows: the import library for each kind of linker
#       wandb_login_IMPORT           Windows: the one for the linker in use
#       wandb_login_STATIC           the static library; empty if the platform has none
#       wandb_login_SYSTEM_LIBS      the libraries that a static link needs
#       wandb_login_COMMAND          the command line

set(wandb_login_PROCESSOR "${CMAKE_SYSTEM_PROCESSOR}")
if(MSVC AND CMAKE_C_COMPILER_ARCHITECTURE_ID)
    set(wandb_login_PROCESSOR "${CMAKE_C_COMPILER_ARCHITECTURE_ID}")
elseif(MSVC AND CMAKE_CXX_COMPILER_ARCHITECTURE_ID)
    set(wandb_login_PROCESSOR "${CMAKE_CXX_COMPILER_ARCHITECTURE_ID}")
elseif(APPLE AND CMAKE_OSX_ARCHITECTURES)
    set(wandb_login_PROCESSOR "${CMAKE_OSX_ARCHITECTURES}")
endif()
if(wandb_login_PROCESSOR MATCHES "^(x86_64|[Xx]64|[Aa][Mm][Dd]64)$")
    set(wandb_login_PROCESSOR x86_64)
elseif(wandb_login_PROCESSOR MATCHES "^(aarch64|[Aa][Rr][Mm]64)$")
    set(wandb_login_PROCESSOR aarch64)
endif()

# The rule of build.rs.
set(wandb_login_PLATFORM_ERROR "")
if(NOT UNIX AND NOT WIN32)
    set(wandb_login_PLATFORM_ERROR "libwandb_login does not support the system \
'${CMAKE_SYSTEM_NAME}': it needs Linux, macOS, Windows or another Unix system")
elseif((CMAKE_SIZEOF_VOID_P AND NOT CMAKE_SIZEOF_VOID_P EQUAL 8)
        OR wandb_login_PROCESSOR MATCHES "^([Xx]86|i[3-6]86|arm|ARM|armv[4-7].*|riscv32|ppc|mips)$")
    set(wandb_login_PLATFORM_ERROR "libwandb_login does not support the processor \
'${CMAKE_SYSTEM_PROCESSOR}' with 32 bits: it needs a 64-bit processor, such as x86-64 or arm64")
endif()

# The ABI is compatible within a major version, which is part of the soname.
string(REGEX REPLACE "[.].*" "" wandb_login_ABI "${wandb_login_VERSION}")
set(wandb_login_LINKS "")
set(wandb_login_IMPORTS "")
set(wandb_login_IMPORT "")
set(wandb_login_STATIC "${wandb_login_LIB_DIR}/libwandb_login.a")
set(wandb_login_COMMAND "${wandb_login_BIN_DIR}/wandb-login")
if(WIN32)
    set(wandb_login_SONAME wandb_login.dll)
    set(wandb_login_SHARED "${wandb_login_BIN_DIR}/wandb_login.dll")
    set(wandb_login_IMPORTS "${wandb_login_LIB_DIR}/libwandb_login.dll.a"
        "${wandb_login_LIB_DIR}/wandb_login.lib")
    set(wandb_login_SYSTEM_LIBS
        kernel32 ntdll userenv ws2_32 dbghelp advapi32 bcrypt crypt32 ole32 shell32)
    set(wandb_login_COMMAND "${wandb_login_BIN_DIR}/wandb-login.exe")
    if(MSVC)
        list(GET wandb_login_IMPORTS 1 wandb_login_IMPORT)
        set(wandb_login_STATIC "") # libwandb_login.a is for MinGW
    else()
        list(GET wandb_login_IMPORTS 0 wandb_login_IMPORT)
    endif()
elseif(APPLE)
    set(wandb_login_SONAME "@rpath/libwandb_login.${wandb_login_ABI}.dylib")
    set(wandb_login_SHARED "${wandb_login_LIB_DIR}/libwandb_login.${wandb_login_VERSION}.dylib")
    set(wandb_login_LINKS "${wandb_login_LIB_DIR}/libwandb_login.${wandb_login_ABI}.dylib"
        "${wandb_login_LIB_DIR}/libwandb_login.dylib")
    set(wandb_login_SYSTEM_LIBS "-framework Security" "-framework CoreFoundation" -liconv)
else()
    set(wandb_login_SONAME "libwandb_login.so.${wandb_login_ABI}")
    set(wandb_login_SHARED "${wandb_login_LIB_DIR}/libwandb_login.so.${wandb_login_VERSION}")
    set(wandb_login_LINKS "${wandb_login_LIB_DIR}/${wandb_login_SONAME}"
        "${wandb_login_LIB_DIR}/libwandb_login.so")
    # Without gcc_s and c, which the compiler links itself: named here, they break -static.
    set(wandb_login_SYSTEM_LIBS util rt pthread m dl)
endif()
