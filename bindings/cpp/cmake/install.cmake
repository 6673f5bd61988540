# The list of installed files. Components: wandb_login_runtime, wandb_login_development,
# wandb_login_command and wandb_login_documentation.
include(CMakePackageConfigHelpers)
if(NOT DEFINED CMAKE_SIZEOF_VOID_P AND NOT DEFINED CMAKE_INSTALL_LIBDIR)
    set(CMAKE_INSTALL_LIBDIR lib CACHE PATH "Folder of libraries") # else CMake asks a compiler
endif()
include(GNUInstallDirs)
set(package_dir "${CMAKE_INSTALL_LIBDIR}/cmake/wandb_login")
set(data_dir "${CMAKE_INSTALL_DATADIR}/wandb_login")
set(generated "${PROJECT_BINARY_DIR}/package")

# The shared library with its links.
set(runtime COMPONENT wandb_login_runtime)
set(development COMPONENT wandb_login_development)
if(WIN32)
    install(PROGRAMS "${wandb_login_SHARED}" DESTINATION "${CMAKE_INSTALL_BINDIR}" ${runtime})
else()
    install(PROGRAMS "${wandb_login_SHARED}" DESTINATION "${CMAKE_INSTALL_LIBDIR}" ${runtime})
    set(target "${wandb_login_SHARED}")
    set(component ${runtime}) # the soname is for programs, the second link for the linker
    foreach(link IN LISTS wandb_login_LINKS)
        get_filename_component(name "${link}" NAME)
        get_filename_component(target "${target}" NAME)
        file(MAKE_DIRECTORY "${generated}")
        file(CREATE_LINK "${target}" "${generated}/${name}" SYMBOLIC)
        install(FILES "${generated}/${name}" DESTINATION "${CMAKE_INSTALL_LIBDIR}" ${component})
        set(target "${link}")
        set(component ${development})
    endforeach()
endif()

# Headers, what a linker needs, and sources for MPI and Fortran.
install(FILES
    "${wandb_login_ROOT}/include/wandb_login.h"
    "${PROJECT_SOURCE_DIR}/include/wandb_login.hpp"
    "${PROJECT_SOURCE_DIR}/include/wandb_login_curl.hpp"
    "${wandb_login_ROOT}/bindings/mpi/wandb_login_mpi.h"
    DESTINATION "${CMAKE_INSTALL_INCLUDEDIR}" ${development})
install(FILES ${wandb_login_STATIC} ${wandb_login_IMPORTS}
    DESTINATION "${CMAKE_INSTALL_LIBDIR}" ${development})
install(FILES "${wandb_login_ROOT}/bindings/mpi/wandb_login_mpi.c"
    DESTINATION "${data_dir}/mpi" ${development})
install(FILES "${wandb_login_ROOT}/examples/fortran/wandb_run.f90" "${wandb_login_ROOT}/examples/c/wandb_run.c"
    "${wandb_login_ROOT}/examples/c/wandb_run.h" DESTINATION "${data_dir}/fortran" ${development})

# The CMake package. It has no path of its own: it finds its files from where it is.
configure_package_config_file(cmake/wandb_login-config.cmake.in "${generated}/wandb_login-config.cmake"
    INSTALL_DESTINATION "${package_dir}" NO_SET_AND_CHECK_MACRO NO_CHECK_REQUIRED_COMPONENTS_MACRO
    PATH_VARS CMAKE_INSTALL_INCLUDEDIR CMAKE_INSTALL_LIBDIR CMAKE_INSTALL_BINDIR CMAKE_INSTALL_DATADIR)
# The ABI is compatible within a major version, including version 0. The package itself looks
# at the processor, and says more than "not found".
write_basic_package_version_file("${generated}/wandb_login-config-version.cmake"
    COMPATIBILITY SameMajorVersion ARCH_INDEPENDENT)
install(FILES
    "${generated}/wandb_login-config.cmake"
    "${generated}/wandb_login-config-version.cmake"
    cmake/wandb_login-platform.cmake
    cmake/wandb_login-check.cmake
    cmake/wandb_login-targets.cmake
    DESTINATION "${package_dir}" ${development})

# The pkg-config file, which finds the prefix in the same way.
file(RELATIVE_PATH up "/prefix/${CMAKE_INSTALL_LIBDIR}/pkgconfig" "/prefix")
string(REGEX REPLACE "/$" "" pc_prefix "\${pcfiledir}/${up}")
if(IS_ABSOLUTE "${CMAKE_INSTALL_LIBDIR}")
    set(pc_prefix "${CMAKE_INSTALL_PREFIX}")
endif()
foreach(name includedir libdir)
    string(TOUPPER "CMAKE_INSTALL_${name}" variable)
    set(pc_${name} "\${prefix}/${${variable}}")
    if(IS_ABSOLUTE "${${variable}}")
        set(pc_${name} "${${variable}}")
    endif()
endforeach()
foreach(name prefix includedir libdir) # pkg-config splits at spaces
    string(REPLACE " " "\\ " pc_${name} "${pc_${name}}")
endforeach()
list(TRANSFORM wandb_login_SYSTEM_LIBS REPLACE "^([^-].*)" "-l\\1" OUTPUT_VARIABLE pc_system_libs)
string(REPLACE ";" " " pc_system_libs "${pc_system_libs}")
configure_file(cmake/wandb_login.pc.in "${generated}/wandb_login.pc" @ONLY)
install(FILES "${generated}/wandb_login.pc"
    DESTINATION "${CMAKE_INSTALL_LIBDIR}/pkgconfig" ${development})

# The command line, its pages and its completions.
file(GLOB pages "${wandb_login_ROOT}/docs/man/*.1")
if(WANDB_LOGIN_COMMAND)
    set(command COMPONENT wandb_login_command)
    set(completions "${wandb_login_ROOT}/docs/completions")
    install(PROGRAMS "${wandb_login_COMMAND}" DESTINATION "${CMAKE_INSTALL_BINDIR}" ${command})
    install(FILES ${pages} DESTINATION "${CMAKE_INSTALL_MANDIR}/man1" ${command})
    install(FILES "${completions}/wandb-login"
        DESTINATION "${CMAKE_INSTALL_DATADIR}/bash-completion/completions" ${command})
    install(FILES "${completions}/_wandb-login"
        DESTINATION "${CMAKE_INSTALL_DATADIR}/zsh/site-functions" ${command})
    install(FILES "${completions}/wandb-login.fish"
        DESTINATION "${CMAKE_INSTALL_DATADIR}/fish/vendor_completions.d" ${command})
endif()
install(FILES "${wandb_login_ROOT}/docs/man/wandb_login.3"
    DESTINATION "${CMAKE_INSTALL_MANDIR}/man3" ${development})

install(FILES
    "${wandb_login_ROOT}/LICENSE-APACHE"
    "${wandb_login_ROOT}/LICENSE-MIT"
    "${wandb_login_ROOT}/CHANGELOG.md"
    "${wandb_login_ROOT}/README.md"
    ${wandb_login_NOTICES}
    DESTINATION "${CMAKE_INSTALL_DOCDIR}" COMPONENT wandb_login_documentation)

# The root of a release, for add_subdirectory and FetchContent. Only by name:
# `cmake --install BUILD --prefix FOLDER --component wandb_login_archive`.
install(FILES cmake/archive/CMakeLists.txt DESTINATION .
    COMPONENT wandb_login_archive EXCLUDE_FROM_ALL)
