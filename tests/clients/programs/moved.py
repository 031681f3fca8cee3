"""What `move.py` of docs/clients/softhsm2.md has to cope with, and what it did.

`moved.py make` puts keys of every kind of rights into the old token. `moved.py compare` reads what `move.py` printed,
and compares each object that moved in both tokens. Which they are the same variables say that `move.py` reads.
"""

import os
import sys

import PyKCS11
from PyKCS11 import LowLevel as ck

PUBLIC = [ck.CKA_ENCRYPT, ck.CKA_VERIFY, ck.CKA_VERIFY_RECOVER, ck.CKA_WRAP]
PRIVATE = [ck.CKA_DECRYPT, ck.CKA_SIGN, ck.CKA_SIGN_RECOVER, ck.CKA_UNWRAP]
SECRET = [ck.CKA_ENCRYPT, ck.CKA_DECRYPT, ck.CKA_SIGN, ck.CKA_VERIFY, ck.CKA_WRAP, ck.CKA_UNWRAP]
USAGE = sorted({*PUBLIC, *PRIVATE, *SECRET, ck.CKA_DERIVE, ck.CKA_ENCAPSULATE, ck.CKA_DECAPSULATE})
# What keys on curves can be for here; the other types can do all that SoftHSM2 lets them claim.
CURVES = {ck.CKK_EC: [ck.CKA_SIGN, ck.CKA_VERIFY, ck.CKA_DERIVE], ck.CKK_EC_EDWARDS: [ck.CKA_SIGN, ck.CKA_VERIFY]}
KEPT = [ck.CKA_ID, ck.CKA_KEY_TYPE, ck.CKA_SUBJECT, ck.CKA_MODIFIABLE, ck.CKA_ALWAYS_AUTHENTICATE,
        ck.CKA_ALLOWED_MECHANISMS, ck.CKA_MODULUS, ck.CKA_PUBLIC_EXPONENT, ck.CKA_EC_PARAMS, ck.CKA_APPLICATION,
        ck.CKA_OBJECT_ID, ck.CKA_ISSUER, ck.CKA_SERIAL_NUMBER, ck.CKA_PRIME, ck.CKA_SUBPRIME, ck.CKA_BASE,
        ck.CKA_PARAMETER_SET, ck.CKA_COPYABLE]
# What SoftHSM2 has not, or has otherwise.
OURS = [ck.CKA_CHECK_VALUE, ck.CKA_PUBLIC_KEY_INFO]
OPEN = [ck.CKA_PRIVATE, ck.CKA_VALUE, ck.CKA_EC_POINT]
PROTECTION = [ck.CKA_PRIVATE, ck.CKA_SENSITIVE, ck.CKA_EXTRACTABLE]
KINDS = {"private key": ck.CKO_PRIVATE_KEY, "secret key": ck.CKO_SECRET_KEY, "public key": ck.CKO_PUBLIC_KEY,
         "certificate": ck.CKO_CERTIFICATE, "data object": ck.CKO_DATA}
P256 = bytes.fromhex("06082a8648ce3d030107")
OLD_MODULE = os.environ.get("OLD_MODULE", "/usr/lib/softhsm/libsofthsm2.so")
NEW_MODULE = os.environ["STRONGROOM_MODULE"]


def session_of(module, label):
    library = PyKCS11.PyKCS11Lib()
    library.load(module)
    slots = library.getSlotList(tokenPresent=True)
    slot = next(slot for slot in slots if library.getTokenInfo(slot).label.strip() == label)
    session = library.openSession(slot, ck.CKF_SERIAL_SESSION | ck.CKF_RW_SESSION)
    session.login("1234-user")
    return library, session


