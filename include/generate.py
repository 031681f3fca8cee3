#!/usr/bin/env python3
"""Writes include/strongroom/pkcs11.h.

The names, numbers, structures and the order of the function lists are facts of PKCS#11 3.2. They are read from the
machine-made Rust bindings of the cryptoki-sys crate (the same source the module itself is compiled against), so the
header and the module cannot disagree. Only what bindings do not carry is written here: the parameter names of the
functions, the grouping and the words.

    python3 include/generate.py PATH_TO/cryptoki-sys/src/bindings/x86_64-unknown-linux-gnu.rs > pkcs11.h

`tests/header.rs` runs this and compares the result with the checked-in header.
"""

import re
import sys


def main():
    if len(sys.argv) != 2:
        sys.exit(f"usage: {sys.argv[0]} BINDINGS.rs")
    with open(sys.argv[1], encoding="utf-8") as file:
        bindings = Bindings(file.read())
    sys.stdout.write(header(bindings))


def header(bindings):
    parts = [OPENING, basic_types(bindings), constants(bindings), callbacks(), structures(bindings),
             functions(bindings), function_lists(bindings), CLOSING]
    return "\n".join(parts)


class Bindings:
    """What the binding file says, in its order."""

    def __init__(self, text):
        # One declaration may be broken over several lines; white space means nothing.
        self.constants = re.findall(r"pub const (\w+): (\w+) = (\d+);", text)
        self.aliases = [(name, target) for name, target in re.findall(r"pub type (CK_\w+) = (CK_\w+);", text)]
        self.pointers = re.findall(r"pub type (CK_\w+_PTR) =\s*\*mut ([\w:* ]+);", text)
        self.structures = [(name, fields(body)) for name, body in
                           re.findall(r"pub struct (\w+) \{\n(.*?)\n\}", text, re.S) if name.startswith("CK_")]
        self.functions = [(name, arguments(body)) for name, body in re.findall(
            r"pub type CK_(C_\w+) =\s*::std::option::Option<\s*unsafe extern \"C\" fn\((.*?)\) -> CK_RV", text, re.S)]


def fields(body):
    found = re.findall(r"pub (\w+): ([^,]+),", body)
    # Rust reserves `type`; the standard's field has that name.
    return [("type" if name == "type_" else name, rust_type.strip()) for name, rust_type in found]


def arguments(body):
    return [rust_type.strip().rstrip(",") for rust_type in re.findall(r"arg\d+: ([^,]+)", body)]


def c_type(rust_type):
    """The C spelling of a Rust type: `*mut CK_BYTE` is CK_BYTE_PTR, `*mut c_void` is CK_VOID_PTR."""
    levels = rust_type.count("*mut ")
    name = rust_type.replace("*mut ", "").replace("::std::os::raw::", "").strip()
    name = {"c_void": "CK_VOID", "c_uchar": "unsigned char", "c_ulong": "unsigned long"}.get(name, name)
    return name + "_PTR" * levels


def declaration(name, rust_type):
    array = re.fullmatch(r"\[(\w+); (\d+)usize\]", rust_type)
    if array:
        return f"{array.group(1)} {name}[{array.group(2)}];"
    return f"{c_type(rust_type)} {name};"


def basic_types(bindings):
    lines = [section("Basic types (PKCS#11 3.2 section 3)")]
    for name in ["CK_BYTE", "CK_CHAR", "CK_UTF8CHAR", "CK_BBOOL"]:
        lines.append(f"typedef unsigned char {name};")
    lines += ["/* As wide as a pointer on every system this module runs on. */", "typedef unsigned long CK_ULONG;",
              "typedef long CK_LONG;"]
    lines += [f"typedef {target} {name};" for name, target in bindings.aliases if target == "CK_ULONG"]
    derived = [f"typedef {target} {name};" for name, target in bindings.aliases if target != "CK_ULONG"]
    lines += derived
    lines += ["", "typedef void *CK_VOID_PTR;", "typedef CK_VOID_PTR *CK_VOID_PTR_PTR;"]
    structure_names = {name for name, _ in bindings.structures}
    for name, target in bindings.pointers:
        if "c_void" not in target and base_name(target) not in structure_names:
            lines.append(pointer_typedef(name, target))
    return "\n".join(lines) + "\n"


