# Compiles every shaders/*.comp to SPIR-V, checked by glslang, and makes one source file of them all. A
# shader that has DOT in it is compiled twice: with the int8 dot product of devices that have one, and
# without.
find_program(GLSLANG glslangValidator REQUIRED)
set(shader_folder ${CMAKE_CURRENT_SOURCE_DIR}/vulkan/shaders)
file(GLOB shaders CONFIGURE_DEPENDS ${shader_folder}/*.comp)
file(GLOB shader_parts CONFIGURE_DEPENDS ${shader_folder}/*.glsl)
set(shader_headers)
set(shader_includes "")
set(shader_rows "")

function(handmill_shader file name)
  set(header ${CMAKE_CURRENT_BINARY_DIR}/shaders/${name}.inc)
  add_custom_command(
    OUTPUT ${header}
    COMMAND ${GLSLANG} --quiet -V --target-env vulkan1.2 ${ARGN} --vn ${name} -o ${header} ${file}
    DEPENDS ${file} ${shader_parts}
    COMMENT "Shader ${name}"
    VERBATIM)
  set(shader_headers ${shader_headers} ${header} PARENT_SCOPE)
  set(shader_includes "${shader_includes}#include \"${header}\"\n" PARENT_SCOPE)
  set(shader_rows "${shader_rows}      {\"${name}\", ${name}},\n" PARENT_SCOPE)
endfunction()

foreach(file ${shaders})
  get_filename_component(name ${file} NAME_WE)
  handmill_shader(${file} ${name})
  file(STRINGS ${file} dot_lines REGEX "DOT|dot\\.glsl")
  if(dot_lines)
    handmill_shader(${file} ${name}_dot -DDOT=1)
  endif()
endforeach()
configure_file(vulkan/shaders.cpp.in ${CMAKE_CURRENT_BINARY_DIR}/shaders.cpp @ONLY)
set_source_files_properties(${CMAKE_CURRENT_BINARY_DIR}/shaders.cpp PROPERTIES OBJECT_DEPENDS
                                                                               "${shader_headers}")
target_sources(handmill_backend PRIVATE ${CMAKE_CURRENT_BINARY_DIR}/shaders.cpp)
