/* SPDX-License-Identifier: MIT */
#include "balance/program.h"

#include "base/must.h"

static const struct sock_filter load_random = BPF_STMT(BPF_LD | BPF_W | BPF_ABS, (__u32)(SKF_AD_OFF + SKF_AD_RANDOM));

static uint64_t sum_of(const uint32_t weights[], unsigned n)
{
	uint64_t sum = 0;

	for (unsigned i = 0; i < n; i++)
		sum += weights[i];
	return sum;
}

/* Who is below the threshold of member i and was not below one before it belongs to i. */
unsigned program_write(const uint32_t weights[], unsigned n, struct sock_filter ret_code[PROGRAM_MOST])
{
	uint64_t sum = sum_of(weights, n);
	uint64_t below = 0;
	unsigned len = 0;

	must(n > 0 && n <= GROUP_MOST && sum > 0 && sum <= UINT32_MAX);
	ret_code[len++] = load_random;
	for (unsigned i = 0; i < n; i++) {
		below += weights[i];
		if (weights[i] == 0)
			continue;
		if (below == sum) {
			ret_code[len++] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, i);
			break;
		}
		ret_code[len++] = (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JGE | BPF_K,
							       (__u32)((below << 32) / sum), 1, 0);
		ret_code[len++] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, i);
	}
	return len;
}