def base_name(rust_type):
    return rust_type.replace("*mut ", "").strip()


def pointer_typedef(name, target):
    return f"typedef {c_type(target)} *{name};"


def constants(bindings):
    parts = []
    remaining = list(bindings.constants)
    for title, prefixes in GROUPS:
        chosen = [constant for constant in remaining if constant[0].startswith(prefixes)]
        remaining = [constant for constant in remaining if constant not in chosen]
        parts.append("\n".join([section(title)] + [define(*constant) for constant in chosen]) + "\n")
    if remaining:
        sys.exit(f"constants of no group: {remaining}")
    return "\n".join(parts)


def define(name, rust_type, value):
    number = int(value)
    if rust_type in ("CK_BYTE", "CK_BBOOL"):
        return f"#define {name} {number}"
    if name == "CK_INVALID_HANDLE":
        extra = "\n/* Answered instead of a length or a count that cannot be told. */"
        return f"#define {name} 0UL{extra}\n#define CK_UNAVAILABLE_INFORMATION (~0UL)"
    return f"#define {name} 0x{number:08X}UL"


def callbacks():
    return "\n".join([
        section("Callbacks"),
        "typedef CK_RV (*CK_NOTIFY)(CK_SESSION_HANDLE hSession, CK_NOTIFICATION event, CK_VOID_PTR pApplication);",
        "typedef CK_RV (*CK_CREATEMUTEX)(CK_VOID_PTR_PTR ppMutex);",
        "typedef CK_RV (*CK_DESTROYMUTEX)(CK_VOID_PTR pMutex);",
        "typedef CK_RV (*CK_LOCKMUTEX)(CK_VOID_PTR pMutex);",
        "typedef CK_RV (*CK_UNLOCKMUTEX)(CK_VOID_PTR pMutex);",
    ]) + "\n"


def structures(bindings):
    names = [name for name, _ in bindings.structures]
    lines = [section("Structures: names and pointers")]
    for name in names:
        lines.append(f"typedef struct {name} {name};")
    declared = set(names)
    lines.append("")
    for name, target in bindings.pointers:
        if base_name(target) in declared:
            lines.append(pointer_typedef(name, target))
    lines.append("")
    lines.append(section("Structures and mechanism parameters"))
    for name, members in bindings.structures:
        if name.startswith("CK_FUNCTION_LIST"):
            continue
        lines.append(f"struct {name} {{")
        lines += [f"    {declaration(field, rust_type)}" for field, rust_type in members]
        lines.append("};\n")
    return "\n".join(lines)


def functions(bindings):
    lines = [section("Functions: types and prototypes (PKCS#11 3.2 section 5)")]
    for name, types in bindings.functions:
        names = PARAMETERS[name].split()
        if len(names) != len(types):
            sys.exit(f"{name}: {len(types)} parameters, {len(names)} names")
        parameters = [f"{c_type(rust_type)} {parameter}" for rust_type, parameter in zip(types, names)]
        lines.append(wrapped(f"typedef CK_RV (*CK_{name})(", parameters))
        lines.append(wrapped(f"CK_RV {name}(", parameters))
        lines.append("")
    return "\n".join(lines)


def wrapped(start, parameters, width=120):
    """A declaration on one line, or broken after commas under the first parameter."""
    lines, line = [], start
    for index, parameter in enumerate(parameters):
        piece = parameter + (");" if index == len(parameters) - 1 else ",")
        if line != start and len(line) + 1 + len(piece) > width:
            lines.append(line)
            line = "    " + piece
        else:
            line += ("" if line == start else " ") + piece
    return "\n".join(lines + [line])


