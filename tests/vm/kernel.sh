#!/bin/sh
# SPDX-License-Identifier: MIT
#
# kernel.sh: fetches Debian's kernel for the virtual machine, once, without installing it, and prints the folder that
# then holds: vmlinuz, modules/ and modules/order (their names in loading order). Needs apt-get (with package lists),
# dpkg-deb and kmod. Called by check.sh and test-vm.py.
set -eu
PATH=/usr/sbin:/usr/bin:/sbin:/bin:$PATH

# What a machine with a virtual radio needs that Debian builds as modules. For 9p and overlay: the file tree. From drbg to
# ecb: what the kernel's Bluetooth encrypts with; drbg comes first, because ecdh_generic tests itself when it is loaded
# and wants random numbers for that. hci_vhci: the virtual controllers. The rest: hashing and files for bluetoothd.
modules="virtio_pci 9pnet_virtio 9p overlay drbg hmac sha512_generic sha256_generic ctr aes_generic cmac ccm ecb
        ecdh_generic bluetooth hci_vhci uhid af_alg algif_hash algif_skcipher"

# The package that the metapackage stands for now: linux-image-VERSION-amd64.
package_name() {
        apt-cache depends linux-image-amd64 2>/dev/null | awk '/Depends: linux-image-/ { print $2; exit }'
}

lists_update() {
        if [ "$(id -u)" -eq 0 ]; then apt-get -q update; else sudo apt-get -q update; fi >&2
}

# Unpacks kernel and modules of a .deb below a folder.
package_unpack() {
        dpkg-deb --fsys-tarfile "$1" | tar -x -C "$2" --wildcards './boot/vmlinuz-*' './lib/modules/*'
}

# Copies the modules needed, with what they depend on, each name once and in loading order.
modules_copy() {
        release=$(ls "$1/lib/modules")
        depmod -b "$1" "$release"
        mkdir "$2"
        for module in $modules; do
                # Prints "builtin" for what is part of this kernel; fails for what it does not have at all.
                modprobe -d "$1" -S "$release" --show-depends "$module"
        done >"$1/depends"
        awk '$1 == "insmod" && !seen[$2]++ { print $2 }' "$1/depends" | while read -r file; do
                cp "$file" "$2/"
                basename "$file" >>"$2/order"
        done
}

main() {
        cache=${XDG_CACHE_HOME:-/var/tmp/cache-$(id -u)}/crampd-vm
        package=$(package_name)
        if [ -z "$package" ]; then
                lists_update
                package=$(package_name)
        fi
        kernel=$cache/$package
        if [ ! -d "$kernel" ]; then
                mkdir -p "$cache"
                work=$(mktemp -d "$cache/work-XXXXXX")
                trap 'rm -rf "$work"' EXIT
                (cd "$work" && { apt-get -q download "$package" || { lists_update && apt-get -q download "$package"; }; }) >&2
                mkdir "$work/package" "$work/kernel"
                package_unpack "$work/$package"_*.deb "$work/package"
                mv "$work"/package/boot/vmlinuz-* "$work/kernel/vmlinuz"
                modules_copy "$work/package" "$work/kernel/modules"
                [ -s "$work/kernel/modules/order" ]
                # Whole or not at all, also when two run at once.
                mv -T "$work/kernel" "$kernel" 2>/dev/null || [ -d "$kernel" ]
        fi
        echo "$kernel"
}

main
