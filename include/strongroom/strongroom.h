/*
 * What Strongroom adds to PKCS#11: its version, the names of its settings, mechanisms of vendors.
 *
 * A program that keeps to the standard needs only <strongroom/pkcs11.h>, which this header includes.
 *
 * SPDX-License-Identifier: MIT OR Apache-2.0
 */
#ifndef STRONGROOM_STRONGROOM_H
#define STRONGROOM_STRONGROOM_H

#include <strongroom/pkcs11.h>

/* The version of this header. The module that is loaded tells its own in CK_INFO.libraryVersion (C_GetInfo). */
#define STRONGROOM_VERSION_MAJOR 0
#define STRONGROOM_VERSION_MINOR 1
#define STRONGROOM_VERSION_PATCH 0
#define STRONGROOM_VERSION "0.1.0"

/*
 * Environment variables the module reads in C_Initialize.
 *
 * STRONGROOM_DIR: the directory of all tokens. Without it: $XDG_DATA_HOME/strongroom, else ~/.local/share/strongroom;
 * for root /var/lib/strongroom.
 */
#define STRONGROOM_ENV_DIR "STRONGROOM_DIR"
/* The TOML file of settings (strongroom.toml(5)). Without it: strongroom.toml in that directory, then in /etc. */
#define STRONGROOM_ENV_CONF "STRONGROOM_CONF"
/* "stderr" or a file: each call is written there with its arguments, never secrets, its result and the reason. */
#define STRONGROOM_ENV_TRACE "STRONGROOM_TRACE"

/*
 * Mechanisms under the numbers that AWS CloudHSM's PKCS#11 library gives them, for programs written for it: the standard
 * names are CKM_AES_KEY_WRAP, CKM_AES_KEY_WRAP_PKCS7 and CKM_AES_KEY_WRAP_KWP. They take no parameter.
 */
#ifndef CKM_CLOUDHSM_AES_KEY_WRAP_NO_PAD
#define CKM_CLOUDHSM_AES_KEY_WRAP_NO_PAD 0x80002109UL
#define CKM_CLOUDHSM_AES_KEY_WRAP_PKCS5_PAD 0x8000210AUL
#define CKM_CLOUDHSM_AES_KEY_WRAP_ZERO_PAD 0x8000216FUL
#endif

#endif