def function_lists(bindings):
    lines = [section("Function lists, in the order the standard fixes")]
    members = dict(bindings.structures)
    for name in ["CK_FUNCTION_LIST", "CK_FUNCTION_LIST_3_0", "CK_FUNCTION_LIST_3_2"]:
        lines.append(f"struct {name} {{")
        lines += [f"    {c_type(rust_type)} {field};" for field, rust_type in members[name]]
        lines.append("};\n")
    return "\n".join(lines)


def section(title):
    return f"/* {title} */"


# Longer prefixes first: a constant goes to the first group that takes it.
GROUPS = [
    ("Version of the standard", ("CRYPTOKI_VERSION_",)),
    ("Object classes", ("CKO_",)),
    ("Attributes", ("CKA_",)),
    ("Key types", ("CKK_",)),
    ("Certificate types", ("CKC_",)),
    ("Hardware features and hedging", ("CKH_",)),
    ("Profiles, parameter sets and pseudo-random functions", ("CKP_",)),
    ("Trust", ("CKT_",)),
    ("Validations", ("CKV_",)),
    ("Flags: each is a bit of the field named in the standard", ("CKF_",)),
    ("Users, session states and notifications", ("CKU_", "CKS_", "CKN_")),
    ("Key derivation functions, mask generation functions, data sources", ("CKD_", "CKG_", "CKZ_")),
    ("Mechanisms", ("CKM_",)),
    ("Return values", ("CKR_",)),
    ("Other values", ("CK_",)),
]

