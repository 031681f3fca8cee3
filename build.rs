//! Linker settings of the module.

fn main() {
    println!("cargo:rerun-if-changed=build.rs");
    for argument in [
        // The name a program linked with -lstrongroom asks the loader for.
        "-soname,libstrongroom.so.0",
        // The function lists point to our own functions, whatever C_* symbols the host has of its own.
        "-Bsymbolic",
        // A thread that used the module may outlive dlclose; its exit handlers must still find code.
        "-z,nodelete",
        // The crypto library's optional allocator hooks must not be taken from the host process.
        "-z,nodynamic-undefined-weak",
    ] {
        println!("cargo:rustc-cdylib-link-arg=-Wl,{argument}");
    }
}
