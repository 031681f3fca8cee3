"""The bytes of public keys and signatures, against lines of `KIND PUBLIC SIGNATURE`; each kind is a key pair's label.

PyKCS11 has no encapsulation: of ML-KEM only the public key is measured.
"""

import os
import sys

import PyKCS11
from PyKCS11 import LowLevel as ck

expected, pin = sys.argv[1:]
module = PyKCS11.PyKCS11Lib()
module.load(os.environ["STRONGROOM_MODULE"])
session = module.openSession(module.getSlotList(tokenPresent=True)[0])
session.login(pin)
for line in open(expected):
    kind, public_length, signature_length = line.split()
    public, private = (session.findObjects([(ck.CKA_CLASS, half), (ck.CKA_LABEL, kind)])[0]
                       for half in (ck.CKO_PUBLIC_KEY, ck.CKO_PRIVATE_KEY))
    assert len(session.getAttributeValue(public, [ck.CKA_VALUE])[0]) == int(public_length), line
    if not kind.startswith("ml-kem"):
        mechanism = PyKCS11.Mechanism(ck.CKM_ML_DSA if kind.startswith("ml-dsa") else ck.CKM_SLH_DSA)
        assert len(session.sign(private, b"text", mechanism)) == int(signature_length), line
print("done")