PARAMETERS = {
    "C_Initialize": "pInitArgs",
    "C_Finalize": "pReserved",
    "C_GetInfo": "pInfo",
    "C_GetFunctionList": "ppFunctionList",
    "C_GetSlotList": "tokenPresent pSlotList pulCount",
    "C_GetSlotInfo": "slotID pInfo",
    "C_GetTokenInfo": "slotID pInfo",
    "C_GetMechanismList": "slotID pMechanismList pulCount",
    "C_GetMechanismInfo": "slotID type pInfo",
    "C_InitToken": "slotID pPin ulPinLen pLabel",
    "C_InitPIN": "hSession pPin ulPinLen",
    "C_SetPIN": "hSession pOldPin ulOldLen pNewPin ulNewLen",
    "C_OpenSession": "slotID flags pApplication Notify phSession",
    "C_CloseSession": "hSession",
    "C_CloseAllSessions": "slotID",
    "C_GetSessionInfo": "hSession pInfo",
    "C_GetOperationState": "hSession pOperationState pulOperationStateLen",
    "C_SetOperationState": "hSession pOperationState ulOperationStateLen hEncryptionKey hAuthenticationKey",
    "C_Login": "hSession userType pPin ulPinLen",
    "C_Logout": "hSession",
    "C_CreateObject": "hSession pTemplate ulCount phObject",
    "C_CopyObject": "hSession hObject pTemplate ulCount phNewObject",
    "C_DestroyObject": "hSession hObject",
    "C_GetObjectSize": "hSession hObject pulSize",
    "C_GetAttributeValue": "hSession hObject pTemplate ulCount",
    "C_SetAttributeValue": "hSession hObject pTemplate ulCount",
    "C_FindObjectsInit": "hSession pTemplate ulCount",
    "C_FindObjects": "hSession phObject ulMaxObjectCount pulObjectCount",
    "C_FindObjectsFinal": "hSession",
    "C_EncryptInit": "hSession pMechanism hKey",
    "C_Encrypt": "hSession pData ulDataLen pEncryptedData pulEncryptedDataLen",
    "C_EncryptUpdate": "hSession pPart ulPartLen pEncryptedPart pulEncryptedPartLen",
    "C_EncryptFinal": "hSession pLastEncryptedPart pulLastEncryptedPartLen",
    "C_DecryptInit": "hSession pMechanism hKey",
    "C_Decrypt": "hSession pEncryptedData ulEncryptedDataLen pData pulDataLen",
    "C_DecryptUpdate": "hSession pEncryptedPart ulEncryptedPartLen pPart pulPartLen",
    "C_DecryptFinal": "hSession pLastPart pulLastPartLen",
    "C_DigestInit": "hSession pMechanism",
    "C_Digest": "hSession pData ulDataLen pDigest pulDigestLen",
    "C_DigestUpdate": "hSession pPart ulPartLen",
    "C_DigestKey": "hSession hKey",
    "C_DigestFinal": "hSession pDigest pulDigestLen",
    "C_SignInit": "hSession pMechanism hKey",
    "C_Sign": "hSession pData ulDataLen pSignature pulSignatureLen",
    "C_SignUpdate": "hSession pPart ulPartLen",
    "C_SignFinal": "hSession pSignature pulSignatureLen",
    "C_SignRecoverInit": "hSession pMechanism hKey",
    "C_SignRecover": "hSession pData ulDataLen pSignature pulSignatureLen",
    "C_VerifyInit": "hSession pMechanism hKey",
    "C_Verify": "hSession pData ulDataLen pSignature ulSignatureLen",
    "C_VerifyUpdate": "hSession pPart ulPartLen",
    "C_VerifyFinal": "hSession pSignature ulSignatureLen",
    "C_VerifyRecoverInit": "hSession pMechanism hKey",
    "C_VerifyRecover": "hSession pSignature ulSignatureLen pData pulDataLen",
    "C_DigestEncryptUpdate": "hSession pPart ulPartLen pEncryptedPart pulEncryptedPartLen",
    "C_DecryptDigestUpdate": "hSession pEncryptedPart ulEncryptedPartLen pPart pulPartLen",
    "C_SignEncryptUpdate": "hSession pPart ulPartLen pEncryptedPart pulEncryptedPartLen",
    "C_DecryptVerifyUpdate": "hSession pEncryptedPart ulEncryptedPartLen pPart pulPartLen",
    "C_GenerateKey": "hSession pMechanism pTemplate ulCount phKey",
    "C_GenerateKeyPair": "hSession pMechanism pPublicKeyTemplate ulPublicKeyAttributeCount pPrivateKeyTemplate "
                         "ulPrivateKeyAttributeCount phPublicKey phPrivateKey",
    "C_WrapKey": "hSession pMechanism hWrappingKey hKey pWrappedKey pulWrappedKeyLen",
    "C_UnwrapKey": "hSession pMechanism hUnwrappingKey pWrappedKey ulWrappedKeyLen pTemplate ulAttributeCount phKey",
    "C_DeriveKey": "hSession pMechanism hBaseKey pTemplate ulAttributeCount phKey",
    "C_SeedRandom": "hSession pSeed ulSeedLen",
    "C_GenerateRandom": "hSession pRandomData ulRandomLen",
    "C_GetFunctionStatus": "hSession",
    "C_CancelFunction": "hSession",
    "C_WaitForSlotEvent": "flags pSlot pReserved",
    "C_GetInterfaceList": "pInterfacesList pulCount",
    "C_GetInterface": "pInterfaceName pVersion ppInterface flags",
    "C_LoginUser": "hSession userType pPin ulPinLen pUsername ulUsernameLen",
    "C_SessionCancel": "hSession flags",
    "C_MessageEncryptInit": "hSession pMechanism hKey",
    "C_EncryptMessage": "hSession pParameter ulParameterLen pAssociatedData ulAssociatedDataLen pPlaintext "
                        "ulPlaintextLen pCiphertext pulCiphertextLen",
    "C_EncryptMessageBegin": "hSession pParameter ulParameterLen pAssociatedData ulAssociatedDataLen",
    "C_EncryptMessageNext": "hSession pParameter ulParameterLen pPlaintextPart ulPlaintextPartLen pCiphertextPart "
                            "pulCiphertextPartLen flags",
    "C_MessageEncryptFinal": "hSession",
    "C_MessageDecryptInit": "hSession pMechanism hKey",
    "C_DecryptMessage": "hSession pParameter ulParameterLen pAssociatedData ulAssociatedDataLen pCiphertext "
                        "ulCiphertextLen pPlaintext pulPlaintextLen",
    "C_DecryptMessageBegin": "hSession pParameter ulParameterLen pAssociatedData ulAssociatedDataLen",
    "C_DecryptMessageNext": "hSession pParameter ulParameterLen pCiphertextPart ulCiphertextPartLen pPlaintextPart "
                            "pulPlaintextPartLen flags",
    "C_MessageDecryptFinal": "hSession",
    "C_MessageSignInit": "hSession pMechanism hKey",
    "C_SignMessage": "hSession pParameter ulParameterLen pData ulDataLen pSignature pulSignatureLen",
    "C_SignMessageBegin": "hSession pParameter ulParameterLen",
    "C_SignMessageNext": "hSession pParameter ulParameterLen pDataPart ulDataPartLen pSignature pulSignatureLen",
    "C_MessageSignFinal": "hSession",
    "C_MessageVerifyInit": "hSession pMechanism hKey",
    "C_VerifyMessage": "hSession pParameter ulParameterLen pData ulDataLen pSignature ulSignatureLen",
    "C_VerifyMessageBegin": "hSession pParameter ulParameterLen",
    "C_VerifyMessageNext": "hSession pParameter ulParameterLen pDataPart ulDataPartLen pSignature ulSignatureLen",
    "C_MessageVerifyFinal": "hSession",
    "C_EncapsulateKey": "hSession pMechanism hPublicKey pTemplate ulAttributeCount pCiphertext pulCiphertextLen phKey",
    "C_DecapsulateKey": "hSession pMechanism hPrivateKey pTemplate ulAttributeCount pCiphertext ulCiphertextLen phKey",
    "C_VerifySignatureInit": "hSession pMechanism hKey pSignature ulSignatureLen",
    "C_VerifySignature": "hSession pData ulDataLen",
    "C_VerifySignatureUpdate": "hSession pPart ulPartLen",
    "C_VerifySignatureFinal": "hSession",
    "C_GetSessionValidationFlags": "hSession type pFlags",
    "C_AsyncComplete": "hSession pFunctionName pResult",
    "C_AsyncGetID": "hSession pFunctionName pulID",
    "C_AsyncJoin": "hSession pFunctionName ulID pData ulData",
    "C_WrapKeyAuthenticated": "hSession pMechanism hWrappingKey hKey pAssociatedData ulAssociatedDataLen pWrappedKey "
                              "pulWrappedKeyLen",
    "C_UnwrapKeyAuthenticated": "hSession pMechanism hUnwrappingKey pWrappedKey ulWrappedKeyLen pTemplate "
                                "ulAttributeCount pAssociatedData ulAssociatedDataLen phKey",
}

