#!/bin/sh
# Weft on a machine that has neither Node nor network: unpacks weft.tar.xz beside this script once, then runs `weft "$@"`.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
home=${WEFT_HOME:-${TMPDIR:-/tmp}/weft-@DIGEST@}
if [ ! -x "$home/weft/bin/node" ]; then
  fresh=$home.$$
  rm -rf "$fresh"; mkdir -p "$fresh"
  if command -v xz >/dev/null 2>&1; then tar -C "$fresh" -xJf "$here/weft.tar.xz"
  elif command -v python3 >/dev/null 2>&1; then python3 -c 'import sys, tarfile; tarfile.open(sys.argv[1]).extractall(sys.argv[2])' "$here/weft.tar.xz" "$fresh"
  else echo "run.sh: neither xz nor python3 is here to unpack weft.tar.xz" >&2; exit 2; fi
  # One rename: a folder of the final name is complete, also when two start at once.
  mv -T "$fresh" "$home" 2>/dev/null || rm -rf "$fresh"
fi
# Dawn needs a Vulkan loader and the driver's manifest; a system's own comes first.
if ! ldconfig -p 2>/dev/null | grep -q libvulkan.so.1; then
  export LD_LIBRARY_PATH="${LD_LIBRARY_PATH:+$LD_LIBRARY_PATH:}$home/weft/lib"
  for icd in /usr/share/vulkan/icd.d/nvidia_icd.json /etc/vulkan/icd.d/nvidia_icd.json /usr/local/nvidia/share/vulkan/icd.d/nvidia_icd.json; do
    [ -n "${VK_DRIVER_FILES:-}" ] || [ ! -e "$icd" ] || export VK_DRIVER_FILES="$icd"
  done
fi
WEFT_COMMIT=$(cat "$home/weft/COMMIT"); export WEFT_COMMIT
exec "$home/weft/bin/node" "$home/weft/dist/weft.mjs" "$@"
