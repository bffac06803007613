/* SPDX-License-Identifier: MIT */
/* stamp - the time as logs and events have it: UTC, RFC 3339, with milliseconds */
#pragma once

#define STAMP_BYTES 32

void stamp_now(char out[STAMP_BYTES]);
