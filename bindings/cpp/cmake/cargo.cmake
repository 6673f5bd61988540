# Builds the library with cargo.
wandb_login_setting(WANDB_LOGIN_FEATURES "http" STRING "Cargo features of the library")
wandb_login_setting(WANDB_LOGIN_CARGO_TARGET "" STRING "Rust target to build for; empty: this machine")
wandb_login_setting(WANDB_LOGIN_CARGO_TARGET_DIR "${PROJECT_BINARY_DIR}/cargo" PATH "Where cargo builds")
find_program(WANDB_LOGIN_CARGO cargo
    HINTS "$ENV{CARGO_HOME}/bin" "$ENV{HOME}/.cargo/bin" DOC "Rust's build tool")

# Stops with the reason if cargo cannot build the library.
function(wandb_login_check_cargo)
    string(REGEX MATCH "rust-version = \"([0-9.]+)" needed "${manifest}")
    set(needed ${CMAKE_MATCH_1})
    set(otherwise "set WANDB_LOGIN_PREBUILT to the folder of an unpacked release, \
or install libwandb_login and call find_package(wandb_login)")
    if(NOT WANDB_LOGIN_CARGO)
        message(FATAL_ERROR "libwandb_login: neither a prebuilt library nor cargo was found. "
            "Install Rust ${needed} or later, ${otherwise}.")
    endif()
    execute_process(COMMAND "${WANDB_LOGIN_CARGO}" --version WORKING_DIRECTORY "${wandb_login_ROOT}"
        RESULT_VARIABLE status OUTPUT_VARIABLE version ERROR_VARIABLE reason)
    if(NOT version MATCHES "^cargo ([0-9.]+)")
        string(STRIP "${status} ${reason}" reason)
        message(FATAL_ERROR "libwandb_login: \"${WANDB_LOGIN_CARGO} --version\" failed (${reason}). "
            "Repair it, ${otherwise}.")
    endif()
    set(version ${CMAKE_MATCH_1})
    if(version VERSION_LESS needed)
        message(FATAL_ERROR "libwandb_login: ${WANDB_LOGIN_CARGO} is version ${version}, and "
            "Rust ${needed} or later is needed. Update it, name another cargo in "
            "WANDB_LOGIN_CARGO, ${otherwise}.")
    endif()
    if(CMAKE_CROSSCOMPILING AND NOT WANDB_LOGIN_CARGO_TARGET)
        message(FATAL_ERROR "libwandb_login: CMake builds for another system. Set "
            "WANDB_LOGIN_CARGO_TARGET to Rust's name of it, such as aarch64-unknown-linux-gnu, "
            "${otherwise}.")
    endif()
    message(STATUS "libwandb_login ${wandb_login_VERSION}: built by cargo ${version} "
        "(${WANDB_LOGIN_CARGO}; WANDB_LOGIN_PREBUILT is not set)")
endfunction()
wandb_login_check_cargo()

enable_language(C) # the linker of cargo
set(wandb_login_LIB_DIR "${PROJECT_BINARY_DIR}/lib")
set(wandb_login_BIN_DIR "${PROJECT_BINARY_DIR}/bin")
include("${CMAKE_CURRENT_LIST_DIR}/wandb_login-platform.cmake")
if(wandb_login_PLATFORM_ERROR)
    message(FATAL_ERROR "${wandb_login_PLATFORM_ERROR}")
endif()

# Of the import libraries, cargo writes that of its own linker.
set(wandb_login_IMPORTS ${wandb_login_IMPORT})
set(wandb_login_NOTICES "")

# Cargo runs in each build and decides what is out of date. An unchanged file is not copied,
# so nothing is linked again. There is one call for each kind, because cargo disables
# link-time optimization if there are several.
function(wandb_login_add_cargo_target kind)
    cmake_parse_arguments(PARSE_ARGV 1 arg "" "" "BUILT;FILES;LINKS")
    add_custom_target(wandb_login_${kind}
        COMMAND ${CMAKE_COMMAND}
            -D "CARGO=${WANDB_LOGIN_CARGO}"
            -D "ROOT=${wandb_login_ROOT}"
            -D "KIND=${kind}"
            -D "FEATURES=${WANDB_LOGIN_FEATURES}"
            -D "TARGET=${WANDB_LOGIN_CARGO_TARGET}"
            -D "TARGET_DIR=${WANDB_LOGIN_CARGO_TARGET_DIR}"
            -D "BUILT=${arg_BUILT}"
            -D "FILES=${arg_FILES}"
            -D "LINKS=${arg_LINKS}"
            -P "${PROJECT_SOURCE_DIR}/cmake/cargo-build.cmake"
        COMMENT "Building libwandb_login (${kind}) with cargo"
        BYPRODUCTS ${arg_FILES}
        USES_TERMINAL VERBATIM)
endfunction()

# The name that cargo gives to the shared library is that of its last link.
set(built "${wandb_login_SHARED};${wandb_login_LINKS}")
list(GET built -1 built)
if(MSVC)
    set(built_import wandb_login.dll.lib)
else()
    set(built_import ${wandb_login_IMPORT})
endif()
wandb_login_add_cargo_target(cdylib
    BUILT ${built} ${built_import}
    FILES ${wandb_login_SHARED} ${wandb_login_IMPORT}
    LINKS ${wandb_login_LINKS})
set(wandb_login_KINDS cdylib)
if(wandb_login_STATIC)
    wandb_login_add_cargo_target(staticlib BUILT ${wandb_login_STATIC} FILES ${wandb_login_STATIC})
    list(APPEND wandb_login_KINDS staticlib)
endif()
if(WANDB_LOGIN_INSTALL AND WANDB_LOGIN_COMMAND)
    wandb_login_add_cargo_target(command BUILT ${wandb_login_COMMAND} FILES ${wandb_login_COMMAND})
    list(APPEND wandb_login_KINDS command)
endif()

# For an installation run all of them, one after the other: two cargo processes wait for each
# other's lock.
if(WANDB_LOGIN_INSTALL)
    set(before "")
    foreach(kind IN LISTS wandb_login_KINDS)
        if(before)
            add_dependencies(wandb_login_${kind} wandb_login_${before})
        endif()
        set(before ${kind})
    endforeach()
    add_custom_target(wandb_login_all ALL DEPENDS wandb_login_${before})
endif()
