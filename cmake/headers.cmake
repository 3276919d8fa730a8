# The two header-only libraries, as targets `json` and `doctest`. scripts/headers.sh lays them in
# build/headers where a package has them; otherwise they come from their official repositories, at
# the commits that are v3.11.3 and v2.4.11.
#
# Not find_package: a system folder on the include path would show the machine's own headers to the
# WebAssembly build.
set(headers ${CMAKE_SOURCE_DIR}/build/headers)

function(add_headers name file repository commit subfolder)
  set(folder ${headers})
  if(NOT EXISTS ${headers}/${file})
    include(FetchContent)
    FetchContent_Declare(${name} GIT_REPOSITORY ${repository} GIT_TAG ${commit}
      SOURCE_SUBDIR none) # headers only: do not run its CMakeLists.txt
    FetchContent_MakeAvailable(${name})
    set(folder ${${name}_SOURCE_DIR}/${subfolder})
  endif()
  add_library(${name} INTERFACE)
  target_include_directories(${name} SYSTEM INTERFACE ${folder})
endfunction()

add_headers(json nlohmann/json.hpp https://github.com/nlohmann/json
  9cca280a4d0ccf0c08f47a99aa71d1b0e52f8d03 include)
add_headers(doctest doctest/doctest.h https://github.com/doctest/doctest
  ae7a13539fb71f270b87eb2e874fbac80bc8dda2 .)
