# The library of the prefix WANDB_LOGIN_PREBUILT, which has the folders lib and bin.
get_filename_component(prefix "${WANDB_LOGIN_PREBUILT}" ABSOLUTE BASE_DIR "${CMAKE_SOURCE_DIR}")
set(wandb_login_LIB_DIR "${prefix}/lib")
set(wandb_login_BIN_DIR "${prefix}/bin")
include("${CMAKE_CURRENT_LIST_DIR}/wandb_login-platform.cmake")
if(wandb_login_PLATFORM_ERROR)
    message(FATAL_ERROR "${wandb_login_PLATFORM_ERROR}")
endif()
include("${CMAKE_CURRENT_LIST_DIR}/wandb_login-check.cmake")

wandb_login_check_files("${prefix}/include/wandb_login.h" problem)
if(problem)
    message(FATAL_ERROR "libwandb_login ${wandb_login_VERSION} cannot be used from "
        "WANDB_LOGIN_PREBUILT=${WANDB_LOGIN_PREBUILT}: ${problem}")
endif()
message(STATUS "libwandb_login ${wandb_login_VERSION}: prebuilt in ${prefix} (WANDB_LOGIN_PREBUILT)")
file(GLOB wandb_login_NOTICES "${prefix}/share/doc/wandb_login/THIRD-PARTY*")
