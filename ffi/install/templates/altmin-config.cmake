# find_package(altmin 0.2) gives the targets altmin::altmin (shared) and altmin::static.
include("${CMAKE_CURRENT_LIST_DIR}/altmin-targets.cmake")