def make(session):
    def named(label):
        return [(ck.CKA_TOKEN, True), (ck.CKA_LABEL, label), (ck.CKA_ID, b"\x20")]

    def only(allowed, all_there_are):
        """Every usage said: no default of the token counts."""
        return [(which, which in allowed) for which in all_there_are]

    def rsa(label, public, private, *more):
        session.generateKeyPair(
            named(label) + only(public, PUBLIC) + [(ck.CKA_MODULUS_BITS, 2048), (ck.CKA_PUBLIC_EXPONENT, b"\1\0\1")],
            named(label) + only(private, PRIVATE) + [(ck.CKA_EXTRACTABLE, True), *more])

    def secret(label, usage, *more):
        template = named(label) + only(usage, SECRET) + [(ck.CKA_VALUE_LEN, 32), (ck.CKA_EXTRACTABLE, True), *more]
        session.generateKey(template)

    rsa("signer", [ck.CKA_VERIFY], [ck.CKA_SIGN])
    rsa("opener", [ck.CKA_ENCRYPT], [ck.CKA_DECRYPT])
    rsa("careful", [ck.CKA_VERIFY], [ck.CKA_SIGN], (ck.CKA_ALWAYS_AUTHENTICATE, True))
    one_mechanism = ck.CKM_SHA256_RSA_PKCS.to_bytes(8, sys.byteorder)
    rsa("narrow", [ck.CKA_VERIFY], [ck.CKA_SIGN], (ck.CKA_ALLOWED_MECHANISMS, one_mechanism))
    rsa("guarded", [ck.CKA_VERIFY], [ck.CKA_SIGN], (ck.CKA_WRAP_WITH_TRUSTED, True))
    # Silent: SoftHSM2 lets it decrypt and unwrap.
    session.generateKeyPair(named("curve") + [(ck.CKA_EC_PARAMS, P256)], named("curve") + [(ck.CKA_EXTRACTABLE, True)],
                            PyKCS11.Mechanism(ck.CKM_EC_KEY_PAIR_GEN))
    secret("courier", [ck.CKA_WRAP, ck.CKA_UNWRAP])
    secret("reader", [ck.CKA_DECRYPT], (ck.CKA_MODIFIABLE, False))
    secret("stern", [ck.CKA_UNWRAP], (ck.CKA_UNWRAP_TEMPLATE, [(ck.CKA_EXTRACTABLE, False)]))
    if OLD_MODULE == NEW_MODULE:
        # PyKCS11 knows only two templates by itself.
        session.isAttributeList = lambda which: which in (ck.CKA_UNWRAP_TEMPLATE, ck.CKA_DERIVE_TEMPLATE)
        secret("strict", [ck.CKA_SIGN], (ck.CKA_DERIVE, True), (ck.CKA_DERIVE_TEMPLATE, [(ck.CKA_EXTRACTABLE, False)]))
    # Two keys with the same names are two keys.
    secret("twin", [ck.CKA_ENCRYPT])
    secret("twin", [ck.CKA_DECRYPT])
    session.createObject([
        (ck.CKA_CLASS, ck.CKO_DATA), (ck.CKA_TOKEN, True), (ck.CKA_PRIVATE, True), (ck.CKA_LABEL, "paper"),
        (ck.CKA_APPLICATION, "desk"), (ck.CKA_OBJECT_ID, bytes.fromhex("06032a0304")), (ck.CKA_VALUE, os.urandom(300)),
    ])


def read(session, handle, attributes):
    """The attributes of an object; False, empty and not there are the same."""
    values = session.getAttributeValue(handle, attributes)
    values = [bytes(value) if isinstance(value, tuple) else value for value in values]
    return {which: None if value in (False, b"", b"\0") else value for which, value in zip(attributes, values)}


def compare(old, new, kind, label):
    is_open = kind not in ("private key", "secret key")
    names = [(ck.CKA_CLASS, KINDS[kind]), (ck.CKA_LABEL, label), (ck.CKA_TOKEN, True)]
    attributes = KEPT + USAGE + (OPEN if is_open else []) + (OURS if OLD_MODULE == NEW_MODULE else [])
    before, after = ([read(session, handle, attributes) for handle in session.findObjects(names)]
                     for session in (old, new))
    for one in before:
        possible = CURVES.get(one[ck.CKA_KEY_TYPE], USAGE)
        one.update({which: None for which in USAGE if which not in possible})
    assert before and sorted(before, key=repr) == sorted(after, key=repr), f"{kind} {label}: {before}, now {after}"
    for handle in [] if is_open else new.findObjects(names):
        assert new.getAttributeValue(handle, PROTECTION) == [True, True, False], f"{kind} {label} is unprotected"


old_library, old_session = session_of(OLD_MODULE, os.environ.get("OLD_TOKEN", "old"))
if sys.argv[1] == "make":
    make(old_session)
else:
    new_library, new_session = session_of(NEW_MODULE, os.environ.get("NEW_TOKEN", "first"))
    moved = [line.removesuffix(": moved\n") for line in sys.stdin if line.endswith(": moved\n")]
    for line in moved:
        compare(old_session, new_session, *line.rsplit(" ", 1))
    print(f"{len(moved)} compared")
