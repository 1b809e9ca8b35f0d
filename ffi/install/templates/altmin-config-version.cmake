# Whether this is a version that a project asks for.
set(PACKAGE_VERSION "@VERSION@")

# Programs may use what this version has, not what a later one adds; and its interface must still be the one they know.
if(PACKAGE_FIND_VERSION VERSION_GREATER PACKAGE_VERSION)
    set(PACKAGE_VERSION_COMPATIBLE FALSE)
elseif("${PACKAGE_FIND_VERSION}." MATCHES "^@COMPATIBLE@[.]")
    set(PACKAGE_VERSION_COMPATIBLE TRUE)
else()
    set(PACKAGE_VERSION_COMPATIBLE FALSE)
endif()

if(PACKAGE_FIND_VERSION VERSION_EQUAL PACKAGE_VERSION)
    set(PACKAGE_VERSION_EXACT TRUE)
endif()

# Known once the project has enabled a language.
if(CMAKE_SIZEOF_VOID_P AND NOT CMAKE_SIZEOF_VOID_P EQUAL @BYTES_OF_POINTERS@)
    set(PACKAGE_VERSION_UNSUITABLE TRUE)
endif()
