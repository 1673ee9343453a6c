# `cpack -G DEB --config build/release/CPackConfig.cmake` makes gatehouse_<version>_<arch>.deb, of
# the program `gatehouse`, which must be built. docs/recipes/debian-package.md has the commands.
include(GNUInstallDirs)
set(CMAKE_SKIP_INSTALL_ALL_DEPENDENCY TRUE)
set(package_files "${CMAKE_SOURCE_DIR}/deploy/package")

install(TARGETS gatehouse RUNTIME DESTINATION bin)
install(FILES "${package_files}/gatehouse.service" DESTINATION lib/systemd/system)
install(FILES "${package_files}/config.yaml" DESTINATION /etc/gatehouse)
install(FILES docs/running.md docs/configuration.md docs/compatibility.md docs/security.md CHANGELOG.md
        DESTINATION share/doc/gatehouse)
# The program has the completion of its commands in it.
install(CODE "
  set(share \"\$ENV{DESTDIR}\${CMAKE_INSTALL_PREFIX}/share\")
  set(program \"$<TARGET_FILE:gatehouse>\")
  foreach(place bash:bash-completion/completions/gatehouse zsh:zsh/vendor-completions/_gatehouse
                fish:fish/vendor_completions.d/gatehouse.fish)
    string(REGEX MATCH \"^[a-z]+\" shell \"\${place}\")
    string(REGEX REPLACE \"^[a-z]+:\" \"\" path \"\${place}\")
    get_filename_component(directory \"\${share}/\${path}\" DIRECTORY)
    file(MAKE_DIRECTORY \"\${directory}\")
    execute_process(COMMAND \"\${program}\" completion \${shell} OUTPUT_FILE \"\${share}/\${path}\"
                    COMMAND_ERROR_IS_FATAL ANY)
  endforeach()
  file(MAKE_DIRECTORY \"\${share}/man/man1\")
  execute_process(COMMAND gzip -9nc \"${CMAKE_SOURCE_DIR}/docs/gatehouse.1\"
                  OUTPUT_FILE \"\${share}/man/man1/gatehouse.1.gz\" COMMAND_ERROR_IS_FATAL ANY)
")

set(CPACK_PACKAGE_NAME gatehouse)
set(CPACK_PACKAGE_VENDOR Gatehouse)
set(CPACK_PACKAGE_CONTACT "Gatehouse <gatehouse@localhost>")
set(CPACK_PACKAGE_DESCRIPTION_SUMMARY "authentication backend with the SuperTokens core's REST interface")
set(CPACK_PACKAGE_DESCRIPTION "Users, sessions, roles and tenants behind the REST interface and in the PostgreSQL tables of the
SuperTokens core, for its SDKs. Without a configured PostgreSQL it runs one of its own.")
set(CPACK_PACKAGING_INSTALL_PREFIX /usr)
set(CPACK_STRIP_FILES ON)
set(CPACK_DEBIAN_FILE_NAME DEB-DEFAULT)
set(CPACK_DEBIAN_PACKAGE_SECTION net)
set(CPACK_DEBIAN_PACKAGE_SHLIBDEPS ON)
set(CPACK_DEBIAN_PACKAGE_DEPENDS "adduser, init-system-helpers (>= 1.54)")
# For the embedded one; of a remote one nothing is needed here.
set(CPACK_DEBIAN_PACKAGE_RECOMMENDS postgresql)
set(CPACK_DEBIAN_PACKAGE_CONTROL_EXTRA "${package_files}/postinst;${package_files}/prerm;${package_files}/postrm;${package_files}/conffiles")
set(CPACK_DEBIAN_PACKAGE_CONTROL_STRICT_PERMISSION TRUE)
include(CPack)
