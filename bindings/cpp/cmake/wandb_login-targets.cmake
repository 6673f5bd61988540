# Defines the targets of libwandb_login: wandb_login::shared, ::static, ::wandb_login and ::mpi.
#
# In:   the variables of wandb_login-platform.cmake
#       wandb_login_INCLUDE_DIRS     the folders of the headers
#       wandb_login_MPI_SOURCE       wandb_login_mpi.c
#
# They are global: a project that contains this one as a folder must see them.

add_library(wandb_login::shared SHARED IMPORTED GLOBAL)
set_target_properties(wandb_login::shared PROPERTIES
    IMPORTED_LOCATION "${wandb_login_SHARED}"
    INTERFACE_INCLUDE_DIRECTORIES "${wandb_login_INCLUDE_DIRS}")
if(wandb_login_IMPORT)
    set_target_properties(wandb_login::shared PROPERTIES IMPORTED_IMPLIB "${wandb_login_IMPORT}")
else()
    set_target_properties(wandb_login::shared PROPERTIES IMPORTED_SONAME "${wandb_login_SONAME}")
endif()

if(wandb_login_STATIC)
    add_library(wandb_login::static STATIC IMPORTED GLOBAL)
    set_target_properties(wandb_login::static PROPERTIES
        IMPORTED_LOCATION "${wandb_login_STATIC}"
        INTERFACE_INCLUDE_DIRECTORIES "${wandb_login_INCLUDE_DIRS}"
        INTERFACE_LINK_LIBRARIES "${wandb_login_SYSTEM_LIBS}")
endif()

if(DEFINED BUILD_SHARED_LIBS AND NOT BUILD_SHARED_LIBS AND wandb_login_STATIC)
    add_library(wandb_login::wandb_login ALIAS wandb_login::static)
else()
    add_library(wandb_login::wandb_login ALIAS wandb_login::shared)
endif()

# A source, because the binary interfaces of MPI libraries differ. It needs MPI::MPI_C, or
# MPI::MPI_CXX, from find_package(MPI).
add_library(wandb_login::mpi INTERFACE IMPORTED GLOBAL)
set_target_properties(wandb_login::mpi PROPERTIES
    INTERFACE_SOURCES "${wandb_login_MPI_SOURCE}"
    INTERFACE_LINK_LIBRARIES wandb_login::wandb_login)