OPENING = """\
/*
 * PKCS#11 3.2 for C and C++: types, constants, structures and functions.
 *
 * Needs no macro before it and no other header. Written by include/generate.py; change that, not this.
 *
 * SPDX-License-Identifier: MIT OR Apache-2.0
 */
#ifndef STRONGROOM_PKCS11_H
#define STRONGROOM_PKCS11_H

#ifdef __cplusplus
extern "C" {
#endif

/*
 * Programs written for a header that wants these macros defined before it go on compiling: what they defined stays,
 * and what they use without defining it is here.
 */
#ifndef CK_PTR
#define CK_PTR *
#endif
#ifndef NULL_PTR
#define NULL_PTR 0
#endif
#ifndef CK_DECLARE_FUNCTION
#define CK_DECLARE_FUNCTION(returnType, name) returnType name
#endif
#ifndef CK_DECLARE_FUNCTION_POINTER
#define CK_DECLARE_FUNCTION_POINTER(returnType, name) returnType(*name)
#endif
#ifndef CK_CALLBACK_FUNCTION
#define CK_CALLBACK_FUNCTION(returnType, name) returnType(*name)
#endif
"""

CLOSING = """\
#ifdef __cplusplus
}
#endif

#endif
"""

if __name__ == "__main__":
    main()
