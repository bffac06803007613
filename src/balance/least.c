/* SPDX-License-Identifier: MIT */
#include "balance/least.h"

#include "base/must.h"

#include <errno.h>
#include <linux/bpf.h>
#include <linux/capability.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

struct least {
	int			 listeners_fd;	/* maps */
	int			 table_fd;
	int			 rows_fd;
	int			 program_fd[LEAST_LISTENERS];
	struct least_table	*table;		/* of this process alone */
	struct least_row	*rows;		/* every worker's as well */
};

#ifdef BUILD_LEAST
#include <least.skel.h>

/* The skeleton lets go of what it has loaded. */
static int load_once(struct least *least)
{
	struct least_bpf *bpf = least_bpf__open();
	int r = bpf ? least_bpf__load(bpf) : -ENOMEM;

	if (r == 0) {
		least->listeners_fd = bpf->maps.listeners.map_fd;
		least->table_fd = bpf->maps.table.map_fd;
		least->rows_fd = bpf->maps.rows.map_fd;
#define PROGRAM(index) least->program_fd[index] = bpf->progs.choose_##index.prog_fd;
		LEAST_EACH_LISTENER(PROGRAM)
#undef PROGRAM
		skel_free(bpf);
	} else {
		least_bpf__destroy(bpf);
	}
	return r;
}

/*
 * The kernel gives up checking a program when this process is to see to something else, such as a ring that ends.
 */
static int load(struct least *least)
{
	int r = -EAGAIN;

	for (int tries = 0; tries < 5 && r == -EAGAIN; tries++)
		r = load_once(least);
	return r;
}
#else
static int load(struct least *least)
{
	return -ENOSYS;
}
#endif

/* Without it the kernel does not refuse, it knows nothing of what the program calls: EINVAL. */
static bool has_perfmon(void)
{
	struct __user_cap_header_struct header = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct data[_LINUX_CAPABILITY_U32S_3] = { { 0 } };

	return syscall(SYS_capget, &header, data) == 0 &&
	       (data[CAP_TO_INDEX(CAP_PERFMON)].effective & CAP_TO_MASK(CAP_PERFMON));
}

static int explain(int error, char *why, size_t size)
{
	if (error == -EINVAL && !has_perfmon())
		error = -EPERM;
	if (error == -ENOSYS)
		snprintf(why, size, "not built in: clang, bpftool or libbpf was missing");
	else if (error == -EPERM || error == -EACCES)
		snprintf(why, size, "needs CAP_BPF and CAP_PERFMON");
	else
		snprintf(why, size, "the kernel refuses the program: %s", strerror(-error));
	return error;
}

static void *map(int fd, size_t n_bytes)
{
	void *at = mmap(NULL, n_bytes, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);

	return at == MAP_FAILED ? NULL : at;
}

/* A worker is to have its rows, and never the table. */
static int map_tables(struct least *least)
{
	least->table = map(least->table_fd, sizeof(*least->table));
	least->rows = map(least->rows_fd, LEAST_ROWS * sizeof(*least->rows));
	if (!least->table || !least->rows || madvise(least->table, sizeof(*least->table), MADV_DONTFORK) < 0)
		return -errno;
	return 0;
}

int least_create(struct least **ret_least, char *why, size_t size)
{
	struct least *least = calloc(1, sizeof(*least));
	int r;

	if (!least)
		return explain(-ENOMEM, why, size);
	least->listeners_fd = least->table_fd = least->rows_fd = -1;
	for (unsigned i = 0; i < LEAST_LISTENERS; i++)
		least->program_fd[i] = -1;
	r = load(least);
	if (r == 0)
		r = map_tables(least);
	if (r < 0) {
		least_destroy(least);
		return explain(r, why, size);
	}
	*ret_least = least;
	return 0;
}

static void close_one(int fd)
{
	if (fd >= 0)
		close(fd);
}

void least_destroy(struct least *least)
{
	if (!least)
		return;
	if (least->table)
		munmap(least->table, sizeof(*least->table));
	if (least->rows)
		munmap(least->rows, LEAST_ROWS * sizeof(*least->rows));
	for (unsigned i = 0; i < LEAST_LISTENERS; i++)
		close_one(least->program_fd[i]);
	close_one(least->listeners_fd);
	close_one(least->table_fd);
	close_one(least->rows_fd);
	free(least);
}

int least_join(struct least *least, unsigned index, unsigned slot, int listen_fd)
{
	const uint32_t key = index * LEAST_SLOTS + slot;
	const uint64_t value = (uint64_t)listen_fd;
	union bpf_attr attr = {
		.map_fd = (uint32_t)least->listeners_fd, .key = (uintptr_t)&key, .value = (uintptr_t)&value,
	};

	must(index < LEAST_LISTENERS && slot < LEAST_SLOTS);
	return syscall(SYS_bpf, BPF_MAP_UPDATE_ELEM, &attr, sizeof(attr)) < 0 ? -errno : 0;
}

void least_leave(struct least *least, unsigned index, unsigned slot)
{
	const uint32_t key = index * LEAST_SLOTS + slot;
	union bpf_attr attr = { .map_fd = (uint32_t)least->listeners_fd, .key = (uintptr_t)&key };

	must(index < LEAST_LISTENERS && slot < LEAST_SLOTS);
	(void)syscall(SYS_bpf, BPF_MAP_DELETE_ELEM, &attr, sizeof(attr));	/* fails only where there is none */
}

int least_attach(struct least *least, unsigned index, int listen_fd)
{
	const int *fd = &least->program_fd[index];

	must(index < LEAST_LISTENERS);
	return setsockopt(listen_fd, SOL_SOCKET, SO_ATTACH_REUSEPORT_EBPF, fd, sizeof(*fd)) < 0 ? -errno : 0;
}

_Atomic uint64_t *least_settled(struct least *least, unsigned row)
{
	must(row < LEAST_ROWS);
	return (_Atomic uint64_t *)&least->rows[row].settled;
}

static struct least_slot *slot_of(const struct least *least, unsigned slot)
{
	must(slot < LEAST_SLOTS);
	return &least->table->slots[slot];
}

void least_resize(struct least *least, unsigned n_slots)
{
	must(n_slots <= LEAST_SLOTS);
	__atomic_store_n(&least->table->n_slots, n_slots, __ATOMIC_RELAXED);
}

void least_assign(struct least *least, unsigned slot, unsigned row, uint64_t n_has)
{
	struct least_slot *s = slot_of(least, slot);

	must(row < LEAST_ROWS);
	__atomic_store_n(&s->row, row, __ATOMIC_RELAXED);
	__atomic_store_n(&s->base, s->base + (uint64_t)least_load(least, slot) - n_has, __ATOMIC_RELAXED);
}

void least_open(struct least *least, unsigned slot, bool open)
{
	__atomic_store_n(&slot_of(least, slot)->open, open, __ATOMIC_RELAXED);
}

/* Of a row that a worker writes: any number may come of it. */
int64_t least_load(const struct least *least, unsigned slot)
{
	const struct least_slot *s = slot_of(least, slot);
	uint64_t settled = __atomic_load_n(&least->rows[s->row].settled, __ATOMIC_RELAXED);

	return (int64_t)(__atomic_load_n(&s->given, __ATOMIC_RELAXED) - s->base - settled);
}

void least_correct(struct least *least, unsigned slot, int64_t by)
{
	struct least_slot *s = slot_of(least, slot);

	__atomic_store_n(&s->base, s->base - (uint64_t)by, __ATOMIC_RELAXED);
}

