# Builds the library with one crate type and copies it to OUTPUT with its file names.
set(arguments rustc --release --lib --locked --crate-type ${CRATE_TYPE}
    --no-default-features "--features=${FEATURES}" --target-dir "${TARGET_DIR}")
set(folder "${TARGET_DIR}/release")
if(TARGET)
    list(APPEND arguments --target "${TARGET}")
    set(folder "${TARGET_DIR}/${TARGET}/release")
endif()

# CARGO_BUILD_TARGET would change the output directory of cargo.
execute_process(
    COMMAND "${CMAKE_COMMAND}" -E env --unset=CARGO_BUILD_TARGET
        "${CARGO}" ${arguments} -- --print native-static-libs
    WORKING_DIRECTORY "${CRATE}"
    RESULT_VARIABLE status
    ERROR_VARIABLE output
    ECHO_ERROR_VARIABLE)
if(NOT status EQUAL 0)
    message(FATAL_ERROR "cargo could not build libwandb_login")
endif()

file(MAKE_DIRECTORY "${OUTPUT}")
function(copy from to)
    execute_process(COMMAND "${CMAKE_COMMAND}" -E copy_if_different "${from}" "${to}"
        COMMAND_ERROR_IS_FATAL ANY)
endfunction()

if(CRATE_TYPE STREQUAL "cdylib")
    string(REPLACE ":" ";" NAMES "${NAMES}")
    list(GET NAMES 0 link_name)
    list(GET NAMES 1 soname)
    list(GET NAMES 2 file_name)
    copy("${folder}/${link_name}" "${OUTPUT}/${file_name}")
    file(CREATE_LINK "${file_name}" "${OUTPUT}/${soname}" SYMBOLIC)
    file(CREATE_LINK "${soname}" "${OUTPUT}/${link_name}" SYMBOLIC)
else()
    if(NOT output MATCHES "native-static-libs: ([^\r\n]*)")
        message(FATAL_ERROR "rustc did not list the native libraries of a static link")
    endif()
    string(STRIP "${CMAKE_MATCH_1}" libs)
    # The compiler links these two itself; named here, they break -static and -static-libgcc.
    separate_arguments(libs UNIX_COMMAND "${libs}")
    list(REMOVE_ITEM libs -lgcc_s -lc)
    list(JOIN libs " " libs)
    copy("${folder}/libwandb_login.a" "${OUTPUT}/libwandb_login.a")
    file(CONFIGURE OUTPUT "${OUTPUT}/static-libs.txt" CONTENT "${libs}\n" @ONLY)
endif()
