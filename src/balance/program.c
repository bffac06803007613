/* SPDX-License-Identifier: MIT */
#include "balance/program.h"

#include "base/must.h"

/* Of the network header; the program's data begins behind the TCP header. */
#define NET(offset) ((__u32)(SKF_NET_OFF + (offset)))

/* A source port advances by 2 * (1..8), each as likely: by 9 on the average. */
#define PORTS_A_CONNECTION 9
#define CONNECTIONS_AN_ARC 2
/* The golden ratio of 2^32: near addresses begin far from each other. */
#define SCATTER 2654435769u

struct writer {
	struct sock_filter	*code;
	unsigned		 len;
};

static void put(struct writer *w, __u16 code, __u32 k)
{
	w->code[w->len++] = (struct sock_filter)BPF_STMT(code, k);
}

static void put_jump(struct writer *w, __u16 code, __u32 k, __u8 if_true, __u8 if_false)
{
	w->code[w->len++] = (struct sock_filter)BPF_JUMP(code, k, if_true, if_false);
}

/* A = the last 32 bits of the source address * SCATTER, X = the source port. */
static void put_source(struct writer *w)
{
	put(w, BPF_LD | BPF_B | BPF_ABS, NET(0));
	put(w, BPF_ALU | BPF_RSH | BPF_K, 4);
	put_jump(w, BPF_JMP | BPF_JEQ | BPF_K, 6, 8, 0);
	put(w, BPF_LD | BPF_B | BPF_ABS, NET(0));	/* IPv4: a header of as many words as it says */
	put(w, BPF_ALU | BPF_AND | BPF_K, 0x0f);
	put(w, BPF_ALU | BPF_LSH | BPF_K, 2);
	put(w, BPF_MISC | BPF_TAX, 0);
	put(w, BPF_LD | BPF_H | BPF_IND, NET(0));
	put(w, BPF_MISC | BPF_TAX, 0);
	put(w, BPF_LD | BPF_W | BPF_ABS, NET(12));
	put_jump(w, BPF_JMP | BPF_JA, 3, 0, 0);
	put(w, BPF_LD | BPF_H | BPF_ABS, NET(40));	/* IPv6 */
	put(w, BPF_MISC | BPF_TAX, 0);
	put(w, BPF_LD | BPF_W | BPF_ABS, NET(20));
	put(w, BPF_ALU | BPF_MUL | BPF_K, SCATTER);
}

/* A = the place on the circle, of 2^32 points. */
static void put_place(struct writer *w, unsigned n)
{
	put_source(w);
	put(w, BPF_ST, 0);
	put(w, BPF_MISC | BPF_TXA, 0);
	put(w, BPF_ALU | BPF_MUL | BPF_K, (__u32)((1ull << 32) / (PORTS_A_CONNECTION * CONNECTIONS_AN_ARC * n)));
	put(w, BPF_LDX | BPF_MEM, 0);
	put(w, BPF_ALU | BPF_ADD | BPF_X, 0);
}

static uint64_t sum_of(const uint32_t weights[], unsigned n, unsigned *ret_n_open)
{
	uint64_t sum = 0;

	*ret_n_open = 0;
	for (unsigned i = 0; i < n; i++) {
		sum += weights[i];
		*ret_n_open += weights[i] > 0;
	}
	return sum;
}

/* Whoever is below the end of member i's arc and was not below one before it belongs to i. */
unsigned program_write(const uint32_t weights[], unsigned n, struct sock_filter ret_code[PROGRAM_MOST])
{
	struct writer w = { ret_code, 0 };
	unsigned n_open;
	uint64_t sum = sum_of(weights, n, &n_open);
	uint64_t end = 0;

	must(n > 0 && n <= GROUP_MOST && sum > 0 && sum <= UINT32_MAX);
	put_place(&w, n_open);
	for (unsigned i = 0; end < sum; i++) {
		end += weights[i];
		if (weights[i] == 0)
			continue;
		if (end < sum)
			put_jump(&w, BPF_JMP | BPF_JGE | BPF_K, (__u32)((end << 32) / sum), 1, 0);
		put(&w, BPF_RET | BPF_K, i);
	}
	return w.len;
}
