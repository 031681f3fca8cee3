//! rsa_keys
