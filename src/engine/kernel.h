/* SPDX-License-Identifier: MIT */
/* kernel - what the kernel's io_uring knows and the headers of liburing 2.3 do not */
#pragma once

#ifndef IORING_ENTER_NO_IOWAIT
#define IORING_ENTER_NO_IOWAIT	(1U << 7)	/* 6.15: an idle ring is not "waiting for I/O" */
#endif
#ifndef IORING_FEAT_NO_IOWAIT
#define IORING_FEAT_NO_IOWAIT	(1U << 17)
#endif
