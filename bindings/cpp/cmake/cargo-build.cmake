# Builds one KIND of file with cargo: cdylib, staticlib or command. Copies what cargo calls BUILT
# to FILES, in the same order, and makes LINKS to the first one.
cmake_minimum_required(VERSION 3.16)

set(arguments --release --locked --no-default-features "--features=${FEATURES}" --target-dir "${TARGET_DIR}")
if(KIND STREQUAL "command")
    list(INSERT arguments 0 build -p wandb-login-cli)
else()
    list(INSERT arguments 0 rustc -p wandb-login-c --lib --crate-type ${KIND})
endif()
set(folder "${TARGET_DIR}/release")
if(TARGET)
    list(APPEND arguments --target "${TARGET}")
    set(folder "${TARGET_DIR}/${TARGET}/release")
endif()

# CARGO_BUILD_TARGET would change the output directory of cargo.
execute_process(
    COMMAND "${CMAKE_COMMAND}" -E env --unset=CARGO_BUILD_TARGET "${CARGO}" ${arguments}
    WORKING_DIRECTORY "${ROOT}"
    RESULT_VARIABLE status)
if(NOT status EQUAL 0)
    message(FATAL_ERROR "cargo could not build libwandb_login (${KIND})")
endif()

foreach(file IN LISTS FILES)
    list(GET BUILT 0 built)
    list(REMOVE_AT BUILT 0)
    get_filename_component(built "${built}" NAME)
    get_filename_component(directory "${file}" DIRECTORY)
    file(MAKE_DIRECTORY "${directory}")
    execute_process(RESULT_VARIABLE status
        COMMAND "${CMAKE_COMMAND}" -E copy_if_different "${folder}/${built}" "${file}")
    if(NOT status EQUAL 0)
        message(FATAL_ERROR "cargo did not build ${folder}/${built}")
    endif()
endforeach()

list(GET FILES 0 target)
foreach(link IN LISTS LINKS)
    get_filename_component(target "${target}" NAME)
    file(CREATE_LINK "${target}" "${link}" SYMBOLIC)
    set(target "${link}")
endforeach()
