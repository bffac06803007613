/* SPDX-License-Identifier: MIT */
/* pin - each worker on a CPU of its own, as far as there are */
#pragma once

struct heritage;

/*
 * With the option, binds this process, and what it starts, to the CPU of its slot. One that cannot be bound runs
 * wherever it may, which the first of a pool says.
 */
void pin_to_cpu(const struct heritage *heritage);
