"""The other side of the Python programs: OpenSSL's command line, which knows nothing of the module."""

import os
import subprocess
import tempfile


def openssl(*arguments, data=b""):
    """Runs a command of OpenSSL and returns what it prints, or None where it says no."""
    done = subprocess.run(["openssl", *arguments], input=data, capture_output=True, check=False)
    return done.stdout if done.returncode == 0 else None


def verifies(public_der, data, signature, *options):
    """Whether a signature over SHA-256 of the data is by the key, given as SubjectPublicKeyInfo."""
    with tempfile.TemporaryDirectory() as place:
        key, signed = _written(place, key=public_der, signature=signature)
        return openssl("dgst", "-sha256", "-keyform", "DER", "-verify", key, "-signature", signed, *options, data=data)


def encrypted(public_der, data, *options):
    """Data encrypted to an RSA key."""
    with tempfile.TemporaryDirectory() as place:
        (key,) = _written(place, key=public_der)
        return openssl("pkeyutl", "-encrypt", "-pubin", "-keyform", "DER", "-inkey", key, *options, data=data)


def agreed(private_pem, public_der):
    """The secret that a private key of OpenSSL and a public one have in common."""
    with tempfile.TemporaryDirectory() as place:
        private, public = _written(place, private=private_pem, public=public_der)
        return openssl("pkeyutl", "-derive", "-inkey", private, "-peerkey", public, "-peerform", "DER")


def _written(place, **files):
    for name, content in files.items():
        with open(os.path.join(place, name), "wb") as file:
            file.write(content)
    return [os.path.join(place, name) for name in files]
