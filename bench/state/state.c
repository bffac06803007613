/* SPDX-License-Identifier: MIT */
/*
 * state - what an operation on the shared state costs, beside the least it could
 *
 * Each row is measured in slices that take turns, and shows the median of a slice with its quartiles, in nanoseconds an
 * operation. "by two" is by two processes at once, pinned to a CPU each. The nulls are what memory itself asks for it: a
 * copy of 64 bytes, an atomic addition. With --slices all slices are printed, for bench/programs.py.
 */
#include <brood.h>

#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define SLICES 21
#define SLICE_NS 20000000u
#define KEYS 1000

static struct shared {
	_Atomic uint64_t	counter;
	_Atomic int		go;
	_Atomic double		ns[2];
} *shared;

static char keys[KEYS][24], value[64];
static volatile char sink[64];

static void die(const char *what)
{
	fprintf(stderr, "%s failed\n", what);
	exit(1);
}

static void null_copy(unsigned i)
{
	memcpy((char *)sink, value, sizeof(sink));
}

static void null_add(unsigned i)
{
	atomic_fetch_add(&shared->counter, 1);
}

static void get(unsigned i)
{
	char out[64];

	if (brood_state_get(keys[i % KEYS], out, sizeof(out), NULL) != sizeof(out))
		die(__func__);
}

static void get_one(unsigned i)
{
	char out[64];

	if (brood_state_get(keys[0], out, sizeof(out), NULL) != sizeof(out))
		die(__func__);
}

static void miss(unsigned i)
{
	char out[64];

	if (brood_state_get("nobody", out, sizeof(out), NULL) >= 0)
		die(__func__);
}

static void set(unsigned i)
{
	(void)brood_state_set(keys[i % KEYS], value, sizeof(value), 0);
}

static void set_one(unsigned i)
{
	(void)brood_state_set(keys[0], value, sizeof(value), 0);
}

static void add(unsigned i)
{
	if (brood_state_add("counter", 1, 0, NULL) < 0)
		die(__func__);
}

static const struct row {
	const char	*name;
	void		(*first)(unsigned i);
	void		(*second)(unsigned i);	/* by another process meanwhile; NULL = there is none */
} rows[] = {
	{ "null: copy of 64 bytes",			null_copy, NULL },
	{ "get, 64 bytes of 1,000 keys",		get,	   NULL },
	{ "get of what is not there",			miss,	   NULL },
	{ "set, 64 bytes of 1,000 keys",		set,	   NULL },
	{ "null: atomic addition",			null_add,  NULL },
	{ "add to a counter",				add,	   NULL },
	{ "null: atomic addition, by two",		null_add,  null_add },
	{ "add to the same counter, by two",		add,	   add },
	{ "get, by two",				get,	   get },
	{ "get of one key, another sets it always",	get_one,   set_one },
	{ "set of one key, by two",			set_one,   set_one },
	{ "set of 1,000 keys, by two",			set,	   set },
};
#define ROWS (sizeof(rows) / sizeof(rows[0]))

static uint64_t now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
}

static void pin(int cpu)
{
	cpu_set_t set_of;

	CPU_ZERO(&set_of);
	CPU_SET(cpu, &set_of);
	(void)sched_setaffinity(0, sizeof(set_of), &set_of);
}

/* Return: nanoseconds for each. */
static double run_slice(void (*fn)(unsigned i))
{
	uint64_t begin = now_ns(), end = begin;
	unsigned n = 0;

	while (end - begin < SLICE_NS) {
		for (unsigned i = 0; i < 1000; i++)
			fn(n++);
		end = now_ns();
	}
	return (double)(end - begin) / n;
}

/* The first one's, while the second is at work too. */
static double run_both(const struct row *row)
{
	double ns;
	pid_t pid;

	if (!row->second)
		return run_slice(row->first);
	atomic_store(&shared->go, 0);
	pid = fork();
	if (pid == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		pin(1);
		atomic_store(&shared->go, 1);
		while (atomic_load(&shared->go) == 1)
			for (unsigned i = 0; i < 1000; i++)
				row->second(i);
		_exit(0);
	}
	while (atomic_load(&shared->go) == 0)
		;
	ns = run_slice(row->first);
	atomic_store(&shared->go, 2);
	waitpid(pid, NULL, 0);
	return ns;
}

static int by_size(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

static void print_slices(const char *what, const double *ns)
{
	printf("%s\t", what);
	for (unsigned i = 0; i < SLICES; i++)
		printf("%.2f ", ns[i]);
	printf("\n");
}

static void print_row(const char *what, double *ns)
{
	qsort(ns, SLICES, sizeof(*ns), by_size);
	printf("%-42s %8.1f   %.1f..%.1f\n", what, ns[SLICES / 2], ns[SLICES / 4], ns[SLICES * 3 / 4]);
}

int main(int argc, char **argv)
{
	bool as_slices = argc > 1 && strcmp(argv[1], "--slices") == 0;
	static double ns[ROWS][SLICES];
	struct brood *brood;

	shared = mmap(NULL, sizeof(*shared), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (shared == MAP_FAILED || brood_create(NULL, &brood) < 0)
		return 1;
	pin(0);
	for (unsigned i = 0; i < KEYS; i++) {
		snprintf(keys[i], sizeof(keys[i]), "session:%04u", i);
		set(i);
	}
	for (unsigned slice = 0; slice < SLICES; slice++)
		for (unsigned i = 0; i < ROWS; i++)
			ns[i][slice] = run_both(&rows[i]);
	if (!as_slices)
		printf("%-42s %8s   %s\n", "ns an operation", "median", "quartiles");
	for (unsigned i = 0; i < ROWS; i++)
		if (as_slices)
			print_slices(rows[i].name, ns[i]);
		else
			print_row(rows[i].name, ns[i]);
	brood_destroy(brood);
	return 0;
}
