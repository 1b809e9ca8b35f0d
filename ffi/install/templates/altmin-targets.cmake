# Where the libraries are: found from here, so that all of it may be moved.
get_filename_component(_altmin_prefix "${CMAKE_CURRENT_LIST_FILE}" REALPATH)
get_filename_component(_altmin_prefix "${_altmin_prefix}/../../../@PREFIX_FROM_LIBDIR@" ABSOLUTE)
set(_altmin_libraries "${_altmin_prefix}/@LIBDIR@")

foreach(_altmin_file
    "${_altmin_prefix}/include/altmin.h"
    "${_altmin_libraries}/@SHARED@"
    "${_altmin_libraries}/libaltmin.a"
)
    if(NOT EXISTS "${_altmin_file}")
        set(altmin_FOUND FALSE)
        set(altmin_NOT_FOUND_MESSAGE "${_altmin_file} is not there: install altmin again")
    endif()
endforeach()

if(NOT TARGET altmin::altmin)
    add_library(altmin::altmin SHARED IMPORTED)
    set_target_properties(altmin::altmin PROPERTIES
        IMPORTED_LOCATION "${_altmin_libraries}/@SHARED@"
        IMPORTED_SONAME "@SONAME@"
        INTERFACE_INCLUDE_DIRECTORIES "${_altmin_prefix}/include"
    )
endif()

if(NOT TARGET altmin::static)
    add_library(altmin::static STATIC IMPORTED)
    set_target_properties(altmin::static PROPERTIES
        IMPORTED_LOCATION "${_altmin_libraries}/libaltmin.a"
        IMPORTED_LINK_INTERFACE_LANGUAGES C
        INTERFACE_INCLUDE_DIRECTORIES "${_altmin_prefix}/include"
        INTERFACE_LINK_LIBRARIES "@SYSTEM_LIBRARIES_LIST@"
    )
endif()

unset(_altmin_file)
unset(_altmin_libraries)
unset(_altmin_prefix)
